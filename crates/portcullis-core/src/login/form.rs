//! What a login is asked with, and what comes of it.

use async_trait::async_trait;

use crate::account::{self, Account, PasswordsError};
use crate::audit;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::hook::{HookError, HookRefusal};
use crate::password::HashError;
use crate::problem::{Details, Refusal};
use crate::secret::SecretText;
use crate::session::{Device, Id, Token};
use crate::token::{self, Audience};

/// What the device gets to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// An access token and a refresh token.
    Tokens,
    /// An opaque session token that a program keeps.
    Session(Stay),
    /// The same in a cookie, which a browser keeps.
    Cookie(Stay),
}

/// How long a session stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// The short profile: in a cookie, no longer than the browser is open.
    Brief,
    /// The "remember me" profile.
    Remembered,
}

/// What somebody logs in with.
#[derive(Debug, Clone)]
pub struct LoginForm {
    /// An address or a user name, as typed.
    pub identifier: String,
    /// The password in plain text, as typed.
    pub password: SecretText,
    /// What the device gets.
    pub delivery: Delivery,
    /// Scopes to be narrowed to; `None` is everything the account may do.
    pub scopes: Option<Vec<String>>,
    /// Whom the access token is for; `None` is the issuer itself. A session is always for the issuer.
    pub audience: Option<Audience>,
    /// The device that logs in, as far as it is known: for the session list and the audit log.
    pub device: Device,
}

/// What a login gives.
#[derive(Debug, Clone)]
pub enum LoggedIn {
    /// The login gives an access token and a refresh token, as [`Delivery::Tokens`] asked.
    Tokens {
        /// The tokens as the caller gets them.
        issued: Box<token::IssuedTokens>,
        /// The account that logged in.
        account: Account,
        /// The account has had sessions before, and none from such a device.
        new_device: bool,
    },
    /// The login gives an opaque session token, as [`Delivery::Session`] or [`Delivery::Cookie`] asked.
    Session {
        /// The session's id: what it is named by in lists, and no secret.
        id: Id,
        /// Its token, shown once.
        token: Token,
        /// The account that logged in.
        account: Account,
        /// Until when at most.
        expires_at: Timestamp,
        /// How it was asked for.
        delivery: Delivery,
        /// The account has had sessions before, and none from such a device.
        new_device: bool,
    },
}

/// A login whose password was right, before its session is opened.
#[derive(Debug, Clone)]
pub struct OpeningSession<'l> {
    /// Who logs in.
    pub account: &'l Account,
    /// What the device is to get.
    pub delivery: Delivery,
    /// What the session is to be narrowed to; `None` is everything that the account may do.
    pub scopes: Option<&'l [String]>,
    /// The device, as far as it is known.
    pub device: &'l Device,
    /// When and from where.
    pub by: &'l audit::Context,
}

/// What a program does when somebody logs in, in the transaction that opens the session. It isn't asked when tokens are
/// refreshed, nor about API keys.
#[async_trait]
pub trait LoginHook: Send + Sync {
    /// How it is called where its refusals are explained.
    fn name(&self) -> &str;

    /// Called when the password is known to be right and before the session is opened.
    ///
    /// # Errors
    /// [`HookError`]: nobody is logged in.
    async fn logging_in(&self, opening: OpeningSession<'_>) -> Result<(), HookError>;
}

/// Why nobody was logged in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoginError {
    /// No such account, or not its password: never told apart.
    #[error("invalid credentials")]
    WrongCredentials,
    /// The password was right, but the account may not log in.
    #[error("the password is right, but the account is {}{}", .0.as_str(), .0.way_out())]
    Account(account::AccountState),
    /// None of the asked scopes may be given to this account.
    #[error("none of the scopes asked for can be granted to this account")]
    InvalidScope,
    /// More scopes than a token holds.
    #[error("the scopes asked for are longer than a token holds; ask for fewer")]
    ScopesTooLong,
    /// The password was right, but a hook of the program refused.
    #[error(transparent)]
    Hook(#[from] HookRefusal),
    /// The password couldn't be checked.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// No token could be signed.
    #[error(transparent)]
    Signing(#[from] token::MintError),
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for LoginError {
    fn details(&self) -> Details {
        match self {
            Self::WrongCredentials => Details::unauthenticated("invalid_credentials"),
            Self::Account(state) => Details::forbidden(state.code()),
            Self::InvalidScope | Self::ScopesTooLong => Details::bad_request("invalid_scope"),
            Self::Hook(refusal) => refusal.details(),
            Self::Hash(error) => error.details(),
            Self::Signing(_) => Details::internal(),
            Self::Fault(fault) => fault.details(),
        }
    }
}

impl From<PasswordsError> for LoginError {
    fn from(error: PasswordsError) -> Self {
        match error {
            PasswordsError::Hash(error) => Self::Hash(error),
            PasswordsError::Fault(fault) => Self::Fault(fault),
        }
    }
}
