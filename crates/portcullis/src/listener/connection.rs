//! One connection: served until it ends, idles too long, or its peer takes nothing any more.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse as _;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use portcullis_core::defends;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use super::Limits;
use super::answer::{Activity, Sight};
use super::head::{Heads, Reading, Watched};
use super::rest::Rest;
use crate::host;

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
    let reading = Arc::new(Reading::default());
    let service = service_fn(|request: http::Request<Incoming>| {
        let running = activity.begin();
        reading.served(request.body().is_end_stream());
        let mut router = router.clone();
        let (rest, mut request) = Rest::of(request);
        request.extensions_mut().insert(ConnectInfo(peer));
        async move {
            let mut answer = match host::check(&request) {
                Ok(()) => router.call(request).await?,
                Err(problem) => problem.into_response(),
            };
            rest.settle(&mut answer).await;
            Ok::<_, Infallible>(answer.map(|body| running.answer(body)))
        }
    });
    let builder = builder(limits, &reading);
    let stream = Watched {
        stream,
        reading: Arc::clone(&reading),
    };
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut watch = Watch::default();
    // The first request must come as fast as a head may; after that, some request within the idle time.
    let mut patience = limits.headers;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
            () = closing.cancelled(), if !watch.ending => {
                watch.ending = true;
                connection.as_mut().graceful_shutdown();
            }
            () = pause(patience) => match watch.check(activity.look()) {
                Verdict::GoOn => patience = limits.idle,
                Verdict::End => connection.as_mut().graceful_shutdown(),
                Verdict::Close => return,
            }
        }
    }
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

fn builder(limits: Limits, reading: &Arc<Reading>) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(Heads {
            reading: Arc::clone(reading),
            limit: limits.headers,
        })
        .header_read_timeout(limits.headers)
        .max_headers(limits.header_count)
        .max_buf_size(
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

/// The HTTP library takes no smaller one.
const SMALLEST_BUFFER: usize = 8 * 1024;

#[cfg(test)]
mod tests;
