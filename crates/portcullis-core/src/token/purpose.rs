//! Signed tokens for a purpose of the program's own: a link to a download, an unsubscription, a hand-over to another page.
//!
//! A token of a purpose is a JWS by the key ring, of its own type (`typ: download+jwt`) and for its own audience. So no verifier
//! that insists on either takes it for an access token, ours included; an access token is none of it; and no two purposes
//! are mixed up, whatever their claims have in common.
//!
//! Whoever has such a token can use it until it expires: it is shown to whoever may, and for as short as is enough.
//!
//! **Deliberately absent:** revocation, single use and a look at the account. Verifying reads nothing: what must end before
//! its time names something in the claims that the program looks up (a version, a row that is used up).
//!
//! Source: RFC 8725 §3.11 and §3.12

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::claims::is_reserved;
use super::jws::{self, Header, Parts};
use super::verifier::MAX_LEEWAY;
use super::{Id, InvalidToken, Settings};
use crate::account;
use crate::defends;
use crate::environment::{Environment, Timestamp};
use crate::key::{Keyring, SigningFailed, strict};

/// A purpose that tokens are signed for, with what they say as a type.
///
/// ```
/// use portcullis_core::token::Purpose;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Download {
///     file: String,
/// }
///
/// const DOWNLOAD: Purpose<Download> = Purpose::new("download");
/// ```
///
/// A name that isn't one, or has a meaning elsewhere, does not compile:
///
/// ```compile_fail
/// const ACCESS: portcullis_core::token::Purpose<()> = portcullis_core::token::Purpose::new("at");
/// ```
pub struct Purpose<C> {
    name: &'static str,
    claims: PhantomData<fn() -> C>,
}

impl<C> Purpose<C> {
    /// The purpose of this name: 3 to 32 of a-z and hyphens between them. One name has one kind of claims.
    ///
    /// # Panics
    /// For another name, and for one that has a meaning elsewhere, such as `logout` (OpenID Connect Back-Channel Logout §2.4). In a
    /// constant that is an error of the compiler.
    pub const fn new(name: &'static str) -> Self {
        defends!("T217");
        assert!(
            valid_name(name),
            "a purpose's name has 3 to 32 of a-z and hyphens between them, such as download"
        );
        assert!(
            !is_taken(name),
            "tokens of this type have a meaning elsewhere: choose another name"
        );
        Self {
            name,
            claims: PhantomData,
        }
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The `typ` of its tokens.
    fn typ(&self) -> String {
        format!("{}+jwt", self.name)
    }

    /// The `aud` of its tokens.
    fn audience(&self) -> String {
        format!("urn:portcullis:purpose:{}", self.name)
    }
}

impl<C> Clone for Purpose<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Purpose<C> {}

impl<C> fmt::Debug for Purpose<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Purpose").field(&self.name).finish()
    }
}

/// Why no token was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It would be good for no time at all, or for longer than keys are kept for.
    #[error("a token is good for 1 s to {} s here", .longest.as_secs())]
    Lifetime {
        /// How long it may be at most ([`Settings::purpose_lifetime`]).
        longest: Duration,
    },
    /// What it is to say isn't a JSON object.
    #[error("the claims must be a JSON object: {0}")]
    NotAnObject(String),
    /// A claim has a name with a meaning of its own.
    #[error("the claim {0:?} is set by the issuer; choose another name")]
    Reserved(String),
    /// It would be too long for a header line or an address.
    #[error("the claims would make a token of more than {LONGEST} bytes")]
    TooLong,
    /// The key can't sign.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
}

/// A token that is good, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PurposeToken<C> {
    /// What it says.
    pub claims: C,
    /// `sub`: the account it is about, if it is about one. It isn't looked whether the account may still act.
    pub subject: Option<account::Id>,
    /// `jti`: its id, for whoever remembers which were used.
    pub id: Id,
    /// `iat`: when it was signed, in UTC to the second.
    pub issued_at: Timestamp,
    /// `exp`: from when on it is refused, in UTC to the second.
    pub expires_at: Timestamp,
}

/// Role: token manager of one purpose. Signs and verifies.
pub struct PurposeTokens<C> {
    purpose: Purpose<C>,
    keyring: Arc<Keyring>,
    environment: Environment,
    issuer: String,
    longest: Duration,
}

impl<C> PurposeTokens<C> {
    /// Signs with `keyring` as the issuer of `settings`.
    pub fn new(
        purpose: Purpose<C>,
        keyring: Arc<Keyring>,
        environment: Environment,
        settings: &Settings,
    ) -> Self {
        Self {
            purpose,
            keyring,
            environment,
            issuer: settings.issuer.clone(),
            longest: settings.longest_purpose(),
        }
    }

    /// Verifies a token of this purpose: form, key, signature, type, issuer, audience and time, without a leeway for its
    /// end. It says neither that the token is used for the first time nor that its subject may still act.
    ///
    /// # Errors
    /// [`InvalidToken`]; [`InvalidToken::WrongType`] for an access token and for one of another purpose,
    /// [`InvalidToken::Malformed`] also for claims that aren't a `C`.
    pub fn verify(&self, token: &str) -> Result<PurposeToken<C>, InvalidToken>
    where
        C: DeserializeOwned,
    {
        let now = self.environment.now();
        let parts = Parts::split(token)?;
        let header = Header::parse(parts.header)?;
        let kid = header.kid.as_deref().ok_or(InvalidToken::UnknownKey)?;
        let key = self.keyring.verifying(kid, now).ok_or(InvalidToken::UnknownKey)?;
        header.agrees(&key)?;
        parts.check(&key)?;
        defends!("T217");
        if !header.is_type(&self.purpose.typ()) || header.content_type.is_some() {
            return Err(InvalidToken::WrongType);
        }
        let claims = strict::object(&parts.payload()?).ok_or(InvalidToken::Malformed)?;
        self.read(claims, now)
    }

    fn read(&self, mut all: Map<String, Value>, now: Timestamp) -> Result<PurposeToken<C>, InvalidToken>
    where
        C: DeserializeOwned,
    {
        if all.remove("iss") != Some(Value::from(self.issuer.as_str())) {
            return Err(InvalidToken::WrongIssuer);
        }
        if all.remove("aud") != Some(Value::from(self.purpose.audience())) {
            return Err(InvalidToken::WrongAudience);
        }
        let issued_at = seconds(all.remove("iat"))?;
        let expires_at = seconds(all.remove("exp"))?;
        let id = all
            .remove("jti")
            .as_ref()
            .and_then(id_in)
            .ok_or(InvalidToken::Malformed)?;
        let subject = match all.remove("sub") {
            None => None,
            Some(subject) => Some(id_in(&subject).ok_or(InvalidToken::Malformed)?),
        };
        // Another node's clock may be ahead; how long a token is good isn't stretched by it.
        if issued_at > now.plus(MAX_LEEWAY) {
            return Err(InvalidToken::NotYetValid);
        }
        if now >= expires_at {
            return Err(InvalidToken::Expired);
        }
        let claims = serde_json::from_value(Value::Object(all)).map_err(|_| InvalidToken::Malformed)?;
        Ok(PurposeToken {
            claims,
            subject: subject.map(account::Id::from_uuid),
            id: Id::from_uuid(id),
            issued_at,
            expires_at,
        })
    }

    /// Signs a token that says `claims`, about `subject` if it is about an account, good for so long from now on, to the second.
    /// Whoever has its text can use it.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(
        &self,
        claims: &C,
        subject: Option<account::Id>,
        lifetime: Duration,
    ) -> Result<String, SignError>
    where
        C: Serialize,
    {
        let lifetime = Duration::from_secs(lifetime.as_secs());
        if lifetime.is_zero() || lifetime > self.longest {
            return Err(SignError::Lifetime {
                longest: self.longest,
            });
        }
        let mut all = match serde_json::to_value(claims) {
            Ok(Value::Object(all)) => all,
            Ok(_) => return Err(SignError::NotAnObject("it is something else".to_owned())),
            Err(error) => return Err(SignError::NotAnObject(error.to_string())),
        };
        if let Some(name) = all.keys().find(|name| is_reserved(name)) {
            defends!("T218");
            return Err(SignError::Reserved(name.clone()));
        }
        let issued_at = Timestamp::from_seconds(self.environment.now().as_seconds());
        all.insert("iss".to_owned(), self.issuer.as_str().into());
        all.insert("aud".to_owned(), self.purpose.audience().into());
        all.insert("iat".to_owned(), issued_at.as_seconds().into());
        all.insert("exp".to_owned(), issued_at.plus(lifetime).as_seconds().into());
        let id = Id::new(&self.environment);
        all.insert("jti".to_owned(), id.as_uuid().to_string().into());
        if let Some(subject) = subject {
            all.insert("sub".to_owned(), subject.as_uuid().to_string().into());
        }
        let payload = Value::Object(all).to_string();
        let token = jws::sign(&self.keyring.signer(), &self.purpose.typ(), payload.as_bytes())?;
        if token.len() > LONGEST {
            return Err(SignError::TooLong);
        }
        Ok(token)
    }
}

impl<C> fmt::Debug for PurposeTokens<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PurposeTokens")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// Whole seconds, as they are written here.
fn seconds(claim: Option<Value>) -> Result<Timestamp, InvalidToken> {
    let seconds = claim
        .and_then(|claim| claim.as_u64())
        .ok_or(InvalidToken::Malformed)?;
    let seconds = i64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds <= LAST_SECOND);
    seconds
        .map(Timestamp::from_seconds)
        .ok_or(InvalidToken::Malformed)
}

fn id_in(claim: &Value) -> Option<uuid::Uuid> {
    claim.as_str()?.parse().ok()
}

const fn valid_name(name: &str) -> bool {
    let mut rest = name.as_bytes();
    if rest.len() < 3 || rest.len() > 32 || matches!(rest, [b'-', ..] | [.., b'-']) {
        return false;
    }
    while let [byte, tail @ ..] = rest {
        if !matches!(byte, b'a'..=b'z' | b'-') {
            return false;
        }
        rest = tail;
    }
    true
}

const fn is_taken(name: &str) -> bool {
    let mut taken: &[&str] = &TAKEN;
    while let [one, others @ ..] = taken {
        if same(one.as_bytes(), name.as_bytes()) {
            return true;
        }
        taken = others;
    }
    false
}

const fn same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, rest @ ..], [b, more @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        one = rest;
        other = more;
    }
    one.is_empty() && other.is_empty()
}

/// What `typ` means elsewhere, before its `+jwt`: registered media types, and kinds of our own.
const TAKEN: [&str; 17] = [
    "access",
    "client-authentication",
    "dpop",
    "entity-statement",
    "explicit-registration-response",
    "id-token",
    "key-attestation",
    "logout",
    "oauth-authz-req",
    "oauth-client-attestation",
    "oauth-client-attestation-pop",
    "refresh",
    "resolve-response",
    "secevent",
    "token-introspection",
    "trust-mark",
    "wallet-attestation",
];

/// The longest token that is signed, in bytes: what still fits into an address and a header line.
const LONGEST: usize = 4_096;

/// 9999-12-31T23:59:59Z in seconds since 1970: the latest moment that a claim may name.
const LAST_SECOND: i64 = 253_402_300_799;

#[cfg(test)]
mod tests;
