//! What is wrong with fields.

use std::borrow::Cow;
use std::fmt::Display;

use axum::extract::RawPathParams;

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
    /// A list in which nothing is wrong yet.
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

    /// One field that isn't what it must be.
    pub fn of(
        field: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut errors = Self::new();
        errors.push(field, code, detail);
        errors
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same, with the names of a path's parameters where only their numbers were known.
    pub(super) fn named(mut self, texts: &RawPathParams) -> Self {
        for error in &mut self.0 {
            let index = if error.field.is_empty() {
                Some(0)
            } else {
                error.field.parse().ok()
            };
            if let Some((name, _)) = index.and_then(|index: usize| texts.iter().nth(index)) {
                name.clone_into(&mut error.field);
            }
        }
        self
    }

    /// What reading found, which stops at the first, with everything that the schema says is wrong.
    pub(super) fn with_all(self, all: Self) -> Self {
        let Some(first) = self.0.into_iter().next() else {
            return all;
        };
        let mut all = all.0;
        let below = |error: &FieldError| {
            let rest = error.field.strip_prefix(&first.field);
            rest.is_some_and(|rest| {
                rest.starts_with(['/', '.']) || first.field.is_empty() && !rest.is_empty()
            })
        };
        match all.iter().position(|error| error.field == first.field) {
            Some(index) => all
                .iter_mut()
                .skip(index)
                .take(1)
                .for_each(|error| *error = first.clone()),
            // What is wrong inside says more.
            None if all.iter().any(below) => {}
            None => all.insert(0, first),
        }
        Self(all)
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

impl IntoIterator for FieldErrors {
    type Item = FieldError;
    type IntoIter = std::vec::IntoIter<FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
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
    /// In a body: as a JSON pointer (RFC 6901).
    Body,
    /// In a path, a query or a form: as the parameter's name.
    Parameter,
}

/// Turns what serde says of one field into what is answered, without repeating the value that the caller sent.
pub(super) fn wrong_field(place: Place, path: &serde_path_to_error::Path, message: &str) -> FieldErrors {
    let mut parts = parts(path);
    let complaint = Complaint::read(message);
    match &complaint {
        Complaint::Missing(name) => parts.push(clip(name)),
        // The path leads to the unknown member itself where serde reads members one by one.
        Complaint::Unknown(name) if parts.last() != Some(&clip(name)) => parts.push(clip(name)),
        _ => {}
    }
    let (code, detail) = complaint.explain();
    FieldErrors::of(render(place, &parts), code, detail)
}

/// What serde says, sorted.
enum Complaint<'m> {
    Missing(&'m str),
    Unknown(&'m str),
    Variant(&'m str),
    Length(&'m str),
    Expected(&'m str),
    Other,
}

impl<'m> Complaint<'m> {
    fn read(message: &'m str) -> Self {
        let quoted = |start: &str, end: &str| {
            message
                .strip_prefix(start)?
                .rsplit_once(end)
                .map(|(name, _)| name)
        };
        // The last one: what stands before it is the caller's, and may say "expected" too.
        let expected = message
            .rsplit_once(", expected ")
            .map(|(_, expected)| expected.split(" at line ").next().unwrap_or(expected));
        if let Some(name) = quoted("missing field `", "`") {
            Self::Missing(name)
        } else if let Some(name) =
            quoted("unknown field `", "`, expected").or_else(|| quoted("unknown field `", "`, there are"))
        {
            Self::Unknown(name)
        } else if let (true, Some(expected)) = (message.starts_with("unknown variant"), expected) {
            Self::Variant(expected)
        } else if let (true, Some(most)) = (message.starts_with("invalid length"), expected)
            && most.starts_with("at most")
        {
            Self::Length(most)
        } else {
            expected.map_or(Self::Other, Self::Expected)
        }
    }

    fn explain(&self) -> (&'static str, Cow<'static, str>) {
        match self {
            Self::Missing(_) => ("required", "this field is required".into()),
            Self::Unknown(_) => ("unknown", "there is no such field".into()),
            Self::Variant(names) => ("unknown_value", format!("expected {names}").into()),
            Self::Length(most) => ("too_long", format!("must have {most}").into()),
            Self::Expected(what) => ("wrong_type", format!("expected {what}").into()),
            Self::Other => ("invalid", "this value is not accepted".into()),
        }
    }
}

fn parts(path: &serde_path_to_error::Path) -> Vec<String> {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(clip(key)),
            // A variant's name is no level of JSON's own, and an unknown segment says nothing.
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

pub(super) fn render(place: Place, parts: &[String]) -> String {
    match place {
        Place::Parameter => parts.join("."),
        Place::Body => parts.iter().flat_map(|part| ["/".into(), escape(part)]).collect(),
    }
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
    clipped(text).collect()
}

/// The characters of a name that are shown.
pub(super) fn clipped(text: &str) -> impl Iterator<Item = char> {
    text.chars().take(64)
}
