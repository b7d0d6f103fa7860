//! The headers of every answer.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, Entry, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use uuid::Uuid;

/// What an answer says about itself unless its handler said it. Nothing is stored by any cache, framed, sniffed or
/// shared with another origin unless a handler wants it so.
const DEFAULTS: [(HeaderName, HeaderValue); 7] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// The header that carries the trace id.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Completes the headers of an answer. `https` says whether clients reach this server by TLS only.
pub(super) fn complete(headers: &mut HeaderMap, trace: Uuid, https: bool) {
    headers.reserve(DEFAULTS.len() + 2);
    for (name, value) in DEFAULTS {
        if let Entry::Vacant(vacant) = headers.entry(name) {
            vacant.insert(value);
        }
    }
    if https && let Entry::Vacant(vacant) = headers.entry(STRICT_TRANSPORT_SECURITY) {
        vacant.insert(HeaderValue::from_static("max-age=31536000"));
    }
    let mut buffer = Uuid::encode_buffer();
    if let Ok(value) = HeaderValue::from_str(trace.as_hyphenated().encode_lower(&mut buffer)) {
        headers.insert(X_REQUEST_ID, value);
    }
}
