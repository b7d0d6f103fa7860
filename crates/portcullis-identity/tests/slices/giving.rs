//! Who may give and take what accounts may do: no credential more than it brings itself.

use http::Method;
use portcullis_core::authz::BUILT_IN;
use portcullis_core::checks;
use portcullis_core::scopes::ADMINISTRATOR;
use portcullis_testkit::{Account, Answer, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{events, key, me, narrowed, session_of, text};

const ADMIN: &str = "/admin/api/v1";
const WRITE: &str = "portcullis:roles:write";

async fn call(app: &TestApp, token: &str, (method, path): (&str, &str), body: Option<&Value>) -> Answer {
    let request = app
        .request(method.parse::<Method>().unwrap(), &format!("{ADMIN}{path}"))
        .bearer(token);
    match body {
        Some(body) => request.json(body).send().await,
        None => request.send().await,
    }
}

fn codes(answer: &Answer) -> (u16, String) {
    (answer.status(), answer.code())
}

fn beyond(answer: &Answer, missing: &str) {
    assert_eq!(
        codes(answer),
        (403, "beyond_your_permissions".to_owned()),
        "{}",
        answer.text()
    );
    let detail = text(&answer.json(), "detail");
    assert!(detail.contains(missing), "{missing} in {detail}");
}

async fn permissions(app: &TestApp, who: &Account) -> Value {
    me(app, &who.access_token).await.expect(200).json()["permissions"].clone()
}

// Shows: AZ-1
#[tokio::test]
async fn nobody_gives_a_role_that_brings_more_than_their_credential_may() {
    checks!("T089");
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let clerk = app
        .user_with("clerk@example.com", &[WRITE, "portcullis:audit:read"])
        .await;
    let eve = app.user("eve@example.com").await;
    let by_root = async |method: &str, path: &str, body: Option<&Value>| {
        call(&app, &root.access_token, (method, path), body)
            .await
            .expect(204)
    };
    for role in ["auditor", "empty", "boss"] {
        by_root("POST", "/roles", Some(&json!({ "name": role }))).await;
    }
    by_root("PUT", "/roles/auditor/permissions/portcullis:audit:read", None).await;
    by_root("PUT", "/roles/boss/inherits/administrator", None).await;
    let narrow = narrowed(&app, &root, WRITE).await;
    let everything: Vec<&str> = BUILT_IN.iter().map(|permission| permission.name).collect();
    let wide = narrowed(&app, &root, &everything.join(" ")).await;
    let own = format!("r-{}", clerk.id.as_uuid().simple());
    let to_eve = |role: &str| format!("/accounts/{}/roles/{role}", eve.id);
    for (token, path, missing) in [
        (&narrow, to_eve(ADMINISTRATOR), ADMINISTRATOR),
        (&narrow, to_eve("auditor"), "portcullis:audit:read"),
        // What a role opens by its name alone no scope names.
        (&narrow, to_eve("empty"), "empty"),
        (&wide, to_eve(ADMINISTRATOR), ADMINISTRATOR),
        (&wide, to_eve("boss"), ADMINISTRATOR),
        (&clerk.access_token, to_eve(ADMINISTRATOR), ADMINISTRATOR),
        (&clerk.access_token, to_eve("boss"), ADMINISTRATOR),
        (&clerk.access_token, to_eve("empty"), "empty"),
        (&clerk.access_token, to_eve("auditor"), "auditor"),
        (
            &narrow,
            format!("/roles/{own}/permissions/portcullis:keys:write"),
            "portcullis:keys:write",
        ),
        (
            &clerk.access_token,
            format!("/roles/{own}/permissions/portcullis:keys:write"),
            "portcullis:keys:write",
        ),
        (
            &narrow,
            "/roles/empty/inherits/administrator".to_owned(),
            ADMINISTRATOR,
        ),
        (
            &clerk.access_token,
            format!("/roles/{own}/inherits/administrator"),
            ADMINISTRATOR,
        ),
        (
            &clerk.access_token,
            format!("/roles/{own}/inherits/empty"),
            "empty",
        ),
    ] {
        let answer = call(&app, token, ("PUT", &path), None).await;
        beyond(&answer, missing);
    }
    // A permission that is made known is every owner's of an organization at once.
    let body = json!({ "description": "Pay" });
    for token in [&narrow, &wide, &clerk.access_token] {
        let declared = call(&app, token, ("PUT", "/permissions/invoices:pay"), Some(&body)).await;
        beyond(&declared, ADMINISTRATOR);
    }
    assert_eq!(permissions(&app, &eve).await, json!([]));
    // What somebody has they pass on.
    let given = call(&app, &clerk.access_token, ("PUT", &to_eve(&own)), None).await;
    given.expect(204);
    assert_eq!(
        permissions(&app, &eve).await,
        json!(["portcullis:audit:read", WRITE])
    );
    let allowed = format!("/roles/empty/permissions/{WRITE}");
    call(&app, &narrow, ("PUT", &allowed), None).await.expect(204);
    by_root("PUT", &to_eve(ADMINISTRATOR), None).await;
}

#[tokio::test]
async fn giving_asks_for_a_person_who_just_logged_in() {
    checks!("T089");
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let eve = app.user("eve@example.com").await;
    let machine = key(&app, &root, &[WRITE]).await;
    let session = session_of(&app, "root@example.com").await;
    let role = json!({ "name": "editor" });
    let permission = json!({ "description": "Pay" });
    let gifts = [
        ("POST", "/roles".to_owned(), Some(&role)),
        ("PUT", format!("/accounts/{}/roles/administrator", eve.id), None),
        ("PUT", format!("/roles/editor/permissions/{WRITE}"), None),
        ("PUT", "/roles/editor/inherits/administrator".to_owned(), None),
        ("PUT", "/permissions/invoices:pay".to_owned(), Some(&permission)),
    ];
    for (method, path, body) in &gifts {
        let answer = call(&app, &machine, (method, path), *body).await;
        assert_eq!(
            codes(&answer),
            (401, "credential_not_accepted".to_owned()),
            "{path}"
        );
    }
    app.clock.advance_secs(900);
    let refreshed = crate::fixtures::refresh(&app, &root.refresh_token)
        .await
        .expect(200);
    for token in [text(&refreshed.json(), "access_token"), session] {
        for (method, path, body) in &gifts {
            let answer = call(&app, &token, (method, path), *body).await;
            assert_eq!(codes(&answer), (401, "login_too_old".to_owned()), "{path}");
        }
    }
    let again = app.log_in("root@example.com").await;
    for (method, path, body) in &gifts {
        call(&app, &again.access_token, (method, path), *body)
            .await
            .expect(204);
    }
}

// Shows: AZ-1
#[tokio::test]
async fn nobody_takes_from_somebody_above_them() {
    checks!("T090");
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    app.administrator("second@example.com").await;
    let desk = app
        .user_with(
            "desk@example.com",
            &["portcullis:accounts:write", WRITE, "portcullis:sessions:write"],
        )
        .await;
    let auditor = app
        .user_with("auditor@example.com", &["portcullis:audit:read"])
        .await;
    let user = app.user("user@example.com").await;
    let held = format!("r-{}", auditor.id.as_uuid().simple());
    for role in ["member", "common"] {
        let body = json!({ "name": role });
        call(&app, &root.access_token, ("POST", "/roles"), Some(&body))
            .await
            .expect(204);
    }
    for path in [
        "/roles/member/inherits/common".to_owned(),
        format!("/roles/common/permissions/{WRITE}"),
        format!("/accounts/{}/roles/member", auditor.id),
    ] {
        call(&app, &root.access_token, ("PUT", &path), None)
            .await
            .expect(204);
    }
    let machine = key(&app, &desk, &["portcullis:accounts:write"]).await;
    let locked = json!({ "state": "locked" });
    let active = json!({ "state": "active" });
    let state = |who: &Account| format!("/accounts/{}/state", who.id);
    let refused = async |token: &str, method: &str, path: &str, body: Option<&Value>, missing: &str| {
        beyond(&call(&app, token, (method, path), body).await, missing);
    };
    let by_desk = desk.access_token.as_str();
    for target in [&root, &auditor] {
        for body in [&locked, &json!({ "state": "disabled" }), &active] {
            refused(
                by_desk,
                "PUT",
                &state(target),
                Some(body),
                "portcullis:audit:read",
            )
            .await;
        }
        let sessions = format!("/accounts/{}/sessions", target.id);
        refused(by_desk, "DELETE", &sessions, None, "portcullis:audit:read").await;
    }
    // A key that may less than its owner is below accounts that its owner isn't below.
    let peer = app.user_with("peer@example.com", &[WRITE]).await;
    refused(&machine, "PUT", &state(&peer), Some(&locked), WRITE).await;
    call(&app, by_desk, ("PUT", &state(&peer)), Some(&locked))
        .await
        .expect(200);
    let path = format!("/accounts/{}/roles/administrator", root.id);
    refused(by_desk, "DELETE", &path, None, ADMINISTRATOR).await;
    for path in [
        format!("/accounts/{}/roles/{held}", auditor.id),
        format!("/accounts/{}/roles/member", auditor.id),
        format!("/roles/{held}"),
        format!("/roles/{held}/permissions/portcullis:audit:read"),
        // Nobody loses but the auditor, and through another role.
        "/roles/common".to_owned(),
        "/roles/member/inherits/common".to_owned(),
        format!("/roles/common/permissions/{WRITE}"),
    ] {
        refused(by_desk, "DELETE", &path, None, "portcullis:audit:read").await;
    }
    let answer = call(&app, by_desk, ("DELETE", "/permissions/invoices:pay"), None).await;
    beyond(&answer, ADMINISTRATOR);
    // Whoever has no more than they: as before.
    call(&app, by_desk, ("PUT", &state(&user)), Some(&locked))
        .await
        .expect(200);
    call(&app, by_desk, ("PUT", &state(&user)), Some(&active))
        .await
        .expect(200);
    let sessions = format!("/accounts/{}/sessions", user.id);
    call(&app, by_desk, ("DELETE", &sessions), None).await.expect(200);
    let own = format!("/accounts/{}/sessions", desk.id);
    call(&app, by_desk, ("DELETE", &own), None).await.expect(200);
    for action in ["role.unassigned", "role.deleted"] {
        assert_eq!(events(&app, action).await.len(), 0, "{action}");
    }
    call(&app, &root.access_token, ("PUT", &state(&auditor)), Some(&locked))
        .await
        .expect(200);
}
