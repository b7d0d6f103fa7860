//! Why no key was made, as an answer.

use portcullis_core::api_key::ApiKeysError;

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
