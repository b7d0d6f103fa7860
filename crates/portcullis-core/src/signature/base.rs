//! The text that is signed: what a request is, in the words of its signature.

use std::borrow::Cow;

use super::Component;

/// The header fields of a request.
pub trait Fields: Sync {
    /// The values of all lines of the field with this name, which is in lower case: each without the space around it, and a comma
    /// and a space between two. `None` if there is no line.
    ///
    /// Source: RFC 9421 §2.1
    fn combined(&self, name: &str) -> Option<Cow<'_, [u8]>>;
}

/// A request, as far as it can be signed.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// The method, as it was sent.
    pub method: &'r str,
    /// The host in lower case, with its port unless that is the usual one of the scheme.
    pub authority: &'r str,
    /// The path, as it was sent.
    pub path: &'r str,
    /// What follows the question mark, as it was sent; `None` where there is none.
    pub query: Option<&'r str>,
    /// The header fields.
    pub fields: &'r dyn Fields,
}

impl std::fmt::Debug for Request<'_> {
    /// Without the query and the fields, which may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}{}", self.method, self.authority, self.path)
    }
}

impl<'r> Request<'r> {
    /// A component's value; `None` if the request has no such field.
    ///
    /// Source: RFC 9421 §2.2.1, §2.2.3, §2.2.6, §2.2.7
    fn value(&self, component: &Component) -> Option<Cow<'r, [u8]>> {
        Some(match component {
            Component::Method => Cow::Borrowed(self.method.as_bytes()),
            Component::Authority => Cow::Borrowed(self.authority.as_bytes()),
            Component::Path if self.path.is_empty() => Cow::Borrowed(b"/"),
            Component::Path => Cow::Borrowed(self.path.as_bytes()),
            Component::Query => Cow::Owned([b"?", self.query.unwrap_or_default().as_bytes()].concat()),
            Component::Field(name) => self.fields.combined(name)?,
        })
    }
}

/// The signature base: a line for each component, and what is said of the signature.
///
/// # Errors
/// The component that the request doesn't have.
///
/// Source: RFC 9421 §2.5
pub(super) fn base(
    request: &Request<'_>,
    components: &[Component],
    parameters: &str,
) -> Result<Vec<u8>, Component> {
    let mut base = Vec::with_capacity(ROOM + parameters.len());
    for component in components {
        base.push(b'"');
        base.extend_from_slice(component.as_str().as_bytes());
        base.extend_from_slice(b"\": ");
        let value = request.value(component).ok_or_else(|| component.clone())?;
        base.extend_from_slice(&value);
        base.push(b'\n');
    }
    base.extend_from_slice(b"\"@signature-params\": ");
    base.extend_from_slice(parameters.as_bytes());
    Ok(base)
}

/// What most bases take.
const ROOM: usize = 512;
