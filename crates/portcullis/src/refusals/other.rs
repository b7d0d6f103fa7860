//! Why nothing became of organizations, grants, tokens and hashes.

use std::fmt::Display;
use std::time::Duration;

use portcullis_core::grants::GrantError;
use portcullis_core::organization::OrganizationsError;
use portcullis_core::password::HashError;
use portcullis_core::token::UnknownResource;

use crate::{FieldErrors, Problem};

impl From<OrganizationsError> for Problem {
    fn from(error: OrganizationsError) -> Self {
        match error {
            OrganizationsError::TooManyRoles => {
                let mut fields = FieldErrors::new();
                fields.push("/roles", "too_many_roles", error.to_string());
                fields.into()
            }
            OrganizationsError::CreationIsClosed => Self::forbidden("creation_closed", error.to_string()),
            OrganizationsError::Fault(fault) => fault.into(),
        }
    }
}

impl From<GrantError> for Problem {
    fn from(error: GrantError) -> Self {
        let field = |field: &str, code: &'static str, error: &dyn Display| {
            let mut fields = FieldErrors::new();
            fields.push(field, code, error.to_string());
            Self::from(fields)
        };
        match error {
            GrantError::UnknownAction(_) => field("/action", "unknown_action", &error),
            GrantError::UnknownSubject => field("/subject", "unknown_subject", &error),
            GrantError::Oneself => field("/subject", "oneself", &error).on_record(),
            GrantError::Past => field("/expires_at", "in_the_past", &error),
            GrantError::Outlives(_) => field("/expires_at", "outlives_own", &error).on_record(),
            GrantError::Escalation(_) => Self::forbidden("escalation", error.to_string()),
            GrantError::TooMany => Self::conflict("too_many_grants", error.to_string()),
            GrantError::InvalidId => Self::conflict("not_sharable", error.to_string()),
            GrantError::Fault(fault) => fault.into(),
        }
    }
}

impl From<UnknownResource> for Problem {
    fn from(_: UnknownResource) -> Self {
        Self::bad_request("invalid_target", NO_SUCH_RESOURCE)
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded { retry_after } => {
                Self::unavailable(retry_after.max(Duration::from_secs(1)))
            }
            other => Self::internal(other),
        }
    }
}

/// What is said of a resource that isn't registered.
pub const NO_SUCH_RESOURCE: &str =
    "no such resource: name one that is registered here, to the letter, or none for a token for this server";
