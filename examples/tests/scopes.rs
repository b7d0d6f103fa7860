//! `scopes` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/scopes.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod scopes;

use portcullis_identity::Permission as _;
use portcullis_testkit::{Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

/// With an account that may read and write.
async fn app() -> TestApp {
    let permissions = [scopes::PostsRead::PERMISSION, scopes::PostsWrite::PERMISSION];
    let app = TestApp::with(|settings| settings.declare(permissions), scopes::api).await;
    app.user_with("anna@example.com", &["posts:read", "posts:write"])
        .await;
    app
}

async fn log_in(app: &TestApp, scope: &str) -> Answer {
    let form = json!({ "identifier": "anna@example.com", "password": PASSWORD, "scope": scope });
    app.post("/auth/login").json(&form).send().await
}

fn field(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap().to_owned()
}

// Shows: AZ-3
#[tokio::test]
async fn a_token_can_do_what_was_asked_for_and_no_more() {
    let app = app().await;
    let reader = log_in(&app, "posts:read").await.expect(200).json();
    let token = field(&reader, "access_token");
    let refused = app
        .post("/posts")
        .bearer(&token)
        .send()
        .await
        .refused(403, "insufficient_scope");
    assert_eq!(refused.code(), "insufficient_scope");
    assert!(
        refused
            .header("www-authenticate")
            .contains("scope=\"posts:write\"")
    );
    app.put("/posts")
        .bearer(&token)
        .send()
        .await
        .refused(403, "insufficient_scope");
    app.get("/posts").bearer(&token).send().await.expect(200);
    app.get("/posts/count").bearer(&token).send().await.expect(200);
    let mine = app.get("/mine").bearer(&token).send().await.expect(200);
    assert_eq!(mine.json(), json!(["posts:read"]));

    let whole = app.log_in("anna@example.com").await;
    app.put("/posts")
        .bearer(&whole.access_token)
        .send()
        .await
        .expect(200);
}

// Shows: AZ-3
#[tokio::test]
async fn a_narrowed_token_does_nothing_with_the_account_as_a_whole() {
    let app = app().await;
    let reader = log_in(&app, "posts:read posts:write").await.expect(200).json();
    let token = field(&reader, "access_token");
    for (method, path) in [
        ("DELETE", "/mine"),
        ("POST", "/auth/logout/all"),
        ("GET", "/auth/sessions"),
    ] {
        let request = app.request(method.parse().unwrap(), path).bearer(&token);
        let refused = request.send().await.refused(403, "insufficient_scope");
        assert_eq!(refused.code(), "insufficient_scope", "{method} {path}");
    }
    let whole = app.log_in("anna@example.com").await.access_token;
    app.delete("/mine").bearer(&whole).send().await.expect(200);
}

#[tokio::test]
async fn what_the_account_may_not_is_never_granted() {
    let app = app().await;
    let refused = log_in(&app, "portcullis:roles:write nonsense")
        .await
        .refused(400, "invalid_scope");
    assert_eq!(refused.code(), "invalid_scope");
    let narrowed = log_in(&app, "posts:read portcullis:roles:write")
        .await
        .expect(200)
        .json();
    let mine = app.get("/mine").bearer(&field(&narrowed, "access_token"));
    assert_eq!(mine.send().await.expect(200).json(), json!(["posts:read"]));
}

#[tokio::test]
async fn refreshing_keeps_the_scopes_and_never_widens_them() {
    let app = app().await;
    let form = [
        ("grant_type", "password"),
        ("username", "anna@example.com"),
        ("password", PASSWORD),
        ("scope", "posts:write"),
    ];
    let issued = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(issued["scope"], "posts:write");
    let token = field(&issued, "refresh_token");
    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*token),
        ("scope", "posts:read"),
    ];
    let refused = app
        .post("/oauth/token")
        .form(&wider)
        .send()
        .await
        .refused(400, "invalid_scope");
    assert_eq!(refused.code(), "invalid_scope");
    let again = [("grant_type", "refresh_token"), ("refresh_token", &*token)];
    let fresh = app
        .post("/oauth/token")
        .form(&again)
        .send()
        .await
        .expect(200)
        .json();
    let token = field(&fresh, "access_token");
    app.get("/posts")
        .bearer(&token)
        .send()
        .await
        .refused(403, "insufficient_scope");
    app.post("/posts").bearer(&token).send().await.expect(200);
}

#[test]
fn every_scope_is_described() {
    for scope in [scopes::PostsRead::PERMISSION, scopes::PostsWrite::PERMISSION] {
        assert!(!scope.description.is_empty(), "{}", scope.name);
    }
}
