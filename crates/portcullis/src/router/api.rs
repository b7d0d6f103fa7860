//! The builder: gathers routes with their rules, and makes a router of them.

use std::borrow::Cow;
use std::convert::Infallible;

use aide::OperationInput;
use aide::OperationOutput;
use aide::operation::OperationHandler;
use axum::extract::{FromRequestParts, OriginalUri, Request};
use axum::handler::Handler;
use axum::middleware::{Next, from_extractor, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, Route as Endpoint, on};
use http::Method;
use indexmap::IndexMap;
use portcullis_core::defends;
use schemars::JsonSchema;
use tower::{Layer, Service};

use super::docs::{self, Docs};
use super::route::{Parameter, Route, Text};
use super::{ApiError, lock, path};
use crate::Problem;
use crate::protect::Limits;
use crate::request::Voice;
use crate::route::{Access, Gathered, Guard, Guarded, RouteInfo, Verb, gather, parameter_names};

/// Routes that each say who may call them; a thin wrapper over axum's router that becomes one.
///
/// A handler whose first parameter isn't an access rule doesn't compile:
///
/// ```compile_fail
/// # use portcullis::Api;
/// async fn open_to_all() -> &'static str { "oops" }
/// let api: Api = Api::new("Blog", "1.0").get("/", open_to_all);
/// ```
#[must_use]
pub struct Api<S = ()> {
    pub(crate) title: Cow<'static, str>,
    pub(crate) version: Cow<'static, str>,
    pub(crate) about: Option<Cow<'static, str>>,
    pub(crate) routes: Vec<Route<S>>,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) groups: IndexMap<String, String>,
    pub(crate) docs: Docs,
    pub(crate) limits: Limits,
    pub(super) errors: Vec<ApiError>,
}

/// A router of somebody else's behind a rule of ours.
pub(crate) struct Mount {
    pub(crate) prefix: String,
    pub(crate) guard: Guard,
    pub(crate) router: axum::Router,
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident $method:ident;)+) => {$(
        $(#[$doc])*
        pub fn $name<H, T, I, O>(self, path: &str, handler: H) -> Self
        where
            H: Handler<T, S> + OperationHandler<I, O>,
            T: Guarded + 'static,
            I: OperationInput,
            O: OperationOutput,
        {
            self.route(Method::$method, MethodFilter::$method, path, handler)
        }
    )+};
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// No routes yet. Title and version are shown in the docs.
    pub fn new(title: impl Into<Cow<'static, str>>, version: impl Into<Cow<'static, str>>) -> Self {
        Self {
            title: title.into(),
            version: version.into(),
            about: None,
            routes: Vec::new(),
            mounts: Vec::new(),
            groups: IndexMap::new(),
            docs: Docs::default(),
            limits: Limits::default(),
            errors: Vec::new(),
        }
    }

    verbs! {
        /// Answers `GET` (and `HEAD`) at `path` with `handler`.
        get GET;
        /// Answers `POST` at `path` with `handler`.
        post POST;
        /// Answers `PUT` at `path` with `handler`.
        put PUT;
        /// Answers `PATCH` at `path` with `handler`.
        patch PATCH;
        /// Answers `DELETE` at `path` with `handler`.
        delete DELETE;
    }

    fn route<H, T, I, O>(mut self, method: Method, filter: MethodFilter, path: &str, handler: H) -> Self
    where
        H: Handler<T, S> + OperationHandler<I, O>,
        T: Guarded + 'static,
        I: OperationInput,
        O: OperationOutput,
    {
        defends!("T017");
        if let Err(error) = path::check(path) {
            self.errors.push(error);
            return self;
        }
        let Gathered { asks, early } = gather::<I>();
        if early {
            self.errors.push(ApiError::DecidedEarly {
                method: method.as_str().to_owned(),
                path: path.to_owned(),
            });
        }
        self.routes.push(Route {
            method,
            path: path.to_owned(),
            guard: Guard::of::<T::Access>(),
            asks,
            handler: on(filter, handler),
            document: docs::describe::<I, O>,
            text: Text {
                summary: docs::summary_of::<H>(),
                handler: docs::handler_name::<H>(),
                ..Text::default()
            },
            body_limit: None,
            voice: Voice::default(),
        });
        self
    }

    /// Puts all routes of `api` below `prefix`.
    pub fn nest(mut self, prefix: &str, api: Self) -> Self {
        if let Err(error) = path::check(prefix) {
            self.errors.push(error);
            return self;
        }
        let Self {
            mut routes,
            mut mounts,
            groups,
            errors,
            ..
        } = api;
        for route in &mut routes {
            route.path = path::join(prefix, &route.path);
        }
        for mount in &mut mounts {
            mount.prefix = path::join(prefix, &mount.prefix);
        }
        self.routes.append(&mut routes);
        self.mounts.append(&mut mounts);
        self.groups.extend(groups);
        self.errors.extend(errors);
        self
    }

    /// Takes over all routes of `api`. Title, docs and limits stay as they are here.
    pub fn merge(self, api: Self) -> Self {
        self.nest("/", api)
    }

    /// Puts any axum router below `prefix`, behind the rule `A`: `api.mount::<Allow<Role<Admin>>>("/metrics", router)`.
    /// Every request below the prefix passes the rule first, also for paths the router doesn't know.
    pub fn mount<A>(mut self, prefix: &str, router: axum::Router) -> Self
    where
        A: Access + FromRequestParts<()> + Send + 'static,
    {
        if let Err(error) = path::check(prefix).and_then(|()| path::check_mount(prefix)) {
            self.errors.push(error);
            return self;
        }
        self.mounts.push(Mount {
            prefix: prefix.trim_end_matches('/').to_owned(),
            guard: Guard::of::<A>(),
            router: axum::Router::new()
                .fallback_service(from_extractor::<A>().layer(from_fn(one_spelling).layer(router))),
        });
        self
    }

    /// Wraps all routes registered so far in a tower layer, inside of Portcullis' own limits. For one that must see
    /// requests of every path and method (CORS), wrap the finished router.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Endpoint> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        for route in &mut self.routes {
            route.handler = std::mem::take(&mut route.handler).layer(layer.clone());
        }
        for mount in &mut self.mounts {
            mount.router = std::mem::take(&mut mount.router).layer(layer.clone());
        }
        self
    }

    /// Gives the handlers their state.
    pub fn with_state<S2>(self, state: S) -> Api<S2> {
        let routes = self.routes.into_iter().map(|route| Route {
            method: route.method,
            path: route.path,
            guard: route.guard,
            asks: route.asks,
            handler: MethodRouter::with_state(route.handler, state.clone()),
            document: route.document,
            text: route.text,
            body_limit: route.body_limit,
            voice: route.voice,
        });
        Api {
            routes: routes.collect(),
            title: self.title,
            version: self.version,
            about: self.about,
            mounts: self.mounts,
            groups: self.groups,
            docs: self.docs,
            limits: self.limits,
            errors: self.errors,
        }
    }

    /// Says in a few words what the last route does. Without it, the handler's name does.
    pub fn summary(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.last("summary", |route| route.text.summary = Some(text.into()))
    }

    /// Describes the last route at length (Markdown).
    pub fn description(self, text: impl Into<Cow<'static, str>>) -> Self {
        self.last("description", |route| route.text.description = Some(text.into()))
    }

    /// Puts the last route under a heading of the docs.
    pub fn tag(self, name: impl Into<String>) -> Self {
        self.last("tag", |route| route.text.tags.push(name.into()))
    }

    /// Names the last route in the docs and in clients that are generated from them: `listPosts`. Without it a handler's
    /// name of several words does (`list_posts`), or else method and path.
    pub fn operation_id(self, id: impl Into<Cow<'static, str>>) -> Self {
        self.last("operation_id", |route| route.text.id = Some(id.into()))
    }

    /// Says what the path parameter `name` is, for every route so far that has it, whose handler reads it as plain text
    /// and of which it wasn't said yet: the bounds and the description of `T`'s schema. It is only documented: the handler
    /// refuses what is wrong.
    pub fn parameter<T: JsonSchema>(mut self, name: &'static str) -> Self {
        for route in &mut self.routes {
            let known = route.text.parameters.iter().any(|known| known.name == name);
            if !known && parameter_names(&route.path).any(|here| here == name) {
                route.text.parameters.push(Parameter {
                    name: name.into(),
                    schema: T::json_schema,
                });
            }
        }
        self
    }

    /// Lets the last route read bodies up to `bytes` long, instead of what [`Limits::body`] says.
    pub fn body_limit(self, bytes: usize) -> Self {
        self.last("body_limit", |route| route.body_limit = Some(bytes))
    }

    /// Lets all routes so far say what goes wrong as OAuth clients read it.
    #[doc(hidden)]
    pub fn oauth_errors(mut self) -> Self {
        for route in &mut self.routes {
            route.voice = Voice::OAuth;
        }
        self
    }

    fn last(mut self, what: &'static str, change: impl FnOnce(&mut Route<S>)) -> Self {
        match self.routes.last_mut() {
            Some(route) => change(route),
            // The route may have been refused for its path: one error is enough.
            None if self.errors.is_empty() => self.errors.push(ApiError::NoRoute(what)),
            None => {}
        }
        self
    }

    /// Puts every route so far that has no tag under one heading, and says what the heading is about.
    pub fn group(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        let name = name.into();
        for route in self.routes.iter_mut().filter(|route| route.text.tags.is_empty()) {
            route.text.tags.push(name.clone());
        }
        self.groups.insert(name, description.into());
        self
    }

    /// Says what the whole API is about (Markdown).
    pub fn about(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.about = Some(text.into());
        self
    }

    /// Where the docs are, if anywhere.
    pub fn docs(mut self, docs: Docs) -> Self {
        self.docs = docs;
        self
    }

    /// What one request may cost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// All routes with their rules, those of the docs and mounted routers included.
    pub fn routes(&self) -> impl Iterator<Item = RouteInfo<'_>> {
        let routes = self.routes.iter().map(|route| RouteInfo {
            verb: Verb::Method(route.method.clone()),
            path: Cow::Borrowed(&route.path),
            guard: route.guard,
            asks: Cow::Borrowed(&route.asks),
        });
        let mounts = self.mounts.iter().map(|mount| RouteInfo {
            verb: Verb::Any,
            path: Cow::Owned(format!("{}/{{*path}}", mount.prefix)),
            guard: mount.guard,
            asks: Cow::Borrowed(&[]),
        });
        let docs = self.docs.paths().map(|path| RouteInfo {
            verb: Verb::Method(Method::GET),
            path: Cow::Borrowed(path),
            guard: Guard::of::<crate::Public>(),
            asks: Cow::Borrowed(&[]),
        });
        routes.chain(mounts).chain(docs)
    }

    /// The text of `authz.lock`: a line for every route, with its rule and the credentials it accepts.
    pub fn authz_lock(&self) -> String {
        lock::render(self.routes())
    }

    /// Whether the document is served: [`Docs`] name a path for it.
    pub fn documents_itself(&self) -> bool {
        self.docs.openapi.is_some()
    }

    /// The OpenAPI 3.1 document.
    pub fn openapi(&self) -> serde_json::Value {
        docs::openapi::document(self)
    }
}

/// A path has one spelling, as that of a route has: taking the prefix off would make two slashes one.
async fn one_spelling(OriginalUri(uri): OriginalUri, request: Request, next: Next) -> Response {
    if uri.path().contains("//") {
        return Problem::not_found().into_response();
    }
    next.run(request).await
}

impl<S> std::fmt::Debug for Api<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("title", &self.title)
            .field("routes", &self.routes.len())
            .finish_non_exhaustive()
    }
}
