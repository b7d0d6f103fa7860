//! The builder: gathers routes with their rules, and makes a router of them.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{FromRequestParts, OriginalUri, Request};
use axum::middleware::{Next, from_extractor, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use http::Method;
use indexmap::IndexMap;
use portcullis_core::defends;
use tower::Layer as _;

use super::around::Around;
use super::deprecation::Below;
use super::docs::{self, Docs};
use super::handler::{HandlerFn, RouteHandler};
use super::part::Part;
use super::route::{Group, Route, Text};
use super::{ApiError, path};
use crate::Problem;
use crate::dependency::Dependencies;
use crate::protect::{AddressList, Cors, Csp, Limits};
use crate::rates::RateLimit;
use crate::request::Voice;
use crate::route::{Access, Guard, Guarded, RouteInfo, Verb};

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
    pub(crate) groups: IndexMap<String, Group>,
    pub(crate) docs: Docs,
    pub(crate) change: Option<docs::Change>,
    pub(super) parts: Vec<Part>,
    pub(crate) limits: Limits,
    /// How often all of it may be called together.
    pub(super) rates: Vec<RateLimit>,
    /// From where.
    pub(super) addresses: Vec<AddressList>,
    pub(super) around: Vec<Around>,
    pub(super) cors: Option<Cors>,
    pub(super) dependencies: Dependencies,
    pub(super) below: Below,
    pub(super) errors: Vec<ApiError>,
}

/// A router of somebody else's behind a rule of ours.
pub(crate) struct Mount {
    pub(crate) prefix: String,
    pub(crate) guard: Guard,
    pub(crate) router: axum::Router,
    pub(super) around: Vec<Around>,
    pub(super) csp: Option<Csp>,
    /// How often it may be called.
    pub(super) rates: Vec<RateLimit>,
    /// From where.
    pub(super) addresses: Vec<AddressList>,
    /// That it is deprecated, in words.
    pub(crate) deprecated: Option<String>,
    /// The part of the API that it is described with, if that has a document of its own.
    pub(super) part: Option<usize>,
}

impl Mount {
    /// What is known of it.
    pub(crate) fn info(&self) -> RouteInfo<'_> {
        RouteInfo {
            verb: Verb::Any,
            path: Cow::Owned(format!("{}/{{*path}}", self.prefix)),
            guard: self.guard,
            asks: Cow::Borrowed(&[]),
            limits: self.rates.iter().map(ToString::to_string).collect(),
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
        }
    }
}

macro_rules! verbs {
    ($($(#[$doc:meta])* $name:ident $method:ident;)+) => {$(
        $(#[$doc])*
        pub fn $name<H, T, M>(self, path: &str, handler: H) -> Self
        where
            H: HandlerFn<T> + RouteHandler<T, M, S>,
            T: Guarded,
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
            change: None,
            parts: Vec::new(),
            limits: Limits::default(),
            rates: Vec::new(),
            addresses: Vec::new(),
            around: Vec::new(),
            cors: None,
            dependencies: Dependencies::default(),
            below: Below::default(),
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

    fn route<H, T, M>(mut self, method: Method, filter: MethodFilter, path: &str, handler: H) -> Self
    where
        H: HandlerFn<T> + RouteHandler<T, M, S>,
        T: Guarded,
    {
        defends!("T017");
        if let Err(error) = path::check(path) {
            self.errors.push(error);
            return self;
        }
        let settled = docs::openapi::settle(H::describe);
        if settled.decides_early() {
            self.errors.push(ApiError::DecidedEarly {
                method: method.as_str().to_owned(),
                path: path.to_owned(),
            });
        }
        for unchecked in settled.unchecked {
            self.errors.push(ApiError::unchecked(&method, path, unchecked));
        }
        self.routes.push(Route {
            method,
            path: path.to_owned(),
            guard: Guard::of::<T::Access>(),
            asks: settled.asks,
            needs: settled.needs,
            handler: handler.into_answering(),
            methods: filter,
            around: Vec::new(),
            document: H::describe,
            text: Text {
                summary: docs::summary_of::<H>(),
                handler: docs::handler_name::<H>(),
                ..Text::default()
            },
            body_limit: None,
            voice: Voice::default(),
            part: None,
            csp: None,
            rates: Vec::new(),
            addresses: Vec::new(),
        });
        self
    }

    /// Puts all routes of `api` below `prefix`, into this document.
    pub fn nest(mut self, prefix: &str, api: Self) -> Self {
        if let Err(error) = path::check(prefix) {
            self.errors.push(error);
            return self;
        }
        self.below.nest(prefix, &api);
        let mut api = api;
        api.hand_down();
        api.hand_down_addresses(prefix);
        let Self {
            mut routes,
            mut mounts,
            groups,
            around,
            cors,
            dependencies,
            errors,
            parts,
            ..
        } = api;
        let offset = self.parts.len();
        for route in &mut routes {
            route.path = path::join(prefix, &route.path);
            route.around.extend(around.iter().cloned());
            route.part = route.part.map(|part| part + offset);
        }
        for mount in &mut mounts {
            mount.prefix = path::join(prefix, &mount.prefix);
            mount.around.extend(around.iter().cloned());
            mount.part = mount.part.map(|part| part + offset);
        }
        let twice = self.dependencies.take_over(&dependencies);
        self.errors.extend(twice.into_iter().map(ApiError::ProvidedTwice));
        if cors.is_some() {
            self.errors.push(ApiError::NestedCors(prefix.to_owned()));
        }
        self.routes.append(&mut routes);
        self.mounts.append(&mut mounts);
        self.parts
            .extend(parts.into_iter().map(|part| part.below(prefix)));
        for (name, group) in groups {
            self.add_group(name, group);
        }
        self.errors.extend(errors);
        self
    }

    /// Puts all routes of `api` below `prefix`, with a document of their own: its title, version, headings and [`Docs`], whose
    /// paths are below the prefix too (`/v1/openapi.json`, `/v1/docs`). The document of this API says where it is. Rules, limits,
    /// layers and `authz.lock` know no difference.
    ///
    /// ```
    /// # use portcullis::{Api, Public};
    /// async fn list(_: Public) -> &'static str { "[]" }
    /// let v1: Api = Api::new("Notes", "1.4").get("/notes", list);
    /// let v2 = Api::new("Notes", "2.0").get("/notes", list);
    /// let api = Api::new("Notes", "2.0").sub("/v1", v1).sub("/v2", v2);
    /// assert_eq!(api.openapi()["x-portcullis-documents"][0]["url"], "/v1/openapi.json");
    /// ```
    pub fn sub(self, prefix: &str, api: Self) -> Self {
        self.nest(prefix, api.apart())
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
            around: Vec::new(),
            csp: None,
            rates: Vec::new(),
            addresses: Vec::new(),
            deprecated: None,
            part: None,
            router: axum::Router::new()
                .fallback_service(from_extractor::<A>().layer(from_fn(one_spelling).layer(router))),
        });
        self
    }

    /// Provides a value to every handler that takes a [`Dependency`](crate::Dependency) of its type, also of an API that is
    /// put into this one. A test of the test kit replaces it.
    pub fn provide<T: ?Sized + Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        if let Err(name) = self.dependencies.provide(value) {
            self.errors.push(ApiError::ProvidedTwice(name));
        }
        self
    }

    /// What is provided, for a test that replaces it.
    #[doc(hidden)]
    pub fn dependencies(&self) -> Dependencies {
        self.dependencies.clone()
    }

    /// Gives the handlers their state.
    pub fn with_state<S2: Clone + Send + Sync + 'static>(self, state: S) -> Api<S2> {
        let routes = self.routes.into_iter();
        Api {
            routes: routes.map(|route| route.with_state(state.clone())).collect(),
            title: self.title,
            version: self.version,
            about: self.about,
            mounts: self.mounts,
            groups: self.groups,
            docs: self.docs,
            change: self.change,
            parts: self.parts,
            limits: self.limits,
            rates: self.rates,
            addresses: self.addresses,
            around: self.around,
            cors: self.cors,
            dependencies: self.dependencies,
            below: self.below,
            errors: self.errors,
        }
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

    /// Where the docs are, if anywhere.
    pub fn docs(mut self, docs: Docs) -> Self {
        self.docs = docs;
        self
    }

    /// Changes the OpenAPI document before it is served and shown: adds servers, examples, extensions. What it says of who may
    /// call (`security`, `x-portcullis-rule`) stays as it is enforced. Of an API that is put into another, nothing is run.
    pub fn change_openapi(mut self, change: impl Fn(&mut serde_json::Value) + Send + Sync + 'static) -> Self {
        self.change = Some(Arc::new(change));
        self
    }

    /// What one request may cost.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
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
