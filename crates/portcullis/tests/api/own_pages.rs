//! HTML pages of a program's own, and what they may load and run.

use axum::response::{Html, IntoResponse as _, Response};
use http::header::CONTENT_SECURITY_POLICY;
use portcullis::core::checks;
use portcullis::{Api, ApiError, Csp, CspNonce, Json, Public};

use super::support::Bench;

const DEFAULT: &str = "default-src 'none'; frame-ancestors 'none'";

async fn page(_: Public, nonce: CspNonce) -> Html<String> {
    Html(format!("<script nonce=\"{nonce}\">1</script>"))
}

async fn plain(_: Public) -> Html<&'static str> {
    Html("<p>hello")
}

async fn data(_: Public) -> Json<u8> {
    Json(1)
}

async fn own(_: Public) -> Response {
    ([(CONTENT_SECURITY_POLICY, "default-src https:")], Html("<p>mine")).into_response()
}

fn api(policy: &'static str) -> Api {
    let files = axum::Router::new().route("/a", axum::routing::get(async || Html("<p>a")));
    Api::new("Pages", "1")
        .get("/page", page)
        .get("/data", data)
        .get("/own", own)
        .mount::<Public>("/files", files)
        .csp(Csp::new(policy))
        .get("/plain", plain)
}

// Shows: WP-5
#[tokio::test]
async fn a_page_has_the_policy_of_its_route_with_a_nonce_that_no_other_request_has() {
    checks!("T188");
    let client = Bench::default().client(api("default-src 'self'; script-src 'nonce' 'strict-dynamic'"));
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let answer = client.get("/page", &[]).await;
        let nonce = answer.text.split('"').nth(1).unwrap().to_owned();
        assert_eq!(nonce.len(), 24, "128 bits in Base64");
        assert_eq!(
            answer.header("content-security-policy"),
            format!("default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic'")
        );
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
    // A page that didn't ask for the nonce: nobody can guess it, so nothing runs by it.
    let file = client.get("/files/a", &[]).await;
    assert!(
        file.header("content-security-policy")
            .starts_with("default-src 'self'; script-src 'nonce-")
    );
}

#[tokio::test]
async fn what_is_no_page_or_brings_its_own_policy_keeps_it() {
    let client = Bench::default().client(api("default-src 'self'"));
    for (path, policy) in [
        ("/data", DEFAULT),
        ("/own", "default-src https:"),
        ("/plain", DEFAULT),
        ("/page", "default-src 'self'"),
    ] {
        assert_eq!(
            client.get(path, &[]).await.header("content-security-policy"),
            policy,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_policy_that_browsers_read_otherwise_is_refused_when_the_app_is_built() {
    let errors = api("default-src 'self'\nx")
        .into_router(Bench::default().gate)
        .unwrap_err();
    assert!(matches!(errors.0.as_slice(), [ApiError::Csp(_)]), "{errors}");
}
