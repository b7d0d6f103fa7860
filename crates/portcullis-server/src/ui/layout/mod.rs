//! What all pages share: their frame, their headers, their style, and the page for a fault.
//!
//! Invariants: a page loads nothing but the style and the logo of this server, can't be framed, and is kept by no cache;
//! addresses with tokens reach nobody as a referrer. It runs no script, unless it is made [`Page::with_script`], and then a
//! file of this server's, never what stands in the page.

mod look;

use std::time::Duration;

use askama::Template;
use axum::body::to_bytes;
use axum::extract::{OriginalUri, Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, RETRY_AFTER,
};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::password::HashError;

pub(crate) use self::look::Look;

/// A rendered page, which is answered with the headers that every page has.
pub(crate) struct Page {
    status: StatusCode,
    html: Result<String, askama::Error>,
    policy: &'static str,
}

impl Page {
    /// The page that `template` renders.
    pub(crate) fn new(status: StatusCode, template: &impl Template) -> Self {
        Self {
            status,
            html: template.render(),
            policy: POLICY,
        }
    }

    /// The same, for a page that a script of ours makes easier. It must do its work without, too.
    pub(crate) fn with_script(status: StatusCode, template: &impl Template) -> Self {
        Self {
            policy: POLICY_WITH_SCRIPT,
            ..Self::new(status, template)
        }
    }

    /// A page with a title and a sentence.
    pub(crate) fn message(status: StatusCode, title: &str, text: &str) -> Self {
        Self::new(status, &Message { title, text })
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        match self.html {
            Ok(html) => dress((self.status, Html(html)).into_response(), self.policy),
            Err(error) => {
                tracing::error!(%error, "a page can't be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

#[derive(Template)]
#[template(path = "layout/message.html")]
struct Message<'m> {
    title: &'m str,
    text: &'m str,
}

/// What keeps a page from being answered. The reason is for the log.
pub(crate) struct Unanswered {
    retry_after: Option<Duration>,
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "a page can't be answered");
        Self {
            retry_after: fault.retry_after(),
        }
    }
}

impl From<HashError> for Unanswered {
    fn from(error: HashError) -> Self {
        tracing::error!(%error, "a page can't be answered");
        match error {
            HashError::Overloaded { retry_after } => Self {
                retry_after: Some(retry_after),
            },
            _ => Self { retry_after: None },
        }
    }
}

impl IntoResponse for Unanswered {
    fn into_response(self) -> Response {
        let Some(wait) = self.retry_after else {
            let text = "The server's log says why. Nothing was changed.";
            return Page::message(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", text)
                .into_response();
        };
        let text = "Nothing was changed. Please try again in a moment.";
        let mut response =
            Page::message(StatusCode::SERVICE_UNAVAILABLE, "The server is busy", text).into_response();
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        response
    }
}

/// Gives an answer the headers of a page.
pub(super) fn dress(mut response: Response, policy: &'static str) -> Response {
    defends!("T023");
    response.headers_mut().extend([
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (
            PERMISSIONS_POLICY,
            HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ),
    ]);
    response
}

/// Puts this server's name on a page, and makes its links, and where it redirects to, relative: they lead to this server
/// below whatever prefix a proxy takes off.
pub(crate) async fn finish(
    State(look): State<Look>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let root = root(uri.path());
    let (mut head, body) = next.run(request).await.into_parts();
    let location = head.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.and_then(|path| path.strip_prefix('/'));
    if let Some(location) = location.and_then(|path| HeaderValue::try_from(format!("{root}{path}")).ok()) {
        head.headers.insert(LOCATION, location);
    }
    let kind = head.headers.get(CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return Response::from_parts(head, body);
    }
    let Ok(html) = to_bytes(body, MOST).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // Quotes that somebody typed are written as entities: only a template's own links begin so.
    let html = look.name(&String::from_utf8_lossy(&html));
    let html = ["href", "action", "src"].iter().fold(html, |html, name| {
        html.replace(&format!(" {name}=\"/"), &format!(" {name}=\"{root}"))
    });
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, html.into())
}

/// The way from this path to where the server's own begin.
fn root(path: &str) -> String {
    match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        deep => "../".repeat(deep - 1),
    }
}

/// No page comes near it.
const MOST: usize = 1024 * 1024;

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Nothing is loaded but from here, nothing is run, nothing is sent elsewhere.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// The same, but that scripts of this server's run: files, nothing that stands in the page.
const POLICY_WITH_SCRIPT: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                                  form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// For paths below a page's own that lead nowhere.
pub(crate) async fn not_found() -> Page {
    Page::message(StatusCode::NOT_FOUND, "Not found", "There is no such page here.")
}
