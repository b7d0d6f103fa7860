//! The audit log as administrators read it.

use portcullis_core::checks;
use portcullis_testkit::{Account, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{log_in_with, text};

async fn search(app: &TestApp, who: &Account, query: &str) -> Vec<Value> {
    app.portcullis.gate().settled().await;
    let path = format!("/admin/api/v1/audit{query}");
    let answer = app.get(&path).bearer(&who.access_token).send().await.expect(200);
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn audit_refuses_searches_it_cannot_read() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    for (query, status) in [
        ("limit=0", 400),
        ("limit=201", 400),
        ("cursor=x", 400),
        ("account=x", 400),
        ("trace=x", 400),
        ("api_key=x", 400),
        ("limit=x", 422),
        ("action=a&action=b", 422),
        ("nothing=1", 422),
        ("action=%ff", 400),
    ] {
        let path = format!("/admin/api/v1/audit?{query}");
        let answer = app.get(&path).bearer(&root.access_token).send().await;
        assert_eq!(answer.status(), status, "{query}: {}", answer.text());
    }
    assert!(search(&app, &root, "?action=no.such_action").await.is_empty());
    assert!(search(&app, &root, "?action=%27%20OR%201=1").await.is_empty());
}

#[tokio::test]
async fn a_denial_is_found_by_the_trace_id_of_its_answer() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    let denied = app
        .get("/admin/api/v1/roles")
        .bearer(&anna.access_token)
        .header("user-agent", "Curious/1")
        .send()
        .await
        .refused(403, "missing_permission");
    let trace = text(&denied.json(), "trace_id");
    assert_eq!(denied.header("x-request-id"), trace);
    let found = search(&app, &root, &format!("?trace={trace}")).await;
    assert_eq!(found.len(), 1);
    let event = &found[0];
    assert_eq!(event["action"], "access.denied");
    assert_eq!(event["account"], anna.id.to_string());
    assert_eq!(event["actor"], anna.id.to_string());
    assert_eq!(event["session"], anna.session_id);
    assert_eq!(event["user_agent"], "Curious/1");
    assert_eq!(event["detail"], "portcullis:roles:read: missing_permission");
}

// Shows: AZ-7
/// A key got out: what it did is found, whoever it acted for, and nothing else that its owner did.
#[tokio::test]
async fn what_was_done_with_a_key_is_found_by_its_id() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    let form = json!({ "name": "robot", "permissions": ["portcullis:accounts:write"] });
    let made = app.post("/auth/api-keys").bearer(&root.access_token).json(&form);
    let made = made.send().await.expect(201).json();
    let (id, key) = (text(&made, "id"), text(&made, "key"));
    let state = format!("/admin/api/v1/accounts/{}/state", anna.id);
    let set = async |name: &str, with_key: bool| {
        let request = app.put(&state).json(&json!({ "state": name }));
        let request = if with_key {
            request.api_key(&key)
        } else {
            request.bearer(&root.access_token)
        };
        request.send().await.expect(200);
    };
    set("locked", true).await;
    set("active", false).await;
    app.get("/admin/api/v1/audit")
        .api_key(&key)
        .send()
        .await
        .refused(403, "insufficient_scope");
    let found = search(&app, &root, &format!("?api_key={id}")).await;
    let seen: Vec<_> = found
        .iter()
        .map(|event| {
            (
                text(event, "action"),
                text(event, "actor"),
                text(event, "api_key"),
            )
        })
        .collect();
    let with_key = |action: &str| (action.to_owned(), root.id.to_string(), id.clone());
    assert_eq!(seen, [with_key("access.denied"), with_key("account.state_set")]);
    let both = search(&app, &root, "?action=account.state_set").await;
    assert_eq!(
        (&both[0]["api_key"], &both[1]["api_key"]),
        (&Value::Null, &json!(id))
    );
}

#[tokio::test]
async fn a_refused_login_is_found_with_its_reason() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app
        .user_with("anna@example.com", &["portcullis:audit:read"])
        .await;
    let attempt = async |identifier: &str, password: &str| {
        let body = json!({ "identifier": identifier, "password": password });
        let answer = app
            .post("/auth/login")
            .json(&body)
            .send()
            .await
            .refused(401, "invalid_credentials");
        text(&answer.json(), "trace_id")
    };
    let wrong = attempt("anna@example.com", "my secret typed wrong").await;
    let unknown = attempt("my secret typed into the wrong field", "x").await;
    let scope = log_in_with(&app, "anna@example.com", &json!({ "scope": "nonsense" })).await;
    let scope = text(&scope.refused(400, "invalid_scope").json(), "trace_id");
    crate::fixtures::set_state(&app, &anna, portcullis_core::account::AccountState::Locked).await;
    let locked = log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .refused(403, "account_locked");
    let locked = text(&locked.json(), "trace_id");
    for (trace, account, detail) in [
        (wrong, json!(anna.id.to_string()), "wrong password"),
        (unknown, Value::Null, "unknown identifier"),
        (
            scope,
            json!(anna.id.to_string()),
            "no such scope for this account",
        ),
        (locked, json!(anna.id.to_string()), "account locked"),
    ] {
        let found = search(&app, &root, &format!("?trace={trace}")).await;
        assert_eq!(found.len(), 1, "{detail}");
        assert_eq!(found[0]["action"], "login.refused");
        assert_eq!(
            (&found[0]["account"], &found[0]["detail"]),
            (&account, &json!(detail))
        );
    }
    let all = serde_json::to_string(&search(&app, &root, "?limit=200").await).unwrap();
    assert!(!all.contains("secret"), "{all}");
}

#[tokio::test]
async fn audit_is_filtered_by_account_and_action_and_read_in_pages() {
    checks!("T027");
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    for _ in 0..4 {
        app.clock.advance_secs(1);
        app.log_in("anna@example.com").await;
    }
    let opened = format!("?account={}&action=session.opened", anna.id);
    let all = search(&app, &root, &opened).await;
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|event| event["account"] == anna.id.to_string()));
    let times: Vec<_> = all.iter().map(|event| text(event, "at")).collect();
    assert!(
        times.windows(2).all(|pair| pair[0] >= pair[1]),
        "newest first: {times:?}"
    );

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/admin/api/v1/audit{opened}&limit=2{cursor}");
        let answer = app.get(&path).bearer(&root.access_token).send().await.expect(200);
        let page = answer.json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| text(event, "id")),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let ids: Vec<_> = all.iter().map(|event| text(event, "id")).collect();
    assert_eq!(seen, ids);
}

// Shows: OP-5
#[tokio::test]
async fn every_change_is_recorded_with_who_made_it() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    let call = async |method: &str, path: &str, body: Value| {
        let method = method.parse().unwrap();
        let request = app.request(method, &format!("/admin/api/v1{path}"));
        let answer = request.bearer(&root.access_token).json(&body).send().await;
        assert!(answer.status() < 300, "{path}: {}", answer.text());
    };
    call("POST", "/roles", json!({ "name": "editor" })).await;
    call(
        "PUT",
        "/roles/editor/permissions/portcullis:audit:read",
        json!({}),
    )
    .await;
    call("PUT", &format!("/accounts/{}/roles/editor", anna.id), json!({})).await;
    call(
        "DELETE",
        &format!("/accounts/{}/roles/editor", anna.id),
        json!({}),
    )
    .await;
    call("DELETE", "/roles/editor", json!({})).await;
    call(
        "PUT",
        &format!("/accounts/{}/state", anna.id),
        json!({ "state": "locked" }),
    )
    .await;
    for (action, detail) in [
        ("role.created", "editor"),
        ("role.changed", "editor +portcullis:audit:read"),
        ("role.assigned", "editor"),
        ("role.unassigned", "editor"),
        ("role.deleted", "editor"),
        ("account.state_set", "locked"),
    ] {
        let found = search(&app, &root, &format!("?action={action}&limit=1")).await;
        assert_eq!(found[0]["detail"], detail, "{action}");
        assert_eq!(found[0]["actor"], root.id.to_string(), "{action}");
    }
}
