//! The API's documentation: OpenAPI 3.1 and pages that show it.
//!
//! Flow: each route brings a function that describes its handler's types; `openapi` runs them all,
//! adds who may call (`security`), and the pages read the result from `/openapi.json`.
//!
//! Invariants: an operation's security is derived from the constant that is enforced (`T018`). The pages load
//! nothing from another host: their scripts are inside of them, and their policy names each by its hash.
//!
//! **Deliberately absent:** the OpenAPI crate's types in our own interface, but for the two traits by which
//! somebody's own extractors and answers describe themselves.

pub(crate) mod openapi;
mod page;
pub(crate) mod schema;
mod security;

use std::borrow::Cow;

use aide::generate::GenContext;
use aide::openapi::{Operation, ReferenceOr, Responses, StatusCode};
pub use aide::{OperationInput, OperationOutput};
use axum::body::Bytes;
use axum::routing::{MethodRouter, get};
use http::header::{CONTENT_TYPE, HeaderValue};

use crate::enforcer::Gate;
use crate::protect::{Label, Protect};
use crate::router::Api;

/// Where the docs are. Every path can be changed, and `None` leaves it out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Docs {
    /// The OpenAPI document: `/openapi.json`. Without it there are no pages either.
    pub openapi: Option<Cow<'static, str>>,
    /// Swagger UI: `/docs`.
    pub swagger: Option<Cow<'static, str>>,
    /// Redoc: `/redoc`.
    pub redoc: Option<Cow<'static, str>>,
    /// Scalar: `/scalar`.
    pub scalar: Option<Cow<'static, str>>,
    /// Where tokens are had with the password grant: `/oauth/token`. Swagger UI's "Authorize" uses it. `None` leaves it
    /// out; so does a server that honours another issuer's tokens, where nobody should type a password.
    pub token_url: Option<Cow<'static, str>>,
    /// The name of the session cookie, as the docs show it.
    pub cookie: Cow<'static, str>,
    /// The name of the header of API keys, as the docs show it.
    pub api_key_header: Cow<'static, str>,
}

impl Default for Docs {
    fn default() -> Self {
        Self {
            openapi: Some("/openapi.json".into()),
            swagger: Some("/docs".into()),
            redoc: Some("/redoc".into()),
            scalar: Some("/scalar".into()),
            token_url: Some("/oauth/token".into()),
            cookie: "__Host-portcullis".into(),
            api_key_header: "X-API-Key".into(),
        }
    }
}

impl Docs {
    /// No docs.
    pub fn off() -> Self {
        Self {
            openapi: None,
            swagger: None,
            redoc: None,
            scalar: None,
            ..Self::default()
        }
    }

    /// The paths that are answered.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let pages = [&self.openapi, &self.swagger, &self.redoc, &self.scalar];
        let any = self.openapi.is_some();
        pages
            .into_iter()
            .filter(move |_| any)
            .filter_map(Option::as_deref)
    }

    /// The routes of the docs of `api`.
    pub(crate) fn router(&self, api: &Api, gate: &Gate) -> axum::Router {
        let Some(spec) = self.openapi.as_deref() else {
            return axum::Router::new();
        };
        let document = Bytes::from(openapi::document(api).to_string());
        let mut routes = vec![(spec, json(document))];
        let pages = [
            (&self.swagger, page::Viewer::Swagger),
            (&self.redoc, page::Viewer::Redoc),
            (&self.scalar, page::Viewer::Scalar),
        ];
        for (path, viewer) in pages {
            if let Some(path) = path.as_deref() {
                routes.push((path, page::route(viewer, &api.title, spec)));
            }
        }
        routes
            .into_iter()
            .fold(axum::Router::new(), |router, (path, route)| {
                let protect = Protect::new(gate.clone(), Label::Route(path.into()), api.limits);
                router.route(path, route.layer(protect))
            })
    }
}

fn json(document: Bytes) -> MethodRouter {
    get(move || {
        let document = document.clone();
        async move {
            (
                [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                document,
            )
        }
    })
}

/// What a handler's types say of its operation.
pub(crate) fn describe<I: OperationInput, O: OperationOutput>(context: &mut GenContext) -> Operation {
    let mut operation = Operation::default();
    I::operation_input(context, &mut operation);
    let early = I::inferred_early_responses(context, &mut operation);
    let answers = O::inferred_responses(context, &mut operation);
    let mut responses = Responses::default();
    for (status, response) in early.into_iter().chain(answers) {
        match status {
            Some(status @ StatusCode::Code(_)) => {
                responses.responses.insert(status, ReferenceOr::Item(response));
            }
            _ => responses.default = Some(ReferenceOr::Item(response)),
        }
    }
    operation.responses = Some(responses);
    operation
}

/// A handler's name as a summary: `list_posts` becomes "List posts". Closures have none.
pub(crate) fn summary_of<H>() -> Option<Cow<'static, str>> {
    let name = std::any::type_name::<H>().rsplit("::").next()?;
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    let mut summary = name.replace('_', " ");
    if let Some(first) = summary.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Some(summary.into())
}
