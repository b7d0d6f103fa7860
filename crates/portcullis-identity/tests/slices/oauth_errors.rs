//! Whatever fails at an OAuth endpoint, wherever on the way: `application/json` with `error`.

use portcullis_core::checks;
use portcullis_testkit::{Answer, PASSWORD, TestApp};
use serde_json::Value;

const FORM: &str = "application/x-www-form-urlencoded";

/// The error of an answer in OAuth's form, and nothing of another.
fn error(answer: &Answer, what: &str) -> String {
    assert_eq!(answer.header("content-type"), "application/json", "{what}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    let body = answer.json();
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(
        members.starts_with(&["error", "error_description"]),
        "{what}: {members:?}"
    );
    assert!(
        body.as_object()
            .unwrap()
            .values()
            .all(|value| value != &Value::Null && value != "")
    );
    body["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_fails_before_the_handler_is_said_in_its_clients_form() {
    let app = TestApp::new().await;
    for path in ["/oauth/token", "/oauth/revoke"] {
        let json = app
            .post(path)
            .bytes("application/json", b"{}")
            .send()
            .await
            .refused(415, "invalid_request");
        assert_eq!(error(&json, "a media type"), "invalid_request");
        let none = app.post(path).send().await.refused(415, "invalid_request");
        assert_eq!(error(&none, "no media type"), "invalid_request");
        let huge = app
            .post(path)
            .bytes(FORM, &[b'a'; 70_000])
            .send()
            .await
            .refused(413, "invalid_request");
        assert_eq!(error(&huge, "a huge body"), "invalid_request");
        let method = app.get(path).send().await.refused(405, "invalid_request");
        assert_eq!(error(&method, "a method"), "invalid_request");
        assert_eq!(method.header("allow"), "POST");
        let missing = app
            .post(path)
            .bytes(FORM, b"x=1")
            .send()
            .await
            .refused(400, "invalid_request");
        assert_eq!(error(&missing, "a missing field"), "invalid_request");
        let twice = app
            .post(path)
            .bytes(FORM, b"token=a&token=b&grant_type=a&grant_type=b")
            .send()
            .await;
        assert_eq!(
            error(&twice.refused(400, "invalid_request"), "a field twice"),
            "invalid_request"
        );
    }
    // Other routes keep the form of theirs.
    let other = app
        .post("/auth/login")
        .bytes(FORM, b"x")
        .send()
        .await
        .refused(415, "unsupported_media_type");
    assert_eq!(other.header("content-type"), "application/problem+json");
    assert_eq!(
        app.get("/oauth/unknown").send().await.expect(404).code(),
        "not_found"
    );
}

#[tokio::test]
async fn what_fails_behind_the_handler_is_said_in_its_clients_form() {
    checks!("T033");
    checks!("T037");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    app.portcullis.database().close().await;
    let password = [
        ("grant_type", "password"),
        ("username", "anna@example.com"),
        ("password", PASSWORD),
    ];
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &anna.refresh_token),
    ];
    let revoke = [("token", anna.refresh_token.as_str())];
    for (path, form) in [
        ("/oauth/token", &password[..]),
        ("/oauth/token", &refresh),
        ("/oauth/revoke", &revoke),
    ] {
        let answer = app
            .post(path)
            .form(form)
            .send()
            .await
            .refused(503, "temporarily_unavailable");
        assert_eq!(error(&answer, path), "temporarily_unavailable");
        assert!(!answer.header("retry-after").is_empty());
    }
}
