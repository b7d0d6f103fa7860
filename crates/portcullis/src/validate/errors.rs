//! What is wrong with fields.

use std::borrow::Cow;
use std::fmt::Display;

use crate::{FieldError, Problem};

/// Collects what is wrong with the fields of one request, so that one answer names everything.
///
/// ```
/// use portcullis::FieldErrors;
///
/// fn parse(age: &str, name: &str) -> portcullis::Result<(u8, char)> {
///     let mut fields = FieldErrors::new();
///     let age = fields.check("/age", "invalid_age", age.parse::<u8>());
///     let name = fields.check("/name", "invalid_name", name.parse::<char>());
///     match (age, name) {
///         (Some(age), Some(name)) => fields.done((age, name)),
///         _ => Err(fields.into()),
///     }
/// }
/// assert_eq!(parse("300", "ab").unwrap_err().errors().len(), 2);
/// assert!(parse("30", "a").is_ok());
/// ```
#[derive(Debug, Default)]
#[must_use]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// No errors yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value, or `None` after noting what is wrong with it. The error's text must not repeat a secret.
    pub fn check<T, E: Display>(
        &mut self,
        field: &str,
        code: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        result
            .map_err(|error| self.push(field, code, error.to_string()))
            .ok()
    }

    /// Notes that a field is wrong.
    pub fn push(
        &mut self,
        field: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(FieldError {
            field: field.into(),
            code: code.into(),
            detail: detail.into(),
        });
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parsed request, if nothing was wrong.
    ///
    /// # Errors
    /// 422 with every noted field.
    pub fn done<T>(self, parsed: T) -> Result<T, Problem> {
        if self.is_empty() {
            Ok(parsed)
        } else {
            Err(self.into())
        }
    }
}

impl From<FieldErrors> for Problem {
    fn from(errors: FieldErrors) -> Self {
        Self::unprocessable(errors.0)
    }
}

/// How the place of a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A JSON pointer.
    Body,
    /// The parameter's name.
    Parameter,
}

/// Turns what serde says of one field into a problem, without repeating what the caller sent.
pub(super) fn wrong_field(place: Place, path: &serde_path_to_error::Path, message: &str) -> Problem {
    let mut field = render(place, path);
    let (code, detail) = classify(message);
    if let Some(name) = named_field(message)
        && !field.ends_with(&name)
    {
        if place == Place::Body {
            field.push('/');
            field.push_str(&escape(&name));
        } else {
            field = name;
        }
    }
    let mut errors = FieldErrors::new();
    errors.push(field, code, detail);
    errors.into()
}

fn classify(message: &str) -> (&'static str, Cow<'static, str>) {
    if message.starts_with("missing field") {
        ("required", "this field is required".into())
    } else if message.starts_with("unknown field") {
        ("unknown", "there is no such field".into())
    } else if message.starts_with("duplicate field") {
        ("duplicate", "this field must come once".into())
    } else if let Some((_, expected)) = message.split_once(", expected ") {
        let expected = expected.split(" at line ").next().unwrap_or(expected);
        ("wrong_type", format!("expected {}", clip(expected)).into())
    } else {
        ("invalid", "this value is not accepted".into())
    }
}

/// The field that serde names in backquotes.
fn named_field(message: &str) -> Option<String> {
    let names = ["missing field `", "unknown field `", "duplicate field `"];
    let rest = names.iter().find_map(|start| message.strip_prefix(start))?;
    // The name is the caller's own for an unknown field and may hold anything, backquotes too.
    let end = rest
        .find("`, expected")
        .or_else(|| rest.find("`, there are"))
        .or_else(|| rest.rfind('`'))?;
    Some(clip(rest.get(..end)?))
}

fn render(place: Place, path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut text = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => clip(key),
            // A variant's name is no level of JSON's own, and an unknown segment says nothing.
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        if place == Place::Body {
            text.push('/');
            text.push_str(&escape(&part));
        } else {
            text.push_str(&part);
        }
    }
    text
}

/// Source: RFC 6901 §3
pub(super) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) {
        name.replace('~', "~0").replace('/', "~1").into()
    } else {
        name.into()
    }
}

/// A name as it is shown: a caller's endless key isn't sent back.
pub(super) fn clip(text: &str) -> String {
    text.chars().take(64).collect()
}
