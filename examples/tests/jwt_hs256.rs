//! `jwt_hs256` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/jwt_hs256.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod jwt_hs256;

use portcullis_identity::core::key::Algorithm;
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::json;

async fn app() -> TestApp {
    TestApp::with(jwt_hs256::settings, jwt_hs256::api).await
}

#[tokio::test]
async fn a_token_opens_the_route_until_its_time_is_over() {
    let app = app().await;
    app.get("/whoami")
        .send()
        .await
        .refused(401, "authentication_required");
    let anna = app.user("anna@example.com").await;
    let answer = app
        .get("/whoami")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(answer.text(), anna.id.to_string());
    // Fifteen minutes, and thirty seconds for clocks that differ.
    app.clock.advance_secs(15 * 60 + 29);
    app.get("/whoami")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    app.clock.advance_secs(1);
    app.get("/whoami")
        .bearer(&anna.access_token)
        .send()
        .await
        .refused(401, "invalid_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", anna.refresh_token.as_str()),
    ];
    let next = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .expect(200)
        .json();
    let next = next["access_token"].as_str().unwrap();
    app.get("/whoami").bearer(next).send().await.expect(200);
}

#[tokio::test]
async fn a_session_token_does_not_open_it() {
    let app = app().await;
    app.user("anna@example.com").await;
    let body = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "session" });
    let session = app
        .post("/auth/login")
        .json(&body)
        .send()
        .await
        .expect(200)
        .json();
    let refused = app
        .get("/whoami")
        .bearer(session["session_token"].as_str().unwrap())
        .send()
        .await;
    assert_eq!(refused.expect(401).code(), "credential_not_accepted");
}

#[tokio::test]
async fn the_secret_is_published_nowhere() {
    let app = app().await;
    assert_eq!(app.portcullis.keyring().signer().algorithm(), Algorithm::HS256);
    let published = app.get("/.well-known/jwks.json").send().await.expect(200);
    assert_eq!(published.json(), json!({ "keys": [] }));
}
