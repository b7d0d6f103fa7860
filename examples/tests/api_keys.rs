//! `api_keys` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/api_keys.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod api_keys;

use portcullis_testkit::{Account, TestApp};
use serde_json::json;

async fn given() -> (TestApp, Account, String) {
    let app = TestApp::with(|builder| api_keys::settings(builder).unwrap(), api_keys::api).await;
    let permissions = ["reports:read", "reports:delete"];
    let anna = app.user_with("anna@example.com", &permissions).await;
    let form = json!({ "name": "ci", "permissions": permissions });
    let made = app
        .post("/auth/api-keys")
        .bearer(&anna.access_token)
        .json(&form)
        .send()
        .await;
    let key = made.expect(201).json()["key"].as_str().unwrap().to_owned();
    (app, anna, key)
}

#[tokio::test]
async fn a_key_reads_and_never_deletes() {
    let (app, anna, key) = given().await;
    assert!(key.starts_with("pk_test_"), "{key}");
    let read = app.get("/reports").api_key(&key).send().await.expect(200);
    assert!(
        read.text().starts_with("a report for the program"),
        "{}",
        read.text()
    );
    let refused = app
        .delete("/reports")
        .api_key(&key)
        .send()
        .await
        .refused(401, "credential_not_accepted");
    assert_eq!(refused.code(), "credential_not_accepted");
    app.delete("/reports")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    app.post("/heartbeat").api_key(&key).send().await.expect(200);
    app.post("/heartbeat")
        .bearer(&anna.access_token)
        .send()
        .await
        .refused(401, "credential_not_accepted");
}

#[tokio::test]
async fn a_key_of_another_environment_is_refused() {
    let (app, _, key) = given().await;
    let other = key.replacen("test", "live", 1);
    app.get("/reports")
        .api_key(&other)
        .send()
        .await
        .refused(401, "invalid_token");
}

#[tokio::test]
async fn what_the_owner_has_not_the_key_gets_not() {
    let (app, _, _) = given().await;
    let otto = app.user("otto@example.com").await;
    let form = json!({ "name": "ci", "permissions": ["reports:read"] });
    let refused = app
        .post("/auth/api-keys")
        .bearer(&otto.access_token)
        .json(&form)
        .send()
        .await;
    assert!(
        refused
            .refused(422, "invalid_fields")
            .text()
            .contains("exceeds_owner")
    );
}
