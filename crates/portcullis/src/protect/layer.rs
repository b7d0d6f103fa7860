//! The one layer around every route.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::StatusCode;
use portcullis_core::defends;
use tower::{Layer, Service};

use super::csp::{self, Csp};
use super::{Limits, body, headers};
use crate::Problem;
use crate::enforcer::{Gate, RequestContext, record_behind};
use crate::request::{self, Voice};
use crate::route::Label;

/// Wraps a route with what its rule asks for.
#[derive(Clone)]
pub(crate) struct Protect(Arc<Settings>);

struct Settings {
    gate: Gate,
    wrapped: Wrapped,
    /// Whether the log was told of a page that loads nothing.
    told_of_page: AtomicBool,
}

/// What is wrapped, and how.
pub(crate) struct Wrapped {
    /// What the log calls it.
    pub(crate) label: Label,
    /// What a request may cost.
    pub(crate) limits: Limits,
    /// The form of problems.
    pub(crate) voice: Voice,
    /// Whether it may leave something to the policies.
    pub(crate) policies: bool,
    /// What its pages may load and run.
    pub(crate) csp: Option<Csp>,
}

impl Protect {
    /// Around what leaves nothing to the policies and has no page of its own.
    pub(crate) fn new(gate: Gate, label: Label, limits: Limits) -> Self {
        let wrapped = Wrapped {
            label,
            limits,
            voice: Voice::default(),
            policies: false,
            csp: None,
        };
        Self::around(gate, wrapped)
    }

    /// Around a route.
    pub(crate) fn around(gate: Gate, wrapped: Wrapped) -> Self {
        Self(Arc::new(Settings {
            gate,
            wrapped,
            told_of_page: AtomicBool::new(false),
        }))
    }
}

impl<S> Layer<S> for Protect {
    type Service = Protected<S>;

    fn layer(&self, inner: S) -> Protected<S> {
        Protected {
            inner,
            settings: Arc::clone(&self.0),
        }
    }
}

impl Settings {
    /// Health is asked by address, by whoever starts and stops servers.
    fn at_this_host(&self, context: &RequestContext) -> Result<(), Problem> {
        if self.wrapped.label.as_str().starts_with("/health/") {
            return Ok(());
        }
        self.gate.hosts().check(&context.host, self.gate.base_domain())
    }

    /// Completes the headers, and writes the request's line.
    fn finish(&self, mut response: Response, context: &RequestContext) -> Response {
        let dressed = csp::dress(response.headers_mut(), self.wrapped.csp.as_ref(), context);
        if !dressed && !self.told_of_page.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                route = context.label.as_str(),
                "an HTML page was sent by whose policy a browser loads and runs nothing of it, not even its own styles: give \
                 the route a policy with `Api::csp`, or let the handler set Content-Security-Policy"
            );
        }
        // Whoever tries a server on this machine would lose every other program on it to TLS.
        let by_tls = context.gate.is_https() && !context.names_this_machine();
        headers::complete(response.headers_mut(), context.trace, by_tls);
        defends!("T030");
        tracing::info!(
            target: "portcullis::request",
            method = %context.method,
            // The path itself may hold a secret of the application's; the trace leads to what is recorded of a refusal.
            route = context.label.as_str(),
            status = response.status().as_u16(),
            ms = u64::try_from(context.elapsed().as_millis()).unwrap_or(u64::MAX),
            client = context.client.map(tracing::field::display),
            trace = %context.trace,
        );
        response
    }
}

/// A route that is called only where its rule holds.
#[derive(Clone)]
pub(crate) struct Protected<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Service<Request> for Protected<S>
where
    S: Service<Request, Error = Infallible>,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let settings = &*self.settings;
        let context = RequestContext::begin(
            &settings.gate,
            &settings.wrapped.label,
            settings.wrapped.voice,
            settings.wrapped.policies,
            &mut request,
        );
        if let Err(problem) = settings.at_this_host(&context) {
            let response = context.around_sync(|| problem.into_response());
            return Box::pin(std::future::ready(Ok(settings.finish(response, &context))));
        }
        request.extensions_mut().insert(Arc::clone(&context));
        body::guard(request.body_mut(), settings.wrapped.limits.body, &context);
        let called = catch_unwind(AssertUnwindSafe(|| {
            context.around_sync(|| self.inner.call(request))
        }));
        let settings = Arc::clone(&self.settings);
        Box::pin(async move {
            let response = match called {
                Ok(future) => run(&context, future, settings.wrapped.limits.time).await,
                Err(panic) => context.around_sync(|| panicked(&*panic)),
            };
            Ok(settings.finish(response, &context))
        })
    }
}

async fn run<F, R>(context: &Arc<RequestContext>, future: F, time: Duration) -> Response
where
    F: Future<Output = Result<R, Infallible>>,
    R: IntoResponse,
{
    let answered = async {
        let answer = AssertUnwindSafe(future).catch_unwind().await;
        let mut response = match (context.refused_late(), answer) {
            // Whatever the handler made of a body that broke off.
            (Some(problem), _) => problem.clone().into_response(),
            (None, Ok(Ok(response))) => body::or_too_large(context, response.into_response()),
            (None, Err(panic)) => return panicked(&*panic),
        };
        context.send_cookies(response.headers_mut());
        record_behind(context, &response);
        response
    };
    match tokio::time::timeout(time, context.around(answered)).await {
        Ok(response) => response,
        Err(_) => context.around_sync(|| timed_out(context).into_response()),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    defends!("T033");
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Problem::internal(format_args!(
        "a handler panicked: {}",
        text.unwrap_or("no message")
    ))
    .into_response()
}

fn timed_out(context: &RequestContext) -> Problem {
    if context.is_body_owed() {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_too_slow",
            "the request took too long to arrive",
        )
    } else {
        tracing::warn!(
            trace = request::trace().map(tracing::field::display),
            "a request ran out of time"
        );
        Problem::unavailable(Duration::from_secs(1))
    }
}
