//! The first page: what is here, and where to read on.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use portcullis_identity::{Portcullis, Public};

/// What the page shows, found out once.
#[derive(Clone)]
pub(crate) struct Home {
    portcullis: Portcullis,
    groups: Arc<[Group]>,
}

/// Links under one heading.
struct Group {
    title: &'static str,
    links: Vec<Link>,
}

struct Link {
    path: &'static str,
    title: &'static str,
}

impl Home {
    /// The page of a server that answers what `portcullis` does: what isn't there isn't linked.
    pub(crate) fn new(portcullis: &Portcullis) -> Self {
        let api = portcullis.api();
        let there = |path: &str| api.routes().any(|route| route.answers(Some("GET"), Some(path)));
        let groups = LINKS.iter().map(|(title, links)| Group {
            title,
            links: links
                .iter()
                .filter(|(path, _)| there(path))
                .map(|(path, title)| Link { path, title })
                .collect(),
        });
        Self {
            groups: groups.filter(|group| !group.links.is_empty()).collect(),
            portcullis: portcullis.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "home/home.html")]
struct Shown<'h> {
    setup_is_open: bool,
    groups: &'h [Group],
    version: &'static str,
}

/// The page. Without its database a server still says what it is. Its headers come from [`super::layout::dress`].
pub(crate) async fn show(_: Public, State(home): State<Home>) -> Html<String> {
    let administrator = home.portcullis.registrar().administrator_exists().await;
    let shown = Shown {
        setup_is_open: administrator.is_ok_and(|exists| !exists),
        groups: &home.groups,
        version: env!("CARGO_PKG_VERSION"),
    };
    // There is nothing in the template that could fail.
    Html(shown.render().unwrap_or_default())
}

/// Everything that a `GET` could show, for people and for programs.
const LINKS: [(&str, &[(&str, &str)]); 3] = [
    (
        "The API",
        &[
            ("/docs", "Try it (Swagger UI)"),
            ("/redoc", "Read it (Redoc)"),
            ("/scalar", "Read and try it (Scalar)"),
            ("/openapi.json", "The OpenAPI document"),
        ],
    ),
    (
        "For programs that trust this server",
        &[
            (
                "/.well-known/oauth-authorization-server",
                "OAuth endpoints and what they can do",
            ),
            (
                "/.well-known/openid-configuration",
                "OpenID Connect: endpoints and what they can do",
            ),
            ("/.well-known/jwks.json", "Keys that its tokens are verified with"),
        ],
    ),
    (
        "How it is",
        &[
            ("/health/live", "Whether it runs"),
            ("/health/ready", "Whether it can answer"),
        ],
    ),
];
