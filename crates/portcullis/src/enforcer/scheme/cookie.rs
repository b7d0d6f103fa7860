//! The session cookie.

use http::HeaderMap;
use portcullis_core::authn::Credential;
use portcullis_core::session::Token;

use super::Presented;
use crate::cookie;

pub(super) fn extract<'r>(headers: &'r HeaderMap, name: &str) -> Presented<'r> {
    let mut found = cookie::values(headers, name);
    match (found.next(), found.next()) {
        (None, _) => Presented::Nothing,
        (Some(_), Some(_)) => Presented::Several,
        (Some(value), None) => std::str::from_utf8(value)
            .ok()
            .and_then(Token::parse)
            .map_or(Presented::Invalid, |token| {
                Presented::Credential(Credential::Session(token))
            }),
    }
}
