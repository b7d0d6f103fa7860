//! Opaque sessions outside the database, through the real router.

use portcullis_core::checks;
use portcullis_core::session::Store as _;
use portcullis_identity::{OpenError, Portcullis, SessionStore};
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::json;

async fn in_memory() -> TestApp {
    TestApp::with(
        |builder| builder.session_store(SessionStore::Memory),
        Portcullis::api,
    )
    .await
}

/// Logs in for an opaque session; answers its token and id.
async fn session(app: &TestApp, email: &str) -> (String, String) {
    let body = json!({ "identifier": email, "password": PASSWORD, "delivery": "session" });
    let answer = app
        .post("/auth/login")
        .json(&body)
        .send()
        .await
        .expect(200)
        .json();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("session_token"), text("session_id"))
}

async fn status(app: &TestApp, token: &str) -> u16 {
    app.get("/auth/me").bearer(token).send().await.status()
}

#[tokio::test]
async fn log_out_ends_an_opaque_session_and_no_other() {
    checks!("T020");
    let app = in_memory().await;
    let anna = app.user("anna@example.com").await;
    let (token, id) = session(&app, &anna.email).await;
    let (other, _) = session(&app, &anna.email).await;
    assert_eq!(status(&app, &token).await, 200);
    let row = app.portcullis.database().find(id.parse().unwrap()).await.unwrap();
    assert_eq!(row, None, "it isn't in the database");
    let sessions = app
        .get("/auth/sessions")
        .bearer(&token)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        sessions["items"].as_array().unwrap().len(),
        3,
        "both kinds are listed"
    );

    app.post("/auth/logout").bearer(&token).send().await.expect(204);
    assert_eq!(status(&app, &token).await, 401);
    assert_eq!(status(&app, &other).await, 200);
    assert_eq!(status(&app, &anna.access_token).await, 200);
}

#[tokio::test]
async fn log_out_everywhere_ends_both_kinds_at_once() {
    checks!("T016");
    let app = in_memory().await;
    let anna = app.user("anna@example.com").await;
    let (token, _) = session(&app, &anna.email).await;
    assert_eq!(status(&app, &token).await, 200);
    app.post("/auth/logout/all")
        .bearer(&anna.access_token)
        .send()
        .await;
    assert_eq!(status(&app, &token).await, 401);
    assert_eq!(status(&app, &anna.access_token).await, 401);
    let (token, _) = session(&app, &anna.email).await;
    assert_eq!(status(&app, &token).await, 200, "a new login is let in");
}

#[tokio::test]
async fn an_opaque_session_that_was_used_outlives_its_idle_time() {
    let app = in_memory().await;
    let anna = app.user("anna@example.com").await;
    let (used, unused) = (
        session(&app, &anna.email).await.0,
        session(&app, &anna.email).await.0,
    );
    for _ in 0..3 {
        app.clock.advance_secs(15 * 60);
        assert_eq!(status(&app, &used).await, 200);
        app.portcullis.write_seen().await.unwrap();
    }
    assert_eq!(status(&app, &unused).await, 401);
    // Its time is counted from what was written down, too: nothing but the store remembers after this.
    app.clock.advance_secs(30 * 60);
    assert_eq!(status(&app, &used).await, 401);
}

#[tokio::test]
async fn a_session_store_that_is_not_there_stops_the_start() {
    checks!("T037");
    let url = "redis://:hunter2@127.0.0.1:1/".to_owned();
    let opened = Portcullis::builder()
        .database("sqlite::memory:")
        .session_store(SessionStore::Redis(url))
        .open()
        .await;
    let Err(error @ OpenError::Sessions(_)) = opened else {
        panic!("it was opened")
    };
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}
