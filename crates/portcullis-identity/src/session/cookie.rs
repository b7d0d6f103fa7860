//! The cookies of a session: the token, which nobody reads, and beside it the CSRF token for the page's script.
//!
//! The browser gives the session cookie to this host alone, over TLS (or loopback), never to a script, and not with
//! requests that other sites make, but for opening a link ([`crate::cookie`]). It forgets both when it is closed, unless
//! somebody asked to be remembered; how long the session itself lives is the store's.

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_core::defends;
use portcullis_core::session::Token;

use crate::Gate;
use crate::cookie::{Keep, Reader};

/// Gives the browser the session's token, and its CSRF token.
pub(super) fn set(headers: &mut HeaderMap, gate: &Gate, token: &Token, keep: Keep) {
    defends!("T023");
    let cookies = gate.cookies();
    let (secret, csrf) = (token.expose(), gate.csrf_token(token));
    append(
        headers,
        [
            cookies.set(cookies.session(), &secret, keep, Reader::Nobody),
            cookies.set(cookies.csrf(), &csrf, keep, Reader::Script),
        ],
    );
}

/// Takes the session cookie and the CSRF cookie back from the browser.
pub(super) fn clear(headers: &mut HeaderMap, gate: &Gate) {
    append(headers, gate.cookies().clear_login());
}

/// Has the browser forget what it kept of this origin for somebody who came by cookie: answers in its cache, and what
/// scripts stored. Not cookies: browsers would take them from every host of the registered domain, others' too.
///
/// Source: W3C Clear Site Data §3.1
pub(super) fn forget(headers: &mut HeaderMap) {
    headers.insert(
        CLEAR_SITE_DATA,
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

fn append(headers: &mut HeaderMap, values: [Option<HeaderValue>; 2]) {
    for value in values.into_iter().flatten() {
        headers.append(SET_COOKIE, value);
    }
}
