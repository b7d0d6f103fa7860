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
pub(super) fn route(
    viewer: Viewer,
    title: &str,
    (page, spec): (&str, &str),
    key_header: &str,
) -> MethodRouter {
    defends!("T085");
    let title = escape(title);
    let spec = script_text(&relative(page, spec));
    let own = own_script(&relative(page, "/"), &spec, key_header);
    let page = Arc::new(OnceLock::new());
    get(move || {
        let made = || {
            // The first one is the page's own; later ones stand in scripts.
            let html =
                html(viewer, &title, &spec).replacen("<head>", &format!("<head><script>{own}</script>"), 1);
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

/// The path `to` as it leads from the page at `from`, wherever a proxy shows both.
fn relative(from: &str, to: &str) -> String {
    let up = match from.matches('/').count() {
        0 | 1 => "./".to_owned(),
        deep => "../".repeat(deep - 1),
    };
    format!("{up}{}", to.trim_start_matches('/'))
}

/// What every page does before its viewer begins.
fn own_script(root: &str, spec: &str, key_header: &str) -> String {
    let key_header = script_text(key_header);
    OWN_SCRIPT
        .replace("ROOT", &script_text(root))
        .replace("SPEC", spec)
        .replace("KEY_HEADER", &key_header)
}

/// A call that carries a credential leaves the browser's cookies out: two credentials are refused. And calls go to the
/// server that the page came from, below the same prefix: the document names the public address, which may be another.
const OWN_SCRIPT: &str = include_str!("page.js");

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
        let page = axum::Router::new().route(
            "/",
            route(Viewer::Redoc, "Test", ("/redoc", "/openapi.json"), "X-API-Key"),
        );
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
    fn a_page_names_what_it_needs_from_where_it_is() {
        for (page, spec, relative_path) in [
            ("/docs", "/openapi.json", "./openapi.json"),
            ("/docs", "/", "./"),
            ("/api/docs", "/api/openapi.json", "../api/openapi.json"),
            ("/a/b/docs", "/openapi.json", "../../openapi.json"),
        ] {
            assert_eq!(relative(page, spec), relative_path);
        }
        for viewer in [Viewer::Swagger, Viewer::Redoc, Viewer::Scalar] {
            let html = html(viewer, "Test", &script_text(&relative("/docs", "/openapi.json")));
            assert!(html.contains("./openapi.json"), "{viewer:?}");
            assert!(
                !html.contains("'/openapi.json") && !html.contains("\"/openapi.json"),
                "{viewer:?}"
            );
        }
    }

    // Shows: KIT-1
    #[tokio::test]
    async fn the_page_runs_its_own_script_first_and_its_policy_names_it() {
        let own = own_script("./", "./openapi.json", "X-API-Key");
        let page = axum::Router::new().route(
            "/",
            route(Viewer::Swagger, "Test", ("/docs", "/openapi.json"), "X-API-Key"),
        );
        let answer = page.oneshot(Request::<Body>::default()).await.unwrap();
        let hash = STANDARD.encode(digest(&SHA256, own.as_bytes()));
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            policy.contains(&format!("script-src 'sha256-{hash}'")),
            "{policy}"
        );
        let html = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let html = std::str::from_utf8(&html).unwrap();
        assert_eq!(inline_scripts(html).next(), Some(own.as_str()));
        assert!(
            own.contains("\"x-session-token\"") && own.contains("\"X-API-Key\""),
            "{own}"
        );
    }

    #[test]
    fn a_path_stays_inside_its_string() {
        assert_eq!(script_text("/a'});alert(`1`)</script>"), "/a});alert(1)/script");
    }
}
