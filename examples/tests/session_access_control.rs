//! `session_access_control` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/session_access_control.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod session_access_control;

use portcullis_identity::Permit;
use portcullis_identity::core::roles::MayGive;
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::{Value, json};

async fn app() -> TestApp {
    TestApp::with(|settings| settings, session_access_control::api).await
}

async fn session(app: &TestApp, email: &str, more: &Value) -> String {
    let mut form = json!({ "identifier": email, "password": PASSWORD, "delivery": "session" });
    let fields = form.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    let body = app
        .post("/auth/login")
        .json(&form)
        .send()
        .await
        .expect(200)
        .json();
    body["session_token"].as_str().unwrap().to_owned()
}

/// What the three routes answer to the session.
async fn may(app: &TestApp, session: &str) -> [u16; 3] {
    let list = app.get("/documents").bearer(session).send().await;
    let edit = app.put("/documents/charter").bearer(session).send().await;
    let burn = app.delete("/documents").bearer(session).send().await;
    [list.status(), edit.status(), burn.status()]
}

#[tokio::test]
async fn an_open_session_may_what_its_account_may_now() {
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let session = session(&app, "anna@example.com", &json!({})).await;
    assert_eq!(may(&app, &session).await, [403, 403, 403]);
    let (roles, permit) = (
        app.portcullis.roles(),
        Permit::<MayGive>::dangerous_for_operator(),
    );
    for (role, permissions, expected) in [
        ("reader", &["docs:read"][..], [200, 403, 403]),
        ("editor", &["docs:read", "docs:write"], [200, 200, 403]),
        ("keeper", &[], [200, 200, 200]),
    ] {
        assert!(roles.create(&permit, role, "", app.by_operator()).await.is_ok());
        for permission in permissions {
            let by = app.by_operator();
            assert!(roles.allow(&permit, role, permission, by).await.is_ok());
        }
        app.assign(&anna, role).await;
        assert_eq!(may(&app, &session).await, expected, "{role}");
    }
    assert!(
        roles
            .unassign(
                &Permit::dangerous_for_operator(),
                anna.id,
                "editor",
                app.by_operator(),
            )
            .await
            .is_ok()
    );
    assert_eq!(may(&app, &session).await, [200, 403, 200]);
    app.clock.advance_secs(300);
    assert_eq!(
        may(&app, &session).await,
        [200, 403, 401],
        "too long ago for burning"
    );
}

#[tokio::test]
async fn a_narrowed_session_stays_narrow_and_a_token_is_not_taken() {
    let app = app().await;
    let editor = app
        .user_with("editor@example.com", &["docs:read", "docs:write"])
        .await;
    let narrow = session(&app, "editor@example.com", &json!({ "scope": "docs:read" })).await;
    assert_eq!(may(&app, &narrow).await, [200, 403, 403]);
    let mine = app.get("/mine").bearer(&narrow).send().await.expect(200);
    assert_eq!(mine.json(), json!(["docs:read"]));
    assert_eq!(may(&app, &editor.access_token).await, [401, 401, 401]);
}
