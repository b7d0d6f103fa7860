//! Why nothing was shared.

use std::fmt::Display;

use portcullis_core::grants::GrantError;

use crate::{FieldErrors, Problem};

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
