//! What goes around routes: tower's layers, kept until there is a router to put them around, CORS, and the policies of pages.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route as Endpoint};
use tower::{Layer, Service};

use super::Api;
use super::route::Route;
use crate::protect::{Cors, Csp};

/// A layer that goes around routes, outside of everything that Portcullis does for them.
#[derive(Clone)]
pub(crate) struct Around(Arc<dyn Wrap + Send + Sync>);

trait Wrap {
    fn router(&self, router: axum::Router) -> axum::Router;
    fn route(&self, route: MethodRouter) -> MethodRouter;
}

impl<L> Wrap for L
where
    L: Layer<Endpoint> + Clone + Send + Sync + 'static,
    L::Service: Service<Request> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: IntoResponse + 'static,
    <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    fn router(&self, router: axum::Router) -> axum::Router {
        router.layer(self.clone())
    }

    fn route(&self, route: MethodRouter) -> MethodRouter {
        route.layer(self.clone())
    }
}

impl Around {
    pub(super) fn new<L>(layer: L) -> Self
    where
        L: Layer<Endpoint> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        Self(Arc::new(layer))
    }

    /// The router within each of the layers, the last outermost.
    pub(super) fn all(layers: &[Self], router: axum::Router) -> axum::Router {
        layers
            .iter()
            .fold(router, |router, Self(layer)| layer.router(router))
    }

    /// The route within each of the layers, the last outermost.
    pub(super) fn each(layers: &[Self], route: MethodRouter) -> MethodRouter {
        layers.iter().fold(route, |route, Self(layer)| layer.route(route))
    }
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// Puts a tower layer around everything: every route, mounted router and document, and what answers where there is no
    /// route. It is outside of rules and limits: it sees requests before anybody is authenticated, and their bodies unbounded,
    /// and answers as they are sent. The last one added is the outermost. Of an API that is nested, it goes around the
    /// routes that the API has.
    ///
    /// ```
    /// # use portcullis::{Api, Public};
    /// use axum::response::Response;
    ///
    /// async fn status(_: Public) -> &'static str { "up" }
    /// let region = axum::middleware::map_response(async |mut response: Response| {
    ///     response.headers_mut().insert("x-region", http::HeaderValue::from_static("eu"));
    ///     response
    /// });
    /// let api: Api = Api::new("Blog", "1.0").get("/status", status).layer(region);
    /// ```
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Endpoint> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.around.push(Around::new(layer));
        self
    }

    /// Puts a tower layer around the handlers of all routes registered so far, inside of Portcullis' limits and before their
    /// rules are decided.
    pub fn route_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Endpoint> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let routes = self.routes.into_iter().map(|route| Route {
            handler: route.handler.layer(route.methods, layer.clone()),
            ..route
        });
        self.routes = routes.collect();
        for mount in &mut self.mounts {
            mount.router = std::mem::take(&mut mount.router).layer(layer.clone());
        }
        self
    }

    /// Lets pages of other origins call the API from a browser. It is around every layer, so that they can read what a
    /// layer answers too. For the whole API: one that is nested can't have its own.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = Some(cors);
        self
    }

    /// What the HTML pages of all routes and mounted routers so far may load and run, of which it wasn't said yet. Without it
    /// they load and run nothing.
    pub fn csp(mut self, policy: Csp) -> Self {
        let routes = self.routes.iter_mut().map(|route| &mut route.csp);
        let mounts = self.mounts.iter_mut().map(|mount| &mut mount.csp);
        for (known, policy) in routes.chain(mounts).zip(std::iter::repeat(policy)) {
            known.get_or_insert(policy);
        }
        self
    }
}
