//! What goes around every route.

use std::time::Instant;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, Response};
use portcullis_identity::{Api, Builder, Cors, Csp, CspNonce, Portcullis, Public};
use portcullis_testkit::TestApp;

async fn status(_: Public) -> &'static str {
    "up"
}

async fn timed(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let mut answer = next.run(request).await;
    let text = began.elapsed().as_secs_f64().to_string();
    if let Ok(value) = HeaderValue::try_from(text) {
        answer.headers_mut().insert("x-process-time", value);
    }
    answer
}

async fn home(_: Public, nonce: CspNonce) -> Html<String> {
    Html(format!(
        "<!doctype html><style nonce=\"{nonce}\">body {{ color: navy }}</style>Hello"
    ))
}

fn around(api: Api) -> Api {
    api.layer(from_fn(timed))
        .cors(Cors::origins(["https://shop.example.com", "http://localhost:5173"]).credentials())
}

fn api(_: &Portcullis) -> Api {
    let api = Api::new("Shop", "1.0")
        .get("/status", status)
        .get("/", home)
        .csp(Csp::new(
            "default-src 'none'; style-src 'nonce'; frame-ancestors 'none'",
        ));
    around(api)
}

fn hosts(builder: Builder) -> Result<Builder, url::ParseError> {
    let url = "https://shop.example.com/".parse()?;
    Ok(builder.public_url(url).host("shop.internal"))
}

async fn app() -> TestApp {
    TestApp::with(|builder| hosts(builder).unwrap(), api).await
}

#[tokio::test]
async fn every_answer_has_the_time_it_took_and_safe_headers() {
    let app = app().await;
    for (path, status) in [("/status", 200), ("/openapi.json", 200), ("/nowhere", 404)] {
        let answer = app.get(path).send().await.expect(status);
        assert!(answer.header("x-process-time").parse::<f64>().is_ok(), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            answer.header("strict-transport-security").starts_with("max-age="),
            "{path}"
        );
    }
    let page = app.get("/").send().await.expect(200);
    assert!(
        page.header("content-security-policy")
            .contains("style-src 'nonce-")
    );
}

#[tokio::test]
async fn only_named_origins_may_read_answers() {
    let app = app().await;
    let named = app
        .get("/status")
        .header("origin", "http://localhost:5173")
        .send()
        .await;
    assert_eq!(
        named.header("access-control-allow-origin"),
        "http://localhost:5173"
    );
    assert_eq!(named.header("access-control-allow-credentials"), "true");
    let other = app
        .get("/status")
        .header("origin", "https://evil.example.net")
        .send()
        .await;
    assert!(other.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn only_named_hosts_are_served() {
    let app = app().await;
    for (host, status) in [
        ("shop.example.com", 200),
        ("shop.internal", 200),
        ("evil.example.net", 421),
    ] {
        let request = axum::http::Request::get("/status").header("host", host);
        let request = request.body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(app.router().clone(), request)
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{host}");
    }
}
