//! Refuses forms that another site's page sends.
//!
//! A page of another site could fill in a form of ours and have the browser send it. Browsers say where a request
//! comes from (`Sec-Fetch-Site`, and `Origin` where that is missing); whoever says neither is refused too.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::ORIGIN;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use portcullis_core::defends;
use url::{Origin, Url};

use super::layout::Page;

/// Lets a request pass that changes nothing, or that a page of `public` sends.
pub(crate) async fn check(State(public): State<Origin>, request: Request, next: Next) -> Response {
    defends!("T023");
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_same(request.headers(), &public) {
        return next.run(request).await;
    }
    let text = "This form was sent from a page of another site, or through a proxy that hides where it came from. \
                Nothing was changed.";
    Page::message(StatusCode::FORBIDDEN, "Refused", text).into_response()
}

fn is_same(headers: &HeaderMap, public: &Origin) -> bool {
    match single(headers, &SEC_FETCH_SITE) {
        Header::Once(site) => site == "same-origin",
        Header::Unreadable => false,
        Header::Absent => match single(headers, &ORIGIN) {
            Header::Once(origin) => {
                public.is_tuple() && Url::parse(origin).is_ok_and(|url| url.origin() == *public)
            }
            Header::Absent | Header::Unreadable => false,
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use portcullis_core::checks;

    use super::*;

    #[test]
    fn only_pages_of_this_server_pass() {
        checks!("T023");
        let public = Url::parse("https://id.example.com").unwrap().origin();
        for (sent, passes) in [
            (&[][..], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "")], false),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://id.example.com"),
                ],
                false,
            ),
            (&[("origin", "null")], false),
            (&[("origin", "https://example.com")], false),
            (&[("origin", "http://id.example.com")], false),
            (&[("origin", "https://id.example.com:8443")], false),
            (&[("origin", "https://id.example.com.evil.example")], false),
            (
                &[
                    ("origin", "https://id.example.com"),
                    ("origin", "https://id.example.com"),
                ],
                false,
            ),
            (&[("origin", "https://id.example.com")], true),
            (&[("origin", "https://id.example.com:443")], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://other.example"),
                ],
                true,
            ),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in sent {
                headers.append(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_same(&headers, &public), passes, "{sent:?}");
        }
    }
}
