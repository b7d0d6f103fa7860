//! Why a key was not made, changed or given another text.

use super::Settings;
use crate::account;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};

/// Why a key was not made, changed or given another text. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeysError {
    /// There is no such account.
    #[error("there is no such account")]
    UnknownAccount,
    /// The account has no such key; or it is disabled, and the key was to be enabled.
    #[error("there is no such key")]
    UnknownKey,
    /// People handle their own keys.
    #[error("this is no service account: people make, change and rotate their own keys")]
    NotAService,
    /// A machine's credential makes and rotates no keys.
    #[error("log in: a key makes and rotates no keys")]
    NotPersonal,
    /// Another's key acts wherever its owner is a member.
    #[error("the account is a member of organizations: the role administrator handles its keys")]
    Belongs,
    /// Permissions that nobody declared, and permissions that owner or maker haven't.
    #[error("{}", beyond(unknown, exceeding))]
    Permissions {
        /// Those that nobody declared.
        unknown: Vec<String>,
        /// Those that owner or maker haven't.
        exceeding: Vec<String>,
    },
    /// The key may do more than the credential that asks: these.
    #[error("the key may do more than you: {}", .0.join(", "))]
    Exceeding(Vec<String>),
    /// The owner may not act.
    #[error("the account is {}", .0.as_str())]
    OwnerMayNotAct(account::AccountState),
    /// No key of a disabled account is enabled.
    #[error("the account is disabled: enable it first")]
    OwnerDisabled,
    /// Another account has a key of this text.
    #[error("another account has a key of this text: two can't be told apart; revoke the other first")]
    Taken,
    /// The account has as many as it may have.
    #[error("the account has {0} keys already: revoke one first")]
    TooMany(u32),
    /// The end it was to have has come already.
    #[error("the end must be in the future: give a later moment, or none")]
    EndPassed,
    /// The key has ended.
    #[error("the key has expired: make another")]
    Expired,
    /// The overlap is too long.
    #[error("the overlap goes up to {} days", Settings::LONGEST_OVERLAP.as_secs() / 86_400)]
    OverlapTooLong,
    /// An earlier rotation's overlap runs until then, and this one wanted an overlap too: a third text would be good at
    /// once.
    #[error("the text before the last rotation is good until {0}: wait, or rotate without overlap")]
    OverlapRuns(Timestamp),
    /// Another rotation came first: the text that was to be replaced isn't the key's any more.
    #[error("the key was rotated by somebody else just now: read it again")]
    Overtaken,
    /// The login that asked was ended meanwhile, with everything of the account.
    #[error("everything of the account was ended meanwhile: log in again")]
    LoggedOut,
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for ApiKeysError {
    fn details(&self) -> Details {
        match self {
            Self::UnknownAccount => Details::not_found(),
            Self::UnknownKey => Details::not_found().on_record(),
            Self::NotAService => Details::conflict("not_a_service_account"),
            Self::NotPersonal => Details::forbidden("not_personal"),
            Self::Belongs => Details::forbidden("administrators_only"),
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
            Self::Exceeding(_) => Details::forbidden("insufficient_scope"),
            Self::OwnerMayNotAct(state) => Details::conflict(state.code()),
            Self::OwnerDisabled => Details::conflict("owner_disabled"),
            Self::Taken => Details::conflict("key_taken"),
            Self::TooMany(_) => Details::conflict("too_many_keys"),
            Self::EndPassed => Details::field("/expires_at", "in_the_past", self),
            Self::Expired => Details::conflict("key_expired"),
            Self::OverlapTooLong => Details::field("/overlap_seconds", "out_of_range", self),
            Self::OverlapRuns(_) => Details::conflict("overlap_running"),
            Self::Overtaken => Details::conflict("rotated_meanwhile"),
            Self::LoggedOut => Details::invalid_token(),
            Self::Fault(fault) => fault.details(),
        }
    }
}

/// Which permissions a key can't have, why, and what to do.
fn beyond(unknown: &[String], exceeding: &[String]) -> String {
    let told = [(unknown, UNKNOWN), (exceeding, EXCEEDING)];
    let told = told.into_iter().filter(|(names, _)| !names.is_empty());
    let told = told.map(|(names, why)| format!("{}: {why}", names.join(", ")));
    told.collect::<Vec<_>>().join("; ")
}

/// Why a permission that nobody declared can't be given to a key.
pub const UNKNOWN: &str =
    "no application declares this permission: check its spelling, or start the application once";

/// Why a permission that somebody lacks can't be given to a key.
pub const EXCEEDING: &str = "the key's owner or you don't have this permission, so the key can't: leave it out, or have a role with it given to whoever lacks it";
