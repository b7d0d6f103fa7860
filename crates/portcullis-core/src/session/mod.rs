//! Sessions: one login on one device, and everything that hangs on it.
//!
//! A session begins at a login and ends by logout, by an administrator, by its idle or absolute timeout, or with
//! its account. What the device holds is either an opaque session token (looked up by digest) or a pair of access
//! and refresh token that carries the session's id; ending the session ends both at once.
//!
//! `last seen` is kept in memory and written behind (at most once a minute and session), so a request writes nothing.
//!
//! **Deliberately absent:** a session without an absolute end.

mod device_name;
mod refresh;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::device_name::{DeviceName, InvalidDeviceName};
pub use self::refresh::{NewRefresh, PresentedRefresh, Refresh, RefreshToken};
use crate::environment::Timestamp;
use crate::fault::Fault;
pub use crate::id::SessionId as Id;
use crate::job::NewJob;
use crate::port::port;
use crate::secret::{Digest, Opaque, TokenKind};
use crate::{account, audit};

/// The kind of token a browser or an app presents for its session.
#[derive(Debug)]
pub enum SessionToken {}

impl TokenKind for SessionToken {
    const PREFIX: &'static str = "pcs_";
}

/// An opaque session token: 256 random bits, kept by the client, stored as a digest.
pub type Token = Opaque<SessionToken>;

/// How somebody proved who they are.
///
/// Source: RFC 8176 (the `amr` values)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By a password: `pwd` (RFC 8176 §2).
    Password,
}

impl Method {
    /// The value that stands in a token's `amr` (OpenID Connect Core 1.0 §2, RFC 8176 §2).
    pub const fn amr(self) -> &'static str {
        match self {
            Self::Password => "pwd",
        }
    }

    /// How sure the login makes us.
    pub const fn assurance(self) -> Assurance {
        match self {
            Self::Password => Assurance::SingleFactor,
        }
    }

    /// Reads an `amr` value.
    pub fn parse(text: &str) -> Option<Self> {
        (text == "pwd").then_some(Self::Password)
    }
}

/// How many independent factors a login was made with: the `acr` of tokens and challenges.
///
/// Source: RFC 9470 §3, OpenID Connect Core 1.0 §2
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Assurance {
    /// One factor, such as a password alone.
    SingleFactor,
    /// Two independent factors.
    MultiFactor,
}

impl Assurance {
    /// The value that stands in tokens and challenges: `acr` (OpenID Connect Core 1.0 §2, RFC 9470 §3).
    pub const fn acr(self) -> &'static str {
        match self {
            Self::SingleFactor => "urn:portcullis:acr:1",
            Self::MultiFactor => "urn:portcullis:acr:2",
        }
    }
}

/// What is known of the device at the other end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// Its `User-Agent`, at most 256 characters.
    pub user_agent: Option<String>,
    /// The address it logged in from.
    pub ip: Option<IpAddr>,
    /// The name its owner gave it, at most 64 characters.
    pub name: Option<String>,
}

/// What [`Store::open`] writes of a session.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The session's id, minted by the login: the `sid` of its access tokens.
    pub id: Id,
    /// The account that logged in.
    pub account: account::Id,
    /// The account's stamp as the login read it; another stamp by now refuses the session.
    pub stamp: account::Stamp,
    /// Whether an unverified account is refused.
    pub require_verified: bool,
    /// The digest of its opaque token, for sessions that have one.
    pub token: Option<Digest<SessionToken>>,
    /// Its first refresh token, for sessions that have one.
    pub refresh: Option<NewRefresh>,
    /// The device that logged in, as far as it is known.
    pub device: Device,
    /// How the login was made: the `amr` of its access tokens.
    pub method: Method,
    /// The scopes it is narrowed to; `None` is everything the account may do.
    pub scopes: Option<Vec<String>>,
    /// How long it may stay unused.
    pub idle: Duration,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// How many live sessions the account may have; the least recently seen ones are ended to make room.
    pub limit: u32,
    /// What tells the owner of the session, written if the device is a new one.
    pub news: Option<NewJob>,
}

/// Words what is told about sessions.
pub trait News: Send + Sync {
    /// The job that tells the account's owner that it is used on a device it wasn't used on before; `None` where nobody
    /// can be told.
    ///
    /// # Errors
    /// If it can't be written down.
    fn new_device(
        &self,
        account: &account::Account,
        device: &Device,
        by: &audit::Context,
    ) -> Result<Option<NewJob>, Fault>;
}

/// A session as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session's id, a UUID v7: the `sid` of its access tokens, and no secret.
    pub id: Id,
    /// The account that logged in.
    pub account: account::Id,
    /// The account's stamp when the session was opened. A session is worth nothing once the account has another, so
    /// a verb that changes the stamp ends every session, wherever it is kept.
    pub stamp: account::Stamp,
    /// The device that logged in, as far as it is known.
    pub device: Device,
    /// How the login was made.
    pub method: Method,
    /// The scopes it is narrowed to; `None` is everything the account may do.
    pub scopes: Option<Vec<String>>,
    /// When the login was made.
    pub authenticated_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// How long it may stay unused.
    pub idle: Duration,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

impl Session {
    /// Whether the session lives at `now`: it was used recently enough and its end hasn't come.
    pub fn lives_at(&self, now: Timestamp) -> bool {
        now < self.expires_at && now < self.last_seen_at.plus(self.idle)
    }
}

/// A session that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The account has had sessions before, and none with this user agent.
    pub new_device: bool,
    /// The sessions that were ended to make room.
    pub ended: Vec<Id>,
}

/// The account, in this state, may not log in any more, or its stamp changed since the login read it. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the account is {}, or changed meanwhile", .0.as_str())]
pub struct NotOpened(pub account::AccountState);

/// Why a session ended; the audit event's detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its owner logged out on that device.
    Logout,
    /// Its owner, or an administrator, ended it from elsewhere.
    Ended,
    /// It was the least recently seen one when the account had too many.
    Evicted,
    /// Its refresh token was replayed.
    Replay,
}

impl Ending {
    /// The word that stands in the audit event's detail.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Ended => "ended",
            Self::Evicted => "evicted",
            Self::Replay => "replay",
        }
    }
}

/// What becomes of an account's API keys when everything else that it was given ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKeyHandling {
    /// They stay as they are: programs go on.
    Stay,
    /// They are disabled, until somebody enables each of them again.
    Disable,
    /// They end for ever.
    Revoke,
}

/// What [`Store::end_everything`] ended, and left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Everything {
    /// How many sessions ended.
    pub sessions: u64,
    /// How many API keys were disabled or revoked.
    pub keys: u64,
    /// How many API keys are honoured still.
    pub keys_left: u64,
}

port! {
    /// Where sessions are kept. Every verb is atomic, and one that ends sessions invalidates them.
    pub trait Store => session_port;

    /// Opens a session and its refresh family ([`audit::Action::SessionOpened`]), if the account may log in and
    /// still has the given stamp.
    write fn open(new: NewSession, by: audit::Context) -> Result<Opened, NotOpened>;

    /// The session with this token, if it has not ended. Timeouts are the caller's to check.
    read fn find_by_token(token: Digest<SessionToken>) -> Option<Session>;

    /// The session with this id, if it has not ended. Timeouts are the caller's to check.
    read fn find(id: Id) -> Option<Session>;

    /// The account's sessions that live at `now`, most recently seen first.
    read fn list(account: account::Id, now: Timestamp) -> Vec<Session>;

    /// Names the account's session. Answers `false` if it has no such session.
    write fn rename(account: account::Id, id: Id, name: String, by: audit::Context) -> bool;

    /// Replaces the session's token, for a change of privilege. Answers `false` if `old` isn't its token any more.
    write fn renew(id: Id, old: Digest<SessionToken>, new: Digest<SessionToken>, by: audit::Context) -> bool;

    /// Ends the account's session and its refresh family. Answers `false` if it has no such living session.
    write fn end(account: account::Id, id: Id, why: Ending, by: audit::Context) -> bool;

    /// Ends all sessions of the account but `keep`, with their refresh families. Answers how many.
    write fn end_others(account: account::Id, keep: Id, by: audit::Context) -> u64;

    /// Ends all sessions of the account and gives it a new stamp, so that every token it ever got is refused; its API
    /// keys as `keys` says ([`audit::Action::ApiKeyChanged`], [`audit::Action::ApiKeyRevoked`], one each).
    write fn end_everything(
        account: account::Id,
        stamp: account::Stamp,
        keys: ApiKeyHandling,
        by: audit::Context,
    ) -> Everything;

    /// Writes down when sessions were last seen; never moves one back, never revives an ended one.
    write fn touch(seen: Vec<(Id, Timestamp)>) -> ();
}

#[cfg(test)]
mod tests;
