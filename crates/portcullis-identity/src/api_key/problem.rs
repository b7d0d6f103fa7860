//! Why no key was made, changed or rotated, as answers.

use portcullis_core::issuance::CreateError;

use super::form::NewKey;
use crate::{FieldErrors, Problem};

/// Names every faulty permission at its place in the form.
pub(crate) fn refused(form: &NewKey, error: &CreateError) -> Problem {
    let mut fields = FieldErrors::new();
    match error {
        CreateError::Permissions { unknown, exceeding } => {
            for (place, name) in form.permissions.iter().enumerate() {
                let field = format!("/permissions/{place}");
                if unknown.contains(name) {
                    fields.push(
                        field,
                        "unknown_permission",
                        "no application declares this permission",
                    );
                } else if exceeding.contains(name) {
                    let detail = format!("{name} can't be given to this key: its owner or you don't have it");
                    fields.push(field, "exceeds_owner", detail);
                }
            }
            let problem = Problem::from(fields);
            if exceeding.is_empty() {
                problem
            } else {
                problem.on_record()
            }
        }
        CreateError::Belongs => Problem::forbidden("administrators_only", error.to_string()),
        CreateError::Expired => {
            fields.push("/expires_at", "in_the_past", error.to_string());
            fields.into()
        }
        CreateError::TooMany(_) => Problem::conflict("too_many_keys", error.to_string()),
        CreateError::Account(state) => {
            Problem::conflict(format!("account_{}", state.as_str()), error.to_string())
        }
        CreateError::NoAccount => Problem::not_found(),
        CreateError::NotAService => Problem::conflict("not_a_service_account", error.to_string()),
        CreateError::NotPersonal => Problem::forbidden("not_personal", error.to_string()),
        CreateError::LoggedOut => Problem::invalid_token(),
        CreateError::Fault(fault) => fault.clone().into(),
    }
}
