//! The headers of every answer.

use std::sync::LazyLock;

use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
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

/// The whole head of the usual answer, whose handler said of what type it is and nothing else. The values of the first two are
/// to be filled in, and there is room for the last, which a layer around this one may still change the length of.
static USUAL: LazyLock<HeaderMap> = LazyLock::new(|| usual(&PLAIN));
static USUAL_BY_TLS: LazyLock<HeaderMap> = LazyLock::new(|| usual(&BY_TLS));

fn usual(defaults: &HeaderMap) -> HeaderMap {
    let blank = |name| (name, HeaderValue::from_static(""));
    let defaults = defaults.iter().map(|(name, value)| (name.clone(), value.clone()));
    let first = [CONTENT_TYPE, X_REQUEST_ID].map(blank);
    let all = first.into_iter().chain(defaults).chain([blank(CONTENT_LENGTH)]);
    all.collect()
}

/// Completes the headers of an answer; what its handler set stays. `https` says whether clients reach this server by TLS
/// only.
pub(super) fn complete(headers: &mut HeaderMap, trace: Uuid, https: bool) {
    let mut buffer = Uuid::encode_buffer();
    let trace = HeaderValue::from_str(trace.as_hyphenated().encode_lower(&mut buffer));
    let trace = match trace {
        Ok(trace) if only_says_its_type(headers) => {
            let usual = if https { &*USUAL_BY_TLS } else { &*USUAL };
            let own = std::mem::replace(headers, usual.clone());
            headers.remove(CONTENT_LENGTH);
            let values = own.into_iter().map(|(_, value)| value).chain([trace]);
            headers
                .values_mut()
                .zip(values)
                .for_each(|(blank, value)| *blank = value);
            return;
        }
        other => other,
    };
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
    if let Ok(trace) = trace {
        headers.insert(X_REQUEST_ID, trace);
    }
}

/// Whether these are the headers of the usual answer.
fn only_says_its_type(headers: &HeaderMap) -> bool {
    let mut names = headers.iter().map(|(name, _)| name);
    names.next() == Some(&CONTENT_TYPE) && names.next().is_none()
}

#[cfg(test)]
mod tests {
    use http::header::SET_COOKIE;

    use super::*;

    fn completed(own: &[(HeaderName, &'static str)], https: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in own {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        complete(&mut headers, Uuid::from_u128(7), https);
        headers
    }

    #[test]
    fn the_short_way_and_the_long_way_give_one_head() {
        let kind = (CONTENT_TYPE, "application/json");
        for https in [false, true] {
            let short = completed(std::slice::from_ref(&kind), https);
            let cookies = [(SET_COOKIE, "a=b"), kind.clone(), (SET_COOKIE, "c=d")];
            let mut long = completed(&cookies, https);
            let sent: Vec<_> = long.get_all(SET_COOKIE).iter().cloned().collect();
            assert_eq!(sent, ["a=b", "c=d"]);
            long.remove(SET_COOKIE);
            assert_eq!(short, long);
            assert_eq!(short[CONTENT_TYPE], "application/json");
            assert_eq!(short[X_REQUEST_ID], "00000000-0000-0000-0000-000000000007");
            assert_eq!(short.contains_key(STRICT_TRANSPORT_SECURITY), https);
            assert_eq!(short.len(), if https { 10 } else { 9 });
        }
    }

    #[test]
    fn what_a_handler_set_stays() {
        for own in [
            &[(CACHE_CONTROL, "max-age=60")][..],
            &[
                (CACHE_CONTROL, "max-age=60"),
                (CONTENT_TYPE, "text/html"),
                (CONTENT_LENGTH, "5"),
            ],
        ] {
            let headers = completed(own, false);
            for (name, value) in own {
                assert_eq!(headers[name], value, "{name}");
            }
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        }
    }
}
