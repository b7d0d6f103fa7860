//! The API's documentation: OpenAPI 3.1 and pages that show it.
//!
//! Flow: each route brings a function that describes its handler's types; `openapi` runs them all,
//! adds who may call (`security`), and the pages read the result from `/openapi.json`. Clients are generated from it too,
//! so its names depend on nothing but what they name (`names`), and it can be had with one way in (`one_way`).
//!
//! Invariants: an operation's security is derived from the constant that is enforced (`T018`). The pages load
//! nothing from another host: their scripts are inside of them, and their policy names each by its hash.
//!
//! Somebody's own extractors and answers describe themselves by [`Input`] and [`Output`].

mod names;
mod one_way;
pub(crate) mod openapi;
mod operation;
#[cfg_attr(not(feature = "docs"), path = "without_pages.rs")]
mod page;
mod security;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::routing::{MethodRouter, get};
use http::header::{CONTENT_TYPE, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::describe::{Documented, Input, Opaque, Operation, Output};

pub(crate) use self::names::{ambiguous_names, handler_name, summary_of};
use crate::enforcer::Gate;
use crate::protect::Protect;
use crate::route::Label;
use crate::router::{Api, Document, ready};
use crate::{Problem, Query};

/// Where the docs are. Every path can be changed, and `None` leaves it out.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Docs {
    /// The OpenAPI document: `/openapi.json`. Without it there are no pages either. `?scheme=bearer`, or another of its
    /// security schemes, gives what can be called that way, for generators whose clients send all they hold at once.
    pub openapi: Option<Cow<'static, str>>,
    /// The path of the page with Swagger UI: `/docs`. The pages are there with the feature `docs`.
    #[cfg(feature = "docs")]
    pub swagger: Option<Cow<'static, str>>,
    /// The path of the page with Redoc: `/redoc`.
    #[cfg(feature = "docs")]
    pub redoc: Option<Cow<'static, str>>,
    /// The path of the page with Scalar: `/scalar`.
    #[cfg(feature = "docs")]
    pub scalar: Option<Cow<'static, str>>,
    /// Where tokens are had with the password grant: `/oauth/token`. Swagger UI's "Authorize" uses it. `None` leaves it
    /// out; so does an API that has no such route, and a server that honours another issuer's tokens, where nobody should type a password.
    pub token_url: Option<Cow<'static, str>>,
    /// The address by which clients reach the API, without a path, as the document's `servers` names it: the public address,
    /// where there is one.
    pub server: Option<Cow<'static, str>>,
    /// Whom to ask about the API.
    pub contact: Option<Contact>,
    /// The licence of the API by its SPDX expression, such as `MIT OR Apache-2.0`.
    pub license: Option<Cow<'static, str>>,
    /// The address of the terms of service.
    pub terms_of_service: Option<Cow<'static, str>>,
    /// The address of a picture that Redoc shows (`x-logo`). The pages load pictures from this server only.
    pub logo: Option<Cow<'static, str>>,
    /// The name of the session cookie, as the docs show it.
    pub cookie: Cow<'static, str>,
    /// The name of the header of API keys, as the docs show it.
    pub api_key_header: Cow<'static, str>,
}

/// Whom to ask about an API. What is `None` is left out.
///
/// Source: OpenAPI 3.1 §4.8.3
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The name of somebody, or of a team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'static, str>>,
    /// The address of a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Cow<'static, str>>,
    /// An e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Cow<'static, str>>,
}

/// What a program changes of its document.
pub(crate) type Change = Arc<dyn Fn(&mut serde_json::Value) + Send + Sync>;

impl Default for Docs {
    fn default() -> Self {
        Self {
            openapi: Some("/openapi.json".into()),
            #[cfg(feature = "docs")]
            swagger: Some("/docs".into()),
            #[cfg(feature = "docs")]
            redoc: Some("/redoc".into()),
            #[cfg(feature = "docs")]
            scalar: Some("/scalar".into()),
            token_url: Some("/oauth/token".into()),
            server: None,
            contact: None,
            license: None,
            terms_of_service: None,
            logo: None,
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
            #[cfg(feature = "docs")]
            swagger: None,
            #[cfg(feature = "docs")]
            redoc: None,
            #[cfg(feature = "docs")]
            scalar: None,
            ..Self::default()
        }
    }

    /// The paths that are answered.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let document = self.openapi.as_deref();
        let pages = self.pages().filter(move |_| document.is_some());
        document.into_iter().chain(pages.map(|(path, _)| path))
    }

    /// The path of each page that is there, with what shows the document on it.
    #[cfg(feature = "docs")]
    fn pages(&self) -> impl Iterator<Item = (&str, page::Viewer)> {
        let pages = [
            (&self.swagger, page::Viewer::Swagger),
            (&self.redoc, page::Viewer::Redoc),
            (&self.scalar, page::Viewer::Scalar),
        ];
        pages
            .into_iter()
            .filter_map(|(path, viewer)| Some((path.as_deref()?, viewer)))
    }

    #[cfg(not(feature = "docs"))]
    fn pages(&self) -> impl Iterator<Item = (&str, page::Viewer)> {
        std::iter::empty()
    }

    /// Every path that can be chosen.
    pub(super) fn places_mut(&mut self) -> impl Iterator<Item = &mut Option<Cow<'static, str>>> {
        [
            &mut self.openapi,
            #[cfg(feature = "docs")]
            &mut self.swagger,
            #[cfg(feature = "docs")]
            &mut self.redoc,
            #[cfg(feature = "docs")]
            &mut self.scalar,
        ]
        .into_iter()
    }
}

/// The routes of all documents of `api`, and of the pages that show them.
pub(crate) fn router(api: &Api, gate: &Gate) -> axum::Router {
    api.documents().fold(axum::Router::new(), |router, document| {
        let Some(spec) = document.docs.openapi.as_deref() else {
            return router;
        };
        let served = (spec, route(Documents::of(&document)));
        let page = |(path, viewer)| {
            let page = page::route(
                viewer,
                document.title,
                (path, spec),
                &document.docs.api_key_header,
            );
            (path, page)
        };
        let routes = std::iter::once(served).chain(document.docs.pages().map(page));
        routes.fold(router, |router, (path, route)| {
            let protect = Protect::new(gate.clone(), Label::Route(path.into()), api.limits)
                .limited(None, ready(document.addresses));
            router.route(path, route.layer(protect))
        })
    })
}

/// The document, whole and by scheme, written once.
struct Documents {
    whole: Bytes,
    by_scheme: BTreeMap<String, Bytes>,
}

impl Documents {
    fn of(document: &Document<'_, ()>) -> Self {
        let whole = openapi::document(document);
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
#[derive(Deserialize, JsonSchema)]
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
