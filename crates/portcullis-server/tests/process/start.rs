//! First start, second start, stop.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use portcullis_core::checks;

use crate::server::{Place, client, mode, within};

#[tokio::test]
async fn a_first_start_makes_its_files_and_says_where_it_is() {
    checks!("T036");
    let place = Place::new();
    let server = place.serve(&[]);
    let lines: Vec<&str> = server.printed.lines().collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert_eq!(lines[0], format!("portcullis {}", env!("CARGO_PKG_VERSION")));
    assert_eq!(lines[1], "data:      ./data (SQLite portcullis.db, secrets.key)");
    assert!(
        lines[2].starts_with(&format!("set-up:    {}/setup?token=pcsetup_", server.address)),
        "{}",
        lines[2]
    );
    assert_eq!(lines[3], format!("docs:      {}/docs", server.address));
    assert_eq!(lines[4], format!("listening on {}", server.address));
    assert!(
        server.address.starts_with("http://localhost:"),
        "{}",
        server.address
    );
    for (name, expected) in [
        ("data", 0o700),
        ("data/secrets.key", 0o600),
        ("data/portcullis.db", 0o600),
        ("data/portcullis.db-wal", 0o600),
    ] {
        assert_eq!(mode(&place.path(name)), expected, "{name}");
    }
    assert_eq!(
        client()
            .get(server.url("/health/ready"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_second_start_makes_no_new_secrets_and_offers_no_set_up() {
    checks!("T031");
    let place = Place::new();
    let first = place.serve(&[]);
    let token = first.setup_token();
    let form =
        serde_json::json!({ "token": token, "email": "chief@example.com", "password": "a gate that closes" });
    let answer = client()
        .post(first.url("/auth/setup"))
        .json(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let secrets = fs::read(place.path("data/secrets.key")).unwrap();
    first.ask_to_stop("-TERM");
    assert_eq!(first.ended().0, Some(0));

    let second = place.serve(&[]);
    assert_eq!(second.setup_link(), None, "{}", second.printed);
    assert!(
        !second.printed.contains("pc"),
        "no secret at all: {}",
        second.printed.replace("portcullis", "")
    );
    assert_eq!(fs::read(place.path("data/secrets.key")).unwrap(), secrets);
    let login = serde_json::json!({ "identifier": "chief@example.com", "password": "a gate that closes" });
    assert_eq!(
        client()
            .post(second.url("/auth/login"))
            .json(&login)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_stop_lets_a_running_request_finish() {
    let place = Place::new();
    for signal in ["-TERM", "-INT"] {
        let server = place.serve(&[]);
        let mut slow = TcpStream::connect(server.socket()).unwrap();
        let body = r#"{"identifier":"nobody@example.com","password":"a gate that closes"}"#;
        let head = format!(
            "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\n\r\n",
            body.len()
        );
        slow.write_all(head.as_bytes()).unwrap();
        // The server asks for the body: the request is being answered now.
        let mut go_on = [0; 12];
        slow.read_exact(&mut go_on).unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100");
        server.ask_to_stop(signal);
        assert!(
            within(Duration::from_secs(5), || async {
                server.log().contains("shutting down; draining requests")
            })
            .await
        );
        slow.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("HTTP/1.1 401"), "{answer}");
        let log = server.log();
        let (code, rest) = server.ended();
        assert_eq!((code, rest.as_str()), (Some(0), ""), "{log}");
        assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_closed_after_the_drain() {
    let place = Place::new();
    let server = place.serve(&["--set", "shutdown_drain=100ms"]);
    let mut slow = TcpStream::connect(server.socket()).unwrap();
    slow.write_all(b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n").unwrap();
    let mut go_on = [0; 12];
    slow.read_exact(&mut go_on).unwrap();
    server.ask_to_stop("-TERM");
    assert_eq!(server.ended().0, Some(0));
}

#[tokio::test]
async fn production_without_a_mail_server_says_that_emails_are_lost_and_shows_none() {
    checks!("T030");
    let place = Place::new();
    let server = place.serve(&["--mode", "production"]);
    assert!(
        server.log().contains("no mail server is configured"),
        "{}",
        server.log()
    );
    let form = serde_json::json!({ "email": "anna@example.com", "password": "a gate that closes" });
    let answer = client()
        .post(server.url("/auth/register"))
        .json(&form)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let lost = || async { server.log().contains("sending an e-mail failed") };
    assert!(within(Duration::from_secs(5), lost).await, "{}", server.log());
    assert!(!server.log().contains("pcv_"), "{}", server.log());
    assert!(!place.path("data/mail").exists());
}

#[tokio::test]
async fn log_lines_are_json_where_asked_and_hold_no_token() {
    checks!("T030");
    let place = Place::new();
    let server = place.serve(&["--log-format", "json", "--log", "trace"]);
    let link = server.setup_link().unwrap().to_owned();
    assert_eq!(client().get(&link).send().await.unwrap().status(), 200);
    server.ask_to_stop("-TERM");
    let log = place.path("err");
    assert_eq!(server.ended().0, Some(0));
    let log = fs::read_to_string(log).unwrap();
    let token = link.split_once("token=").unwrap().1;
    assert!(!log.contains(token), "the token is in the log");
    for line in log.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line.get("level").is_some(), "{line}");
    }
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let request = lines
        .into_iter()
        .find(|line| line["target"] == "portcullis::request")
        .unwrap();
    assert_eq!(request["route"], "/setup/*", "the pattern: {request}");
    assert_eq!(request["status"], 200, "{request}");
    assert!(request["ms"].is_u64(), "{request}");
    assert!(request.get("path").is_none(), "{request}");
}

// Shows: AB-1
#[tokio::test]
async fn an_address_calls_as_often_as_it_is_set_and_health_is_asked_all_the_same() {
    let place = Place::new();
    let limits = [
        "--set",
        "rate_limits.per_address=3/hour",
        "--set",
        "rate_limits.headers=x-ratelimit",
    ];
    let server = place.serve(&limits);
    let get = async |path: &str| client().get(server.url(path)).send().await.unwrap();
    for left in ["2", "1", "0"] {
        let answer = get("/auth/me").await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["x-ratelimit-remaining"], left);
    }
    let refused = get("/setup").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1_100..=1_200).contains(&wait), "{wait}");
    for _ in 0..10 {
        assert_eq!(get("/health/ready").await.status(), 200);
    }
}
