//! Signed requests in the words of HTTP: what of one is signed, and a client's side of it.

mod client;

use std::borrow::Cow;

use axum::extract::OriginalUri;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri};
use portcullis_core::signature::{Fields, Request};

pub use self::client::sign_request;

/// A request's parts, as far as they can be signed.
pub(crate) struct SignedParts<'p> {
    method: &'p str,
    authority: String,
    uri: &'p Uri,
    fields: HeaderFields<'p>,
}

impl<'p> SignedParts<'p> {
    /// Of a request as it was sent, whatever was taken off the front of its path since. `https` says whether clients come by TLS, if
    /// that is known.
    pub(crate) fn of(parts: &'p Parts, https: Option<bool>) -> Self {
        let original = parts.extensions.get::<OriginalUri>();
        let uri = original.map_or(&parts.uri, |original| &original.0);
        Self {
            method: parts.method.as_str(),
            authority: authority(uri, &parts.headers, https),
            uri,
            fields: HeaderFields(&parts.headers),
        }
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            method: self.method,
            authority: &self.authority,
            path: self.path(),
            query: self.query(),
            fields: &self.fields,
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.uri.path()
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.uri.query()
    }
}

/// The host in lower case, without the usual port of its scheme; where that isn't known, without either.
///
/// Source: RFC 9421 §2.2.3
fn authority(uri: &Uri, headers: &HeaderMap, https: Option<bool>) -> String {
    let header = || headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = uri.authority().map(http::uri::Authority::as_str).or_else(header);
    let mut authority = authority.unwrap_or_default().to_ascii_lowercase();
    let usual: &[&str] = match https {
        Some(true) => &[":443"],
        Some(false) => &[":80"],
        None => &[":443", ":80"],
    };
    if let Some(port) = usual.iter().find(|port| authority.ends_with(*port)) {
        authority.truncate(authority.len() - port.len());
    }
    authority
}

/// The header fields of a request, as they are signed.
pub(crate) struct HeaderFields<'h>(pub(crate) &'h HeaderMap);

impl Fields for HeaderFields<'_> {
    fn combined(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut lines = self
            .0
            .get_all(name)
            .iter()
            .map(|value| value.as_bytes().trim_ascii());
        let first = lines.next()?;
        let Some(second) = lines.next() else {
            return Some(Cow::Borrowed(first));
        };
        let mut all = [first, b", ", second].concat();
        for line in lines {
            all.extend_from_slice(b", ");
            all.extend_from_slice(line);
        }
        Some(Cow::Owned(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_spelling() {
        let check = |uri: &str, host: &str, https, expected: &str| {
            let uri: Uri = uri.parse().unwrap();
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            assert_eq!(authority(&uri, &headers, https), expected, "{uri} {host}");
        };
        check("/", "Example.COM", Some(true), "example.com");
        check("/", "example.com:443", Some(true), "example.com");
        check("/", "example.com:80", Some(true), "example.com:80");
        check("/", "example.com:80", Some(false), "example.com");
        check("/", "example.com:8443", None, "example.com:8443");
        check("/", "example.com:443", None, "example.com");
        check("/", "[::1]:8080", Some(false), "[::1]:8080");
        check("https://Other.example:443/", "x", Some(true), "other.example");
    }

    /// Source: RFC 9421 §2.1
    #[test]
    fn the_lines_of_a_field_are_one_value() {
        let mut headers = HeaderMap::new();
        for value in ["  a ", "", "b,  c"] {
            headers.append("x-list", value.parse().unwrap());
        }
        let fields = HeaderFields(&headers);
        assert_eq!(
            fields.combined("x-list").as_deref(),
            Some(b"a, , b,  c".as_slice())
        );
        assert_eq!(fields.combined("x-none"), None);
        assert_eq!(fields.combined("no name"), None);
    }
}
