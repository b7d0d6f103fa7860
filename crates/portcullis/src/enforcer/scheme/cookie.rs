//! The session cookie: finds the session token that a browser sends.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use portcullis_core::authn::Credential;
use portcullis_core::session::Token;

use super::Seen;
use crate::cookie;

pub(super) fn extract<'r>(headers: &'r HeaderMap, name: &str) -> Seen<'r> {
    let mut found = cookie::values(headers, name);
    match (found.next(), found.next()) {
        (None, _) => Seen::Nothing,
        (Some(_), Some(_)) => Seen::Several,
        (Some(value), None) => std::str::from_utf8(value)
            .ok()
            .and_then(Token::parse)
            .map_or(Seen::Invalid, |token| {
                Seen::Credential(Credential::Session(token))
            }),
    }
}

/// The one of the `Cookie` headers that the cookie of this name stands in.
pub(super) fn header_of<'r>(headers: &'r HeaderMap, name: &str) -> Option<&'r HeaderValue> {
    let mut all = headers.get_all(COOKIE).iter();
    all.find(|header| cookie::values_in(header, name).next().is_some())
}
