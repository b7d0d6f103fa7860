//! `rbac` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/rbac.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod rbac;

use portcullis_testkit::{Account, TestApp};

async fn app() -> TestApp {
    TestApp::with(rbac::settings, rbac::api).await
}

/// What reading, writing and looking at drafts answer.
async fn may(app: &TestApp, user: &Account) -> [u16; 3] {
    let mut answers = [0; 3];
    let calls = [app.get("/posts"), app.post("/posts"), app.get("/drafts")];
    for (answer, call) in answers.iter_mut().zip(calls) {
        *answer = call.bearer(&user.access_token).send().await.status();
    }
    answers
}

// Shows: AZ-1
#[tokio::test]
async fn a_role_counts_from_the_next_request_on() {
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    assert_eq!(may(&app, &anna).await, [403, 403, 403]);
    let id = anna.id.to_string();
    rbac::grant(&app.portcullis, &id, "reader").await.unwrap();
    assert_eq!(may(&app, &anna).await, [200, 403, 403]);
    rbac::grant(&app.portcullis, &id, "editor").await.unwrap();
    assert_eq!(may(&app, &anna).await, [200, 200, 200]);
}

// Shows: AZ-1
#[tokio::test]
async fn an_editor_inherits_what_readers_may() {
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    rbac::grant(&app.portcullis, &anna.id.to_string(), "editor")
        .await
        .unwrap();
    assert_eq!(may(&app, &anna).await, [200, 200, 200]);
}

#[tokio::test]
async fn what_does_not_exist_is_not_given() {
    let app = app().await;
    let anna = app.user("anna@example.com").await.id.to_string();
    for (account, role) in [
        ("anna", "reader"),
        (anna.as_str(), "king"),
        ("00000000-0000-7000-8000-000000000000", "reader"),
    ] {
        assert!(
            rbac::grant(&app.portcullis, account, role).await.is_err(),
            "{account} {role}"
        );
    }
}
