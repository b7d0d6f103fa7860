//! What an access token says.
//!
//! Reading is strict: a claim of the wrong JSON type, one that is missing or one that is there twice refuses the
//! token. A string `exp` is not "no expiry" and a boolean `nbf` not "from now on" (`T004`).

mod carried;
mod own;
mod remote;
mod wire;
mod written;

use std::time::Duration;

pub use self::carried::{carried, entitled};
pub use self::own::{ClaimSubject, InvalidClaim, OwnClaim, OwnClaims};
pub use self::remote::RemoteClaims;
pub(super) use self::remote::parse as parse_remote;
pub use self::wire::InvalidClaims;
pub(super) use self::wire::{is_reserved, parse, serialise};
use crate::environment::Timestamp;
use crate::session::Method;
use crate::{account, session, token};

/// The claims of an access token.
///
/// Source: RFC 9068 §2.2, RFC 7519 §4.1
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// `iss`: who signed it.
    pub issuer: String,
    /// `aud`: whom it is for.
    pub audience: Vec<String>,
    /// `client_id`: who asked for it. Written into every token; it says nothing here, so it needn't be there.
    pub client: Option<String>,
    /// `sub`: the account it speaks for (RFC 7519 §4.1.2).
    pub account: account::Id,
    /// `jti`: the token's id.
    pub id: token::Id,
    /// `sid`: the session it belongs to.
    pub session: session::Id,
    /// `stamp`: the account's security stamp when it was signed.
    pub stamp: account::Stamp,
    /// `iat`: when it was signed, in UTC to the second (RFC 7519 §4.1.6).
    pub issued_at: Timestamp,
    /// `nbf`: from when on it counts. Left out of what is issued here: it would say what `iat` says, and many readers allow
    /// a clock no tolerance by it. Where a token has it, it counts.
    pub not_before: Option<Timestamp>,
    /// `exp`: from when on it is refused, in UTC to the second (RFC 7519 §4.1.4).
    pub expires_at: Timestamp,
    /// `auth_time`: when the login was made.
    pub authenticated_at: Timestamp,
    /// `amr`: how the login was made.
    pub method: Method,
    /// `scope`: what it is narrowed to; absent is everything the account may do.
    pub scopes: Option<Vec<String>>,
    /// Roles, permissions, organization and custom claims, for services that verify without asking back.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// What a verifier insists on.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The only accepted `iss`.
    pub issuer: String,
    /// The `aud` that must be among the token's.
    pub audience: String,
    /// How far clocks may differ: at most 60 s.
    pub leeway: Duration,
}

/// Why a token isn't valid. Told apart in code and logs; outside all of them are one `invalid_token`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Not a JWS of the compact form, too large, or its header or claims aren't what they must be.
    #[error("malformed token")]
    Malformed,
    /// The header names an extension that must be understood and isn't.
    #[error("the token's critical header isn't understood")]
    Critical,
    /// Another kind of token than the one that is asked for: a refresh, reset or ID token is no access token.
    #[error("another kind of token than is asked for")]
    WrongType,
    /// No key of ours has this `kid`, or the key's algorithm isn't the header's.
    #[error("the token isn't signed by a key of this issuer")]
    UnknownKey,
    /// The signature doesn't match.
    #[error("the token's signature is wrong")]
    BadSignature,
    /// Its `iss` isn't the issuer that is expected.
    #[error("the token is from another issuer")]
    WrongIssuer,
    /// Its `aud` doesn't have the audience that is expected.
    #[error("the token is for another audience")]
    WrongAudience,
    /// It is good only with proof of a key of its holder's, which isn't asked for here.
    #[error("the token is bound to a key of its holder's, and no proof of one is asked for here")]
    Bound,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time hasn't come.
    #[error("the token isn't valid yet")]
    NotYetValid,
}

#[cfg(test)]
pub(super) mod tests;
