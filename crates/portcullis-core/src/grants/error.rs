//! Why an action was not allowed, and why something wasn't shared.

use super::{MOST, Target};
use crate::authz::Denied;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};

/// Why an action on a resource was not allowed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PermitError {
    /// The decision.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There was none: the grants couldn't be read.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for PermitError {
    fn details(&self) -> Details {
        match self {
            Self::Denied(denied) => denied.details(),
            Self::Fault(fault) => fault.details(),
        }
    }
}

/// Why something wasn't shared, or not taken back. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The resource has no such action, or it can't be shared.
    #[error("there is no such action to share; these can be: {}", .0.join(", "))]
    UnknownAction(Vec<&'static str>),
    /// No such account or role, or another organization than the resource's.
    #[error("there is no such account or role, or the organization isn't the one this belongs to")]
    UnknownSubject,
    /// Nobody shares with themself.
    #[error("you can't share with yourself")]
    Oneself,
    /// The sharer may not do it, or only because a policy permits it now; or what they may do it by is gone, or ends
    /// earlier.
    #[error("you can't share what you may not do yourself, whatever a policy permits for now")]
    Escalation,
    /// The sharer may do it for a shorter time.
    #[error("you can't share this for longer than you may do it yourself")]
    Outlives(Timestamp),
    /// The end has come already.
    #[error("the end must be in the future")]
    Past,
    /// The resource has [`MOST`] grants that count.
    #[error("this is shared with {most} already; take a grant back first", most = MOST)]
    TooMany,
    /// The id of the resource can't be kept.
    #[error("an id to share has 1 to {most} bytes and no control characters", most = Target::LONGEST)]
    InvalidId,
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for GrantError {
    fn details(&self) -> Details {
        match self {
            Self::UnknownAction(_) => Details::field("/action", "unknown_action", self),
            Self::UnknownSubject => Details::field("/subject", "unknown_subject", self),
            Self::Oneself => Details::field("/subject", "oneself", self).on_record(),
            Self::Past => Details::field("/expires_at", "in_the_past", self),
            Self::Outlives(_) => Details::field("/expires_at", "outlives_own", self).on_record(),
            Self::Escalation => Details::forbidden("escalation"),
            Self::TooMany => Details::conflict("too_many_grants"),
            Self::InvalidId => Details::conflict("not_sharable"),
            Self::Fault(fault) => fault.details(),
        }
    }
}

/// What somebody may not do, they neither share nor take back.
impl From<PermitError> for GrantError {
    fn from(error: PermitError) -> Self {
        match error {
            PermitError::Denied(_) => Self::Escalation,
            PermitError::Fault(fault) => Self::Fault(fault),
        }
    }
}
