//! `Authorization: Bearer …`: a JWT or a session token.
//!
//! Source: RFC 6750 §2.1, RFC 9110 §11.6.2

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::{Presented, sort};

pub(super) fn extract(headers: &HeaderMap) -> Presented<'_> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Presented::Nothing;
    };
    if values.next().is_some() {
        return Presented::Several;
    }
    let Ok(text) = value.to_str() else {
        return Presented::Malformed;
    };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return if is_token(scheme) {
            Presented::Foreign
        } else {
            Presented::Malformed
        };
    }
    if is_token68(token) {
        sort(token)
    } else {
        Presented::Malformed
    }
}

/// Source: RFC 9110 §11.2
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

/// Source: RFC 9110 §5.6.2
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
