//! One connection: served until it ends, idles too long, or its peer takes nothing any more.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::response::IntoResponse as _;
use axum::{BoxError, Router};
use http::{Extensions, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use portcullis_core::defends;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::Limits;
use super::activity::{Activity, Sight};
use super::answer::Answer;
use super::bell::Bell;
use super::head::{Head, Watched};
use super::rest::Rest;
use crate::{Problem, host};

/// Serves the connection until it ends, idles too long, its peer reads nothing, or `closing` says so. `pause` lets time
/// pass.
pub(super) async fn serve<I, P>(
    router: Router,
    stream: I,
    peer: SocketAddr,
    limits: Limits,
    closing: CancellationToken,
    pause: impl Fn(Duration) -> P,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    P: Future<Output = ()>,
{
    let activity = Arc::new(Activity::default());
    let service = service(router, Arc::clone(&activity), peer, limits);
    let stream = Watched {
        stream,
        activity: Arc::clone(&activity),
    };
    let builder = builder(limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut watch = Watch::default();
    let mut bell = Bell::default();
    let mut closed = pin!(closing.cancelled());
    // The first request must come as fast as a head may; after that, some request within the idle time.
    let mut patience = limits.headers;
    let mut time = pin!(pause(patience));
    let mut head = Head::default();
    loop {
        let event = poll_fn(|context| {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(Event::Ended(ended.err()));
            }
            if head.poll(&activity, context, || pause(limits.headers)).is_ready() {
                return Poll::Ready(Event::Slow);
            }
            // The rest says by itself when it is to be looked at: most of the time only the connection has something to do.
            bell.heard(context, |context| {
                if !watch.ending && closed.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Event::Closing);
                }
                time.as_mut().poll(context).map(|()| Event::Time)
            })
        });
        match event.await {
            Event::Ended(error) => {
                if let Some(error) = error {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
            Event::Slow => {
                tracing::debug!("connection closed: the head of a request took too long");
                return;
            }
            Event::Closing => {
                watch.ending = true;
                connection.as_mut().graceful_shutdown();
            }
            Event::Time => match watch.check(activity.look()) {
                Verdict::GoOn => patience = limits.idle,
                Verdict::End => connection.as_mut().graceful_shutdown(),
                Verdict::Close => return,
            },
        }
        time.set(pause(patience));
        bell.ring();
    }
}

/// Answers the requests of a connection.
fn service(
    router: Router,
    activity: Arc<Activity>,
    peer: SocketAddr,
    limits: Limits,
) -> impl Service<
    http::Request<Incoming>,
    Response = http::Response<Answer>,
    Error = Infallible,
    Future: Send + 'static,
> {
    service_fn(move |request: http::Request<Incoming>| {
        let running = activity.begin(&request);
        let mut router = router.clone();
        let refused = host::check(&request)
            .and_then(|()| few_headers(&request, limits))
            .err();
        let (rest, mut request) = Rest::of(request);
        let more = std::mem::replace(request.extensions_mut(), ROOM.clone());
        request.extensions_mut().extend(more);
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let mut answer = match refused {
                None => router.call(request).await?,
                Some(problem) => {
                    // Its body goes to the rest, so that the answer can say what becomes of it.
                    drop(request);
                    problem.into_response()
                }
            };
            if let Some(rest) = rest {
                // Kept apart: most requests have nothing to settle, and each carries what it may need.
                Box::pin(rest.settle(&mut answer)).await;
            }
            Ok::<_, Infallible>(answer.map(|body| running.answer(body)))
        }
    })
}

/// What happens to a connection besides requests.
enum Event {
    /// Its end, with the error if there was one.
    Ended(Option<BoxError>),
    /// The head of a request took too long.
    Slow,
    /// The server stops.
    Closing,
    /// It is to be looked at.
    Time,
}

/// Refuses what has more headers than it may. Those of HTTP/2 are bounded by their size: it sends one cookie as many.
fn few_headers<B>(request: &http::Request<B>, limits: Limits) -> Result<(), Problem> {
    defends!("T032");
    if request.version() > Version::HTTP_11 || request.headers().len() <= limits.header_count {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "too_many_headers",
        format!("a request may have {} headers", limits.header_count),
    ))
}

/// Sees from time to time how a connection is doing.
#[derive(Default)]
struct Watch {
    before: Sight,
    ending: bool,
}

/// What becomes of a connection.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    GoOn,
    /// It ends once what is on its way has arrived.
    End,
    /// Whatever is on its way is thrown away.
    Close,
}

impl Watch {
    fn check(&mut self, now: Sight) -> Verdict {
        defends!("T085");
        let before = std::mem::replace(&mut self.before, now);
        // Requests are no progress where answers wait: who reads nothing could send them for ever.
        let still = now.asked == before.asked;
        let reads_nothing = still && now.untaken > 0 && before.untaken > 0;
        let idles = still && now.running == 0 && now.begun == before.begun;
        if now.begun == 0 || reads_nothing || (self.ending && still && now.running == 0) {
            return Verdict::Close;
        }
        if idles {
            self.ending = true;
            return Verdict::End;
        }
        Verdict::GoOn
    }
}

fn builder(limits: Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    if limits.header_count > USUAL_HEADERS {
        // It makes room on the heap for every request then.
        http1.max_headers(limits.header_count);
    }
    http1.max_buf_size(
        usize::try_from(limits.header_bytes)
            .unwrap_or(usize::MAX)
            .max(SMALLEST_BUFFER),
    );
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.headers)
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.header_bytes)
        .max_pending_accept_reset_streams(limits.resets)
        .max_local_error_reset_streams(limits.resets);
    builder
}

/// An empty map with room for what a request gets on its way, so that it needn't grow then.
static ROOM: LazyLock<Extensions> = LazyLock::new(|| {
    let mut room = Extensions::new();
    room.insert([(); 0]);
    room.insert([(); 1]);
    room.insert([(); 2]);
    room.insert([(); 3]);
    room.clear();
    room
});

/// How many headers the HTTP library takes by itself.
const USUAL_HEADERS: usize = 100;

/// The HTTP library takes no smaller one.
const SMALLEST_BUFFER: usize = 8 * 1024;

#[cfg(test)]
mod tests;
