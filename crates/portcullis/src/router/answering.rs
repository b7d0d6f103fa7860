//! A handler on its way into the router: it waits for its state, and for what goes around it.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, Route, on};
use futures_util::future::BoxFuture;
use tower::{Layer, Service};

use crate::protect::{Endpoint, HandlerEndpoint, Protect};

/// What answers the requests of a route, once it has its state.
pub struct Answering<S>(Kind<S>);

enum Kind<S> {
    /// A handler with nothing around it: it is called without any step of axum's between.
    Handler(Box<dyn Unstated<S>>),
    /// A handler with layers around it.
    Layered(Box<MethodRouter<S>>),
}

/// A handler that waits for its state.
trait Unstated<S>: Send {
    fn with_state(self: Box<Self>, state: S) -> Arc<dyn Endpoint>;
    fn router(self: Box<Self>, methods: MethodFilter) -> MethodRouter<S>;
}

struct Waiting<H, T>(H, PhantomData<fn() -> T>);

impl<H, T, S> Unstated<S> for Waiting<H, T>
where
    H: Handler<T, S, Future = BoxFuture<'static, Response>> + Sync,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    fn with_state(self: Box<Self>, state: S) -> Arc<dyn Endpoint> {
        Arc::new(HandlerEndpoint::new(self.0, state))
    }

    fn router(self: Box<Self>, methods: MethodFilter) -> MethodRouter<S> {
        on(methods, self.0)
    }
}

/// A handler that has its state, and needs no other.
struct Stated(Arc<dyn Endpoint>);

impl<S: Clone + Send + Sync + 'static> Unstated<S> for Stated {
    fn with_state(self: Box<Self>, _: S) -> Arc<dyn Endpoint> {
        self.0
    }

    fn router(self: Box<Self>, methods: MethodFilter) -> MethodRouter<S> {
        let endpoint = self.0;
        on(methods, move |request: Request| endpoint.call(request))
    }
}

impl<S: Clone + Send + Sync + 'static> Answering<S> {
    pub(super) fn by<H, T>(handler: H) -> Self
    where
        H: Handler<T, S, Future = BoxFuture<'static, Response>> + Sync,
        T: 'static,
    {
        Self(Kind::Handler(Box::new(Waiting(handler, PhantomData))))
    }

    /// With its state, for whoever asks for another.
    pub(super) fn with_state<S2: Clone + Send + Sync + 'static>(self, state: S) -> Answering<S2> {
        Answering(match self.0 {
            Kind::Handler(handler) => Kind::Handler(Box::new(Stated(handler.with_state(state)))),
            Kind::Layered(router) => Kind::Layered(Box::new(router.with_state(state))),
        })
    }

    /// Within a layer.
    pub(super) fn layer<L>(self, methods: MethodFilter, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<std::convert::Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let router = match self.0 {
            Kind::Handler(handler) => handler.router(methods),
            Kind::Layered(router) => *router,
        };
        Self(Kind::Layered(Box::new(router.layer(layer))))
    }
}

impl Answering<()> {
    /// The route of axum's router, called only where its rule holds.
    pub(super) fn protected(self, methods: MethodFilter, protect: &Protect) -> MethodRouter {
        match self.0 {
            Kind::Handler(handler) => {
                let endpoint = handler.with_state(());
                MethodRouter::new().on_service(methods, protect.endpoint(endpoint))
            }
            Kind::Layered(router) => router.layer(protect.clone()),
        }
    }
}
