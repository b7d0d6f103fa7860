//! The cookies of a session: the token, which nobody reads, and beside it the CSRF token for the page's script.
//!
//! The browser gives the session cookie to this host alone, over TLS (or loopback), never to a script, and not with
//! requests that other sites make, but for opening a link ([`crate::cookie`]).

use std::time::Duration;

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use portcullis_core::defends;
use portcullis_core::session::Token;

use crate::Gate;
use crate::cookie::Reader;

/// Gives the browser the session's token, and its CSRF token.
pub(super) fn set(headers: &mut HeaderMap, gate: &Gate, token: &Token, lifetime: Duration) {
    defends!("T023");
    let cookies = gate.cookies();
    let (secret, csrf) = (token.expose(), gate.csrf_token(token));
    append(
        headers,
        [
            cookies.set(cookies.session(), &secret, lifetime, Reader::Nobody),
            cookies.set(cookies.csrf(), &csrf, lifetime, Reader::Script),
        ],
    );
}

/// Takes both back.
pub(super) fn clear(headers: &mut HeaderMap, gate: &Gate) {
    let cookies = gate.cookies();
    append(
        headers,
        [
            cookies.clear(cookies.session(), Reader::Nobody),
            cookies.clear(cookies.csrf(), Reader::Script),
        ],
    );
}

fn append(headers: &mut HeaderMap, values: [Option<HeaderValue>; 2]) {
    for value in values.into_iter().flatten() {
        headers.append(SET_COOKIE, value);
    }
}
