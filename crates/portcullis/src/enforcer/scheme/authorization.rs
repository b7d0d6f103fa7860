//! `Authorization: Bearer …`: a JWT, a session token or an API key. `Authorization: Basic …`: an identifier and a
//! password.
//!
//! Source: RFC 6750 §2.1, RFC 9110 §11.6.2

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use portcullis_core::api_key::Format;
use portcullis_core::authn::{Credential, Seeming};
use portcullis_core::session;
use portcullis_core::token::jws;

use super::{Seen, basic, sort};

pub(super) fn extract<'r>(headers: &'r HeaderMap, keys: &Format) -> Seen<'r> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Seen::Nothing;
    };
    if values.next().is_some() {
        return Seen::Several;
    }
    let bytes = value.as_bytes();
    if let Some(token) = after(BEARER, bytes) {
        return token68(token).map_or(Seen::Malformed, |token| sort(token, keys));
    }
    if let Some(encoded) = after(BASIC, bytes) {
        return basic::decode(encoded)
            .map_or(Seen::Malformed, |pair| Seen::Credential(Credential::Basic(pair)));
    }
    foreign(value)
}

/// What stands after `Bearer` and begins as every signed token does, with a JSON object's brace in base64, or is a session token.
pub(super) fn seeming(headers: &HeaderMap) -> Option<(Seeming<'_>, &HeaderValue)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    let token = after(BEARER, value.as_bytes())?;
    let seeming = match token {
        [b'e', b'y', b'J', ..] if token.len() <= jws::MAX_LENGTH => Seeming::Jwt(token),
        [b'p', b'c', ..] => {
            let text = std::str::from_utf8(token).ok()?;
            Seeming::Session(session::Token::parse(text)?.digest())
        }
        _ => return None,
    };
    Some((seeming, value))
}

/// What follows the scheme.
fn after<'v>(wanted: &[u8], value: &'v [u8]) -> Option<&'v [u8]> {
    let (scheme, rest) = value.split_at_checked(wanted.len())?;
    if !scheme.eq_ignore_ascii_case(wanted) {
        return None;
    }
    match rest {
        [] => Some(rest),
        [b' ', token @ ..] => Some(token),
        _ => None,
    }
}

/// A value of another scheme.
fn foreign(value: &HeaderValue) -> Seen<'_> {
    let text = value.to_str().unwrap_or_default();
    let (scheme, _) = text.split_once(' ').unwrap_or((text, ""));
    if is_token(scheme) {
        Seen::Foreign
    } else {
        Seen::Malformed
    }
}

/// The text of a token, if it is one.
///
/// Source: RFC 9110 §11.2
fn token68(bytes: &[u8]) -> Option<&str> {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = bytes.get(..bytes.len().saturating_sub(padding))?;
    // Every byte is looked at, without a branch: the compiler makes vector instructions of it. A token has hundreds.
    let good = body.iter().fold(true, |good, byte| good & is_token68(*byte));
    if good && !body.is_empty() {
        std::str::from_utf8(bytes).ok()
    } else {
        None
    }
}

const fn is_token68(byte: u8) -> bool {
    let email = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    // From - to / there are exactly three: - . /
    let mark = (byte.wrapping_sub(b'-') < 3) | (byte == b'_') | (byte == b'~') | (byte == b'+');
    email | digit | mark
}

/// Source: RFC 9110 §5.6.2
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

const BEARER: &[u8] = b"Bearer";
const BASIC: &[u8] = b"Basic";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_characters_of_a_token68_are_taken() {
        for byte in 0..=u8::MAX {
            let named = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_token68(byte), named, "{byte:#x}");
        }
        for (text, good) in [
            ("", false),
            ("=", false),
            ("a", true),
            ("a==", true),
            ("=a", false),
            ("a=b", false),
            ("a b", false),
            ("a\u{e4}", false),
        ] {
            assert_eq!(token68(text.as_bytes()).is_some(), good, "{text:?}");
        }
        assert!(token68(b"a\xff").is_none());
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case_and_nothing_longer() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bEARER abc", Some("abc")),
            ("Bearer  abc", Some(" abc")),
            ("Bearer", Some("")),
            ("Bearer ", Some("")),
            ("Bearers abc", None),
            ("Bearer\tabc", None),
            ("Basic abc", None),
            ("Bear", None),
            ("", None),
        ] {
            assert_eq!(
                after(BEARER, value.as_bytes()),
                token.map(str::as_bytes),
                "{value:?}"
            );
        }
    }
}
