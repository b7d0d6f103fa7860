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

use portcullis_identity::Permission as _;
use portcullis_testkit::{Account, TestApp};

async fn app() -> TestApp {
    let permissions = [rbac::PostsRead::PERMISSION, rbac::PostsWrite::PERMISSION];
    let app = TestApp::with(|settings| settings.declare(permissions), rbac::api).await;
    rbac::seed(&app.portcullis).await.unwrap();
    app
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

#[tokio::test]
async fn seeding_twice_changes_nothing() {
    let app = app().await;
    rbac::seed(&app.portcullis).await.unwrap();
}

#[tokio::test]
async fn a_permission_that_nobody_declared_is_told_at_the_start() {
    let app = TestApp::new().await;
    let error = rbac::seed(&app.portcullis).await.unwrap_err().to_string();
    assert!(error.contains("posts:read"), "{error}");
}
