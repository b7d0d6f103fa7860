//! The headers of every answer.

use std::sync::LazyLock;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
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

/// Both sets of them, made once: a copy costs less than looking for a place for each.
static PLAIN: LazyLock<HeaderMap> = LazyLock::new(|| DEFAULTS.into_iter().collect());
static BY_TLS: LazyLock<HeaderMap> = LazyLock::new(|| {
    let more = (
        STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000; includeSubDomains"),
    );
    DEFAULTS.into_iter().chain([more]).collect()
});

/// Completes the headers of an answer; what its handler set stays. `https` says whether clients reach this server by TLS
/// only.
pub(super) fn complete(headers: &mut HeaderMap, trace: Uuid, https: bool) {
    let defaults = if https { &*BY_TLS } else { &*PLAIN };
    let own = std::mem::replace(headers, defaults.clone());
    let mut last = None;
    for (name, value) in own {
        match (name, &last) {
            (Some(name), _) => {
                headers.insert(name.clone(), value);
                last = Some(name);
            }
            // One more of the name before.
            (None, Some(name)) => {
                headers.append(name.clone(), value);
            }
            (None, None) => {}
        }
    }
    let mut buffer = Uuid::encode_buffer();
    if let Ok(value) = HeaderValue::from_str(trace.as_hyphenated().encode_lower(&mut buffer)) {
        headers.insert(X_REQUEST_ID, value);
    }
}
