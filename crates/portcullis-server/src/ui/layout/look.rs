//! How the pages look where this server runs: what it is called, its logo, its colour.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use portcullis_core::defends;

use super::not_found;
use crate::config::Brand;

/// What the configuration makes of every page.
#[derive(Clone)]
pub(crate) struct Look(Arc<Parts>);

struct Parts {
    /// The name, escaped.
    name: String,
    style: String,
    mark: (&'static str, Bytes),
}

#[derive(Template)]
#[template(source = "{{ text }}", ext = "html")]
struct Escaped<'t> {
    text: &'t str,
}

impl Look {
    pub(crate) fn new(brand: &Brand) -> Self {
        let mut style = include_str!("style.css").to_owned();
        if let Some(colour) = brand.colour {
            let dark = colour.on_dark();
            style.push_str(&format!(
                ":root {{ --act: {colour}; }}\n@media (prefers-color-scheme: dark) {{ :root {{ --act: {dark}; }} }}\n"
            ));
        }
        let mark = match &brand.mark {
            Some(mark) => (mark.kind, Bytes::copy_from_slice(&mark.bytes)),
            None => ("image/svg+xml", Bytes::from_static(include_bytes!("mark.svg"))),
        };
        // There is nothing in the template that could fail.
        let name = Escaped { text: &brand.name }.render().unwrap_or_default();
        Self(Arc::new(Parts { name, style, mark }))
    }

    /// Puts the name to where the templates leave a place for it. What somebody typed holds no such place: its angle
    /// brackets are entities.
    pub(super) fn name(&self, html: &str) -> String {
        html.replace(NAME, &self.0.name)
    }

    /// Style, logo and script, to be mounted at `/assets`.
    pub(crate) fn assets(&self) -> Router {
        let Parts { style, mark, .. } = &*self.0;
        let own = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        Router::new()
            .route("/portcullis.css", asset("text/css; charset=utf-8", own(style)))
            .route(
                "/copy.js",
                asset("text/javascript; charset=utf-8", own(include_str!("copy.js"))),
            )
            .route("/mark", asset(mark.0, mark.1.clone()))
            .fallback(not_found)
    }
}

/// A file that never changes while the server runs. An image that somebody opens by itself is no page of ours: nothing in
/// it runs, loads or belongs to this origin.
fn asset(kind: &'static str, bytes: Bytes) -> axum::routing::MethodRouter {
    defends!("T198");
    get(move || async move {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(kind)),
            (CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600")),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(ALONE)),
        ];
        (headers, bytes)
    })
}

/// The place of the name in a template.
const NAME: &str = "<brand-name></brand-name>";

/// An SVG may style itself, and nothing else.
const ALONE: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
