//! Rules that are functions: declared beside the schema, and run with it.
//!
//! A schema is JSON, which holds no function. While a plan is made, a declaration leaves its function in a list of the thread
//! and its number in the schema; at any other time it leaves nothing, so the document never shows one.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use schemars::Schema;
use schemars::transform::Transform;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::FieldErrors;

/// A function over a value that the rest of the schema accepts.
#[derive(Clone)]
pub(crate) struct Rule(Arc<Function>);

type Function = dyn Fn(&Value, &mut FieldErrors) + Send + Sync;

impl Rule {
    /// Runs it; what it complains about is named from where the value is.
    pub(crate) fn run(&self, value: &Value, errors: &mut FieldErrors) {
        (self.0)(value, errors);
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

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
    Declaration::of(move |value, errors| match T::deserialize(value) {
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
    Declaration::of(move |value, errors| match value.as_str().map(&check) {
        Some(Ok(())) => {}
        Some(Err(detail)) => errors.push("", code, detail),
        None => errors.push("", "wrong_type", "expected a string"),
    })
}

/// What is said of a value is checked by this library's own services, which answer with codes of their own.
#[doc(hidden)]
pub fn by_hand(schema: &mut Schema) {
    if GATHERED.with_borrow(Option::is_some) {
        schema.insert(BY_HAND.to_owned(), true.into());
    }
}

/// Leaves its rule where a plan is being made.
struct Declaration(Rule);

impl Declaration {
    fn of(function: impl Fn(&Value, &mut FieldErrors) + Send + Sync + 'static) -> Self {
        Self(Rule(Arc::new(function)))
    }
}

impl Transform for Declaration {
    fn transform(&mut self, schema: &mut Schema) {
        GATHERED.with_borrow_mut(|gathered| {
            let Some(rules) = gathered else {
                return;
            };
            let number = rules.len();
            rules.push(self.0.clone());
            let mut numbers = match schema.remove(RULES) {
                Some(Value::Array(numbers)) => numbers,
                _ => Vec::new(),
            };
            numbers.push(number.into());
            schema.insert(RULES.to_owned(), numbers.into());
        });
    }
}

/// What `generate` gives, with the rules that were declared in it.
pub(super) fn gathered<T>(generate: impl FnOnce() -> T) -> (T, Vec<Rule>) {
    let before = GATHERED.replace(Some(Vec::new()));
    let made = generate();
    let rules = GATHERED.replace(before);
    (made, rules.unwrap_or_default())
}

thread_local! {
    static GATHERED: RefCell<Option<Vec<Rule>>> = const { RefCell::new(None) };
}

/// Where the numbers of rules stand in a schema that a plan is made of.
pub(super) const RULES: &str = "x-portcullis-rules";

/// Where it stands that somebody else checks.
pub(super) const BY_HAND: &str = "x-portcullis-by-hand";
