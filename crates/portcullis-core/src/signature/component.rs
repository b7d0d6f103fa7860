//! What of a request can be signed.

use std::fmt;

/// A part of a request that a signature covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Component {
    /// `@method`.
    Method,
    /// `@authority`: the host, in lower case, with its port unless that is the usual one.
    Authority,
    /// `@path`, as it was sent.
    Path,
    /// `@query`, as it was sent, with the question mark.
    Query,
    /// A header field, by its name in lower case.
    Field(Box<str>),
}

/// Why a text names no component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a component is @method, @authority, @path, @query or the name of a header field in lower case; others, and parameters of \
     these, aren't offered"
)]
pub struct InvalidComponent;

impl Component {
    /// `content-digest`: what a body is covered by.
    pub fn content_digest() -> Self {
        Self::Field(CONTENT_DIGEST.into())
    }

    /// Reads a name as signatures write it.
    ///
    /// # Errors
    /// [`InvalidComponent`] for another derived component, and for what isn't the name of a field in lower case.
    ///
    /// Source: RFC 9421 §2.1, §2.2
    pub fn parse(name: &str) -> Result<Self, InvalidComponent> {
        Ok(match name {
            "@method" => Self::Method,
            "@authority" => Self::Authority,
            "@path" => Self::Path,
            "@query" => Self::Query,
            field if is_field_name(field) => Self::Field(field.into()),
            _ => return Err(InvalidComponent),
        })
    }

    /// Its name, as signatures write it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Method => "@method",
            Self::Authority => "@authority",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::Field(name) => name,
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_field_name(name: &str) -> bool {
    let belongs =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(belongs)
}

pub(super) const CONTENT_DIGEST: &str = "content-digest";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for name in [
            "@method",
            "@authority",
            "@path",
            "@query",
            "content-digest",
            "x-a_b",
        ] {
            assert_eq!(Component::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn what_others_derive_is_refused() {
        for name in [
            "",
            "@target-uri",
            "@query-param",
            "@request-target",
            "@scheme",
            "@status",
            "@signature-params",
            "@Method",
            "Content-Digest",
            "a b",
            "a:b",
            "ä",
        ] {
            assert_eq!(Component::parse(name), Err(InvalidComponent), "{name}");
        }
    }
}
