//! Why no key was changed or rotated.

use portcullis_core::issuance::{ChangeError, RotateError};

use crate::{FieldErrors, Problem};

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match &error {
            ChangeError::Unknown => Self::not_yours(),
            ChangeError::Denied(denied) => Self::from(*denied),
            ChangeError::Belongs => Self::forbidden("administrators_only", error.to_string()),
            ChangeError::Exceeding(_) => Self::forbidden("insufficient_scope", error.to_string()),
            ChangeError::Disabled => Self::conflict("owner_disabled", error.to_string()),
            ChangeError::NotAService => Self::conflict("not_a_service_account", error.to_string()),
            ChangeError::LoggedOut => Self::invalid_token(),
            ChangeError::Fault(fault) => fault.clone().into(),
        }
    }
}

impl From<RotateError> for Problem {
    fn from(error: RotateError) -> Self {
        match &error {
            RotateError::Unknown => Self::not_yours(),
            RotateError::OverlapTooLong => {
                let mut fields = FieldErrors::new();
                fields.push("/overlap_seconds", "out_of_range", error.to_string());
                fields.into()
            }
            RotateError::EndPassed => {
                let mut fields = FieldErrors::new();
                fields.push("/expires_at", "in_the_past", error.to_string());
                fields.into()
            }
            RotateError::Running(_) => Self::conflict("overlap_running", error.to_string()),
            RotateError::Overtaken => Self::conflict("rotated_meanwhile", error.to_string()),
            RotateError::Expired => Self::conflict("key_expired", error.to_string()),
            RotateError::Belongs => Self::forbidden("administrators_only", error.to_string()),
            RotateError::Exceeding(_) => Self::forbidden("insufficient_scope", error.to_string()),
            RotateError::NotAService => Self::conflict("not_a_service_account", error.to_string()),
            RotateError::NotPersonal => Self::forbidden("not_personal", error.to_string()),
            RotateError::LoggedOut => Self::invalid_token(),
            RotateError::Fault(fault) => fault.clone().into(),
        }
    }
}
