//! Accounts of programs, and the keys that administrators make for them.

use std::collections::BTreeSet;

use portcullis_core::account;
use portcullis_core::authz::Permit;
use portcullis_core::checks;
use portcullis_core::roles::MayGive;

use super::*;
use crate::fixtures::{complaints, events, pairs, password_form, set_state, with_role};

const ADMIN: &str = "/admin/api/v1";

async fn create(app: &TestApp, root: &Account, name: &str) -> Value {
    let body = json!({ "name": name });
    post(app, root, &format!("{ADMIN}/service-accounts"), &body)
        .await
        .expect(201)
        .json()
}

async fn assign(app: &TestApp, id: &str, role: &str) {
    let permit = Permit::<MayGive>::dangerous_for_operator();
    let id: account::Id = id.parse().unwrap();
    let roles = app.portcullis.roles();
    assert!(roles.assign(&permit, id, role, app.by_operator()).await.is_ok());
}

// Shows: AK-4
#[tokio::test]
async fn a_service_account_never_logs_in() {
    checks!("T042");
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let robot = create(&app, &root, "robot").await;
    assert_eq!(
        (text(&robot, "kind"), text(&robot, "state")),
        ("service", "active")
    );
    for password in ["", "robot", portcullis_testkit::PASSWORD] {
        let body = json!({ "identifier": "robot", "password": password });
        check(
            &app.post("/auth/login").json(&body).send().await,
            401,
            "invalid_credentials",
        );
    }
    let token = password_form(&app, "robot", portcullis_testkit::PASSWORD).await;
    check(&token, 400, "invalid_grant");
    let body = json!({ "username": "Robot", "password": portcullis_testkit::PASSWORD });
    check(
        &app.post("/auth/register").json(&body).send().await,
        409,
        "username_taken",
    );
    let taken = json!({ "name": "robot" });
    let answer = post(&app, &root, &format!("{ADMIN}/service-accounts"), &taken).await;
    check(&answer, 409, "username_taken");
    let answer = post(
        &app,
        &root,
        &format!("{ADMIN}/service-accounts"),
        &json!({ "name": "x" }),
    )
    .await;
    assert_eq!(
        complaints(&answer.refused(422, "invalid_fields")),
        pairs(&[("/name", "invalid_username")])
    );
}

// Shows: AK-4
#[tokio::test]
async fn a_service_account_works_by_its_keys_alone() {
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let robot = create(&app, &root, "robot").await;
    let id = text(&robot, "id");
    let keys = format!("{ADMIN}/accounts/{id}/api-keys");
    let answer = post(&app, &root, &keys, &form())
        .await
        .refused(422, "invalid_fields");
    assert_eq!(
        complaints(&answer),
        pairs(&[("/permissions/0", "exceeds_owner")]),
        "it has no role yet"
    );
    with_role(&app, "reader", &["keys:read"]).await;
    assign(&app, id, "reader").await;
    let made = post(&app, &root, &keys, &form()).await.expect(201).json();
    let key = text(&made, "key");
    assert_eq!(with_key(&app, key, "/read").await.expect(200).text(), id);
    check(
        &with_key(&app, key, "/logins-only").await,
        401,
        "credential_not_accepted",
    );
    let rotate = format!("{keys}/{}/rotate", text(&made, "id"));
    let rotated = post(&app, &root, &rotate, &json!({ "overlap_seconds": 0 }))
        .await
        .expect(200)
        .json();
    check(&with_key(&app, key, "/read").await, 401, "invalid_token");
    let key = text(&rotated, "key");
    let state = format!("{ADMIN}/accounts/{id}/state");
    let one = format!("{keys}/{}", text(&made, "id"));
    let enable = async || {
        let request = app.patch(&one).bearer(&root.access_token);
        request.json(&json!({ "enabled": true })).send().await
    };
    for (to, enabled) in [("disabled", 409), ("active", 200)] {
        let request = app
            .put(&state)
            .bearer(&root.access_token)
            .json(&json!({ "state": to }));
        request.send().await.expect(200);
        assert_eq!(with_key(&app, key, "/read").await.status(), 401, "{to}");
        enable().await.expect(enabled);
    }
    with_key(&app, key, "/read").await.expect(200);
    let listed = app.get(&keys).bearer(&root.access_token).send().await.expect(200);
    assert_eq!(listed.json()["items"].as_array().unwrap().len(), 1);
    assert!(!listed.text().contains(&key[8..]));
    app.delete(&one)
        .bearer(&root.access_token)
        .send()
        .await
        .expect(204);
    check(&with_key(&app, key, "/read").await, 401, "invalid_token");
    for action in [
        "service_account.created",
        "api_key.created",
        "api_key.rotated",
        "api_key.revoked",
    ] {
        let events = events(&app, action).await;
        assert_eq!(events.len(), 1, "{action}");
        assert_eq!(events[0].actor, root.id.to_string(), "{action}");
        assert_eq!(events[0].account.unwrap().to_string(), id, "{action}");
    }
}

#[tokio::test]
async fn an_administrator_makes_no_key_that_may_more_than_both() {
    checks!("T039");
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let robot = create(&app, &root, "robot").await;
    let id = text(&robot, "id");
    assign(&app, id, portcullis_core::scopes::ADMINISTRATOR).await;
    // May make keys, and nothing else: a key of the robot must not make them an administrator.
    let clerk = app
        .user_with("clerk@example.com", &["portcullis:api-keys:write", "keys:read"])
        .await;
    let keys = format!("{ADMIN}/accounts/{id}/api-keys");
    let wide = form_with(json!({ "permissions": ["keys:read", "portcullis:roles:write"] }));
    let answer = post(&app, &clerk, &keys, &wide)
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/permissions/1", "exceeds_owner")]));
    // An answer about fields, and an attempt to rise all the same.
    let kept = crate::fixtures::decision_of(&app, &answer).await.unwrap();
    assert_eq!(
        (kept.code.as_str(), kept.account),
        ("exceeds_owner", Some(clerk.id))
    );
    assert!(kept.why.contains("portcullis:roles:write"), "{}", kept.why);
    let denied = &events(&app, "access.denied").await[0];
    assert_eq!(denied.account, Some(clerk.id));
    let unknown = form_with(json!({ "permissions": ["keys:reed"] }));
    let answer = post(&app, &clerk, &keys, &unknown)
        .await
        .refused(422, "invalid_fields");
    assert!(
        crate::fixtures::decision_of(&app, &answer).await.is_none(),
        "a slip is none"
    );
    post(&app, &clerk, &keys, &form()).await.expect(201);
    let wide = post(&app, &root, &keys, &wide).await.expect(201).json();
    let rotate = format!("{keys}/{}/rotate", text(&wide, "id"));
    check(
        &post(&app, &clerk, &rotate, &json!({})).await,
        403,
        "insufficient_scope",
    );
    with_key(&app, text(&wide, "key"), "/admin/api/v1/roles")
        .await
        .refused(403, "insufficient_scope");
}

// Shows: AK-4
#[tokio::test]
async fn an_administrator_disables_a_service_accounts_key() {
    checks!("T081");
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let robot = create(&app, &root, "robot").await;
    let id = text(&robot, "id");
    with_role(&app, "reader", &["keys:read", "portcullis:api-keys:write"]).await;
    assign(&app, id, "reader").await;
    let root = root_with_read(&app, root).await;
    let keys = format!("{ADMIN}/accounts/{id}/api-keys");
    let made = post(&app, &root, &keys, &form()).await.expect(201).json();
    let (one, key) = (format!("{keys}/{}", text(&made, "id")), text(&made, "key"));
    let change = async |token: &str, body: Value| app.patch(&one).bearer(token).json(&body).send().await;
    // Whoever may change keys, but not read: no fence of a key that reads is theirs to take off.
    let clerk = app
        .user_with("clerk@example.com", &["portcullis:api-keys:write"])
        .await;
    let reader = app
        .user_with("reader@example.com", &["portcullis:api-keys:read"])
        .await;
    change(&reader.access_token, json!({ "enabled": false }))
        .await
        .refused(403, "missing_permission");
    let disabled = change(&clerk.access_token, json!({ "enabled": false }))
        .await
        .expect(200)
        .json();
    assert_eq!(disabled["enabled"], false);
    check(&with_key(&app, key, "/read").await, 401, "invalid_token");
    for body in [
        json!({ "enabled": true }),
        json!({ "networks": [] }),
        json!({ "limit": null }),
    ] {
        check(
            &change(&clerk.access_token, body).await,
            403,
            "insufficient_scope",
        );
    }
    // A key may disable a key, and never enable one.
    let form = json!({ "name": "keeper", "permissions": ["keys:read", "portcullis:api-keys:write"] });
    let keeper = post(&app, &root, &keys, &form).await.expect(201).json();
    let by_key = async |body: Value| {
        let request = app.patch(&one).api_key(text(&keeper, "key")).json(&body);
        request.send().await
    };
    by_key(json!({ "enabled": false })).await.expect(200);
    check(&by_key(json!({ "enabled": true })).await, 401, "login_too_old");
    check(&with_key(&app, key, "/read").await, 401, "invalid_token");
    change(
        &root.access_token,
        json!({ "enabled": true, "limit": "1/hour", "name": "named" }),
    )
    .await
    .expect(200);
    with_key(&app, key, "/read").await.expect(200);
    with_key(&app, key, "/read").await.refused(429, "rate_limited");
    // People change their own.
    let anna = anna(&app).await;
    let own = issued(&app, &anna, &self::form()).await;
    let own = format!("{ADMIN}/accounts/{}/api-keys/{}", anna.id, text(&own, "id"));
    let request = app.patch(&own).bearer(&root.access_token);
    check(
        &request.json(&json!({ "enabled": false })).send().await,
        409,
        "not_a_service_account",
    );
    let nobody = format!("{keys}/01890000-0000-7000-8000-000000000000");
    let request = app.patch(&nobody).bearer(&root.access_token);
    check(
        &request.json(&json!({ "enabled": false })).send().await,
        404,
        "not_found",
    );
}

/// The same administrator, logged in again, who may do what keys of these tests may.
async fn root_with_read(app: &TestApp, root: Account) -> Account {
    app.assign(&root, "reader").await;
    app.log_in(&root.email).await
}

// Shows: AK-4
#[tokio::test]
async fn a_service_accounts_expiring_key_is_told_to_somebody() {
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let maker = app
        .user_with("maker@example.com", &["portcullis:api-keys:write", "keys:read"])
        .await;
    let robot = create(&app, &root, "robot").await;
    let id = text(&robot, "id");
    with_role(&app, "reader", &["keys:read"]).await;
    assign(&app, id, "reader").await;
    for email in [&root.email, &maker.email] {
        app.mailer.email_to(email).await;
    }
    let keys = format!("{ADMIN}/accounts/{id}/api-keys");
    let form = form_with(json!({ "expires_at": "2026-01-31T00:00:00Z", "name": "first" }));
    post(&app, &maker, &keys, &form).await.expect(201);
    app.clock.advance_secs(24 * 86_400);
    app.portcullis.warn_expiring().await.unwrap();
    let email = app.mailer.email_to(&maker.email).await;
    for part in ["the account robot", "first", "2026-01-31T00:00:00Z"] {
        assert!(email.text.contains(part), "{part}: {}", email.text);
    }
    assert_eq!(app.mailer.waiting(), 0, "whoever made it is enough");
    // Its maker may not act any more: the people who administer are told.
    let maker = app.log_in(&maker.email).await;
    let form = form_with(json!({ "expires_at": "2026-02-28T00:00:00Z", "name": "second" }));
    post(&app, &maker, &keys, &form).await.expect(201);
    set_state(&app, &maker, account::AccountState::Disabled).await;
    app.clock.advance_secs(30 * 86_400);
    app.portcullis.warn_expiring().await.unwrap();
    let email = app.mailer.email_to(&root.email).await;
    assert!(email.text.contains("second"), "{}", email.text);
    assert_eq!(app.mailer.waiting(), 0);
}

#[tokio::test]
async fn a_persons_keys_are_revoked_by_administrators_and_never_made() {
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let keys = format!("{ADMIN}/accounts/{}/api-keys", anna.id);
    check(
        &post(&app, &root, &keys, &form()).await,
        409,
        "not_a_service_account",
    );
    let rotate = format!("{keys}/{}/rotate", text(&made, "id"));
    check(
        &post(&app, &root, &rotate, &json!({})).await,
        409,
        "not_a_service_account",
    );
    let nobody = "/admin/api/v1/accounts/01890000-0000-7000-8000-000000000000/api-keys";
    check(&post(&app, &root, nobody, &form()).await, 404, "not_found");
    let reader = app
        .user_with("reader@example.com", &["portcullis:api-keys:read"])
        .await;
    let one = format!("{keys}/{}", text(&made, "id"));
    app.get(&keys)
        .bearer(&reader.access_token)
        .send()
        .await
        .expect(200);
    app.delete(&one)
        .bearer(&reader.access_token)
        .send()
        .await
        .refused(403, "missing_permission");
    let elsewhere = format!("{ADMIN}/accounts/{}/api-keys/{}", reader.id, text(&made, "id"));
    app.delete(&elsewhere)
        .bearer(&root.access_token)
        .send()
        .await
        .refused(404, "not_found");
    with_key(&app, text(&made, "key"), "/read").await.expect(200);
    app.delete(&one)
        .bearer(&root.access_token)
        .send()
        .await
        .expect(204);
    check(
        &with_key(&app, text(&made, "key"), "/read").await,
        401,
        "invalid_token",
    );
}

#[tokio::test]
async fn service_accounts_are_listed_apart() {
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    for name in ["robot1", "robot2", "robot3"] {
        create(&app, &root, name).await;
    }
    let page = async |query: &str| {
        let path = format!("{ADMIN}/service-accounts{query}");
        app.get(&path)
            .bearer(&root.access_token)
            .send()
            .await
            .expect(200)
            .json()
    };
    let first = page("?limit=2").await;
    let rest = page(&format!("?limit=2&cursor={}", text(&first, "next_cursor"))).await;
    let items = |page: &Value| page["items"].as_array().unwrap().clone();
    assert_eq!((items(&first).len(), items(&rest).len()), (2, 1));
    let all: BTreeSet<_> = items(&first)
        .iter()
        .chain(&items(&rest))
        .map(|one| text(one, "username").to_owned())
        .collect();
    assert!(all.iter().eq(["robot1", "robot2", "robot3"]), "{all:?}");
    assert_eq!(rest["next_cursor"], Value::Null);
}
