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

mod process;

use portcullis_testkit::{Matrix, TestApp};
use process::Running;

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

#[test]
fn a_program_without_a_log_says_where_it_is_and_that_nobody_hears_it() {
    let (address, said) = process::said_on_stderr("first", "fmt().init()");
    let port = address.split(':').nth(1).unwrap();
    let expected = format!(
        "portcullis: listening on http://localhost:{port}. Its log goes nowhere: add `tracing-subscriber` to Cargo.toml and\n\
         tracing_subscriber::fmt().init(); // as the first line of main\n"
    );
    assert_eq!(said, expected);
}

#[test]
fn a_program_with_a_log_says_it_there() {
    let running = Running::start("middleware", "listening");
    let port = running.address().split(':').nth(1).unwrap();
    let url = format!("http://localhost:{port}");
    assert!(running.word().contains(&url), "{}", running.word());
}
