//! Load: callers who ask again as soon as they are answered.
//!
//! Over loopback a caller is one keep-alive connection that writes prepared bytes and reads just enough of the
//! answer, so that the generator costs less than the server it loads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::deployment::expect;
use crate::measure::Stopwatch;

/// Runs `callers` callers until `span` is over; each is made by `caller` and answers how often it was answered.
/// Answers how often all were, per second.
pub(crate) async fn per_second<F>(
    callers: usize,
    span: Duration,
    mut caller: impl FnMut(usize, Span) -> F,
) -> Result<f64>
where
    F: Future<Output = Result<u64>> + Send + 'static,
{
    let started = Instant::now();
    let until = Span(started + span);
    let mut tasks = JoinSet::new();
    for number in 0..callers {
        tasks.spawn(caller(number, until));
    }
    let mut answered = 0;
    while let Some(count) = tasks.join_next().await {
        answered += count??;
    }
    Ok(answered as f64 / started.elapsed().as_secs_f64())
}

/// A time that ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span(Instant);

impl Span {
    pub(crate) fn of(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    pub(crate) fn lasts(self) -> bool {
        Instant::now() < self.0
    }
}

/// Asks a router once, without a network, and reads the whole answer.
pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Result<(u16, Bytes)> {
    let answer = router.clone().oneshot(request).await?;
    let status = answer.status().as_u16();
    Ok((status, answer.into_body().collect().await?.to_bytes()))
}

/// A `GET` as bytes.
pub(crate) fn get(path: &str, bearer: Option<&str>) -> Vec<u8> {
    get_as(path, bearer.map(|token| format!("Bearer {token}")).as_deref())
}

/// The same with any `Authorization`.
pub(crate) fn get_as(path: &str, authorization: Option<&str>) -> Vec<u8> {
    let credential = authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{credential}\r\n").into_bytes()
}

/// A `POST` with an `Authorization` as bytes.
pub(crate) fn post_as(path: &str, authorization: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A `POST` as bytes.
pub(crate) fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// One keep-alive connection, over which one request follows the other.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::with_capacity(4_096),
        })
    }

    /// Opens `count` connections to the address.
    pub(crate) async fn several(count: usize, address: SocketAddr) -> Result<Vec<Self>> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Self::open(address).await?);
        }
        Ok(connections)
    }

    /// Sends a request and reads the whole answer; answers its status.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed a connection in the middle of an answer");
            }
            if let Some(length) = answer_length(&self.buffer)?
                && self.buffer.len() >= length
            {
                return status(&self.buffer);
            }
        }
    }
}

fn status(answer: &[u8]) -> Result<u16> {
    let digits = answer
        .get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    digits
        .and_then(|digits| digits.parse().ok())
        .context("an answer has no status")
}

/// The length of head and body; `None` while the head isn't complete.
fn answer_length(answer: &[u8]) -> Result<Option<usize>> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(answer.get(..head).unwrap_or_default())?;
    let body = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(Ok(0), str::parse::<usize>)?;
    Ok(Some(head + 4 + body))
}

/// How fast a server answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speed {
    /// Requests per second of wall time.
    pub(crate) per_second: f64,
    /// Requests per second of processor time that the server's thread used.
    pub(crate) per_core: f64,
}

/// Loads `server` on these connections, which send the same request again and again.
pub(crate) async fn hammer(
    server: &Server,
    connections: &mut Vec<Connection>,
    request: &Arc<[u8]>,
    span: Duration,
) -> Result<Speed> {
    let before = server.processor().await?;
    let started = Instant::now();
    let until = Span::of(span);
    let mut tasks = JoinSet::new();
    for mut connection in connections.drain(..) {
        let request = Arc::clone(request);
        tasks.spawn(async move {
            let mut answered = 0;
            while until.lasts() {
                expect(connection.ask(&request).await?, 200)?;
                answered += 1;
            }
            anyhow::Ok((connection, answered))
        });
    }
    let mut answered = 0_u64;
    while let Some(done) = tasks.join_next().await {
        let (connection, count) = done??;
        connections.push(connection);
        answered += count;
    }
    let wall = started.elapsed();
    let processor = server.processor().await?.saturating_sub(before);
    Ok(Speed {
        per_second: answered as f64 / wall.as_secs_f64(),
        per_core: answered as f64 / processor.as_secs_f64(),
    })
}

/// What serves a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// `axum::serve`, as axum's documentation shows it.
    Axum,
    /// The listener of this library, with its usual limits.
    Listener,
}

impl By {
    async fn serve(self, router: Router, listener: TcpListener) {
        match self {
            Self::Axum => {
                // It never ends by itself.
                let _ = axum::serve(listener, router).await;
            }
            Self::Listener => {
                let limits = portcullis_identity::listener::Limits::default();
                portcullis_identity::listener::serve(router, listener, std::future::pending(), limits).await;
            }
        }
    }
}

/// Routers served on loopback by one thread of their own. Dropping it ends the thread.
pub(crate) struct Server {
    addresses: Vec<SocketAddr>,
    handle: tokio::runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    failed: Arc<AtomicBool>,
}

impl Server {
    /// Serves each router on a port of its own.
    pub(crate) fn start(routers: Vec<(Router, By)>) -> Result<Self> {
        let runtime = crate::deployment::runtime()?;
        let bind = || TcpListener::bind(("127.0.0.1", 0));
        let mut listeners = Vec::with_capacity(routers.len());
        let mut addresses = Vec::with_capacity(routers.len());
        for (router, by) in routers {
            let listener = runtime.block_on(bind()).context("no port is free on loopback")?;
            addresses.push(listener.local_addr()?);
            listeners.push((router, by, listener));
        }
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let failed = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&failed);
        let thread = std::thread::Builder::new().name("served".into()).spawn(move || {
            runtime.block_on(async move {
                let mut serving = JoinSet::new();
                for (router, by, listener) in listeners {
                    serving.spawn(by.serve(router, listener));
                }
                let _ = stopped.await;
            });
            ended.store(true, Ordering::Relaxed);
        })?;
        Ok(Self {
            addresses,
            handle,
            stop: Some(stop),
            thread: Some(thread),
            failed,
        })
    }

    /// Where the router with this number is served.
    pub(crate) fn address(&self, number: usize) -> Result<SocketAddr> {
        self.addresses
            .get(number)
            .copied()
            .context("no such router is served")
    }

    /// The processor time the thread has used so far.
    async fn processor(&self) -> Result<Duration> {
        if self.failed.load(Ordering::Relaxed) {
            bail!("the thread that serves has ended");
        }
        let read = async { Stopwatch::processor_of_this_thread() };
        Ok(self.handle.spawn(read).await?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_long_as_its_head_says() {
        for (text, length) in [
            ("HTTP/1.1 200 OK\r\ncontent-le", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", Some(40)),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Some(40)),
            ("HTTP/1.1 204 No Content\r\n\r\n", Some(27)),
        ] {
            assert_eq!(answer_length(text.as_bytes()).unwrap(), length, "{text:?}");
        }
        assert!(answer_length(b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n").is_err());
        assert_eq!(status(b"HTTP/1.1 404 Not Found").unwrap(), 404);
        assert!(status(b"HTTP/1.1").is_err());
    }
}
