//! Roles, permissions, who has them; the states of accounts.

use portcullis_core::account::AccountState;
use portcullis_core::authz::BUILT_IN;
use portcullis_core::checks;
use portcullis_testkit::{Account, Answer, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{events, log_in_with, me, refresh, session_of, set_state, text};

const ADMIN: &str = "/admin/api/v1";
const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// Calls an administrator's route.
async fn call(app: &TestApp, who: &Account, method: &str, path: &str, body: Option<&Value>) -> Answer {
    let method = method.parse().unwrap();
    let request = app
        .request(method, &format!("{ADMIN}{path}"))
        .bearer(&who.access_token);
    match body {
        Some(body) => request.json(body).send().await,
        None => request.send().await,
    }
}

async fn put(app: &TestApp, who: &Account, path: &str) -> Answer {
    call(app, who, "PUT", path, None).await
}

async fn delete(app: &TestApp, who: &Account, path: &str) -> Answer {
    call(app, who, "DELETE", path, None).await
}

async fn create(app: &TestApp, who: &Account, name: &str) -> Answer {
    call(app, who, "POST", "/roles", Some(&json!({ "name": name }))).await
}

async fn given() -> (TestApp, Account) {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    (app, root)
}

#[tokio::test]
async fn create_role_refuses_names_that_are_none() {
    let (app, root) = given().await;
    let long = "r".repeat(65);
    for name in [
        "",
        " ",
        "Editor",
        "1editor",
        "posts:read",
        "a b",
        "é",
        "a\n",
        long.as_str(),
    ] {
        let answer = create(&app, &root, name).await.refused(400, "invalid_name");
        assert_eq!(answer.code(), "invalid_name", "{name:?}");
    }
    let wordy = json!({ "name": "editor", "description": "d".repeat(201) });
    let answer = call(&app, &root, "POST", "/roles", Some(&wordy))
        .await
        .refused(400, "invalid_description");
    assert_eq!(answer.code(), "invalid_description");
    let more = json!({ "name": "editor", "permissions": ["portcullis:roles:write"] });
    call(&app, &root, "POST", "/roles", Some(&more))
        .await
        .refused(422, "invalid_fields");
    create(&app, &root, "editor").await.expect(204);
    assert_eq!(
        create(&app, &root, "editor").await.expect(409).code(),
        "role_taken"
    );
    assert_eq!(
        create(&app, &root, "administrator").await.expect(409).code(),
        "role_taken"
    );
}

#[tokio::test]
async fn declaring_a_permission_refuses_what_is_none_and_what_is_ours() {
    checks!("T080");
    let (app, root) = given().await;
    let reader = app
        .user_with("reader@example.com", &["portcullis:roles:read"])
        .await;
    let declare = async |who: &Account, name: &str, body: &Value| {
        call(&app, who, "PUT", &format!("/permissions/{name}"), Some(body)).await
    };
    let good = json!({ "description": "Read invoices" });
    for (name, body, status, code) in [
        ("invoices", &good, 400, "invalid_name"),
        ("Invoices:read", &good, 400, "invalid_name"),
        (
            "invoices:read",
            &json!({ "description": "x".repeat(201) }),
            400,
            "invalid_description",
        ),
        (
            "invoices:read",
            &json!({ "description": "two\nlines" }),
            400,
            "invalid_description",
        ),
        ("invoices:read", &json!({}), 422, "invalid_fields"),
        ("portcullis:accounts:own", &good, 409, "protected"),
        ("org:members:own", &good, 409, "protected"),
        ("portcullis:roles:write", &good, 409, "protected"),
    ] {
        let answer = declare(&root, name, body).await;
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (status, code),
            "{name} {body}"
        );
    }
    declare(&reader, "invoices:read", &good)
        .await
        .refused(403, "missing_permission");
    for (name, status, code) in [
        ("portcullis:roles:write", 409, "protected"),
        ("invoices:read", 404, "unknown_permission"),
        ("invoices", 400, "invalid_name"),
    ] {
        let answer = delete(&app, &root, &format!("/permissions/{name}")).await;
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (status, code),
            "{name}"
        );
    }
    delete(&app, &reader, "/permissions/invoices:read")
        .await
        .refused(403, "missing_permission");
}

// Shows: AZ-1
#[tokio::test]
async fn a_declared_permission_can_be_given_until_it_is_withdrawn() {
    let (app, root) = given().await;
    let user = app.user("user@example.com").await;
    let body = json!({ "description": "Pay invoices" });
    let declare = async || call(&app, &root, "PUT", "/permissions/invoices:pay", Some(&body)).await;
    declare().await.expect(204);
    declare().await.expect(204);
    let listed = call(&app, &root, "GET", "/permissions", None).await.expect(200);
    assert!(listed.text().contains("Pay invoices"), "{}", listed.text());
    create(&app, &root, "payer").await.expect(204);
    put(&app, &root, "/roles/payer/permissions/invoices:pay")
        .await
        .expect(204);
    app.assign(&user, "payer").await;
    let permissions = async || me(&app, &user.access_token).await.expect(200).json()["permissions"].clone();
    assert_eq!(permissions().await, json!(["invoices:pay"]));
    delete(&app, &root, "/permissions/invoices:pay").await.expect(204);
    assert_eq!(permissions().await, json!([]));
    let by_root = async |action: &str| {
        let mut events = events(&app, action).await;
        events.retain(|event| event.actor == root.id.to_string());
        events.into_iter().map(|event| event.detail).collect::<Vec<_>>()
    };
    for action in ["permission.declared", "permission.withdrawn"] {
        let once = [Some("invoices:pay".to_owned())];
        assert_eq!(by_root(action).await, once, "{action}");
    }
}

// Shows: AZ-1
#[tokio::test]
async fn changes_of_what_does_not_exist_are_refused() {
    let (app, root) = given().await;
    create(&app, &root, "editor").await.expect(204);
    let accounts = format!("/accounts/{}/roles", root.id);
    let nobody = format!("/accounts/{NOBODY}/roles");
    for (method, path, status, code) in [
        ("DELETE", "/roles/ghost".to_owned(), 404, "unknown_role"),
        (
            "PUT",
            "/roles/ghost/permissions/portcullis:audit:read".to_owned(),
            404,
            "unknown_role",
        ),
        (
            "PUT",
            "/roles/editor/permissions/posts:fly".to_owned(),
            404,
            "unknown_permission",
        ),
        (
            "PUT",
            "/roles/editor/permissions/fly".to_owned(),
            400,
            "invalid_name",
        ),
        (
            "DELETE",
            "/roles/editor/permissions/posts:fly".to_owned(),
            404,
            "unknown_permission",
        ),
        (
            "PUT",
            "/roles/editor/inherits/ghost".to_owned(),
            404,
            "unknown_role",
        ),
        (
            "PUT",
            "/roles/ghost/inherits/editor".to_owned(),
            404,
            "unknown_role",
        ),
        (
            "DELETE",
            "/roles/editor/inherits/ghost".to_owned(),
            404,
            "unknown_role",
        ),
        ("PUT", format!("{accounts}/ghost"), 404, "unknown_role"),
        ("DELETE", format!("{accounts}/ghost"), 404, "unknown_role"),
        ("PUT", format!("{nobody}/editor"), 404, "unknown_account"),
        ("GET", nobody, 404, "not_found"),
        (
            "PUT",
            "/accounts/me/roles/administrator".to_owned(),
            404,
            "not_found",
        ),
        ("GET", "/accounts/x".to_owned(), 404, "not_found"),
        ("GET", format!("/accounts/{NOBODY}"), 404, "not_found"),
        ("DELETE", "/accounts/x/sessions".to_owned(), 404, "not_found"),
    ] {
        let answer = call(&app, &root, method, &path, None).await;
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (status, code),
            "{method} {path}"
        );
    }
}

// Shows: AZ-1
#[tokio::test]
async fn inherit_refuses_cycles_of_every_length() {
    checks!("T025");
    let (app, root) = given().await;
    for name in ["a", "b", "c", "d"] {
        create(&app, &root, name).await.expect(204);
    }
    let inherit =
        async |role: &str, parent: &str| put(&app, &root, &format!("/roles/{role}/inherits/{parent}")).await;
    assert_eq!(inherit("a", "a").await.expect(409).code(), "cycle");
    inherit("a", "b").await.expect(204);
    assert_eq!(inherit("b", "a").await.expect(409).code(), "cycle");
    inherit("b", "c").await.expect(204);
    assert_eq!(inherit("c", "a").await.expect(409).code(), "cycle");
    inherit("c", "d").await.expect(204);
    assert_eq!(inherit("d", "a").await.expect(409).code(), "cycle");
    assert_eq!(inherit("d", "b").await.expect(409).code(), "cycle");
    // Two ways to one parent are no cycle, and asking twice is no error.
    inherit("a", "d").await.expect(204);
    inherit("a", "d").await.expect(204);
    assert_eq!(
        inherit("administrator", "a").await.expect(409).code(),
        "protected"
    );
}

// Shows: AZ-1
#[tokio::test]
async fn a_change_of_roles_counts_from_the_next_request_on() {
    checks!("T020");
    let (app, root) = given().await;
    let anna = app.user("anna@example.com").await;
    let session = session_of(&app, "anna@example.com").await;
    let tries = async |status: u16| {
        for token in [&anna.access_token, &session] {
            let request = app.get(&format!("{ADMIN}/audit")).bearer(token);
            request.send().await.expect(status);
        }
    };
    tries(403).await;
    for name in ["reader", "team"] {
        create(&app, &root, name).await.expect(204);
    }
    let steps = [
        (
            "PUT",
            "/roles/reader/permissions/portcullis:audit:read".to_owned(),
            403,
        ),
        ("PUT", format!("/accounts/{}/roles/reader", anna.id), 200),
        (
            "DELETE",
            "/roles/reader/permissions/portcullis:audit:read".to_owned(),
            403,
        ),
        (
            "PUT",
            "/roles/reader/permissions/portcullis:audit:read".to_owned(),
            200,
        ),
        ("DELETE", format!("/accounts/{}/roles/reader", anna.id), 403),
        // Through inheritance.
        ("PUT", format!("/accounts/{}/roles/team", anna.id), 403),
        ("PUT", "/roles/team/inherits/reader".to_owned(), 200),
        ("DELETE", "/roles/team/inherits/reader".to_owned(), 403),
        ("PUT", "/roles/team/inherits/reader".to_owned(), 200),
        ("DELETE", "/roles/reader".to_owned(), 403),
    ];
    for (method, path, status) in steps {
        call(&app, &root, method, &path, None).await.expect(204);
        tries(status).await;
    }
}

#[tokio::test]
async fn me_shows_inherited_roles_and_permissions() {
    let (app, root) = given().await;
    let anna = app.user("anna@example.com").await;
    for name in ["base", "middle", "top"] {
        create(&app, &root, name).await.expect(204);
    }
    for path in [
        "/roles/base/permissions/portcullis:roles:read".to_owned(),
        "/roles/middle/inherits/base".to_owned(),
        "/roles/top/inherits/middle".to_owned(),
        format!("/accounts/{}/roles/top", anna.id),
    ] {
        put(&app, &root, &path).await.expect(204);
    }
    let shown = me(&app, &anna.access_token).await.expect(200).json();
    let mut roles: Vec<_> = shown["roles"].as_array().unwrap().clone();
    roles.sort_by_key(ToString::to_string);
    assert_eq!(roles, [json!("base"), json!("middle"), json!("top")]);
    assert_eq!(shown["permissions"], json!(["portcullis:roles:read"]));
    let path = format!("/accounts/{}/roles", anna.id);
    let direct = call(&app, &root, "GET", &path, None).await.expect(200).json();
    assert_eq!(direct["roles"], json!(["top"]));
    let listed = call(&app, &anna, "GET", "/roles", None).await.expect(200).json();
    let top = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["name"] == "top");
    assert_eq!(top.unwrap()["inherits"], json!(["middle"]));
    let known = call(&app, &anna, "GET", "/permissions", None)
        .await
        .expect(200)
        .json();
    assert_eq!(known["items"].as_array().unwrap().len(), BUILT_IN.len());
}

#[tokio::test]
async fn the_administrators_role_and_the_last_administrator_stay() {
    let (app, root) = given().await;
    let own = format!("/accounts/{}/roles/administrator", root.id);
    for path in [
        "/roles/administrator",
        "/roles/administrator/permissions/portcullis:roles:write",
        &own,
    ] {
        let answer = delete(&app, &root, path).await.refused(409, "protected");
        assert_eq!(answer.code(), "protected", "{path}");
    }
    let second = app.administrator("second@example.com").await;
    delete(&app, &root, &own).await.expect(204);
    delete(&app, &root, &own).await.refused(403, "missing_permission");
    // One that can't act is none.
    app.assign(&root, "administrator").await;
    set_state(&app, &root, AccountState::Locked).await;
    let own = format!("/accounts/{}/roles/administrator", second.id);
    assert_eq!(delete(&app, &second, &own).await.expect(409).code(), "protected");
}

#[tokio::test]
async fn the_last_administrator_is_not_shut_out_by_somebody_else() {
    let (app, root) = given().await;
    // Everything of the server's, and no administrator: the only one there is stays.
    let all = BUILT_IN.map(|permission| permission.name);
    let desk = app.user_with("desk@example.com", &all).await;
    let path = format!("/accounts/{}/state", root.id);
    for state in ["locked", "disabled"] {
        let body = json!({ "state": state });
        let answer = call(&app, &desk, "PUT", &path, Some(&body))
            .await
            .refused(409, "last_administrator");
        assert_eq!(answer.code(), "last_administrator", "{state}");
    }
    me(&app, &root.access_token).await.expect(200);
    app.administrator("second@example.com").await;
    let body = json!({ "state": "locked" });
    call(&app, &desk, "PUT", &path, Some(&body)).await.expect(200);
}

#[tokio::test]
async fn set_state_refuses_oneself_and_unknown_states() {
    let (app, root) = given().await;
    let path = format!("/accounts/{}/state", root.id);
    for state in ["disabled", "locked"] {
        let answer = call(&app, &root, "PUT", &path, Some(&json!({ "state": state }))).await;
        assert_eq!(answer.expect(409).code(), "yourself");
    }
    for body in [
        json!({ "state": "unverified" }),
        json!({ "state": "ACTIVE" }),
        json!({ "state": 1 }),
        json!({}),
        json!({ "state": "active", "email_verified": true }),
    ] {
        call(&app, &root, "PUT", &path, Some(&body))
            .await
            .refused(422, "invalid_fields");
    }
    let nobody = format!("/accounts/{NOBODY}/state");
    call(&app, &root, "PUT", &nobody, Some(&json!({ "state": "locked" })))
        .await
        .refused(404, "not_found");
    // Asked for what only a proof brings, it says so.
    let active = json!({ "state": "active" });
    let answer = call(&app, &root, "PUT", &path, Some(&active)).await;
    assert_eq!(answer.expect(409).code(), "email_unproven");
    let code = app.mailer.code_to(&root.email).await;
    let proof = app.post("/auth/email/verify").bearer(&root.access_token);
    let proof = proof.json(&json!({ "token": code })).send().await;
    proof.expect(200);
    call(&app, &root, "PUT", &path, Some(&active)).await.expect(200);
}

// Shows: PW-9
#[tokio::test]
async fn disabling_an_account_ends_everything_it_holds_at_once() {
    checks!("T016");
    let (app, root) = given().await;
    let anna = app.user("anna@example.com").await;
    let session = session_of(&app, "anna@example.com").await;
    for token in [&anna.access_token, &session] {
        me(&app, token).await.expect(200);
    }
    let path = format!("/accounts/{}/state", anna.id);
    let body = call(&app, &root, "PUT", &path, Some(&json!({ "state": "disabled" }))).await;
    assert_eq!(body.expect(200).json()["state"], "disabled");
    for token in [&anna.access_token, &session] {
        assert_eq!(me(&app, token).await.expect(401).code(), "invalid_token");
    }
    refresh(&app, &anna.refresh_token)
        .await
        .refused(400, "invalid_grant");
    log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .refused(403, "account_disabled");
    // Enabled again, it logs in anew; what it held stays ended.
    call(&app, &root, "PUT", &path, Some(&json!({ "state": "active" })))
        .await
        .expect(200);
    for token in [&anna.access_token, &session] {
        me(&app, token).await.refused(401, "invalid_token");
    }
    refresh(&app, &anna.refresh_token)
        .await
        .refused(400, "invalid_grant");
    log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .expect(200);
}

#[tokio::test]
async fn ending_an_accounts_sessions_leaves_the_account() {
    let (app, root) = given().await;
    let anna = app.user("anna@example.com").await;
    session_of(&app, "anna@example.com").await;
    let path = format!("/accounts/{}/sessions", anna.id);
    let answer = delete(&app, &root, &path).await.expect(200).json();
    assert_eq!(answer["ended"], 2);
    me(&app, &anna.access_token).await.refused(401, "invalid_token");
    me(&app, &root.access_token).await.expect(200);
    log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .expect(200);
    let event = &events(&app, "session.all_ended").await[0];
    assert_eq!(
        (event.actor.as_str(), event.account),
        (root.id.to_string().as_str(), Some(anna.id))
    );
}

#[tokio::test]
async fn accounts_are_listed_in_pages() {
    let (app, root) = given().await;
    for n in 0..5 {
        app.clock.advance_secs(1);
        app.user(&format!("user{n}@example.com")).await;
    }
    for query in [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=x",
        "limit=1&limit=2",
        "cursor=x",
        "more=1",
    ] {
        let answer = call(&app, &root, "GET", &format!("/accounts?{query}"), None).await;
        assert!(
            matches!(answer.status(), 400 | 422),
            "{query}: {}",
            answer.status()
        );
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/accounts?limit=2{cursor}");
        let page = call(&app, &root, "GET", &path, None).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(items.iter().map(|account| text(account, "email")));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 6);
    assert_eq!(
        (seen[0].as_str(), seen[5].as_str()),
        ("root@example.com", "user4@example.com")
    );
}

// Shows: AZ-1
#[tokio::test]
async fn the_holders_of_a_role_are_listed_in_pages_to_who_may_read_roles() {
    let (app, root) = given().await;
    create(&app, &root, "editor").await.expect(204);
    let reader = app
        .user_with("reader@example.com", &["portcullis:roles:read"])
        .await;
    let stranger = app
        .user_with("stranger@example.com", &["portcullis:accounts:read"])
        .await;
    let list = async |who: &Account, role: &str, query: &str| {
        let path = format!("/roles/{role}/accounts{query}");
        call(&app, who, "GET", &path, None).await
    };
    list(&stranger, "editor", "")
        .await
        .refused(403, "missing_permission");
    list(&reader, "nobodys", "").await.refused(404, "not_found");
    for query in ["?limit=0", "?limit=201", "?cursor=x", "?more=1"] {
        let status = list(&reader, "editor", query).await.status();
        assert!(matches!(status, 400 | 422), "{query}: {status}");
    }
    let empty = list(&reader, "editor", "").await.expect(200).json();
    assert_eq!(
        (&empty["items"], &empty["next_cursor"]),
        (&json!([]), &Value::Null)
    );
    let mut given = Vec::new();
    for n in 0..3 {
        app.clock.advance_secs(1);
        let one = app.user(&format!("user{n}@example.com")).await;
        put(&app, &root, &format!("/accounts/{}/roles/editor", one.id))
            .await
            .expect(204);
        given.push(json!({ "id": one.id.to_string() }));
    }
    let first = list(&reader, "editor", "?limit=2").await.expect(200).json();
    assert_eq!(first["items"], json!(given[..2]));
    let next = format!("?limit=2&cursor={}", text(&first, "next_cursor"));
    let last = list(&reader, "editor", &next).await.expect(200).json();
    assert_eq!(
        (&last["items"], &last["next_cursor"]),
        (&json!(given[2..]), &Value::Null)
    );
}

#[tokio::test]
async fn the_last_administrator_who_may_act_keeps_the_role() {
    checks!("T175");
    let app = TestApp::with(
        |builder| builder.require_verified_email(true),
        portcullis_identity::Portcullis::api,
    )
    .await;
    // Without an address there is nothing to prove.
    let body = json!({ "username": "root", "password": portcullis_testkit::PASSWORD });
    app.post("/auth/register").json(&body).send().await.expect(201);
    let root = app.log_in("root").await;
    app.assign(&root, "administrator").await;
    let body = json!({ "email": "second@example.com", "password": portcullis_testkit::PASSWORD });
    let second = app
        .post("/auth/register")
        .json(&body)
        .send()
        .await
        .expect(201)
        .json();
    let refused = log_in_with(&app, "second@example.com", &json!({}))
        .await
        .refused(403, "account_unverified");
    assert_eq!(refused.code(), "account_unverified");
    let path = format!("/accounts/{}/roles/administrator", text(&second, "id"));
    put(&app, &root, &path).await.expect(204);
    // Two have the role, and one of them can't log in.
    let own = format!("/accounts/{}/roles/administrator", root.id);
    delete(&app, &root, &own).await.refused(409, "protected");
    call(&app, &root, "GET", "/accounts", None).await.expect(200);
}
