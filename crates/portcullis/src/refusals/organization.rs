//! Why an organization wasn't changed.

use portcullis_core::organization::OrganizationsError;

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
