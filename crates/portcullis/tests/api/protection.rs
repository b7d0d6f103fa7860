//! What every route gets without asking.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Method, Request, StatusCode};
use portcullis::core::checks;
use portcullis::protect::Limits;
use portcullis::{Api, Json, Problem, Public, Result};
use serde_json::json;

use crate::support::{Bench, Client};

async fn fine(_: Public) -> &'static str {
    "fine"
}
async fn cached(_: Public) -> ([(http::HeaderName, HeaderValue); 1], &'static str) {
    (
        [(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"))],
        "old",
    )
}
async fn panics(_: Public) -> &'static str {
    panic!("canary {}", "in the panic")
}
async fn internal(_: Public) -> Result<&'static str> {
    Err(Problem::internal("canary in the reason"))
}
async fn never(_: Public) -> &'static str {
    std::future::pending().await
}
async fn reads(_: Public, body: Bytes) -> String {
    body.len().to_string()
}
async fn reads_then_never(_: Public, Json(_): Json<u8>) -> &'static str {
    std::future::pending().await
}
async fn conflict(_: Public) -> Result<&'static str> {
    Err(Problem::conflict("taken", "this name is taken; choose another"))
}

fn api() -> Api {
    Api::new("Test", "1")
        .get("/fine", fine)
        .get("/cached", cached)
        .get("/panics", panics)
        .get("/internal", internal)
        .get("/never", never)
        .post("/reads", reads)
        .post("/reads-then-never", reads_then_never)
        .get("/conflict", conflict)
}

fn client() -> Client {
    Bench::default().client(api())
}

fn hurried() -> Client {
    let mut limits = Limits::default();
    limits.time = Duration::from_millis(20);
    Bench::default().client(api().limits(limits))
}

// Shows: WP-5
#[tokio::test]
async fn every_answer_has_safe_headers() {
    let client = client();
    for path in ["/fine", "/missing", "/panics", "/openapi.json"] {
        let answer = client.get(path, &[]).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("strict-transport-security", ""),
            ("server", ""),
            ("x-powered-by", ""),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
    }
    let too_long = client.post_json("/reads", &"x".repeat(65_537)).await;
    let wrong_method = client.call(Method::DELETE, "/fine", &[], "").await;
    for (answer, status) in [(too_long, 413), (wrong_method, 405)] {
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{status}");
        assert_eq!(answer.header("cache-control"), "no-store", "{status}");
    }
    assert_eq!(
        client.get("/cached", &[]).await.header("cache-control"),
        "public, max-age=60"
    );
}

// Shows: WP-5
#[tokio::test]
async fn tls_is_insisted_on_where_the_public_address_has_it() {
    let bench = Bench::with(|settings| settings.origin = Some("https://app.example".parse().unwrap()));
    let client = bench.client(api());
    for path in ["/fine", "/missing", "/panics", "/openapi.json"] {
        let answer = client.get(path, &[]).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000; includeSubDomains",
            "{path}"
        );
    }
}

/// A layer around the finished router may say otherwise; by itself it lets no page of another origin read.
#[tokio::test]
async fn no_answer_lets_another_origin_read_it() {
    let bench = Bench::with(|settings| settings.origin = Some("https://app.example".parse().unwrap()));
    let client = bench.client(api());
    for origin in [
        "null",
        "https://evil.example",
        "https://app.example",
        "https://app.example.evil.example",
        "https://evilapp.example",
        "http://app.example",
        "https://app.example:8443",
        "HTTPS://APP.EXAMPLE",
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "GET"),
                ("access-control-request-headers", "authorization"),
            ];
            for path in ["/fine", "/missing", "/openapi.json"] {
                let answer = client.call(method.clone(), path, &headers, "").await;
                let said = answer
                    .headers
                    .keys()
                    .find(|name| name.as_str().starts_with("access-control-"));
                assert_eq!(said, None, "{method} {path} from {origin}");
            }
        }
    }
}

// Shows: OP-7
#[tokio::test]
async fn the_trace_id_is_ours_and_never_the_callers() {
    let client = client();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..1_000 {
        let answer = client
            .get(
                "/fine",
                &[("x-request-id", "00000000-0000-7000-8000-000000000000")],
            )
            .await;
        assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
        let id: uuid::Uuid = answer.header("x-request-id").parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
        assert!(seen.insert(id), "{id} came twice");
    }
}

// Shows: WP-7
#[tokio::test]
async fn a_panic_and_an_internal_reason_stay_inside() {
    checks!("T033");
    let client = client();
    for path in ["/panics", "/internal"] {
        let answer = client.get(path, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (500, "internal"),
            "{path}"
        );
        assert!(!answer.text.contains("canary"), "{path}: {}", answer.text);
    }
    assert_eq!(
        client.get("/fine", &[]).await.status,
        200,
        "the next request is answered"
    );
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended_and_the_one_at_fault_named() {
    checks!("T032");
    let client = hurried();
    let late = client.get("/never", &[]).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (503, "unavailable"));
    assert_eq!(late.header("retry-after"), "1");
    let endless = Body::from_stream(futures_util::stream::pending::<
        std::result::Result<Bytes, std::io::Error>,
    >());
    let slow = client.send(Request::post("/reads").body(endless).unwrap()).await;
    assert_eq!(
        (slow.status.as_u16(), slow.code().as_str()),
        (408, "request_too_slow")
    );
    // All of the body came: the delay is ours.
    let ours = client.post_json("/reads-then-never", "5").await;
    assert_eq!(ours.status, 503);
}

#[tokio::test]
async fn axums_own_extractors_are_limited_too() {
    checks!("T032");
    let client = client();
    for (length, status) in [(65_536, 200), (65_537, 413)] {
        let request = Request::post("/reads")
            .body(Body::from(vec![b'x'; length]))
            .unwrap();
        let answer = client.send(request).await;
        assert_eq!(answer.status.as_u16(), status, "{length}");
        if status == 413 {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.json()["code"], "body_too_large");
        }
    }
}

async fn reads_text(_: Public, body: String) -> String {
    body.len().to_string()
}
async fn reads_some(_: Public, body: Result<Bytes, BytesRejection>) -> String {
    body.map_or_else(
        |error| format!("too much: {}", error.status()),
        |_| "all".to_owned(),
    )
}
async fn too_much_of_its_own(_: Public) -> (StatusCode, &'static str) {
    (StatusCode::PAYLOAD_TOO_LARGE, "your quota is used up")
}
async fn in_words_of_its_own(_: Public, body: Body) -> (StatusCode, Json<&'static str>) {
    match axum::body::to_bytes(body, usize::MAX).await {
        Ok(_) => (StatusCode::OK, Json("all")),
        Err(_) => (StatusCode::PAYLOAD_TOO_LARGE, Json("less, please")),
    }
}

// Shows: KIT-1
#[tokio::test]
async fn a_body_that_is_too_long_is_told_as_the_document_says_and_no_other_answer_is_touched() {
    checks!("T032");
    const MANY: usize = 3 * 1024 * 1024;
    let api = Api::new("Test", "1")
        .post("/text", reads_text)
        .post("/much", reads_text)
        .body_limit(MANY)
        .post("/some", reads_some)
        .post("/quota", too_much_of_its_own)
        .post("/own", in_words_of_its_own);
    let client = Bench::default().client(api);
    let post = async |path: &str, length: usize| {
        let request = Request::post(path).body(Body::from(vec![b'x'; length])).unwrap();
        client.send(request).await
    };
    // axum's own extractors take two megabytes, whatever the route says.
    for (path, most) in [("/text", 65_536), ("/much", MANY)] {
        assert_eq!(post(path, most).await.text, most.to_string());
        let refused = post(path, most + 1).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["code"]),
            (413, &json!("body_too_large"))
        );
    }
    assert_eq!(
        post("/some", 65_537).await.text,
        "too much: 413 Payload Too Large"
    );
    assert_eq!(post("/quota", 65_537).await.text, "your quota is used up");
    assert_eq!(post("/own", 65_537).await.text, "\"less, please\"");
}

// Shows: WP-7
#[tokio::test]
async fn problems_have_the_members_of_rfc_9457() {
    let client = client();
    let mut problems = Vec::new();
    for path in ["/conflict", "/missing", "/internal"] {
        problems.push(client.get(path, &[]).await.problem());
    }
    insta::assert_json_snapshot!(problems);
}
