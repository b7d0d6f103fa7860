//! Tokens: signed access tokens, rotating refresh tokens, revocation.
//!
//! An access token is a JWS (`typ: at+jwt`, RFC 9068) signed by the key ring and good for minutes. A refresh token
//! is opaque, stored as a digest, good for days, and used once: each refresh mints its successor.
//!
//! **Exactly-once refresh.** The successor is *derived*: HMAC-SHA-256 of the presented token under a server key.
//! Two tabs that refresh at the same moment get the very same successor, and so does a client whose answer was lost, however
//! late it asks again: the family never forks. A token that comes back after its successor was used, and after the grace
//! has passed, ends the family (`T007`).
//!
//! **Deliberately absent:** `alg: none`, an algorithm taken from the token, a key taken from the token.

mod claims;
mod issuer;
pub mod jws;
mod purpose;
pub(crate) mod remote;
mod resource;
mod verifier;

pub use self::claims::{
    AccessClaims, ClaimSubject, Expectation, InvalidClaim, InvalidClaims, InvalidToken, OwnClaim, OwnClaims,
    RemoteClaims, carried, entitled,
};
pub use self::issuer::{AccessToken, Exchanged, IssuedTokens, Issuer, MintError, RefreshError, Settings};
pub use self::purpose::{
    KeptPurpose, KeptTokens, Purpose, PurposeToken, PurposeTokens, RemotePurposeTokens, RemoteTokenError,
    SignError, UseError,
};
pub use self::resource::{Audience, InvalidResource, Resource, UnknownResource};
pub use self::verifier::{MAX_LEEWAY, Verifier};
use crate::environment::Timestamp;
pub use crate::id::TokenId as Id;
use crate::port::port;
pub use crate::session::{NewRefresh, PresentedRefresh, Refresh, RefreshToken};
use crate::{account, audit, session};

/// What [`Store::rotate_refresh`] is to exchange, and what it checks by.
#[derive(Debug, Clone, Copy)]
pub struct RefreshRotation {
    /// The token that was presented.
    pub presented: PresentedRefresh,
    /// The token that takes its place, as the store keeps it.
    pub successor: NewRefresh,
    /// A token used at or after this moment, whose successor was used too, is refused without ending its session.
    pub grace_from: Timestamp,
    /// Whether an unverified account is refused.
    pub require_verified: bool,
}

/// A refresh token that was exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// It was good, and its successor is now the family's only living token.
    Fresh(Box<TokenSubject>),
    /// It was used, and its successor never was: the same answer once more
    /// ([`audit::Action::RefreshRepeated`] outside the grace).
    Again(Box<TokenSubject>),
}

/// What a new access token is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSubject {
    /// The session that the token belongs to, as the store has it now.
    pub session: session::Session,
    /// The session's account, as the store has it now.
    pub account: account::Account,
}

port! {
    /// Where refresh tokens and revocations are kept.
    pub trait Store => token_port;

    /// Exchanges a refresh token for its successor: of any number of parallel calls exactly one is
    /// [`Rotated::Fresh`]. Marks the session as seen at `by.at`. A replay ends the session
    /// ([`audit::Action::RefreshReplayed`]) and invalidates it.
    write fn rotate_refresh(rotation: RefreshRotation, by: audit::Context) -> Result<Rotated, RefreshError>;

    /// The session a refresh token belongs to, used or not; `None` if there is no such token.
    read fn find_refresh(token: PresentedRefresh) -> Option<session::Id>;

    /// Revokes an access token until `expires_at`. Invalidates it. Revoking twice is no error.
    write fn revoke(id: Id, account: account::Id, expires_at: Timestamp, by: audit::Context) -> ();

    /// Uses up a token of a program's purpose ([`KeptPurpose`]) that is good until `expires_at`: of any number of parallel calls
    /// exactly one answers `true`, and none after it was revoked.
    write fn use_up(id: Id, expires_at: Timestamp) -> bool;

    /// Revokes a token of a program's purpose, which is good until `expires_at` at most. Revoking twice, and one that was used, is no
    /// error; it is recorded once.
    write fn revoke_purpose(id: Id, expires_at: Timestamp, by: audit::Context) -> ();

    /// Whether the token was revoked or used up.
    read fn is_revoked(id: Id) -> bool;

    /// Deletes up to `limit` rows of no further use at `now`: expired revocations, refresh and verification tokens,
    /// long-ended sessions, old invalidations. Answers how many; call again while it answers `limit`.
    write fn sweep(now: Timestamp, limit: u32) -> u64;
}
