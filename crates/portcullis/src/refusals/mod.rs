//! How what the services of `portcullis-core` refuse is answered, where a refusal names fields of a form or needs more words
//! than its own.

mod account;
mod administration;
mod api_key;
mod grants;
mod organization;
mod password;
mod token;

pub use self::account::broken_password;
pub use self::token::NO_SUCH_RESOURCE;
use crate::{FieldErrors, Problem};

/// 422 with one fault, of this field.
pub fn one_field(field: &str, code: &'static str, detail: &'static str) -> Problem {
    let mut fields = FieldErrors::new();
    fields.push(field, code, detail);
    fields.into()
}
