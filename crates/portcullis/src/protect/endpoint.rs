//! What a layer of ours goes around.

use std::convert::Infallible;
use std::marker::PhantomData;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tower::{Service, ServiceExt as _};

/// Answers requests. Calling it costs one allocation, for what it returns.
pub(crate) trait Endpoint: Send + Sync {
    /// Answers a request.
    fn call(&self, request: Request) -> BoxFuture<'static, Response>;
}

/// A service of tower's.
pub(crate) struct ServiceEndpoint<S>(pub(super) S);

impl<S> Endpoint for ServiceEndpoint<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    fn call(&self, request: Request) -> BoxFuture<'static, Response> {
        let answered = self.0.clone().oneshot(request);
        Box::pin(answered.map(|answer| match answer {
            Ok(response) => response.into_response(),
            Err(never) => match never {},
        }))
    }
}

/// A handler of axum's, which boxes what it returns by itself, with its state; `T` are its parameters.
pub(crate) struct HandlerEndpoint<H, T, S> {
    handler: H,
    state: S,
    parameters: PhantomData<fn() -> T>,
}

impl<H, T, S> HandlerEndpoint<H, T, S> {
    pub(crate) const fn new(handler: H, state: S) -> Self {
        Self {
            handler,
            state,
            parameters: PhantomData,
        }
    }
}

impl<H, T, S> Endpoint for HandlerEndpoint<H, T, S>
where
    H: Handler<T, S, Future = BoxFuture<'static, Response>> + Sync,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    fn call(&self, request: Request) -> BoxFuture<'static, Response> {
        self.handler.clone().call(request, self.state.clone())
    }
}
