//! Refuses cookies that another site's page sends.
//!
//! A browser attaches a cookie by itself; a token in a header is put there by a script of ours. So only cookies are
//! checked, and only with methods that change something.
//!
//! **Deployment caveat:** `SameSite=Lax` and the `__Host-` prefix of the cookie are the first line; this is the
//! second. A proxy that strips `Sec-Fetch-Site` and `Origin` makes browsers' changes fail, never pass.

use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use portcullis_core::defends;
use url::{Origin, Url};

use super::scheme::Carrier;
use crate::Problem;

/// Lets the request pass unless its credential came as a cookie with an unsafe method from another site.
pub(super) fn check(carrier: Carrier, parts: &Parts, public: Option<&Origin>) -> Result<(), Problem> {
    defends!("T023");
    let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if carrier == Carrier::Header || safe || same_site(&parts.headers, public) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "cross_site_request",
        "a session cookie is accepted here only from pages of this site",
    ))
}

fn same_site(headers: &HeaderMap, public: Option<&Origin>) -> bool {
    match single(headers, &SEC_FETCH_SITE) {
        Header::Once(site) => site == "same-origin" || site == "none",
        Header::Unreadable => false,
        Header::Absent => match (single(headers, &ORIGIN), public) {
            (Header::Once(origin), Some(public)) => {
                public.is_tuple() && Url::parse(origin).is_ok_and(|url| url.origin() == *public)
            }
            _ => false,
        },
    }
}

enum Header<'h> {
    Absent,
    Once(&'h str),
    /// Twice, or not text.
    Unreadable,
}

fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Header<'h> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Header::Absent,
        (Some(value), None) => value.to_str().map_or(Header::Unreadable, Header::Once),
        (Some(_), Some(_)) => Header::Unreadable,
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
