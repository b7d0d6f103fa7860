//! `X-Session-Token: pcs_…`: a session token of a client that keeps no cookies.

use http::{HeaderMap, HeaderName};
use portcullis_core::authn::Credential;
use portcullis_core::session::Token;

use super::Seen;

pub(super) fn extract(headers: &HeaderMap) -> Seen<'_> {
    let mut values = headers.get_all(X_SESSION_TOKEN).iter();
    let Some(value) = values.next() else {
        return Seen::Nothing;
    };
    if values.next().is_some() {
        return Seen::Several;
    }
    value
        .to_str()
        .ok()
        .and_then(Token::parse)
        .map_or(Seen::Invalid, |token| {
            Seen::Credential(Credential::Session(token))
        })
}

pub(super) const X_SESSION_TOKEN: HeaderName = HeaderName::from_static("x-session-token");
