//! `hello` through the test kit, and as a process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/hello.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main runs in the other test")]
mod hello;
mod process;

use hello::api;
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::json;

#[tokio::test]
async fn nobody_passes_without_what_the_signature_asks_for() {
    let app = TestApp::with(|settings| settings, api).await;
    assert_eq!(app.get("/status").send().await.expect(200).text(), "up");
    app.get("/posts")
        .send()
        .await
        .refused(401, "authentication_required");
    app.put("/posts/7")
        .send()
        .await
        .refused(401, "authentication_required");

    let nobody = app.user("nobody@example.com").await;
    let refused = app
        .get("/posts")
        .bearer(&nobody.access_token)
        .send()
        .await
        .refused(403, "missing_permission");
    assert_eq!(refused.code(), "missing_permission");
    assert!(refused.text().contains("posts:read"), "{}", refused.text());

    let reader = app.user_with("reader@example.com", &["posts:read"]).await;
    app.get("/posts")
        .bearer(&reader.access_token)
        .send()
        .await
        .expect(200);
    app.put("/posts/7")
        .bearer(&reader.access_token)
        .send()
        .await
        .refused(403, "missing_permission");
}

// Shows: AZ-8
#[tokio::test]
async fn editing_needs_a_login_of_the_last_five_minutes() {
    let app = TestApp::with(|settings| settings, api).await;
    let editor = app.user_with("editor@example.com", &["posts:write"]).await;
    app.clock.advance_secs(299);
    app.put("/posts/7")
        .bearer(&editor.access_token)
        .send()
        .await
        .expect(200);
    app.clock.advance_secs(1);
    app.put("/posts/7")
        .bearer(&editor.access_token)
        .send()
        .await
        .refused(401, "login_too_old");

    let again = app.log_in("editor@example.com").await;
    app.put("/posts/7")
        .bearer(&again.access_token)
        .send()
        .await
        .expect(200);
}

// Shows: KIT-3, OP-1
/// Set up, log in, give a role, use it: what a first user does, against the running program.
#[test]
fn the_program_serves_its_first_user() {
    let hello = process::Running::start("hello", "set-up token: ");
    let post = |path: &str, token: &str, body: &serde_json::Value| {
        hello.request("POST", path, token, &body.to_string())
    };

    assert_eq!(hello.request("GET", "/status", "", ""), (200, "up".to_owned()));
    assert_eq!(hello.request("GET", "/posts", "", "").0, 401);
    let root = json!({ "token": hello.word(), "username": "root", "password": PASSWORD });
    assert_eq!(post("/auth/setup", "", &root).0, 201);
    assert_eq!(post("/auth/setup", "", &root).0, 403, "the token is used up");
    let root = hello.log_in("root");
    assert_eq!(
        hello.request("GET", "/posts", &root, ""),
        (200, r#"["Hello, world"]"#.to_owned())
    );

    let anna = json!({ "username": "anna", "password": PASSWORD });
    let (status, anna) = post("/auth/register", "", &anna);
    assert_eq!(status, 201, "{anna}");
    let id = process::field(&anna, "id");
    let anna = hello.log_in("anna");
    assert_eq!(hello.request("GET", "/posts", &anna, "").0, 403);
    assert_eq!(
        post("/admin/api/v1/roles", &anna, &json!({ "name": "reader" })).0,
        403
    );
    assert_eq!(
        post("/admin/api/v1/roles", &root, &json!({ "name": "reader" })).0,
        204
    );
    for path in [
        "/admin/api/v1/roles/reader/permissions/posts:read".to_owned(),
        format!("/admin/api/v1/accounts/{id}/roles/reader"),
    ] {
        assert_eq!(hello.request("PUT", &path, &root, "").0, 204, "{path}");
    }
    assert_eq!(hello.request("GET", "/posts", &anna, "").0, 200);
    assert_eq!(hello.request("PUT", "/posts/7", &anna, "").0, 403);
    assert!(hello.stop().success(), "SIGTERM ends it in order");
}
