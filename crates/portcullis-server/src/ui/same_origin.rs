//! Refuses forms that another site's page sends.
//!
//! A page of another site could fill in a form of ours and have the browser send it. Browsers say where a request
//! comes from (`Sec-Fetch-Site`, and `Origin` where that is missing); whoever says neither is refused too.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use portcullis_core::defends;
use portcullis_identity::enforcer::Sender;
use url::Origin;

use super::layout::Page;

/// Lets a request pass that changes nothing, or that a page of `public` sends.
pub(crate) async fn check(State(public): State<Origin>, request: Request, next: Next) -> Response {
    defends!("T023");
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || Sender::of(request.headers(), Some(&public)) == Sender::SameOrigin {
        return next.run(request).await;
    }
    let text = "This form was sent from a page of another site, or through a proxy that hides where it came from. \
                Nothing was changed.";
    Page::message(StatusCode::FORBIDDEN, "Refused", text).into_response()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use portcullis_core::checks;
    use url::Url;

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
            let same = Sender::of(&headers, Some(&public)) == Sender::SameOrigin;
            assert_eq!(same, passes, "{sent:?}");
        }
    }
}
