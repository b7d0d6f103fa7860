//! Serves a router on a socket, and survives what the network does.
//!
//! Flow: take a place, accept, serve the connection on a task of its own, give the place back. On shutdown: accept
//! no more, let running requests end, close what is left after [`Limits::drain`].
//!
//! Invariants: a caller who sends nothing, or bytes one by one, loses the connection after [`Limits::headers`]
//! (`T032`); one who was answered may be silent for [`Limits::idle`] before the next request begins; one who takes nothing of what is answered, once two rounds of [`Limits::idle`] are over (`T085`). At most
//! [`Limits::connections`] are open; those who wait stand in the kernel's queue, first come first served. Running out of
//! file descriptors pauses accepting, it never ends it.
//!
//! **Deployment caveat:** the limit counts all callers together. One caller can take every place: put a limit per
//! address before it where that matters. A slow reader's progress is seen in steps of 16 KiB, and where the kernel keeps
//! large buffers for sending only when it takes more: who needs longer than `idle` for a step is taken for one who doesn't
//! read. Progress counts for a whole connection: whoever reads one answer slowly keeps others on it waiting.
//!
//! Of HTTP itself it keeps what the library leaves open: a request names one host (`T152`), and an answer before the
//! request's end says whether the connection goes on (`T153`).
//!
//! **Deliberately absent:** TLS, which a proxy in front ends.

mod activity;
mod answer;
mod bell;
mod connection;
mod head;
mod rest;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use portcullis_core::defends;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What connections may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many connections are open at once.
    pub connections: usize,
    /// How long a request's head may take to arrive: the first one counted from the connection's begin, a later one from
    /// its first byte.
    pub headers: Duration,
    /// How long a connection that has served may stay open without a request, or with an answer of which its peer takes
    /// nothing. It is looked at once in this time, so it ends after one to two of them. It must be longer than a proxy keeps
    /// its own side open: whoever closes first takes a request into the gap that the other is just sending.
    pub idle: Duration,
    /// How many headers a request may have.
    pub header_count: usize,
    /// How many bytes a request's head may have.
    pub header_bytes: u32,
    /// How many HTTP/2 requests of one connection are answered at once.
    pub streams: u32,
    /// How many HTTP/2 requests a peer may take back before they are looked at, until its connection is closed.
    pub resets: usize,
    /// How long running requests may go on after the shutdown began.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            headers: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            header_count: 64,
            header_bytes: 32 * 1024,
            streams: 128,
            resets: 20,
            drain: Duration::from_secs(10),
        }
    }
}

/// Answers connections to `listener` with `router` until `shutdown` completes and running requests have ended.
///
/// Handlers find the peer's address as `ConnectInfo<SocketAddr>`.
pub async fn serve(
    router: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    limits: Limits,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let closing = CancellationToken::new();
    let closed = CancellationToken::new();
    tokio::pin!(shutdown);
    loop {
        let (stream, peer, place) = tokio::select! {
            accepted = next(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        // Small answers leave at once. A socket that refuses this still works.
        let _ = stream.set_nodelay(true);
        let closing = closing.clone();
        let serving = connection::serve(router.clone(), stream, peer, limits, closing, tokio::time::sleep);
        let closed = closed.clone();
        connections.spawn(async move {
            closed.run_until_cancelled(serving).await;
            drop(place);
        });
    }
    // Whoever still knocks is told at once that nobody answers.
    drop(listener);
    closing.cancel();
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            left = connections.len(),
            "connections closed before their requests ended"
        );
        closed.cancel();
        connections.wait().await;
    }
}

async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    defends!("T032");
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                // Out of descriptors or memory: others' connections will end and give some back.
                tracing::error!(%error, "can't accept connections; trying again in a second");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// Whether only this one connection failed.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

const BACK_OFF: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_callers_failure_is_not_the_servers() {
        let of = |number| is_the_peers(&io::Error::from_raw_os_error(number));
        let (aborted, reset, no_descriptors, no_memory) = (103, 104, 24, 12);
        assert!(of(aborted) && of(reset));
        assert!(!of(no_descriptors) && !of(no_memory));
    }
}
