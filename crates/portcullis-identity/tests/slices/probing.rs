//! What is tried on one's neighbours' things, and on codes that nobody was sent: it is nothing to the caller, and on record.

use portcullis_core::checks;
use portcullis_testkit::TestApp;
use serde_json::json;

use crate::fixtures::{events, text};

const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";

#[tokio::test]
async fn probing_for_what_is_anothers_is_nothing_and_on_record() {
    checks!("T176");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let otto = app
        .user_with("otto@example.com", &["portcullis:roles:read"])
        .await;
    let form = json!({ "name": "ci", "permissions": ["portcullis:roles:read"] });
    let made = app
        .post("/auth/api-keys")
        .bearer(&otto.access_token)
        .json(&form)
        .send()
        .await;
    let key = text(&made.expect(201).json(), "id");
    let sent = |method: &str, path: &str| match method {
        "DELETE" => app.delete(path),
        "PATCH" => app.patch(path).json(&json!({ "name": "mine" })),
        _ => app
            .post(path)
            .json(&json!({ "token": format!("pci_{}", "A".repeat(43)) })),
    };
    let mut seen = 0;
    for (method, path, status, code) in [
        (
            "DELETE",
            format!("/auth/sessions/{}", otto.session_id),
            404,
            "not_found",
        ),
        (
            "PATCH",
            format!("/auth/sessions/{}", otto.session_id),
            404,
            "not_found",
        ),
        ("DELETE", format!("/auth/sessions/{NOBODYS}"), 404, "not_found"),
        ("DELETE", format!("/auth/api-keys/{key}"), 404, "not_found"),
        ("PATCH", format!("/auth/api-keys/{key}"), 404, "not_found"),
        (
            "POST",
            "/auth/invitations/accept".to_owned(),
            400,
            "invalid_invitation",
        ),
    ] {
        let answer = sent(method, &path).bearer(&anna.access_token).send().await;
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (status, code),
            "{method} {path}"
        );
        app.portcullis.gate().settled().await;
        let denied = events(&app, "access.denied").await;
        seen += 1;
        assert_eq!(denied.len(), seen, "{method} {path}");
        assert_eq!(denied[0].actor, anna.id.to_string());
        assert!(
            !denied[0].detail.as_deref().unwrap().contains(&otto.session_id),
            "words of ours"
        );
    }
    // A flood of them is bounded, and hides nothing of another kind.
    for _ in 0..300 {
        sent("DELETE", &format!("/auth/sessions/{NOBODYS}"))
            .bearer(&anna.access_token)
            .send()
            .await
            .refused(404, "not_found");
    }
    app.portcullis.gate().settled().await;
    let flooded = events(&app, "access.denied").await.len();
    assert!((50..=120).contains(&flooded), "{flooded}");
    checks!("T177");
    let roles = app
        .get("/admin/api/v1/roles")
        .bearer(&anna.access_token)
        .send()
        .await
        .refused(403, "missing_permission");
    app.portcullis.gate().settled().await;
    let denied = events(&app, "access.denied").await;
    // The newest of a page that is full.
    assert_eq!(
        denied[0].trace.unwrap().to_string(),
        text(&roles.json(), "trace_id")
    );
}

#[tokio::test]
async fn guessing_at_codes_without_a_login_is_explained_and_never_audited() {
    checks!("T176");
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let guess = "A".repeat(43);
    for (path, body, status) in [
        (
            "/auth/email/verify",
            json!({ "token": format!("pcv_{guess}") }),
            400,
        ),
        (
            "/auth/setup",
            json!({ "token": format!("pcsetup_{guess}"), "email": "eve@example.com", "password": "correct horse battery" }),
            403,
        ),
    ] {
        let answer = app.post(path).json(&body).send().await.expect(status);
        app.portcullis.gate().settled().await;
        let trace = text(&answer.json(), "trace_id");
        let path = format!("/admin/api/v1/decisions/{trace}");
        let told = app
            .get(&path)
            .bearer(&root.access_token)
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(told["code"], answer.code());
        assert!(told["account"].is_null());
        assert!(!told.to_string().contains(&guess));
    }
    assert!(events(&app, "access.denied").await.is_empty());
}

#[tokio::test]
async fn a_set_up_link_has_its_event() {
    checks!("T176");
    let app = TestApp::new().await;
    for made in 1..=2 {
        app.portcullis.registrar().offer_setup().await.unwrap().unwrap();
        let events = events(&app, "setup.offered").await;
        assert_eq!(events.len(), made);
        assert_eq!(events[0].actor, "operator");
        assert!(!format!("{events:?}").contains("pcsetup_"));
    }
}
