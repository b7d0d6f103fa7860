//! Refuses cookies that another site's page sends.
//!
//! A browser attaches a cookie by itself, and a password that it remembers for HTTP Basic too; a token in a header is
//! put there by a script of ours. So only those two are checked, and only with methods that change something.
//!
//! A request that says nothing of where it comes from is refused with a cookie. With Basic it passes: every browser
//! sends `Origin` with such methods, and programs, which use Basic most, send neither header.
//!
//! **Deployment caveat:** `SameSite=Lax` and the `__Host-` prefix of the cookie are the first line; this is the
//! second. A proxy that strips `Sec-Fetch-Site` and `Origin` makes browsers' changes by cookie fail, never pass; where
//! browsers use Basic, no proxy may strip both.

use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use portcullis_core::defends;
use url::{Origin, Url};

use super::gate::Gate;
use super::scheme::Carrier;
use crate::Problem;

/// Lets the request pass unless a browser attached its credential with an unsafe method from another site.
pub(super) fn check(carrier: Carrier, parts: &Parts, gate: &Gate) -> Result<(), Problem> {
    defends!("T023");
    let exempt = match carrier {
        Carrier::Header => true,
        Carrier::Cookie => false,
        Carrier::Remembered => is_silent(&parts.headers),
    };
    if exempt || is_safe(&parts.method) || !is_elsewhere(&parts.headers, gate) {
        return Ok(());
    }
    Err(Problem::forbidden(
        "cross_site_request",
        "what a browser attaches by itself is accepted here only from pages of this site",
    ))
}

/// Whether a page of another site makes a browser change something: with an unsafe method, which browsers never send
/// without saying from where.
pub(crate) fn is_foreign_change(parts: &Parts, gate: &Gate) -> bool {
    !is_safe(&parts.method) && !is_silent(&parts.headers) && is_elsewhere(&parts.headers, gate)
}

/// Whether the request comes from a page that is neither this site's nor one that [`Cors`](crate::Cors) lets act with what
/// browsers attach.
fn is_elsewhere(headers: &HeaderMap, gate: &Gate) -> bool {
    let trusted = || matches!(single(headers, &ORIGIN), Header::Once(origin) if gate.trusts(origin));
    Sender::of(headers, gate.origin()) == Sender::Elsewhere && !trusted()
}

/// Whether the method changes nothing.
///
/// Source: RFC 9110 §9.2.1
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_silent(headers: &HeaderMap) -> bool {
    !headers.contains_key(&SEC_FETCH_SITE) && !headers.contains_key(ORIGIN)
}

/// Where a browser says that a request comes from.
///
/// Source: Fetch Metadata Request Headers §2.3, RFC 6454 §7
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// A page of this origin.
    SameOrigin,
    /// The person: an address typed or a bookmark opened.
    Person,
    /// Anywhere else, or the request doesn't say.
    Elsewhere,
}

impl Sender {
    /// Reads `Sec-Fetch-Site`, and `Origin` where that is missing; a header that comes twice says nothing. `public`
    /// is the origin of this server; without one no `Origin` is its own.
    pub fn of(headers: &HeaderMap, public: Option<&Origin>) -> Self {
        match single(headers, &SEC_FETCH_SITE) {
            Header::Once("same-origin") => Self::SameOrigin,
            Header::Once("none") => Self::Person,
            Header::Once(_) | Header::Unreadable => Self::Elsewhere,
            Header::Absent => match (single(headers, &ORIGIN), public) {
                (Header::Once(origin), Some(public)) if is(origin, public) => Self::SameOrigin,
                _ => Self::Elsewhere,
            },
        }
    }
}

fn is(origin: &str, public: &Origin) -> bool {
    public.is_tuple() && Url::parse(origin).is_ok_and(|url| url.origin() == *public)
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
