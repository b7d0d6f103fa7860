//! Why a key was not made, and why not changed or rotated.

use crate::account;
use crate::api_key::Settings;
use crate::authz::Denied;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};

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
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for CreateError {
    fn details(&self) -> Details {
        match self {
            // Where a form named them, it says at which place.
            Self::Permissions { unknown, exceeding } => {
                let code = if unknown.is_empty() {
                    "exceeds_owner"
                } else {
                    "unknown_permission"
                };
                let details = Details::field("/permissions", code, self);
                if exceeding.is_empty() {
                    details
                } else {
                    details.on_record()
                }
            }
            Self::Belongs => Details::forbidden("administrators_only"),
            Self::Expired => Details::field("/expires_at", "in_the_past", self),
            Self::TooMany(_) => Details::conflict("too_many_keys"),
            Self::Account(state) => Details::conflict(state.code()),
            Self::NoAccount => Details::not_found(),
            Self::NotAService => Details::conflict("not_a_service_account"),
            Self::NotPersonal => Details::forbidden("not_personal"),
            Self::LoggedOut => Details::invalid_token(),
            Self::Fault(fault) => fault.details(),
        }
    }
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
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for RotateError {
    fn details(&self) -> Details {
        match self {
            Self::Unknown => Details::not_found().on_record(),
            Self::OverlapTooLong => Details::field("/overlap_seconds", "out_of_range", self),
            Self::EndPassed => Details::field("/expires_at", "in_the_past", self),
            Self::Running(_) => Details::conflict("overlap_running"),
            Self::Overtaken => Details::conflict("rotated_meanwhile"),
            Self::Expired => Details::conflict("key_expired"),
            Self::Belongs => Details::forbidden("administrators_only"),
            Self::Exceeding(_) => Details::forbidden("insufficient_scope"),
            Self::NotAService => Details::conflict("not_a_service_account"),
            Self::NotPersonal => Details::forbidden("not_personal"),
            Self::LoggedOut => Details::invalid_token(),
            Self::Fault(fault) => fault.details(),
        }
    }
}

/// Why a key was not changed. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChangeError {
    /// The account has no such key.
    #[error("there is no such key")]
    Unknown,
    /// Enabling a key and changing its networks or limit takes a login just made.
    #[error(transparent)]
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
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for ChangeError {
    fn details(&self) -> Details {
        match self {
            Self::Unknown => Details::not_found().on_record(),
            Self::Denied(denied) => denied.details(),
            Self::Belongs => Details::forbidden("administrators_only"),
            Self::Exceeding(_) => Details::forbidden("insufficient_scope"),
            Self::Disabled => Details::conflict("owner_disabled"),
            Self::NotAService => Details::conflict("not_a_service_account"),
            Self::LoggedOut => Details::invalid_token(),
            Self::Fault(fault) => fault.details(),
        }
    }
}
