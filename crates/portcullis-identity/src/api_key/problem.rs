//! Why no key was made, as an answer.

use portcullis_core::api_key::{ApiKeysError, EXCEEDING, UNKNOWN};

use super::form::NewKey;
use crate::{FieldErrors, Problem};

/// Names every faulty permission at its place in the form; anything else as it says itself.
pub(crate) fn refused(form: &NewKey, error: ApiKeysError) -> Problem {
    let ApiKeysError::Permissions { unknown, exceeding } = &error else {
        return error.into();
    };
    let mut fields = FieldErrors::new();
    for (place, name) in form.permissions.iter().enumerate() {
        let field = format!("/permissions/{place}");
        if unknown.contains(name) {
            fields.push(field, "unknown_permission", format!("{name}: {UNKNOWN}"));
        } else if exceeding.contains(name) {
            fields.push(field, "exceeds_owner", format!("{name}: {EXCEEDING}"));
        }
    }
    let problem = Problem::from(fields);
    if exceeding.is_empty() {
        problem
    } else {
        problem.on_record()
    }
}
