use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use portcullis_core::checks;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;

/// Answers each connection with the next of these texts, byte for byte, and keeps what it was sent.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Server {
    async fn says(answers: &[&str]) -> Self {
        Self::listens(answers, None).await
    }

    /// The same behind TLS.
    async fn says_by_tls(answers: &[&str]) -> Self {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tests/name.example.key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self::listens(answers, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listens(answers: &[&str], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut answers: VecDeque<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let kept = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream: Box<dyn Stream> = match &tls {
                    None => Box::new(stream),
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => continue,
                    },
                };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read_exact(&mut byte).await.is_err() {
                        break;
                    }
                    head.push(byte[0]);
                }
                kept.lock().unwrap().push(String::from_utf8(head).unwrap());
                let answer = answers.pop_front().unwrap_or_default();
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.flush().await;
                // An answer that isn't complete leaves its caller waiting.
                if answer.is_empty() || answer.contains("unfinished") {
                    held.push(stream);
                }
            }
        });
        Self {
            address,
            asked,
            serving,
        }
    }

    fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Answers each look-up with the next list.
struct Names {
    answers: Mutex<VecDeque<Vec<&'static str>>>,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.ok_or_else(|| io::Error::other("no such name"))?;
        Ok(answer
            .into_iter()
            .map(|address| address.parse().unwrap())
            .collect())
    }
}

fn on_loopback() -> Settings {
    Settings {
        loopback: true,
        limits: Limits {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(20),
            body: 32,
        },
        ..Settings::default()
    }
}

fn client(settings: Settings, names: &[&[&'static str]]) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let names = Names {
        answers: Mutex::new(names.iter().map(|answer| answer.to_vec()).collect()),
        asked: Arc::clone(&asked),
    };
    (Client::resolving(settings, Box::new(names)).unwrap(), asked)
}

async fn fetch(settings: Settings, names: &[&[&'static str]], url: &str) -> Result<Document, FetchError> {
    client(settings, names)
        .0
        .get(&url.parse().unwrap(), &["application/json"])
        .await
}

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn only_https_is_spoken_but_to_this_machine_where_that_is_allowed() {
    checks!("T052");
    let public: &[&[&'static str]] = &[&["1.1.1.1"]];
    for (settings, url) in [
        (Settings::default(), "http://example.com/"),
        (Settings::default(), "http://127.0.0.1/"),
        (Settings::default(), "ftp://example.com/"),
        (Settings::default(), "file:///etc/passwd"),
        (Settings::default(), "data:application/json,{}"),
        (Settings::default(), "https://user@example.com/"),
        (Settings::default(), "https://:secret@example.com/"),
        (Settings::default(), "https://example.com/#x"),
        (on_loopback(), "ftp://127.0.0.1/"),
        (on_loopback(), "http://user@127.0.0.1/"),
    ] {
        let refused = fetch(settings, public, url).await;
        assert!(
            matches!(refused, Err(FetchError::Address(_))),
            "{url}: {refused:?}"
        );
    }
    // Allowed without TLS is this machine and nothing else, whatever else may be reached.
    let settings = Settings {
        networks: vec!["10.0.0.0/8".parse().unwrap()],
        ..on_loopback()
    };
    for addresses in [&["1.1.1.1"], &["10.0.0.1"]] {
        let refused = client(on_loopback(), &[addresses]).0;
        let refused = refused.get(&"http://example.com/".parse().unwrap(), &[]).await;
        assert!(matches!(refused, Err(FetchError::Forbidden(..))), "{refused:?}");
    }
    let refused = fetch(settings, &[], "http://10.0.0.1/").await;
    assert!(matches!(refused, Err(FetchError::Forbidden(..))), "{refused:?}");
}

// Shows: TK-3
#[tokio::test]
async fn an_address_that_may_not_be_reached_is_refused_however_it_is_written() {
    checks!("T052");
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://[fd00:ec2::254]/",
        "https://0.0.0.0/",
        "https://０.0.0.0/",
    ] {
        let refused = fetch(Settings::default(), &[], url).await;
        assert!(
            matches!(refused, Err(FetchError::Forbidden(..))),
            "{url}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_name_with_one_bad_address_is_refused_and_looked_up_once() {
    checks!("T052");
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["1.1.1.1", "127.0.0.1"],
        &["2606:4700:4700::1111", "fe80::1"],
        &["::ffff:192.168.0.1"],
    ] {
        // What it would mean at a second look-up plays no part.
        let (client, asked) = client(Settings::default(), &[addresses, &["1.1.1.1"]]);
        let refused = client.get(&"https://rebind.example/".parse().unwrap(), &[]).await;
        assert!(
            matches!(refused, Err(FetchError::Forbidden(..))),
            "{addresses:?}: {refused:?}"
        );
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    let nowhere = fetch(Settings::default(), &[], "https://nowhere.example/").await;
    assert!(matches!(nowhere, Err(FetchError::Unresolved(..))), "{nowhere:?}");
    let empty = fetch(Settings::default(), &[&[]], "https://empty.example/").await;
    assert!(matches!(empty, Err(FetchError::Unreachable(..))), "{empty:?}");
}

#[tokio::test]
async fn what_was_judged_is_what_is_connected_to() {
    checks!("T052");
    let server = Server::says(&[GOOD]).await;
    let (client, asked) = client(on_loopback(), &[&["127.0.0.1"], &["169.254.169.254"]]);
    let url = format!("http://name.example:{}/keys?x=1", server.address.port());
    let document = client
        .get(&url.parse().unwrap(), &["application/json"])
        .await
        .unwrap();
    assert_eq!(document.body, b"{}");
    assert_eq!(document.max_age, Some(Duration::from_secs(60)));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let sent = server.asked().concat();
    assert!(sent.starts_with("GET /keys?x=1 HTTP/1.1\r\n"), "{sent}");
    let mut names: Vec<_> = sent
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.to_ascii_lowercase()))
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["accept", "connection", "host", "user-agent"],
        "nothing else goes out"
    );
    assert!(
        sent.contains(&format!("host: name.example:{}", server.address.port())),
        "{sent}"
    );
}

type Expected = fn(&FetchError) -> bool;

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a table is as long as its rows")]
async fn answers_that_are_no_document_are_refused() {
    checks!("T052");
    let json = "content-type: application/json\r\n";
    let of = |head: &str, body: &str| format!("HTTP/1.1 {head}\r\n{body}");
    let long = "x".repeat(33);
    let tests: Vec<(String, Expected)> = vec![
        (
            of(
                "302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n",
                "",
            ),
            |e| matches!(e, FetchError::Redirect(..)),
        ),
        (
            of(
                "301 Moved\r\nlocation: https://example.com/\r\ncontent-length: 0\r\n",
                "",
            ),
            |e| matches!(e, FetchError::Redirect(..)),
        ),
        (of("304 Not Modified\r\n", ""), |e| {
            matches!(e, FetchError::Redirect(..))
        }),
        (of("404 Not Found\r\ncontent-length: 0\r\n", ""), |e| {
            matches!(e, FetchError::Status(..))
        }),
        (of("500 Oops\r\ncontent-length: 0\r\n", ""), |e| {
            matches!(e, FetchError::Status(..))
        }),
        (
            of(&format!("201 Created\r\n{json}content-length: 2\r\n"), "{}"),
            |e| matches!(e, FetchError::Status(..)),
        ),
        (of("200 OK\r\ncontent-length: 2\r\n", "{}"), |e| {
            matches!(e, FetchError::MediaType(..))
        }),
        (
            of("200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n", "{}"),
            |e| matches!(e, FetchError::MediaType(..)),
        ),
        (
            of(&format!("200 OK\r\n{json}content-length: 33\r\n"), &long),
            |e| matches!(e, FetchError::TooLarge(..)),
        ),
        (
            of(
                &format!("200 OK\r\n{json}content-length: 9999999999999\r\n"),
                "unfinished",
            ),
            |e| matches!(e, FetchError::TooLarge(..)),
        ),
        (
            of(
                &format!("200 OK\r\n{json}transfer-encoding: chunked\r\n"),
                &format!("20\r\n{}\r\n20\r\n{}\r\nunfinished", &long[..32], &long[..32]),
            ),
            |e| matches!(e, FetchError::TooLarge(..)),
        ),
        (of(&format!("200 OK\r\n{json}content-length: 9\r\n"), "{}"), |e| {
            matches!(e, FetchError::Protocol(..))
        }),
        (
            of(&format!("200 OK\r\n{json}{}", "x: y\r\n".repeat(65)), ""),
            |e| matches!(e, FetchError::Protocol(..)),
        ),
        (
            of(&format!("200 OK\r\n{json}x: {}\r\n", "y".repeat(17_000)), ""),
            |e| matches!(e, FetchError::Protocol(..)),
        ),
        ("SSH-2.0-OpenSSH\r\n\r\n".to_owned(), |e| {
            matches!(e, FetchError::Protocol(..))
        }),
    ];
    for (answer, expected) in tests {
        let server = Server::says(&[&answer]).await;
        let (client, _) = client(on_loopback(), &[]);
        let refused = client
            .get(&server.url("/"), &["application/json"])
            .await
            .unwrap_err();
        assert!(expected(&refused), "{refused}: {answer}");
        assert_eq!(server.asked().len(), 1, "one request, whatever it answers");
    }
}

#[tokio::test]
async fn both_sides_of_the_longest_body() {
    checks!("T052");
    for (length, fits) in [(32, true), (33, false)] {
        let body = "x".repeat(length);
        let chunked = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        );
        let plain = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        for answer in [chunked, plain] {
            let server = Server::says(&[&answer]).await;
            let (client, _) = client(on_loopback(), &[]);
            let read = client.get(&server.url("/"), &["application/json"]).await;
            assert_eq!(read.is_ok(), fits, "{read:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_left() {
    checks!("T052");
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\nunfinished",
    ] {
        let server = Server::says(&[answer]).await;
        let mut settings = on_loopback();
        settings.limits.total = Duration::from_millis(200);
        let (client, _) = client(settings, &[]);
        let left = client.get(&server.url("/"), &["application/json"]).await;
        assert!(matches!(left, Err(FetchError::TooSlow(..))), "{left:?}");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_no_answer() {
    // Nobody listens there, and no other test is given this port.
    let unreachable = fetch(on_loopback(), &[], "http://127.0.0.1:1/").await;
    assert!(
        matches!(unreachable, Err(FetchError::Unreachable(..))),
        "{unreachable:?}"
    );
}

#[tokio::test]
async fn only_a_certificate_for_the_name_by_somebody_trusted_is_believed() {
    checks!("T052");
    let trusting = || Settings {
        roots: Some(CERTIFICATE.to_vec()),
        ..on_loopback()
    };
    for (settings, host, believed) in [
        (trusting(), "name.example", true),
        (trusting(), "127.0.0.1", true),
        (trusting(), "other.example", false),
        (on_loopback(), "name.example", false),
    ] {
        let server = Server::says_by_tls(&[GOOD]).await;
        let (client, _) = client(settings, &[&["127.0.0.1"]]);
        let url = format!("https://{host}:{}/", server.address.port())
            .parse()
            .unwrap();
        let answer = client.get(&url, &["application/json"]).await;
        match answer {
            Ok(document) => assert!(believed && document.body == b"{}", "{host}"),
            Err(error) => assert!(
                !believed && matches!(error, FetchError::Unreachable(..)),
                "{host}: {error}"
            ),
        }
        assert_eq!(server.asked().len(), usize::from(believed), "{host}");
    }
    // A server without TLS is no server with it.
    let plain = Server::says(&[GOOD]).await;
    let mut settings = trusting();
    settings.limits.total = Duration::from_millis(500);
    let (client, _) = client(settings, &[]);
    let url = plain
        .url("/")
        .to_string()
        .replace("http://", "https://")
        .parse()
        .unwrap();
    assert!(client.get(&url, &["application/json"]).await.is_err());
}

/// Signed by itself, for `name.example` and `127.0.0.1`, until 2126.
const CERTIFICATE: &[u8] = include_bytes!("tests/name.example.pem");
