//! The session cookie.
//!
//! Source: RFC 6265 §5.4 (HTTP/2 may split `Cookie` into several headers)

use http::HeaderMap;
use http::header::COOKIE;
use portcullis_core::access::Credential;
use portcullis_core::session::Token;

use super::Presented;

pub(super) fn extract<'r>(headers: &'r HeaderMap, name: &str) -> Presented<'r> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| value_of(pair, name));
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

fn value_of<'p>(pair: &'p [u8], name: &str) -> Option<&'p [u8]> {
    pair.trim_ascii()
        .strip_prefix(name.as_bytes())?
        .strip_prefix(b"=")
}
