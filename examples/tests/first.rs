//! `first` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/first.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main runs in the other test")]
mod first;

use portcullis_testkit::{Matrix, TestApp};

#[tokio::test]
async fn whoever_is_logged_in_is_greeted() {
    let app = TestApp::with(|settings| settings, first::api).await;
    app.get("/hello")
        .send()
        .await
        .refused(401, "authentication_required");
    let anna = app.user("anna@example.com").await;
    let hello = app.get("/hello").bearer(&anna.access_token).send().await;
    assert_eq!(hello.expect(200).text(), "Hello, you");
}

#[tokio::test]
async fn every_bad_credential_is_refused_on_every_route() {
    Matrix::of(first::api).run().await.assert_sound();
}
