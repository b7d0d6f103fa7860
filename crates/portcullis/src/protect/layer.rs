//! The one layer around every route.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Uri};
use portcullis_core::defends;
use tokio::time::{Sleep, sleep};
use tower::{Layer, Service};

use super::csp::{self, Csp};
use super::endpoint::{Endpoint, ServiceEndpoint};
use super::{Addresses, Limits, body, headers};
use crate::Problem;
use crate::enforcer::{Gate, RequestContext, record_behind};
use crate::rates::{Asking, Rates, Stage};
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
    /// How often it may be called.
    pub(crate) rates: Option<Arc<Rates>>,
    /// From where: each of the lists must have the client.
    pub(crate) addresses: Arc<[Addresses]>,
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
            rates: None,
            addresses: Arc::default(),
        };
        Self::around(gate, wrapped)
    }

    /// The same, called only so often, and from there.
    pub(crate) fn limited(self, rates: Option<Arc<Rates>>, addresses: Arc<[Addresses]>) -> Self {
        let Self(settings) = self;
        let wrapped = &settings.wrapped;
        let wrapped = Wrapped {
            label: wrapped.label.clone(),
            csp: wrapped.csp.clone(),
            rates,
            addresses,
            ..*wrapped
        };
        Self::around(settings.gate.clone(), wrapped)
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

impl Protect {
    /// The endpoint, called only where its rule holds.
    pub(crate) fn endpoint(&self, inner: Arc<dyn Endpoint>) -> Protected {
        Protected {
            inner,
            settings: Arc::clone(&self.0),
        }
    }
}

impl<S> Layer<S> for Protect
where
    S: 'static,
    ServiceEndpoint<S>: Endpoint,
{
    type Service = Protected;

    fn layer(&self, inner: S) -> Protected {
        self.endpoint(Arc::new(ServiceEndpoint(inner)))
    }
}

impl Settings {
    /// Whether the request is for this host, and comes from where it may. Health is asked by address, by whoever starts and
    /// stops servers.
    fn admit(&self, context: &RequestContext) -> Result<(), Problem> {
        if !self.wrapped.label.as_str().starts_with("/health/") {
            self.gate.hosts().check(&context.host, self.gate.base_domain())?;
        }
        let mut lists = self.wrapped.addresses.iter();
        lists.try_for_each(|list| list.check(context.client))
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
        if let Some(counting) = &context.rates {
            let (how, at) = (context.gate.limit_headers(), context.snapshot().at);
            counting.tally.tell(response.headers_mut(), how, at);
        }
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
pub(crate) struct Protected {
    inner: Arc<dyn Endpoint>,
    settings: Arc<Settings>,
}

impl Service<Request> for Protected {
    type Response = Response;
    type Error = Infallible;
    type Future = Protecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Protecting {
        let settings = &*self.settings;
        let wrapped = &settings.wrapped;
        let context = RequestContext::begin(
            &settings.gate,
            &wrapped.label,
            wrapped.voice,
            wrapped.policies,
            wrapped.rates.as_ref(),
            &mut request,
        );
        let state = match settings.admit(&context) {
            Err(problem) => State::Refused(Box::new(problem)),
            Ok(()) => {
                request.extensions_mut().insert(Arc::clone(&context));
                body::guard(request.body_mut(), wrapped.limits.body, &context);
                counted(&context, Arc::clone(&self.inner), request)
            }
        };
        Protecting {
            settings: Arc::clone(&self.settings),
            context,
            state,
            time: None,
        }
    }
}

/// A request on its way through a route.
///
/// Invariant: whatever of the handler runs, its end included, knows of the request, and its panics end here.
pub(crate) struct Protecting {
    settings: Arc<Settings>,
    context: Arc<RequestContext>,
    state: State,
    /// What the request may still take. Most are answered before they wait for anything.
    time: Option<Pin<Box<Sleep>>>,
}

#[allow(clippy::large_enum_variant, reason = "every request goes through the largest")]
enum State {
    Refused(Box<Problem>),
    /// Somebody else counts it.
    Counted(BoxFuture<'static, State>),
    Called(Arc<dyn Endpoint>, Request),
    Running(BoxFuture<'static, Response>),
    Over,
}

impl Future for Protecting {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let context = Arc::clone(&this.context);
        let response = ready!(context.around_sync(|| this.answer(task)));
        Poll::Ready(Ok(this.settings.finish(response, &context)))
    }
}

impl Protecting {
    fn answer(&mut self, task: &mut Context<'_>) -> Poll<Response> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.state.poll(task)));
        match polled {
            Ok(Poll::Pending) => {
                let limit = self.settings.wrapped.limits.time;
                let time = self.time.get_or_insert_with(|| Box::pin(sleep(limit)));
                ready!(time.as_mut().poll(task));
                self.end();
                Poll::Ready(timed_out(&self.context).into_response())
            }
            Ok(Poll::Ready(response)) => {
                self.end();
                Poll::Ready(self.complete(body::or_too_large(&self.context, response)))
            }
            Err(panic) => {
                self.end();
                Poll::Ready(match self.context.refused_late() {
                    // What panicked because a body broke off.
                    Some(_) => self.complete(Response::default()),
                    None => panicked(&*panic),
                })
            }
        }
    }

    /// The answer after the handler's: where the caller was refused late, whatever the handler made of it, the refusal.
    fn complete(&self, response: Response) -> Response {
        let refused = self.context.refused_late();
        let mut response = refused.map_or(response, |problem| problem.clone().into_response());
        self.context.send_cookies(response.headers_mut());
        record_behind(&self.context, &response);
        response
    }

    /// Lets go of what ran. What panics then has answered already.
    fn end(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Over);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(state))) {
            drop(panicked(&*panic));
        }
    }
}

impl Drop for Protecting {
    /// Whoever hangs up ends the handler wherever it is.
    fn drop(&mut self) {
        if !matches!(self.state, State::Over) {
            let context = Arc::clone(&self.context);
            context.around_sync(|| self.end());
        }
    }
}

impl State {
    fn poll(&mut self, task: &mut Context<'_>) -> Poll<Response> {
        if let Self::Counted(counting) = self {
            *self = ready!(counting.as_mut().poll(task));
        }
        if let Self::Called(endpoint, request) = self {
            let request = std::mem::take(request);
            let running = endpoint.call(request);
            *self = Self::Running(running);
        }
        match self {
            Self::Running(running) => running.as_mut().poll(task),
            Self::Refused(problem) => Poll::Ready((**problem).clone().into_response()),
            Self::Counted(_) | Self::Called(..) | Self::Over => Poll::Pending,
        }
    }
}

/// What becomes of a request by how often such come: what goes by its head is counted before anybody is authenticated.
fn counted(context: &Arc<RequestContext>, endpoint: Arc<dyn Endpoint>, request: Request) -> State {
    let Some(counting) = context
        .rates
        .as_ref()
        .filter(|counting| counting.rates.has(Stage::Request))
    else {
        return State::Called(endpoint, request);
    };
    let throttle = context.gate.throttle();
    if let Some(own) = throttle.own() {
        let at = context.snapshot().at;
        let asking = asking(context, request.method(), request.uri(), request.headers());
        let counted = counting
            .rates
            .count_here(Stage::Request, own, asking, at, &counting.tally);
        return called(counted, endpoint, request);
    }
    let context = Arc::clone(context);
    State::Counted(Box::pin(async move {
        let (parts, body) = request.into_parts();
        let counted = count_elsewhere(&context, &parts).await;
        called(counted, endpoint, Request::from_parts(parts, body))
    }))
}

async fn count_elsewhere(context: &RequestContext, parts: &Parts) -> Result<(), Problem> {
    let Some(counting) = &context.rates else {
        return Ok(());
    };
    let (throttle, at) = (context.gate.throttle(), context.snapshot().at);
    let asking = asking(context, &parts.method, &parts.uri, &parts.headers);
    let counted = counting
        .rates
        .count(Stage::Request, throttle, asking, at, &counting.tally);
    counted.await
}

fn called(counted: Result<(), Problem>, endpoint: Arc<dyn Endpoint>, request: Request) -> State {
    match counted {
        Ok(()) => State::Called(endpoint, request),
        Err(problem) => State::Refused(Box::new(problem)),
    }
}

fn asking<'r>(
    context: &RequestContext,
    method: &'r Method,
    uri: &'r Uri,
    headers: &'r HeaderMap,
) -> Asking<'r> {
    Asking {
        method,
        uri,
        headers,
        client: context.client,
        principal: None,
        organization: None,
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
