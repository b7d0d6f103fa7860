//! `password` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/password.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod password;

use portcullis_testkit::TestApp;
use serde_json::{Value, json};

async fn app() -> TestApp {
    TestApp::with(password::settings, password::api).await
}

async fn post(app: &TestApp, path: &str, body: &Value) -> portcullis_testkit::Answer {
    app.post(path).json(body).send().await
}

#[tokio::test]
async fn a_short_password_is_refused_and_the_rule_is_named() {
    let app = app().await;
    for (password, status) in [("fourteen chars", 422), ("fifteen e-mails", 201)] {
        let form = json!({ "username": "anna", "password": password });
        let answer = post(&app, "/auth/register", &form).await.expect(status);
        if status == 422 {
            assert!(answer.text().contains("password_too_short"), "{}", answer.text());
        }
    }
}

#[tokio::test]
async fn only_the_right_password_opens_the_diary() {
    let app = app().await;
    app.get("/diary")
        .send()
        .await
        .refused(401, "authentication_required");
    let form = json!({ "username": "anna", "password": "fifteen e-mails" });
    post(&app, "/auth/register", &form).await.expect(201);
    for (identifier, password) in [("anna", "fifteen lettres"), ("berta", "fifteen e-mails")] {
        let form = json!({ "identifier": identifier, "password": password });
        let refused = post(&app, "/auth/login", &form)
            .await
            .refused(401, "invalid_credentials");
        assert_eq!(refused.code(), "invalid_credentials");
    }
    let form = json!({ "identifier": "Anna", "password": "fifteen e-mails" });
    let tokens = post(&app, "/auth/login", &form).await.expect(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    let diary = app.get("/diary").bearer(token).send().await.expect(200);
    assert!(diary.text().contains("anna"), "{}", diary.text());
}
