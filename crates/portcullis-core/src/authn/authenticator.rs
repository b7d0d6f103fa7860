//! Verifies credentials: from what a request carries to a [`Principal`].
//!
//! Flow: look the credential's SHA-256 up in the cache; an entry whose generations hold and whose time isn't over is the
//! answer, without any I/O. Otherwise verify it, read the records it rests on, check them, remember the result.
//!
//! Invariants: the generations are read before the records (`T021`). A credential is checked by the records, never by its
//! own claims alone: a signed token of an ended session is refused. While other nodes can't be heard
//! ([`Bus::silence`]), what is remembered counts for [`SHORT_LIFE`] only (`T020`), and never for longer than a quarter
//! of an hour (`T083`).

mod basic;
mod imports;
mod key;
mod login;
mod seen;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quick_cache::sync::Cache;
use uuid::Uuid;

use self::basic::Basic;
use self::imports::Imports;
use crate::authn::directory::is_young;
use crate::authn::{AccountDirectory, AuthenticationError, Credential, Refused, Seeming};
use crate::authz::{Facts, Principal};
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::invalidation::{GenerationSnapshot, Generations};
use crate::throttle::Throttle;
use crate::token::Verifier;
use crate::{api_key, defends, session, token};

/// How a node hears what other nodes invalidated.
pub trait Bus: Send + Sync {
    /// How long ago this node last knew that it had heard everything; zero where there are no other nodes.
    fn silence(&self) -> Duration;
}

/// The bus of a process that shares its database with nobody.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Bus for Alone {
    fn silence(&self) -> Duration {
        Duration::ZERO
    }
}

/// What an [`Authenticator`] rests on.
pub struct AuthenticatorParts {
    /// Where accounts' states, stamps, roles and permissions are read, and remembered.
    pub directory: Arc<AccountDirectory>,
    /// Where session tokens are looked up.
    pub sessions: Arc<dyn session::Store>,
    /// Where it is asked whether an access token was revoked.
    pub tokens: Arc<dyn token::Store>,
    /// Where API keys are looked up by their digest.
    pub api_keys: Arc<dyn api_key::Store>,
    /// What checks signature and claims of access tokens.
    pub verifier: Verifier,
    /// The generations that the store's invalidations move.
    pub generations: Arc<Generations>,
    /// How other nodes are heard.
    pub bus: Arc<dyn Bus>,
    /// Whether an unverified account is refused.
    pub require_verified_email: bool,
    /// How many verified credentials are remembered.
    pub capacity: usize,
    /// What counts how often a key is used.
    pub throttle: Arc<Throttle>,
}

/// Role: verification manager. Turns a credential into a principal.
pub struct Authenticator {
    on: AuthenticatorParts,
    basic: Option<Basic>,
    verified: Cache<[u8; 32], Arc<Entry>>,
    imports: Imports,
    seen: Mutex<HashMap<session::Id, Timestamp>>,
    used: Mutex<HashMap<api_key::Id, (Timestamp, Option<IpAddr>)>>,
}

/// A credential that was verified, and what that rests on.
pub(super) struct Entry {
    pub(super) principal: Arc<Principal>,
    generations: GenerationSnapshot,
    /// The key ring a token was verified with; `None` for what no key of ours signs.
    ring: Option<u64>,
    read_at: Timestamp,
    expires_at: Timestamp,
    idle: Duration,
    last_seen: AtomicI64,
    last_written: AtomicI64,
}

impl Authenticator {
    /// An authenticator on this foundation.
    pub fn new(on: AuthenticatorParts) -> Self {
        let verified = Cache::new(on.capacity);
        Self {
            on,
            basic: None,
            verified,
            imports: Imports::default(),
            seen: Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// Who presents `credential` at `now`, from an address that isn't known: a key that may be used from some
    /// addresses only is refused.
    ///
    /// # Errors
    /// [`AuthenticationError`], as [`Authenticator::authenticate_from`]; nobody is let in.
    pub async fn authenticate(
        &self,
        credential: &Credential<'_>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        self.authenticate_from(credential, None, now).await
    }

    /// Who presents `credential` at `now`, from the address `from`. Counts for the credential's rate.
    ///
    /// # Errors
    /// [`AuthenticationError::Refused`] if it isn't honoured, [`AuthenticationError::Fault`] if that can't be found
    /// out; a good key may be refused for its address or its rate.
    pub async fn authenticate_from(
        &self,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Principal>, AuthenticationError> {
        let entry = self.verify(credential, from, now).await?;
        Ok(Arc::clone(&entry.principal))
    }

    /// The same, with what that rests on.
    pub(super) async fn verify(
        &self,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Entry>, AuthenticationError> {
        let entry = self.verify_again(credential, from, now).await?;
        self.count(&entry.principal, now).await?;
        self.note_seen(&entry, from, now);
        Ok(entry)
    }

    /// The same later in a request that was counted when it began.
    pub(super) async fn verify_again(
        &self,
        credential: &Credential<'_>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Arc<Entry>, AuthenticationError> {
        let entry = self.verified(credential, now).await?;
        self.admit(&entry.principal, from)?;
        Ok(entry)
    }

    async fn verified(
        &self,
        credential: &Credential<'_>,
        now: Timestamp,
    ) -> Result<Arc<Entry>, AuthenticationError> {
        let key = self.cache_key(credential)?;
        match self.remembered(&key, now) {
            Some(entry) => Ok(entry),
            // Kept apart, so that what is remembered costs little room in whatever waits for it.
            None => Box::pin(self.read(key, credential, now)).await,
        }
    }

    fn remembered(&self, key: &[u8; 32], now: Timestamp) -> Option<Arc<Entry>> {
        self.verified.get(key).filter(|entry| self.holds(entry, now))
    }

    /// Who presented the same before, and was verified, if that still holds. Counts as [`Authenticator::verify`] does; `None`
    /// where somebody must look again, for whatever reason.
    pub(super) fn recall(
        &self,
        credential: &Seeming<'_>,
        from: Option<IpAddr>,
        now: Timestamp,
    ) -> Option<Arc<Entry>> {
        let entry = match credential {
            Seeming::Jwt(text) => self.remembered(&cache_key_of(text), now),
            Seeming::Session(digest) => self.remembered(digest.as_bytes(), now),
        }?;
        // Its own entry: neither a key's with networks and a rate, nor a pair's with its throttle.
        if entry.principal.kind() != credential.kind() {
            return None;
        }
        self.note_seen(&entry, from, now);
        Some(entry)
    }

    async fn read(
        &self,
        key: [u8; 32],
        credential: &Credential<'_>,
        now: Timestamp,
    ) -> Result<Arc<Entry>, AuthenticationError> {
        let entry = Arc::new(match credential {
            Credential::Jwt(token) => self.read_jwt(token.0, now).await?,
            Credential::Session(token) => self.read_session(token, now).await?,
            Credential::ApiKey(digest) => self.read_key(*digest, now).await?,
            Credential::ImportedKey(digest) if !self.is_imported(digest, now).await? => {
                return Err(Refused::NotImported.into());
            }
            Credential::ImportedKey(digest) => self.read_key(*digest, now).await?,
            Credential::Basic(pair) => self.read_basic(pair, now).await?,
        });
        self.verified.insert(key, Arc::clone(&entry));
        Ok(entry)
    }

    /// Whether this node hears the others.
    pub fn hears_others(&self) -> bool {
        self.silence() <= SILENCE
    }

    /// How long ago this node last knew that it had heard everything.
    pub fn silence(&self) -> Duration {
        self.on.bus.silence()
    }

    /// Whether what was verified still counts: nothing it rests on was invalidated, and none of its times is over.
    pub(super) fn holds(&self, entry: &Entry, now: Timestamp) -> bool {
        defends!("T020");
        let unchanged = self.on.generations.still_hold(&entry.generations);
        let last_seen = Timestamp::from_micros(entry.last_seen.load(Ordering::Relaxed));
        let same_keys = entry.ring.is_none_or(|ring| ring == self.on.verifier.ring());
        unchanged
            && same_keys
            && now < entry.expires_at
            && now < last_seen.plus(entry.idle)
            && is_young(entry.read_at, now)
            && (self.hears_others() || now.since(entry.read_at) <= SHORT_LIFE)
    }

    /// Whether the account may act at all.
    fn judge_owner(&self, facts: Option<Arc<Facts>>) -> Result<Arc<Facts>, Refused> {
        defends!("T016");
        let facts = facts.ok_or(Refused::NoAccount)?;
        let state = facts.account.state;
        if !state.may_act_where(self.on.require_verified_email) {
            return Err(Refused::Account(state));
        }
        Ok(facts)
    }

    /// What is remembered of the account, or while other nodes can't be heard, what the store says; and when that was
    /// known to be good. What is remembered is as good as what was last heard: an entry made of it must not count as
    /// one that was read now, or it would be honoured for twice as long (`T083`).
    async fn facts(
        &self,
        account: crate::account::Id,
        now: Timestamp,
    ) -> Result<(Option<Arc<Facts>>, Timestamp), Fault> {
        defends!("T083");
        let silence = self.silence();
        if silence > SILENCE {
            return Ok((self.on.directory.read(account, now).await?, now));
        }
        let facts = self.on.directory.facts(account, now).await?;
        Ok((facts, now.minus(silence)))
    }

    /// Reads a record whose subjects aren't known before it is read, and their generations. If something was invalidated
    /// meanwhile, the generations may be younger than the record: it is read again, after them. `None` if there was none from
    /// the beginning; generations without a record if it was gone, or another's, the second time.
    async fn read_marked<T, F>(
        &self,
        find: impl Fn() -> F,
        subjects: impl Fn(&T) -> [Uuid; 3],
    ) -> Result<Option<(Option<T>, GenerationSnapshot)>, Fault>
    where
        F: Future<Output = Result<Option<T>, Fault>>,
    {
        defends!("T021");
        let applied = self.on.generations.applied();
        let Some(found) = find().await? else {
            return Ok(None);
        };
        let named = subjects(&found);
        let generations = self.generations_of(named);
        if self.on.generations.applied() == applied {
            return Ok(Some((Some(found), generations)));
        }
        let again = find().await?.filter(|again| subjects(again) == named);
        Ok(Some((again, generations)))
    }

    /// SHA-256 of a token's text: two credentials never share an entry, and the cache holds no live token. A
    /// password can be guessed from its SHA-256, so a pair's key is made with a secret.
    fn cache_key(&self, credential: &Credential<'_>) -> Result<[u8; 32], Refused> {
        Ok(match credential {
            Credential::Session(token) => *token.digest().as_bytes(),
            Credential::ApiKey(digest) | Credential::ImportedKey(digest) => *digest.as_bytes(),
            Credential::Jwt(token) => cache_key_of(token.0.as_bytes()),
            Credential::Basic(pair) => self.basic()?.cache_key(pair),
        })
    }

    fn generations_of(&self, subjects: [Uuid; 3]) -> GenerationSnapshot {
        defends!("T021");
        self.on.generations.snapshot(subjects)
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("verified", &self.verified.len())
            .finish_non_exhaustive()
    }
}

/// SHA-256 of a signed token's text.
pub(super) fn cache_key_of(text: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text);
    let mut key = [0; 32];
    key.iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    key
}

/// Longer silence than this, and what is remembered counts for [`SHORT_LIFE`] only. Together they bound how long
/// anything revoked elsewhere is honoured: the longer of the two, a second.
const SILENCE: Duration = Duration::from_secs(1);

/// The end of what has none of its own.
const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// How long something remembered counts while other nodes can't be heard.
pub const SHORT_LIFE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
