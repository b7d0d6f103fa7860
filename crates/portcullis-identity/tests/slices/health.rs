//! Liveness, readiness, and what is answered when the database can't be reached.

use portcullis_core::checks;
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::json;

use crate::fixtures::{log_in_with, me, refresh, session_of};

#[tokio::test]
async fn health_says_up() {
    let app = TestApp::new().await;
    for path in ["/health/live", "/health/ready"] {
        let answer = app.get(path).send().await.expect(200);
        assert_eq!(answer.json(), json!({ "status": "up" }), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

// Shows: OP-7
#[tokio::test]
async fn without_its_database_nothing_is_answered_as_success() {
    checks!("T037");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let never_seen = app.log_in("anna@example.com").await;
    let session = session_of(&app, "anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    app.portcullis.database().close().await;
    app.get("/health/live").send().await.expect(200);
    let form = |fields| app.post("/oauth/revoke").form(fields).send();
    let post = |path, body| app.post(path).json(&body).send();
    let otto = json!({ "email": "otto@example.com", "password": PASSWORD });
    for (what, answer) in [
        ("ready", app.get("/health/ready").send().await),
        ("log in", log_in_with(&app, "anna@example.com", &json!({})).await),
        (
            "unknown",
            log_in_with(&app, "nobody@example.com", &json!({})).await,
        ),
        ("refresh", refresh(&app, &anna.refresh_token).await),
        ("session", me(&app, &session).await),
        (
            "list",
            app.get("/auth/sessions").bearer(&anna.access_token).send().await,
        ),
        (
            "log out",
            app.post("/auth/logout").bearer(&anna.access_token).send().await,
        ),
        (
            "revoke access",
            form(&[("token", never_seen.access_token.as_str())]).await,
        ),
        (
            "revoke refresh",
            form(&[("token", anna.refresh_token.as_str())]).await,
        ),
        ("register", post("/auth/register", otto).await),
        (
            "verify",
            post("/auth/email/verify", json!({ "token": code })).await,
        ),
    ] {
        // Each in the form that its clients read.
        let (member, code, media_type) = match what {
            "refresh" | "revoke access" | "revoke refresh" => {
                ("error", "temporarily_unavailable", "application/json")
            }
            _ => ("code", "unavailable", "application/problem+json"),
        };
        assert_eq!(
            (answer.status(), answer.json()[member].as_str()),
            (503, Some(code)),
            "{what}"
        );
        let seconds: u32 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{what}");
        assert_eq!(answer.header("content-type"), media_type, "{what}");
        assert!(
            !answer.text().to_lowercase().contains("sqlite"),
            "{}",
            answer.text()
        );
    }
}
