//! `basic` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/basic.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod basic;

use portcullis_testkit::{Matrix, PASSWORD, TestApp};

async fn app() -> TestApp {
    TestApp::with(|settings| settings, basic::api).await
}

const ANNA: &str = "anna@example.com";

#[tokio::test]
async fn only_the_right_password_of_somebody_who_may_gets_the_metrics() {
    let app = app().await;
    let asked = app
        .get("/metrics")
        .send()
        .await
        .refused(401, "authentication_required");
    assert_eq!(
        asked.header("www-authenticate"),
        "Basic realm=\"portcullis\", charset=\"UTF-8\""
    );
    app.user(ANNA).await;
    app.get("/metrics")
        .basic(ANNA, "guessed")
        .send()
        .await
        .refused(401, "invalid_token");
    app.get("/metrics")
        .basic(ANNA, PASSWORD)
        .send()
        .await
        .refused(403, "missing_permission");
    let reader = app.user_with("reader@example.com", &["metrics:read"]).await;
    let metrics = app.get("/metrics").basic(&reader.email, PASSWORD);
    metrics.send().await.expect(200);
    app.get("/metrics")
        .bearer(&reader.access_token)
        .send()
        .await
        .refused(401, "credential_not_accepted");
}

#[tokio::test]
async fn a_mixed_route_takes_either_and_says_which_it_was() {
    let app = app().await;
    let anna = app.user(ANNA).await;
    let by_password = app.get("/whoami").basic(ANNA, PASSWORD).send().await.expect(200);
    let by_token = app
        .get("/whoami")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(by_password.text(), format!("{} by basic", anna.id));
    assert_eq!(by_token.text(), format!("{} by jwt", anna.id));
    let both = app
        .get("/whoami")
        .basic(ANNA, PASSWORD)
        .header("x-session-token", "pcs_x");
    both.send().await.refused(400, "multiple_credentials");
}

#[tokio::test]
async fn a_password_is_no_fresh_login() {
    let app = app().await;
    let reader = app.user_with("reader@example.com", &["metrics:read"]).await;
    let refused = app.delete("/metrics").basic(&reader.email, PASSWORD).send().await;
    assert_eq!(refused.expect(401).code(), "credential_not_accepted");
    app.delete("/metrics")
        .bearer(&reader.access_token)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn every_bad_credential_is_refused_on_every_route() {
    Matrix::of(basic::api).run().await.assert_sound();
}
