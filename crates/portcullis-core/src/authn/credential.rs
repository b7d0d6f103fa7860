//! What a request carries, and why it may be refused.

use std::fmt;
use std::time::Duration;

use crate::account::NotProven;
use crate::authz::CredentialKind;
use crate::fault::Fault;
use crate::password::HashError;
use crate::problem::{Details, Refusal};
use crate::secret::{Digest, SecretText};
use crate::session::SessionToken;
use crate::token::InvalidToken;
use crate::{account, api_key, session};

/// A credential as a request presents it, sorted by its form and not verified yet.
#[derive(Debug)]
pub enum Credential<'r> {
    /// A signed access token.
    Jwt(Bearer<'r>),
    /// An opaque session token.
    Session(session::Token),
    /// An API key, as the hash it is looked up by.
    ApiKey(api_key::KeyDigest),
    /// A text that may be an API key made elsewhere, as the hash that it would be known by. Most such texts are nothing.
    ImportedKey(api_key::KeyDigest),
    /// An identifier and a password.
    Basic(Pair),
}

impl Credential<'_> {
    /// Which kind of credential it is by its form; nothing is verified for it.
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::Jwt(_) => CredentialKind::Jwt,
            Self::Session(_) => CredentialKind::Session,
            Self::ApiKey(_) | Self::ImportedKey(_) => CredentialKind::ApiKey,
            Self::Basic(_) => CredentialKind::Basic,
        }
    }
}

/// An identifier and a password as a request presents them. `Debug` shows nothing of them: who mixes up the fields
/// types a password where the identifier belongs.
#[derive(Clone)]
pub struct Pair {
    /// An address or a user name, as typed.
    pub identifier: SecretText,
    /// The password in plain text, as typed.
    pub password: SecretText,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…redacted…")
    }
}

/// A bearer token that is a JWT by its form. `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct Bearer<'r>(pub &'r str);

impl fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…redacted…")
    }
}

/// A credential by its place and its beginning alone: enough to ask whether the same was verified before. `Debug` shows nothing of
/// it.
#[derive(Clone, Copy)]
pub enum Seeming<'r> {
    /// A signed token's text, of whose form nothing else is known.
    Jwt(&'r [u8]),
    /// A session token, as the hash it is looked up by.
    Session(Digest<SessionToken>),
}

impl Seeming<'_> {
    /// Which kind of credential it seems to be.
    pub const fn kind(&self) -> CredentialKind {
        match self {
            Self::Jwt(_) => CredentialKind::Jwt,
            Self::Session(_) => CredentialKind::Session,
        }
    }
}

impl fmt::Debug for Seeming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…redacted…")
    }
}

/// Why a credential isn't honoured. Told apart in logs and tests; outside all of them are one 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The access token isn't valid.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// There is no such session token.
    #[error("the session token is unknown")]
    UnknownSession,
    /// The token's session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The session wasn't used for too long, or its time is over.
    #[error("the session has timed out")]
    SessionTimedOut,
    /// The access token was revoked.
    #[error("the token was revoked")]
    Revoked,
    /// The text is no API key of this deployment.
    #[error("an API key was presented, but {0}")]
    Key(#[from] api_key::InvalidApiKey),
    /// The text is no credential of this deployment by its form, and no key of it was imported.
    #[error("it hasn't the form of a credential, and no API key of this text was imported")]
    NotImported,
    /// There is no such API key, or it was revoked.
    #[error("the API key is unknown or was revoked")]
    UnknownKey,
    /// The API key is disabled.
    #[error("the API key is disabled")]
    KeyDisabled,
    /// The API key's time is over.
    #[error("the API key has expired")]
    KeyExpired,
    /// The API key was given another text, and the overlap is over.
    #[error("the API key was rotated and its old text is no longer accepted")]
    KeyReplaced,
    /// The account logged out everywhere or changed its password after the token or its session was made.
    #[error("the account's security stamp has changed")]
    StampChanged,
    /// The account may not act.
    #[error("the account is {}", .0.as_str())]
    Account(account::AccountState),
    /// The account is gone.
    #[error("the account doesn't exist")]
    NoAccount,
    /// Only the issuer's database could say whose it is.
    #[error("a resource server without a database accepts signed tokens only")]
    NoDatabase,
    /// Identifier and password aren't those of an account that may act.
    #[error("invalid credentials: {0}")]
    Password(#[from] NotProven),
    /// Nobody's password is kept here.
    #[error("no passwords are kept here")]
    NoPasswords,
}

impl Refusal for Refused {
    fn details(&self) -> Details {
        Details::invalid_token()
    }
}

/// Why nobody could be identified.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuthenticationError {
    /// The credential isn't honoured.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The password couldn't be checked: nobody is let in.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The key is good, but not at the caller's address.
    #[error("this API key may not be used from this address")]
    AddressNotAllowed {
        /// The account that owns the key, for the audit log.
        account: account::Id,
        /// The key that was presented, for the audit log.
        key: api_key::Id,
    },
    /// The key is good, and was used too often.
    #[error("this API key is used more often than its limit allows; wait before the next request")]
    RateLimited {
        /// The account that owns the key, for the audit log.
        account: account::Id,
        /// The key that was presented, for the audit log.
        key: api_key::Id,
        /// How long to wait.
        after: Duration,
    },
    /// It couldn't be found out: nobody is let in.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for AuthenticationError {
    fn details(&self) -> Details {
        match self {
            Self::Refused(reason) => reason.details(),
            Self::Hash(error) => error.details(),
            Self::AddressNotAllowed { .. } => Details::forbidden("address_not_allowed"),
            Self::RateLimited { after, .. } => Details::rate_limited(*after),
            Self::Fault(fault) => fault.details(),
        }
    }
}
