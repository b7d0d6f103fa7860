//! The API's documentation: OpenAPI 3.1 and pages that show it.
//!
//! Flow: each route brings a function that describes its handler's types; `openapi` runs them all,
//! adds who may call (`security`), and the pages read the result from `/openapi.json`. Clients are generated from it too,
//! so its names depend on nothing but what they name (`names`), and it can be had with one way in (`one_way`).
//!
//! Invariants: an operation's security is derived from the constant that is enforced (`T018`). The pages load
//! nothing from another host: their scripts are inside of them, and their policy names each by its hash.
//!
//! **Deliberately absent:** the OpenAPI crate's types in our own interface, but for the two traits by which
//! somebody's own extractors and answers describe themselves.

mod names;
mod one_way;
pub(crate) mod openapi;
mod operation;
mod page;
mod security;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use aide::generate::GenContext;
use aide::openapi::{Operation, ReferenceOr, Responses, StatusCode};
pub use aide::{OperationInput, OperationOutput};
use axum::body::Bytes;
use axum::routing::{MethodRouter, get};
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

pub(crate) use self::names::{ambiguous_names, handler_name, summary_of};
use crate::enforcer::Gate;
use crate::protect::Protect;
use crate::route::Label;
use crate::router::Api;
use crate::{Problem, Query};

/// Where the docs are. Every path can be changed, and `None` leaves it out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Docs {
    /// The OpenAPI document: `/openapi.json`. Without it there are no pages either. `?scheme=bearer`, or another of its
    /// security schemes, gives what can be called that way, for generators whose clients send all they hold at once.
    pub openapi: Option<Cow<'static, str>>,
    /// The path of the page with Swagger UI: `/docs`.
    pub swagger: Option<Cow<'static, str>>,
    /// The path of the page with Redoc: `/redoc`.
    pub redoc: Option<Cow<'static, str>>,
    /// The path of the page with Scalar: `/scalar`.
    pub scalar: Option<Cow<'static, str>>,
    /// Where tokens are had with the password grant: `/oauth/token`. Swagger UI's "Authorize" uses it. `None` leaves it
    /// out; so does a server that honours another issuer's tokens, where nobody should type a password.
    pub token_url: Option<Cow<'static, str>>,
    /// The address by which clients reach the API, without a path, as the document's `servers` names it: the public address,
    /// where there is one.
    pub server: Option<Cow<'static, str>>,
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
            server: None,
            cookie: "__Host-portcullis".into(),
            api_key_header: "X-API-Key".into(),
        }
    }
}

impl Docs {
    /// No document, and no pages that show it.
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
        let mut routes = vec![(spec, route(Documents::of(api)))];
        let pages = [
            (&self.swagger, page::Viewer::Swagger),
            (&self.redoc, page::Viewer::Redoc),
            (&self.scalar, page::Viewer::Scalar),
        ];
        for (path, viewer) in pages {
            if let Some(path) = path.as_deref() {
                routes.push((
                    path,
                    page::route(viewer, &api.title, (path, spec), &self.api_key_header),
                ));
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

/// The document, whole and by scheme, written once.
struct Documents {
    whole: Bytes,
    by_scheme: BTreeMap<String, Bytes>,
}

impl Documents {
    fn of(api: &Api) -> Self {
        let whole = openapi::document(api);
        let by_scheme = one_way::schemes(&whole)
            .into_iter()
            .map(|scheme| {
                let document = one_way::document(&whole, &scheme).to_string();
                (scheme, document.into())
            })
            .collect();
        Self {
            whole: whole.to_string().into(),
            by_scheme,
        }
    }

    fn choose(&self, scheme: Option<&str>) -> Result<Bytes, Problem> {
        let Some(scheme) = scheme else {
            return Ok(self.whole.clone());
        };
        self.by_scheme.get(scheme).cloned().ok_or_else(|| {
            let known: Vec<_> = self.by_scheme.keys().map(String::as_str).collect();
            Problem::bad_request("unknown_scheme", format!("scheme is one of {}", known.join(", ")))
        })
    }
}

/// Which document is asked for.
#[derive(Deserialize)]
struct Choice {
    /// The one security scheme that it is to have.
    scheme: Option<String>,
}

fn route(documents: Documents) -> MethodRouter {
    let documents = Arc::new(documents);
    get(move |Query(choice): Query<Choice>| {
        let documents = Arc::clone(&documents);
        async move {
            let document = documents.choose(choice.scheme.as_deref())?;
            let content_type = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            Ok::<_, Problem>((content_type, document))
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
