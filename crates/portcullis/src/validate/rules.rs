//! Rules that are functions of a program: declared beside the schema, and run with it.

use schemars::transform::Transform;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::plan::{Complaint, Declaration};
use crate::{FieldError, FieldErrors};

/// Declares a rule over several fields of a type, or over a type as a whole: a function of yours that notes what is wrong.
///
/// ```
/// use portcullis::{FieldErrors, JsonSchema, validate};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// #[schemars(crate = "portcullis::schemars", transform = validate::rule(Stay::ends_after_it_begins))]
/// struct Stay {
///     first_night: u32,
///     last_night: u32,
/// }
///
/// impl Stay {
///     fn ends_after_it_begins(&self, errors: &mut FieldErrors) {
///         if self.last_night < self.first_night {
///             errors.push("/last_night", "ends_too_early", "must not be before first_night");
///         }
///     }
/// }
/// ```
///
/// It runs wherever a value of the type is read by [`Json`](crate::Json), [`Form`](crate::Form), [`Query`](crate::Query) or
/// [`Path`](crate::Path), also inside of other types and lists; and only on a value that its schema accepts. A field is named
/// by a JSON pointer from the value on (`/last_night`; nothing for the value itself), in the name that clients know.
/// On a field (`#[schemars(transform = …)]`) the rule is over that field's value, and isn't asked of `null`.
pub fn rule<T, F>(check: F) -> impl Transform
where
    T: DeserializeOwned,
    F: Fn(&T, &mut FieldErrors) + Send + Sync + 'static,
{
    declared(move |value, errors| match T::deserialize(value) {
        Ok(value) => check(&value, errors),
        Err(_) => errors.push("", "invalid", "this value is not accepted"),
    })
}

/// Declares a rule over a field's text: a function of yours that says what to do, in words of the program alone.
///
/// ```
/// use portcullis::{JsonSchema, validate};
///
/// fn even(text: &str) -> Result<(), &'static str> {
///     if text.len().is_multiple_of(2) { Ok(()) } else { Err("must have an even number of letters") }
/// }
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// #[schemars(crate = "portcullis::schemars")]
/// struct Word {
///     /// Shown in pairs of letters.
///     #[schemars(length(max = 20), transform = validate::text_rule("odd_length", even))]
///     letters: String,
/// }
/// ```
pub fn text_rule<F>(code: &'static str, check: F) -> impl Transform
where
    F: Fn(&str) -> Result<(), &'static str> + Send + Sync + 'static,
{
    declared(move |value, errors| match value.as_str().map(&check) {
        Some(Ok(())) => {}
        Some(Err(detail)) => errors.push("", code, detail),
        None => errors.push("", "wrong_type", "expected a string"),
    })
}

fn declared(check: impl Fn(&Value, &mut FieldErrors) + Send + Sync + 'static) -> Declaration {
    Declaration::of(move |value| {
        let mut errors = FieldErrors::new();
        check(value, &mut errors);
        let complaint = |FieldError { field, code, detail }| Complaint { field, code, detail };
        errors.into_iter().map(complaint).collect()
    })
}
