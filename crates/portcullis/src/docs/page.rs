//! The pages: Swagger UI, Redoc, Scalar.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::routing::{MethodRouter, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use portcullis_core::defends;

/// A program that shows an OpenAPI document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Viewer {
    Swagger,
    Redoc,
    Scalar,
}

/// The page of `viewer` for the document at `spec`. It is put together when somebody asks for it first: its scripts are
/// megabytes that a server nobody reads the docs of needn't hold. From then on it is there once, however many ask
/// (`T085`).
pub(super) fn route(viewer: Viewer, title: &str, spec: &str) -> MethodRouter {
    defends!("T085");
    let (title, spec) = (escape(title), script_text(spec));
    let page = Arc::new(OnceLock::new());
    get(move || {
        let made = || {
            let html = html(viewer, &title, &spec);
            (policy(&html), Bytes::from(html))
        };
        let (policy, html) = page.get_or_init(made).clone();
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CONTENT_SECURITY_POLICY, policy),
        ];
        async move { (headers, html) }
    })
}

fn html(viewer: Viewer, title: &str, spec: &str) -> String {
    match viewer {
        Viewer::Swagger => aide::swagger::Swagger::new(spec).with_title(title).html(),
        Viewer::Redoc => aide::redoc::Redoc::new(spec).with_title(title).html(),
        Viewer::Scalar => aide::scalar::Scalar::new(spec).with_title(title).html(),
    }
}

/// Only the page's own scripts run, each named by its hash; nothing is loaded from another host. The viewers make
/// style elements as they run, so styles can't be named.
///
/// Source: CSP Level 3 §2.3.1
fn policy(html: &str) -> HeaderValue {
    let mut scripts = String::new();
    for script in inline_scripts(html) {
        scripts.push_str(" 'sha256-");
        STANDARD.encode_string(digest(&SHA256, script.as_bytes()), &mut scripts);
        scripts.push('\'');
    }
    let text = format!(
        "default-src 'none'; script-src{scripts}; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; \
         connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// The texts of the page's script elements, found as a browser finds them: one after the other, because a script's
/// own text may speak of script elements.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let (_, from_tag) = rest.split_once("<script")?;
        let (_, from_text) = from_tag.split_once('>')?;
        let (text, behind) = from_text.split_once("</script>")?;
        rest = behind;
        Some(text)
    })
    .filter(|text| !text.trim().is_empty())
}

/// Text for a page.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Text for a script's string: paths are printable ASCII, and quotes and angle brackets are left out.
fn script_text(path: &str) -> String {
    path.chars()
        .filter(|c| !matches!(c, '\'' | '"' | '`' | '\\' | '<' | '>'))
        .collect()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::extract::Request;
    use portcullis_core::checks;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_page_is_held_once_however_many_ask() {
        checks!("T085");
        let page = axum::Router::new().route("/", route(Viewer::Redoc, "Test", "/openapi.json"));
        let ask = async || {
            let answer = page.clone().oneshot(Request::<Body>::default()).await.unwrap();
            to_bytes(answer.into_body(), usize::MAX).await.unwrap()
        };
        let (first, second) = (ask().await, ask().await);
        assert!(first.len() > 100_000);
        assert_eq!(first.as_ptr(), second.as_ptr());
    }

    #[test]
    fn a_script_that_speaks_of_scripts_is_one_script() {
        let html = "<script id=a></script><style>x</style><script>f('<script>')</script><script type=\"x\">g</script>";
        assert_eq!(inline_scripts(html).collect::<Vec<_>>(), ["f('<script>')", "g"]);
    }

    #[test]
    fn a_path_stays_inside_its_string() {
        assert_eq!(script_text("/a'});alert(`1`)</script>"), "/a});alert(1)/script");
    }
}
