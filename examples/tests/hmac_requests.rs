//! `hmac_requests` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/hmac_requests.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod hmac_requests;

use portcullis_identity::core::checks;
use portcullis_identity::core::key::{Algorithm, HmacSecret, SigningKey};
use portcullis_identity::core::secret::SecretBytes;
use portcullis_identity::core::signature::{KnownKey, RequestSigner};
use portcullis_identity::sign_request;
use portcullis_testkit::{Answer, TestApp};
use serde_json::{Value, json};

async fn app() -> TestApp {
    let stranger = KnownKey::hmac_sha256("stranger", SecretBytes::new(vec![8; 32])).unwrap();
    let keys = hmac_requests::keys().unwrap().with("stranger-1", stranger);
    TestApp::with(
        |builder| hmac_requests::settings(builder, keys),
        hmac_requests::api,
    )
    .await
}

/// Signed as a program in Rust does it.
fn signed(app: &TestApp, key_id: &str, secret: &[u8]) -> axum::http::Request<Vec<u8>> {
    let secret = HmacSecret::new(Algorithm::HS256, SecretBytes::new(secret.to_vec())).unwrap();
    let signer = RequestSigner::new(SigningKey::of_secret(key_id, secret).unwrap()).unwrap();
    let request = axum::http::Request::post("/orders").header("host", "id.example.com");
    let mut request = request.body(serde_json::to_vec(&order("a-1")).unwrap()).unwrap();
    sign_request(&signer, &mut request, app.portcullis.environment()).unwrap();
    request
}

fn order(sku: &str) -> Value {
    json!({ "sku": sku })
}

async fn send(app: &TestApp, request: &axum::http::Request<Vec<u8>>, body: &Value) -> Answer {
    let mut sent = app.post("/orders");
    for (name, value) in request.headers() {
        sent = sent.header(name.as_str(), value.to_str().unwrap());
    }
    sent.json(body).send().await
}

const SECRET: &[u8] = b"only to try this out, never for real";

// Shows: WP-1
#[tokio::test]
async fn a_partners_order_is_taken_once_and_as_it_was_signed() {
    checks!("T255");
    let app = app().await;
    let request = signed(&app, "acme-1", SECRET);
    // It has used up its nonce, whatever came of it: a client signs anew.
    send(&app, &request, &order("b-1"))
        .await
        .refused(401, "digest_mismatch");
    send(&app, &request, &order("a-1"))
        .await
        .refused(401, "signature_replayed");
    let request = signed(&app, "acme-1", SECRET);
    assert_eq!(
        send(&app, &request, &order("a-1")).await.expect(200).text(),
        "acme ordered a-1"
    );
    send(&app, &request, &order("a-1"))
        .await
        .refused(401, "signature_replayed");
    app.clock.advance_secs(330);
    send(&app, &request, &order("a-1"))
        .await
        .refused(401, "signature_expired");
}

#[tokio::test]
async fn a_partner_may_what_the_program_says() {
    let app = app().await;
    let request = signed(&app, "stranger-1", &[8; 32]);
    send(&app, &request, &order("a-1"))
        .await
        .refused(403, "missing_permission");
    let request = signed(&app, "nobody", &[8; 32]);
    send(&app, &request, &order("a-1"))
        .await
        .refused(401, "invalid_signature");
}

#[tokio::test]
async fn a_nonce_is_taken_once_by_all_nodes_of_a_database() {
    checks!("T255");
    let app = app().await;
    let request = signed(&app, "acme-1", SECRET);
    let body = order("a-1");
    let all = (0..100).map(|_| send(&app, &request, &body));
    let all = futures_util::future::join_all(all).await;
    let taken = all.iter().filter(|answer| answer.status() == 200).count();
    assert_eq!(taken, 1);
}
