//! The listener, on loopback.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use portcullis::core::checks;
use portcullis::listener::{Limits, serve};
use portcullis::{Allow, Api, AuditContext, Authenticated, Docs, Json, Public};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::support::Bench;

async fn peer(_: Public, around: AuditContext, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> String {
    assert_eq!(around.0.ip, Some(peer.ip()));
    peer.to_string()
}

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(api: Api, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let router = api.into_router(Bench::default().gate).unwrap();
        let running = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            serve(router, listener, shutdown, limits).await;
        });
        Self {
            address,
            stop: Some(stop),
            running,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

fn api() -> Api {
    Api::new("Test", "1").docs(Docs::off()).get("/peer", peer)
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// Sends bytes and reads until the other side closes.
async fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> String {
    stream.write_all(bytes).await.unwrap();
    read_all(stream).await
}

/// What comes until the other side closes; a reset counts as closed.
async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn a_request_is_answered_and_its_peer_is_known() {
    let server = Server::start(api(), Limits::default()).await;
    let mut stream = server.connect().await;
    let local = stream.local_addr().unwrap().to_string();
    let answer = exchange(
        &mut stream,
        b"GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with(&local), "{answer}");
}

#[tokio::test]
async fn a_caller_who_sends_nothing_or_half_a_head_is_shut_out() {
    checks!("T032");
    let hurried = |millis| limits(move |l| l.headers = Duration::from_millis(millis));
    let server = Server::start(api(), hurried(30)).await;
    let beginnings: [&[u8]; 5] = [
        b"",
        b"G",
        b"PRI * HTTP",
        b"GET /peer HTTP/1.1\r\nhost: x\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for beginning in beginnings {
        let mut stream = server.connect().await;
        let answer = exchange(&mut stream, beginning).await;
        assert!(!answer.contains("200 OK"), "{beginning:?}: {answer}");
    }
    // The second head of a connection has no more time than the first. The first must come in time on a busy machine, too.
    let server = Server::start(api(), hurried(500)).await;
    let mut stream = server.connect().await;
    let answer = exchange(
        &mut stream,
        b"GET /peer HTTP/1.1\r\nhost: x\r\n\r\nGET /peer HTTP/1.1\r\nhost",
    )
    .await;
    assert_eq!(answer.matches("200 OK").count(), 1, "{answer}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    checks!("T032");
    let server = Server::start(
        api(),
        limits(|l| {
            l.headers = Duration::from_millis(500);
            l.idle = Duration::from_millis(20);
        }),
    )
    .await;
    let mut stream = server.connect().await;
    let answer = exchange(&mut stream, b"GET /peer HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

// Shows: WP-7
#[tokio::test]
async fn a_request_for_no_host_or_for_two_is_refused() {
    checks!("T152");
    let server = Server::start(api(), Limits::default()).await;
    for (head, status) in [
        ("GET /peer HTTP/1.1", "400"),
        ("GET /peer HTTP/1.1\r\nhost: a\r\nhost: a", "400"),
        ("GET /peer HTTP/1.1\r\nhost: a\r\nhost: b", "400"),
        ("GET /peer HTTP/1.0\r\nhost: a\r\nhost: b", "400"),
        ("GET /peer HTTP/1.1\r\nhost: a b", "400"),
        ("GET /peer HTTP/1.1\r\nhost:", "400"),
        ("GET http://b/peer HTTP/1.1\r\nhost: a", "400"),
        ("GET /peer HTTP/1.0", "200"),
        ("GET http://a/peer HTTP/1.1\r\nhost: a", "200"),
        ("GET /peer HTTP/1.1\r\nhost: a", "200"),
    ] {
        let mut stream = server.connect().await;
        let answer = exchange(
            &mut stream,
            format!("{head}\r\nconnection: close\r\n\r\n").as_bytes(),
        )
        .await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}"))
                || answer.starts_with(&format!("HTTP/1.0 {status}")),
            "{head}: {answer}"
        );
        assert!(status == "200" || answer.contains("invalid_host"), "{answer}");
    }
}

async fn guarded(_: Allow<Authenticated>, _: Json<String>) {}

/// The next answer on a connection that goes on: its head.
async fn head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    let text = String::from_utf8(text).unwrap();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.unwrap().parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    text
}

// Shows: WP-7
#[tokio::test]
async fn a_refusal_before_the_body_leaves_the_connection_good() {
    checks!("T153");
    let server = Server::start(api().post("/guarded", guarded), Limits::default()).await;
    let mut stream = server.connect().await;
    let whole = format!(
        "POST /guarded HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 64000\r\n\r\n{}",
        "x".repeat(64_000)
    );
    let parts = format!(
        "POST /guarded HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        format!("3e8\r\n{}\r\n", "x".repeat(1_000)).repeat(60)
    );
    for round in 0..150 {
        let request = if round % 2 == 0 { &whole } else { &parts };
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = head(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{round}: {answer}");
        assert!(!answer.contains("connection: close"), "{round}: {answer}");
    }
}

#[tokio::test]
async fn what_the_listener_refuses_leaves_the_connection_good_or_says_that_it_ends() {
    checks!("T153");
    let server = Server::start(api(), Limits::default()).await;
    let many: String = (0..65).map(|n| format!("x-{n}: y\r\n")).collect();
    for (more, status) in [(many.as_str(), "431"), ("host: y\r\n", "400")] {
        let mut stream = server.connect().await;
        for _ in 0..2 {
            let request = format!("POST /peer HTTP/1.1\r\nhost: x\r\n{more}content-length: 5\r\n\r\nabcde");
            stream.write_all(request.as_bytes()).await.unwrap();
            let answer = head(&mut stream).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
            assert!(
                !answer.contains("connection: close"),
                "all of it has come: {answer}"
            );
        }
        // More than anybody reads here.
        let request = format!("POST /peer HTTP/1.1\r\nhost: x\r\n{more}content-length: 65537\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = head(&mut stream).await;
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_refusal_that_cannot_wait_for_the_body_says_that_the_connection_ends() {
    checks!("T153");
    let server = Server::start(api().post("/guarded", guarded), Limits::default()).await;
    for head in [
        // More than anybody reads here, what never comes, and what waits to be asked for.
        "content-length: 65537\r\n",
        "content-length: 10\r\n",
        "content-length: 10\r\nexpect: 100-continue\r\n",
        "transfer-encoding: chunked\r\n",
    ] {
        let mut stream = server.connect().await;
        let request =
            format!("POST /guarded HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n");
        let answer = exchange(&mut stream, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{head}: {answer}");
        assert!(answer.contains("connection: close"), "{head}: {answer}");
    }
    // What is in vain from the start costs nobody a second connection either.
    let endless = format!("3e8\r\n{}\r\n", "x".repeat(1_000)).repeat(70);
    let mut stream = server.connect().await;
    let request = format!("POST /guarded HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{endless}");
    let answer = exchange(&mut stream, request.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.contains("connection: close"),
        "{answer}"
    );
}

#[tokio::test]
async fn too_many_or_too_long_headers_are_refused() {
    checks!("T032");
    let server = Server::start(api(), Limits::default()).await;
    let many: String = (0..65).map(|n| format!("x-{n}: y\r\n")).collect();
    let long = format!("x-long: {}\r\n", "y".repeat(40_000));
    for headers in [many, long] {
        let mut stream = server.connect().await;
        let request = format!("GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
        let answer = exchange(&mut stream, request.as_bytes()).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
}

// Shows: WP-7
#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    checks!("T032");
    let server = Server::start(api(), limits(|l| l.connections = 1)).await;
    let mut first = server.connect().await;
    first
        .write_all(b"GET /peer HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut head = [0; 12];
    first.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let mut second = server.connect().await;
    second
        .write_all(b"GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let early = tokio::time::timeout(Duration::from_millis(50), second.readable()).await;
    assert!(early.is_err(), "there is one place");
    drop(first);
    assert!(read_all(&mut second).await.starts_with("HTTP/1.1 200"));
}

/// More than kernels keep for one connection.
async fn large(_: Public) -> Vec<u8> {
    vec![b'x'; 16_000_000]
}

// Shows: WP-7
#[tokio::test]
async fn a_caller_who_does_not_read_is_shut_out() {
    checks!("T085");
    let limits = limits(|l| {
        l.idle = Duration::from_millis(30);
        l.headers = Duration::from_millis(500);
        l.connections = 1;
    });
    let requests: [&[u8]; 3] = [
        b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n",
        &b"GET /peer HTTP/1.1\r\nhost: x\r\n\r\nGET /large HTTP/1.1\r\nhost: x\r\n\r\n".repeat(50),
        // The preface, SETTINGS with a window of nothing for each stream, and `GET /large` on streams 1 and 3.
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0\
          \0\0\x0a\x01\x05\0\0\0\x01\x82\x86\x04\x06/large\
          \0\0\x0a\x01\x05\0\0\0\x03\x82\x86\x04\x06/large",
    ];
    for request in requests {
        let api = api().get("/large", large);
        let server = Server::start(api, limits).await;
        let mut unread = server.connect().await;
        unread.write_all(request).await.unwrap();
        // It has the only place until it loses it.
        let mut other = server.connect().await;
        let answer = exchange(
            &mut other,
            b"GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        );
        let answer = tokio::time::timeout(Duration::from_secs(10), answer)
            .await
            .unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop(unread);
    }
}

/// A handler that says when it begins, and ends when it may.
fn slow(begun: &'static Notify, may_end: &'static Notify) -> Api {
    let handler = move |_: Public| async move {
        begun.notify_one();
        may_end.notified().await;
        "done"
    };
    Api::new("Slow", "1").docs(Docs::off()).get("/slow", handler)
}

fn leaked() -> &'static Notify {
    Box::leak(Box::default())
}

// Shows: KIT-3
#[tokio::test]
async fn shutting_down_lets_running_requests_end() {
    let (begun, may_end) = (leaked(), leaked());
    let mut server = Server::start(slow(begun, may_end), Limits::default()).await;
    let mut stream = server.connect().await;
    let mut idle = server.connect().await;
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    begun.notified().await;
    server.stop();
    assert_eq!(
        read_all(&mut idle).await,
        "",
        "an idle connection is closed at once"
    );
    may_end.notify_one();
    assert!(read_all(&mut stream).await.ends_with("done"));
    server.running.await.unwrap();
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn shutting_down_does_not_wait_for_ever() {
    let (begun, never) = (leaked(), leaked());
    let mut server = Server::start(
        slow(begun, never),
        limits(|l| l.drain = Duration::from_millis(20)),
    )
    .await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    begun.notified().await;
    server.stop();
    server.running.await.unwrap();
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn http_2_is_spoken_and_its_silent_connections_are_closed() {
    checks!("T032");
    let server = Server::start(api(), limits(|l| l.headers = Duration::from_millis(500))).await;
    let mut stream = server.connect().await;
    // The preface, and an empty SETTINGS frame; the server answers with its own SETTINGS (type 4).
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "{frame:?}");
    read_all(&mut stream).await;
}
