//! Why requests were refused, and what accounts could do, as administrators read it.

use std::time::Duration;

use portcullis::{Allow, Authenticated, Basic, Member, Portcullis, Via};
use portcullis_core::account::State;
use portcullis_core::checks;
use portcullis_testkit::{Account, Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::given::{decision_of, events, log_in_with, session_of, set_state, text};

async fn why(app: &TestApp, who: &Account, trace: &str) -> Answer {
    app.portcullis.gate().settled().await;
    let path = format!("/admin/api/v1/decisions/{trace}");
    app.get(&path).bearer(&who.access_token).send().await
}

async fn access(app: &TestApp, who: &Account, query: &str) -> Answer {
    let path = format!("/admin/api/v1/accounts/{query}");
    app.get(&path).bearer(&who.access_token).send().await
}

/// The trace id of a refused request.
async fn refused(app: &TestApp, path: &str, token: &str, status: u16) -> String {
    let answer = app.get(path).bearer(token).send().await.expect(status);
    text(&answer.json(), "trace_id")
}

#[tokio::test]
async fn decisions_are_read_with_their_permission_only() {
    checks!("T075");
    let app = TestApp::new().await;
    let reader = app
        .user_with("reader@example.com", &["portcullis:decisions:read"])
        .await;
    let other = app
        .user_with("other@example.com", &["portcullis:audit:read"])
        .await;
    let trace = refused(&app, "/admin/api/v1/roles", &other.access_token, 403).await;
    let answer = why(&app, &other, &trace).await.expect(403);
    assert_eq!(answer.code(), "missing_permission");
    access(&app, &other, &format!("{}/access", other.id))
        .await
        .expect(403);
    why(&app, &reader, &trace).await.expect(200);
    access(&app, &reader, &format!("{}/access", other.id))
        .await
        .expect(200);
    for unknown in ["0198c5a4-0000-7000-8000-000000000000", "x", "%27%20OR%201=1"] {
        let answer = why(&app, &reader, unknown).await.expect(404);
        assert_eq!(answer.code(), "unknown_decision", "{unknown}");
    }
}

#[tokio::test]
async fn a_refusal_is_explained_by_the_trace_id_of_its_answer() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app
        .user_with("anna@example.com", &["portcullis:roles:read"])
        .await;
    let narrowed = log_in_with(
        &app,
        "anna@example.com",
        &json!({ "scope": "portcullis:roles:read" }),
    )
    .await;
    let narrowed = narrowed.expect(200).json();
    let path = format!("/admin/api/v1/accounts/{}/roles/administrator", anna.id);
    let answer = app
        .delete(&path)
        .bearer(&text(&narrowed, "access_token"))
        .send()
        .await
        .expect(403);
    let trace = text(&answer.json(), "trace_id");
    let told = why(&app, &root, &trace).await.expect(200).json();
    for (name, expected) in [
        ("trace", json!(trace)),
        (
            "operation",
            json!("DELETE /admin/api/v1/accounts/{account}/roles/{role}"),
        ),
        ("rule", json!("portcullis:roles:write")),
        ("code", json!("missing_permission")),
        (
            "why",
            json!("the account needs the permission portcullis:roles:write"),
        ),
        ("credential", json!("jwt")),
        ("account", json!(anna.id.to_string())),
        ("session", narrowed["session_id"].clone()),
        ("scopes", json!(["portcullis:roles:read"])),
    ] {
        assert_eq!(told[name], expected, "{name}");
    }
    let leaf = json!({
        "rule": "portcullis:roles:write",
        "holds": false,
        "within": "account",
        "code": "missing_permission",
        "why": "the account lacks it",
    });
    assert_eq!(told["explanation"], leaf);
    let audit = app.get(&format!("/admin/api/v1/audit?trace={trace}"));
    let audit = audit.bearer(&root.access_token).send().await.expect(200).json();
    assert_eq!(
        audit["items"][0]["detail"],
        "portcullis:roles:write: missing_permission"
    );
}

#[tokio::test]
async fn what_a_401_hides_the_administrator_is_told() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    set_state(&app, &anna, State::Locked).await;
    let locked = refused(&app, "/auth/me", &anna.access_token, 401).await;
    set_state(&app, &anna, State::Active).await;
    app.clock.advance_secs(3_600);
    let late = refused(&app, "/auth/me", &anna.access_token, 401).await;
    let root = app.log_in(&root.email).await;
    for (trace, why_not) in [
        (&locked, "the account is locked"),
        (&late, "the token has expired"),
    ] {
        let told = why(&app, &root, trace).await.expect(200).json();
        assert_eq!(
            (&told["code"], &told["why"]),
            (&json!("invalid_token"), &json!(why_not))
        );
        assert_eq!(
            (&told["credential"], &told["account"]),
            (&json!("jwt"), &Value::Null)
        );
        assert_eq!(told["explanation"], Value::Null);
    }
}

#[tokio::test]
async fn a_decision_is_forgotten_after_seven_days() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let trace = refused(&app, "/auth/me", "rubbish", 401).await;
    let week = Duration::from_secs(7 * 24 * 3_600);
    app.portcullis.gate().settled().await;
    app.clock.advance(week - Duration::from_micros(1));
    app.portcullis.sweep().await.unwrap();
    let root = app.log_in(&root.email).await;
    why(&app, &root, &trace).await.expect(200);
    app.clock.advance(Duration::from_micros(1));
    app.portcullis.sweep().await.unwrap();
    why(&app, &root, &trace).await.expect(404);
}

/// The routes a dry run tells of, as `method path` with whether they are allowed.
fn told(answer: &Answer) -> Vec<(String, bool)> {
    let body = answer.json();
    let items = body["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let route = format!("{} {}", text(item, "method"), text(item, "path"));
            (route, item["allowed"].as_bool().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_dry_run_tells_what_the_account_could_do_and_agrees_with_what_happens() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app
        .user_with("anna@example.com", &["portcullis:roles:read"])
        .await;
    let all = access(&app, &root, &format!("{}/access", anna.id))
        .await
        .expect(200);
    let by_session: Vec<_> = all.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["credentials"] == json!(["session"]))
        .map(|item| text(item, "path"))
        .collect();
    let all = told(&all);
    let session = session_of(&app, "anna@example.com").await;
    let known = app.portcullis.api().routes().count();
    assert_eq!(all.len(), known, "every route of the running API");
    let mut called = 0;
    for (route, allowed) in all
        .iter()
        .filter(|(route, _)| route.starts_with("GET ") && !route.contains('{'))
    {
        let path = route.strip_prefix("GET ").unwrap();
        let by_session = by_session.iter().any(|only| only == path);
        let token = if by_session { &session } else { &anna.access_token };
        let status = app.get(path).bearer(token).send().await.status();
        assert_eq!(!matches!(status, 401 | 403), *allowed, "{route} answers {status}");
        called += 1;
    }
    assert!(called > 8, "{called}");
    let query = format!(
        "{}/access?method=delete&path=/admin/api/v1/roles/a/inherits/b",
        anna.id
    );
    let one = access(&app, &root, &query).await.expect(200);
    assert_eq!(
        told(&one),
        [(
            "DELETE /admin/api/v1/roles/{role}/inherits/{parent}".to_owned(),
            false
        )]
    );
    let item = &one.json()["items"][0];
    assert_eq!(item["explanation"]["why"], "the account lacks it");
    assert_eq!(item["credentials"], json!(["jwt", "session", "api-key"]));
}

#[tokio::test]
async fn a_dry_run_logs_nobody_in_and_says_who_could_not() {
    let app = TestApp::with(|builder| builder.require_verified_email(false), Portcullis::api).await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    let path = format!("{}/access?path=/auth/me", anna.id);
    let before = access(&app, &root, &path).await.expect(200);
    assert_eq!(told(&before), [("GET /auth/me".to_owned(), true)]);
    assert_eq!(before.json()["refused"], Value::Null);
    set_state(&app, &anna, State::Disabled).await;
    let after = access(&app, &root, &path).await.expect(200);
    assert_eq!(told(&after), [("GET /auth/me".to_owned(), false)]);
    assert_eq!(after.json()["refused"], "the account is disabled");
    let open = access(&app, &root, &format!("{}/access?path=/health/live", anna.id)).await;
    assert_eq!(told(&open.expect(200)), [("GET /health/live".to_owned(), true)]);
    for (query, status, code) in [
        ("x/access".to_owned(), 404, "not_found"),
        (
            "0198c5a4-0000-7000-8000-000000000000/access".to_owned(),
            404,
            "not_found",
        ),
        (format!("{}/access?path=/nowhere", anna.id), 404, "unknown_route"),
        (format!("{}/access?method=BREW", anna.id), 404, "unknown_route"),
        (format!("{}/access?nothing=1", anna.id), 422, "invalid_fields"),
    ] {
        let answer = access(&app, &root, &query).await;
        assert_eq!((answer.status(), &*answer.code()), (status, code), "{query}");
    }
}

#[tokio::test]
async fn ending_the_sessions_of_nobody_is_not_found() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    let end = async |account: &str| {
        let path = format!("/admin/api/v1/accounts/{account}/sessions");
        app.delete(&path).bearer(&root.access_token).send().await
    };
    end("0198c5a4-0000-7000-8000-000000000000").await.expect(404);
    end("x").await.expect(404);
    let ended = end(&anna.id.to_string()).await.expect(200);
    assert_eq!(ended.json()["ended"], 1);
    let events = events(&app, "session.all_ended").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].actor, root.id.to_string());
}

#[tokio::test]
async fn a_flood_of_one_known_caller_is_kept_at_a_pace_and_hides_nobody_elses() {
    checks!("T076");
    let app = TestApp::new().await;
    let (eve, ben) = (
        app.user("eve@example.com").await,
        app.user("ben@example.com").await,
    );
    let call = async |who: &Account| {
        let answer = app
            .get("/admin/api/v1/roles")
            .bearer(&who.access_token)
            .send()
            .await;
        decision_of(&app, &answer.expect(403)).await
    };
    let mut kept = 0;
    for _ in 0..150 {
        kept += usize::from(call(&eve).await.is_some());
    }
    assert_eq!(kept, 100);
    assert_eq!(app.portcullis.gate().denials_dropped(), 50);
    assert!(call(&ben).await.is_some(), "others are kept");
    app.clock.advance_secs(29);
    assert!(call(&eve).await.is_none());
    app.clock.advance_secs(1);
    let told = call(&eve).await.unwrap().why;
    assert!(
        told.ends_with("(51 refusals of this account before this one weren't kept)"),
        "{told}"
    );
    let audited = events(&app, "access.denied").await;
    assert_eq!(
        audited
            .iter()
            .filter(|event| event.actor == ben.id.to_string())
            .count(),
        1
    );
}

#[tokio::test]
async fn every_kind_of_refusal_is_explained_and_those_of_the_known_are_audited() {
    checks!("T086");
    let api = |portcullis: &Portcullis| {
        let basic = async |_: Allow<Authenticated, Via<Basic>>| {};
        let here = async |_: Allow<Member>| {};
        portcullis.api().get("/basic", basic).get("/here", here)
    };
    let app = TestApp::with(|builder| builder, api).await;
    let anna = app
        .user_with("anna@example.com", &["portcullis:roles:read"])
        .await;
    let key = |networks: Value| {
        let form = json!({ "name": "ci", "permissions": ["portcullis:roles:read"], "networks": networks });
        app.post("/auth/api-keys")
            .bearer(&anna.access_token)
            .json(&form)
            .send()
    };
    let bound = text(&key(json!(["203.0.113.0/24"])).await.expect(201).json(), "key");
    let revoked = key(json!([])).await.expect(201).json();
    let path = format!("/auth/api-keys/{}", text(&revoked, "id"));
    app.delete(&path)
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(204);
    let revoked = text(&revoked, "key");
    let session = format!("__Host-portcullis={}", session_of(&app, "anna@example.com").await);
    let roles = || app.get("/admin/api/v1/roles");
    let log_out = || app.post("/auth/logout").header("cookie", &session);
    for (what, request, status, known) in [
        ("a revoked key", roles().api_key(&revoked), 401, false),
        ("another address", roles().api_key(&bound), 403, true),
        (
            "a kind that isn't taken",
            app.get("/auth/me").basic("anna@example.com", PASSWORD),
            401,
            false,
        ),
        (
            "a wrong pair",
            app.get("/basic").basic("anna@example.com", "wrong"),
            401,
            false,
        ),
        (
            "no member",
            app.get("/auth/organizations/nobodys").bearer(&anna.access_token),
            403,
            true,
        ),
        (
            "two organizations in one request",
            app.get("/auth/organizations/nobodys")
                .bearer(&anna.access_token)
                .header("x-organization-id", "others"),
            400,
            true,
        ),
        (
            "an organization that can't be read",
            app.get("/auth/organizations/NOBODYS").bearer(&anna.access_token),
            400,
            true,
        ),
        (
            "an organization by two headers",
            app.get("/auth/organizations/nobodys")
                .bearer(&anna.access_token)
                .header("x-organization-id", "nobodys")
                .header("x-organization-id", "nobodys"),
            400,
            true,
        ),
        (
            "no organization",
            app.get("/here").bearer(&anna.access_token),
            400,
            true,
        ),
        (
            "no CSRF token",
            log_out().header("sec-fetch-site", "same-origin"),
            403,
            true,
        ),
        (
            "another site",
            log_out().header("sec-fetch-site", "cross-site"),
            403,
            false,
        ),
        (
            "a missing permission",
            app.get("/admin/api/v1/accounts").bearer(&anna.access_token),
            403,
            true,
        ),
    ] {
        let before = events(&app, "access.denied").await.len();
        let answer = request.send().await.expect(status);
        let kept = decision_of(&app, &answer)
            .await
            .unwrap_or_else(|| panic!("{what} leaves nothing"));
        assert_eq!(kept.code, answer.code(), "{what}");
        assert_eq!(kept.account, known.then_some(anna.id), "{what}");
        assert!(!kept.rule.is_empty() && !kept.why.is_empty(), "{what}: {kept:?}");
        let audited = events(&app, "access.denied").await.len() - before;
        assert_eq!(audited, usize::from(known), "{what}");
    }
}
