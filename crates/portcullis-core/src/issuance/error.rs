//! Why a key was not made, and why not changed or rotated.

use crate::account;
use crate::api_key::Settings;
use crate::authz::Denied;
use crate::environment::Timestamp;
use crate::fault::Fault;

/// Why no key was made. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CreateError {
    /// Permissions that nobody declared, and permissions that owner or maker haven't.
    #[error("these permissions can't be given: {}", [unknown.as_slice(), exceeding.as_slice()].concat().join(", "))]
    Permissions {
        /// Those that nobody declared.
        unknown: Vec<String>,
        /// Those that owner or maker haven't.
        exceeding: Vec<String>,
    },
    /// Another's key acts wherever its owner is a member.
    #[error("the account is a member of organizations: the role administrator handles its keys")]
    Belongs,
    /// It would have ended before it began.
    #[error("the key would end before it begins: give a later moment, or none")]
    Expired,
    /// The account has as many as it may have.
    #[error("the account has {0} keys already: revoke one first")]
    TooMany(u32),
    /// The owner may not act.
    #[error("the account is {}", .0.as_str())]
    Account(account::State),
    /// There is no such account.
    #[error("there is no such account")]
    NoAccount,
    /// People make their own keys.
    #[error("keys are made for service accounts only: people make their own")]
    NotAService,
    /// A machine's credential makes no keys.
    #[error("log in: a key can't make another")]
    NotPersonal,
    /// The login that asked was ended meanwhile, with everything of the account.
    #[error("everything of the account was ended meanwhile: log in again")]
    LoggedOut,
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a key was not rotated. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RotateError {
    /// The account has no such key.
    #[error("there is no such key")]
    Unknown,
    /// The overlap is too long.
    #[error("the overlap goes up to {} days", Settings::LONGEST_OVERLAP.as_secs() / 86_400)]
    OverlapTooLong,
    /// The text before is still honoured.
    #[error("the text before the last rotation is good until {0}: wait, or rotate without overlap")]
    Running(Timestamp),
    /// Another rotation came first: its text is the key's now.
    #[error("the key was rotated by somebody else just now: read it again")]
    Overtaken,
    /// The key has ended.
    #[error("the key has expired: make another")]
    Expired,
    /// The new end has passed already.
    #[error("the new end must be in the future")]
    EndPassed,
    /// Another's key acts wherever its owner is a member.
    #[error("the account is a member of organizations: the role administrator handles its keys")]
    Belongs,
    /// The key may do more than the credential that asks.
    #[error("the key may do more than you: {}", .0.join(", "))]
    Exceeding(Vec<String>),
    /// People rotate their own keys.
    #[error("keys are rotated for service accounts only: people rotate their own")]
    NotAService,
    /// A machine's credential rotates no keys.
    #[error("log in: a key can't rotate a key")]
    NotPersonal,
    /// The login that asked was ended meanwhile, with everything of the account.
    #[error("everything of the account was ended meanwhile: log in again")]
    LoggedOut,
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a key was not changed. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChangeError {
    /// The account has no such key.
    #[error("there is no such key")]
    Unknown,
    /// Enabling a key and changing its networks or limit takes a login just made.
    #[error("log in again: enabling a key and changing its networks or limit takes a fresh login")]
    Denied(Denied),
    /// Another's key acts wherever its owner is a member.
    #[error("the account is a member of organizations: the role administrator handles its keys")]
    Belongs,
    /// The key may do more than the credential that asks.
    #[error("the key may do more than you: {}", .0.join(", "))]
    Exceeding(Vec<String>),
    /// No key of a disabled account is enabled.
    #[error("the account is disabled: enable it first")]
    Disabled,
    /// People change their own keys.
    #[error("keys are changed for service accounts only: people change their own")]
    NotAService,
    /// The login that asked was ended meanwhile, with everything of the account.
    #[error("everything of the account was ended meanwhile: log in again")]
    LoggedOut,
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}
