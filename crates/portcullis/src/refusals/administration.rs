//! Why something wasn't administered.

use portcullis_core::administration::{ServiceAccountError, StateError};
use portcullis_core::key::KeyringError;
use portcullis_core::login::EndError;
use portcullis_core::roles::RolesError;

use crate::Problem;

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Store(fault) => fault.into(),
            KeyringError::TooManyRetired(_) => Self::conflict("too_many_retired", error.to_string()),
            KeyringError::TooSoon(_) => Self::conflict("key_too_new", error.to_string()),
            KeyringError::Signs(_) => Self::conflict("key_signs", error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl From<RolesError> for Problem {
    fn from(error: RolesError) -> Self {
        match error {
            RolesError::InvalidName(error) => Self::bad_request("invalid_name", error.to_string()),
            RolesError::InvalidDescription => Self::bad_request("invalid_description", error.to_string()),
            RolesError::Fault(fault) => fault.into(),
        }
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        match error {
            StateError::NoAccount => Self::not_found(),
            StateError::Yourself => Self::conflict("yourself", error.to_string()),
            StateError::LastAdministrator => Self::conflict("last_administrator", error.to_string()),
            StateError::Unproven(_) => Self::conflict("email_unproven", error.to_string()),
            StateError::NotSettable => Self::bad_request("invalid_state", error.to_string()),
            StateError::Beyond(missing) => Self::beyond(&missing),
            StateError::Fault(fault) => fault.into(),
        }
    }
}

impl From<EndError> for Problem {
    fn from(error: EndError) -> Self {
        match error {
            EndError::NoAccount => Self::not_found(),
            EndError::Beyond(missing) => Self::beyond(&missing),
            EndError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ServiceAccountError> for Problem {
    fn from(error: ServiceAccountError) -> Self {
        match error {
            ServiceAccountError::Taken => Self::conflict("username_taken", error.to_string()),
            ServiceAccountError::Fault(fault) => fault.into(),
        }
    }
}
