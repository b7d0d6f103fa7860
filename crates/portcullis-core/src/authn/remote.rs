//! Verifies access tokens of another issuer: from its claims to a [`Principal`], without any database.
//!
//! Flow: look the token's SHA-256 up in the cache; an entry that was verified with the present edition of the key
//! set and whose time isn't over is the answer. Otherwise verify it with the issuer's keys ([`RemoteKeys`]), ask the
//! issuer once for a name that nobody knows, make a principal of the claims, remember it.
//!
//! What the principal may do: the token's `entitlements`, narrowed by its `scope`; a token with a `scope` alone may
//! what that says, and one with neither nothing (`T056`). Roles count only where no `scope` narrows the token.
//!
//! **Invariants:** an account is its issuer's `sub` and nothing else; two subjects are never one account. Nothing is
//! remembered beyond the token's own end, nor beyond the life of the key that signed it; what is remembered is bounded in
//! bytes, and no token is honoured for longer than [`MAX_LIFETIME`] after it was issued (`T097`).
//!
//! **Deployment caveat:** a revocation at the issuer is seen here when the token expires, not before. Where that is
//! too late, keep access tokens short, or keep the route where the database is.
//!
//! **Deliberately absent:** any credential but a signed token; memberships; accounts' addresses, names and states.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use uuid::Uuid;

use crate::account::{self, Account, AccountState, Stamp};
use crate::attribute::Declared;
use crate::authn::authenticator::cache_key_of;
use crate::authn::{AuthenticationError, Bearer, Refused};
use crate::authz::{AccountFacts, CredentialKind, Facts, Principal};
use crate::defends;
use crate::environment::Timestamp;
use crate::key::RemoteKeys;
use crate::scopes::Scopes;
use crate::session;
use crate::token::remote::{MAX_LEEWAY, Outcome, verify};
use crate::token::{self, Expectation, InvalidToken, RemoteClaims};

/// Role: verification manager of a resource server. Turns another issuer's token into a principal.
pub struct RemoteAuthenticator {
    keys: Arc<RemoteKeys>,
    expectation: Expectation,
    max_lifetime: Duration,
    attributes: Declared,
    verified: Cache<[u8; 32], Arc<Entry>, Weigh>,
}

/// A token that was verified, and what that rests on.
pub(super) struct Entry {
    pub(super) principal: Arc<Principal>,
    /// Of the key set it was verified with.
    edition: u64,
    read_at: Timestamp,
    expires_at: Timestamp,
    /// About how many bytes it takes.
    weight: u64,
}

/// Knows how heavy an entry is.
#[derive(Clone)]
struct Weigh;

impl Weighter<[u8; 32], Arc<Entry>> for Weigh {
    fn weight(&self, _: &[u8; 32], entry: &Arc<Entry>) -> u64 {
        entry.weight
    }
}

impl RemoteAuthenticator {
    /// Verifies with `keys`, insists on `expectation`, and remembers up to `capacity` tokens of usual size, a KiB
    /// each: of larger ones fewer. A leeway above 60 s counts as 60 s.
    pub fn new(keys: Arc<RemoteKeys>, mut expectation: Expectation, capacity: usize) -> Self {
        expectation.leeway = expectation.leeway.min(MAX_LEEWAY);
        Self {
            keys,
            expectation,
            max_lifetime: MAX_LIFETIME,
            attributes: Declared::default(),
            verified: Cache::with_weighter(capacity, (capacity as u64).saturating_mul(TYPICAL), Weigh),
        }
    }

    /// For how long after it was issued a token is honoured at most, whatever its issuer says: [`MAX_LIFETIME`].
    #[must_use]
    pub fn with_max_lifetime(mut self, most: Duration) -> Self {
        self.max_lifetime = most;
        self
    }

    /// Which claims of a token are attributes of its account; others say nothing here.
    #[must_use]
    pub fn with_attributes(mut self, declared: Declared) -> Self {
        self.attributes = declared;
        self
    }

    /// The public keys of the issuer that tokens are verified with, fetched where they are missing or old.
    pub fn keys(&self) -> &Arc<RemoteKeys> {
        &self.keys
    }

    /// Who presents `token` at `now`.
    ///
    /// # Errors
    /// [`AuthenticationError::Refused`] if it isn't honoured, [`AuthenticationError::Fault`] if that can't be found
    /// out because the issuer's keys can't be had.
    pub async fn authenticate(
        &self,
        token: Bearer<'_>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        let entry = self.verify(token, now).await?;
        Ok(Arc::clone(&entry.principal))
    }

    /// The same, with what that rests on.
    pub(super) async fn verify(
        &self,
        token: Bearer<'_>,
        now: Timestamp,
    ) -> Result<Arc<Entry>, AuthenticationError> {
        let key = cache_key_of(token.0.as_bytes());
        match self.recall_as(&key, now) {
            Some(entry) => Ok(entry),
            // Seldom: the keys may have to be waited for.
            None => Box::pin(self.read(token, key, now)).await,
        }
    }

    /// Who presented this text before as a token that was verified, if that still holds.
    pub(super) fn recall(&self, text: &[u8], now: Timestamp) -> Option<Arc<Entry>> {
        self.recall_as(&cache_key_of(text), now)
    }

    fn recall_as(&self, key: &[u8; 32], now: Timestamp) -> Option<Arc<Entry>> {
        let edition = self.keys.fresh_edition(now)?;
        self.remembered(key, edition, now)
    }

    async fn read(
        &self,
        token: Bearer<'_>,
        key: [u8; 32],
        now: Timestamp,
    ) -> Result<Arc<Entry>, AuthenticationError> {
        let mut set = self.keys.set(now).await?;
        if let Some(entry) = self.remembered(&key, set.edition, now) {
            return Ok(entry);
        }
        let mut outcome =
            verify(token.0, (&self.keys, &set), &self.expectation, now).map_err(Refused::from)?;
        if matches!(outcome, Outcome::UnknownKey)
            && let Some(newer) = self.keys.after_unknown(&set, now).await?
        {
            set = newer;
            outcome = verify(token.0, (&self.keys, &set), &self.expectation, now).map_err(Refused::from)?;
        }
        let Outcome::Verified(mut claims) = outcome else {
            return Err(Refused::from(InvalidToken::UnknownKey).into());
        };
        defends!("T097");
        claims.expires_at = claims.expires_at.min(claims.issued_at.plus(self.max_lifetime));
        let expires_at = claims.expires_at.plus(self.expectation.leeway);
        if now >= expires_at {
            return Err(Refused::from(InvalidToken::Expired).into());
        }
        let principal = principal(*claims, &self.attributes);
        let entry = Arc::new(Entry {
            edition: set.edition,
            read_at: now,
            expires_at,
            weight: weight(&principal),
            principal: Arc::new(principal),
        });
        self.verified.insert(key, Arc::clone(&entry));
        Ok(entry)
    }

    fn remembered(&self, key: &[u8; 32], edition: u64, now: Timestamp) -> Option<Arc<Entry>> {
        let entry = self.verified.get(key)?;
        entry.holds(edition, now).then_some(entry)
    }

    /// Whether what was verified still counts: the keys are the ones of then, and fresh, and none of its times is over.
    pub(super) fn holds(&self, entry: &Entry, now: Timestamp) -> bool {
        let edition = self.keys.fresh_edition(now);
        edition.is_some_and(|edition| entry.holds(edition, now))
    }
}

impl Entry {
    fn holds(&self, edition: u64, now: Timestamp) -> bool {
        self.edition == edition && now < self.expires_at && now >= self.read_at
    }
}

impl std::fmt::Debug for RemoteAuthenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteAuthenticator")
            .field("keys", &self.keys)
            .field("verified", &self.verified.len())
            .finish_non_exhaustive()
    }
}

/// About how many bytes are kept of a token: each name with what holds it.
fn weight(principal: &Principal) -> u64 {
    let scopes: &[String] = match &principal.scopes {
        Scopes::Only(names) => names,
        Scopes::Everything => &[],
    };
    let names = [
        &principal.facts.rights.roles,
        &principal.facts.rights.permission_names,
    ];
    let names = names.into_iter().flatten().chain(scopes);
    let bytes: usize = names.map(|name| name.len() + NAME_HOLDER).sum();
    let bytes = bytes + principal.facts.attributes.weight();
    TYPICAL.max(LEAST + bytes as u64)
}

/// The principal of verified claims.
fn principal(claims: RemoteClaims, declared: &Declared) -> Principal {
    defends!("T056");
    let uuid = |text: &str| Uuid::try_parse(text).ok();
    let token = uuid(&claims.id).map(|id| (token::Id::from_uuid(id), claims.expires_at));
    let session = claims.session.as_deref().and_then(uuid);
    let scopes = Scopes::from_list(claims.scopes);
    let permissions = match (claims.permissions, &scopes) {
        (Some(permissions), _) => permissions,
        (None, Scopes::Only(names)) => names.clone(),
        (None, Scopes::Everything) => Vec::new(),
    };
    let facts = Facts::from(AccountFacts {
        account: account_of(&claims.subject),
        roles: claims.roles,
        permissions,
        attributes: claims.attributes.of(declared),
    });
    Principal {
        effective: facts.within(&scopes),
        facts: Arc::new(facts),
        kind: CredentialKind::Jwt,
        session: session.map(session::Id::from_uuid),
        token,
        method: claims.method,
        assurance: claims.assurance,
        authenticated_at: claims.authenticated_at,
        scopes,
        key: None,
        signer: None,
    }
}

/// An account of which nothing is known but its issuer's name for it.
fn account_of(subject: &str) -> Account {
    Account {
        id: account_id(subject),
        kind: account::AccountKind::Person,
        email: None,
        username: None,
        state: AccountState::Active,
        email_verified_at: None,
        stamp: Stamp::from_uuid(Uuid::nil()),
        created_at: Timestamp::from_micros(0),
    }
}

/// The id of a subject: itself if it is a UUID as Portcullis writes them, else a UUID made of its SHA-256. The two
/// never meet: what is made has version 8, what is taken as it is has any other.
///
/// Source: RFC 9562 §5.8
fn account_id(subject: &str) -> account::Id {
    defends!("T057");
    let written = Uuid::try_parse(subject)
        .ok()
        .filter(|uuid| uuid.get_version_num() != 8 && uuid.hyphenated().to_string() == subject);
    account::Id::from_uuid(written.unwrap_or_else(|| {
        let hash = digest(&SHA256, &[SUBJECT, subject.as_bytes()].concat());
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(hash.as_ref())
            .for_each(|(to, from)| *to = *from);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }))
}

/// For how long after it was issued a token is honoured at most.
pub const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// What a token of usual size takes in memory.
const TYPICAL: u64 = 1_024;

/// What an entry takes without any names.
const LEAST: u64 = 512;

/// What a name takes beside its own bytes: where it is, how long it is, and its share of the allocator's.
const NAME_HOLDER: usize = 40;

const SUBJECT: &[u8] = b"portcullis:subject:";

#[cfg(test)]
mod tests;
