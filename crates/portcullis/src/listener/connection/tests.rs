use std::convert::Infallible;

use axum::body::Body;
use axum::routing::get;
use futures_util::{StreamExt as _, stream};
use portcullis_core::checks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

/// A connection whose time passes when the test says so. It has room for 1 KiB on its way.
struct Line {
    peer: DuplexStream,
    time: mpsc::Sender<()>,
    serving: JoinHandle<()>,
    closing: CancellationToken,
}

impl Line {
    fn open(router: Router) -> Self {
        let (peer, ours) = tokio::io::duplex(1_024);
        let (time, passed) = mpsc::channel(1);
        let passed = Arc::new(tokio::sync::Mutex::new(passed));
        let pause = move |_| {
            let passed = Arc::clone(&passed);
            async move {
                passed.lock().await.recv().await;
            }
        };
        let closing = CancellationToken::new();
        let address = SocketAddr::from(([192, 0, 2, 7], 4_711));
        let serving = serve(router, ours, address, Limits::default(), closing.clone(), pause);
        Self {
            peer,
            time,
            serving: tokio::spawn(serving),
            closing,
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.peer.write_all(bytes).await.unwrap();
    }

    async fn take(&mut self, count: usize) -> usize {
        let mut bytes = vec![0; count];
        let mut taken = 0;
        while taken < count {
            match self.peer.read(&mut bytes[taken..]).await.unwrap() {
                0 => break,
                more => taken += more,
            }
        }
        taken
    }

    /// Lets the connection work until it waits, lets its time pass, and lets it work again.
    async fn pass(&self) {
        settle().await;
        // A connection that has ended asks for no time.
        let _ = self.time.send(()).await;
        settle().await;
    }
}

/// Everything runs on this thread: after so many turns all of it waits for something.
async fn settle() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

const SIZE: usize = 1_000_000;

fn large() -> Router {
    Router::new().route("/", get(|| async { vec![b'x'; SIZE] }))
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// The preface, SETTINGS with a window of nothing for each stream, and `GET /` on stream 1.
const GET_BY_HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0\
    \0\0\x03\x01\x05\0\0\0\x01\x82\x86\x84";

#[tokio::test]
async fn a_caller_who_takes_nothing_is_shut_out() {
    checks!("T085");
    for request in [GET, GET_BY_HTTP_2] {
        let mut line = Line::open(large());
        line.send(request).await;
        line.pass().await;
        assert!(!line.serving.is_finished(), "it may just have begun");
        // What fits into the buffers may still be taken in the second round.
        line.pass().await;
        line.pass().await;
        assert!(line.serving.is_finished());
    }
}

#[tokio::test]
async fn requests_and_pings_are_no_sign_of_reading() {
    checks!("T085");
    let mut line = Line::open(large());
    line.send(GET_BY_HTTP_2).await;
    line.pass().await;
    for stream in [3, 5] {
        let ping = b"\0\0\x08\x06\0\0\0\0\0pingping";
        let request = [0, 0, 3, 1, 5, 0, 0, 0, stream, 0x82, 0x86, 0x84];
        // It may be closed by then.
        let _ = line.peer.write_all(&[&ping[..], &request].concat()).await;
        line.pass().await;
    }
    assert!(line.serving.is_finished());
}

// Shows: WP-7
#[tokio::test]
async fn a_caller_who_reads_slowly_gets_all_of_it() {
    let mut line = Line::open(large());
    line.send(GET).await;
    let mut taken = 0;
    let rounds = loop {
        line.pass().await;
        taken += line.take(100_000.min(SIZE - taken)).await;
        if taken >= SIZE {
            break taken / 100_000;
        }
    };
    assert_eq!(rounds, 10);
    // The head, which was counted as if it were of the answer.
    assert!(line.take(60).await > 0);
    assert!(!line.serving.is_finished());
}

#[tokio::test]
async fn an_answer_that_we_are_slow_with_is_not_the_callers_fault() {
    let (parts, made) = mpsc::channel::<Vec<u8>>(1);
    let made = Arc::new(std::sync::Mutex::new(Some(made)));
    let slow = Router::new().route(
        "/",
        get(move || async move {
            let made = made.lock().unwrap().take().unwrap();
            Body::from_stream(
                stream::unfold(made, |mut made| async {
                    made.recv().await.map(|part| (part, made))
                })
                .map(Ok::<_, Infallible>),
            )
        }),
    );
    let mut line = Line::open(slow);
    line.send(GET).await;
    for _ in 0..5 {
        line.pass().await;
    }
    parts.send(b"at last".to_vec()).await.unwrap();
    drop(parts);
    line.closing.cancel();
    let mut text = String::new();
    line.peer.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("at last"), "{text}");
    line.serving.await.unwrap();
}

#[tokio::test]
async fn the_rest_of_an_answer_has_one_round_after_the_last() {
    checks!("T085");
    // It fits into our buffers, but not on the line.
    let small = Router::new().route("/", get(|| async { vec![b'x'; 4_000] }));
    let mut line = Line::open(small);
    line.send(GET).await;
    // The head's time, one without anything new, and one to end in.
    for _ in 0..2 {
        line.pass().await;
        assert!(!line.serving.is_finished());
    }
    line.pass().await;
    line.serving.await.unwrap();
}

/// A connection in the runtime's own time, which passes while everybody waits.
fn in_time(router: Router) -> (DuplexStream, CancellationToken) {
    let (peer, ours) = tokio::io::duplex(4_096);
    let closing = CancellationToken::new();
    let address = SocketAddr::from(([192, 0, 2, 7], 4_711));
    let serving = serve(
        router,
        ours,
        address,
        Limits::default(),
        closing.clone(),
        tokio::time::sleep,
    );
    tokio::spawn(serving);
    (peer, closing)
}

/// How many seconds pass until the other side closes.
async fn until_closed(peer: &mut DuplexStream) -> u64 {
    let begun = tokio::time::Instant::now();
    let mut rest = Vec::new();
    let _ = peer.read_to_end(&mut rest).await;
    begun.elapsed().as_secs()
}

async fn answered(peer: &mut DuplexStream, request: &[u8]) {
    peer.write_all(request).await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\nyes") {
        text.push(peer.read_u8().await.unwrap());
    }
    assert!(
        text.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&text)
    );
}

fn yes() -> Router {
    Router::new().route(
        "/",
        get(|| async { "yes" }).post(|_: axum::body::Bytes| async { "yes" }),
    )
}

const POST: &[u8] = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi";

#[tokio::test(start_paused = true)]
async fn a_fresh_connection_has_as_long_as_a_head() {
    checks!("T032");
    for beginning in [&b""[..], b"G", b"GET / HTTP/1.1\r\nhost: x\r\n"] {
        let (mut peer, _closing) = in_time(yes());
        peer.write_all(beginning).await.unwrap();
        assert_eq!(until_closed(&mut peer).await, 10, "{beginning:?}");
    }
}

// Shows: WP-7
#[tokio::test(start_paused = true)]
async fn a_connection_that_has_served_waits_longer_than_proxies_do() {
    let wait = async |seconds| tokio::time::sleep(Duration::from_secs(seconds)).await;
    for request in [GET, POST] {
        let (mut peer, _closing) = in_time(yes());
        for _ in 0..5 {
            answered(&mut peer, request).await;
            wait(74).await;
        }
        answered(&mut peer, request).await;
        let idle = until_closed(&mut peer).await;
        assert!((75..=150).contains(&idle), "{idle}");
    }
}

// Shows: WP-7
#[tokio::test(start_paused = true)]
async fn a_later_head_has_ten_seconds_from_its_first_byte() {
    checks!("T032");
    for (request, wait) in [(GET, 0), (GET, 60), (POST, 0), (POST, 60)] {
        let (mut peer, _closing) = in_time(yes());
        answered(&mut peer, request).await;
        tokio::time::sleep(Duration::from_secs(wait)).await;
        peer.write_all(b"G").await.unwrap();
        // More of it doesn't begin it anew.
        tokio::time::sleep(Duration::from_secs(6)).await;
        peer.write_all(b"E").await.unwrap();
        assert_eq!(until_closed(&mut peer).await, 4, "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_what_is_idle_at_once() {
    let (mut peer, closing) = in_time(yes());
    answered(&mut peer, GET).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    closing.cancel();
    assert_eq!(until_closed(&mut peer).await, 0);
}
