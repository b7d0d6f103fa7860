//! Why requests were refused, and what accounts could do, as administrators read it.

use std::time::Duration;

use portcullis_core::authz::{MembersWrite, OrganizationsWrite, Permit};
use portcullis_core::organization::{self, Selector};
use portcullis_core::roles::MayGive;
use portcullis_core::{account, checks};
use portcullis_identity::{
    Allow, Any, Api, ApiKey, Authenticated, Basic, FreshLogin, Member, Portcullis, Role, SecondFactor, Via,
    permissions, roles,
};
use portcullis_testkit::{Account, Answer, PASSWORD, Request, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{decision_of, events, log_in_with, session_of, set_state, text};

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
    let answer = why(&app, &other, &trace).await.refused(403, "missing_permission");
    assert_eq!(answer.code(), "missing_permission");
    access(&app, &other, &format!("{}/access", other.id))
        .await
        .refused(403, "missing_permission");
    why(&app, &reader, &trace).await.expect(200);
    access(&app, &reader, &format!("{}/access", other.id))
        .await
        .expect(200);
    for unknown in ["0198c5a4-0000-7000-8000-000000000000", "x", "%27%20OR%201=1"] {
        let answer = why(&app, &reader, unknown).await.refused(404, "unknown_decision");
        assert_eq!(answer.code(), "unknown_decision", "{unknown}");
    }
}

// Shows: AZ-7
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
        .refused(403, "missing_permission");
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
        "parts": [],
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
    set_state(&app, &anna, account::AccountState::Locked).await;
    let locked = refused(&app, "/auth/me", &anna.access_token, 401).await;
    set_state(&app, &anna, account::AccountState::Active).await;
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
    why(&app, &root, &trace).await.refused(404, "unknown_decision");
}

/// The routes a dry run tells of, as `method path` with whether they are allowed.
fn told(answer: &Answer) -> Vec<(String, Option<bool>)> {
    let body = answer.json();
    let items = body["items"].as_array().unwrap().iter();
    items
        .map(|item| (route_of(item), item["allowed"].as_bool()))
        .collect()
}

fn route_of(item: &Value) -> String {
    format!("{} {}", text(item, "method"), text(item, "path"))
}

permissions! { LookIn = "dry-run:look": "Look in"; }
roles! { Looker = "looker"; Chief = "chief"; }

/// Portcullis' own routes, and some that ask for what none of those do.
fn with_odd_rules(portcullis: &Portcullis) -> Api {
    portcullis
        .api()
        .get("/by-key", async |_: Allow<Authenticated, Via<ApiKey>>| {})
        .get("/sure", async |_: Allow<SecondFactor>| {})
        .get("/in/sure", async |_: Allow<Member<SecondFactor>>| {})
        .get("/in/look", async |_: Allow<Member<LookIn>>| {})
        .get("/in/looker", async |_: Allow<Member<Role<Looker>>>| {})
        .get("/in/chief", async |_: Allow<Member<Role<Chief>>>| {})
        .get("/in/fresh", async |_: Allow<(Member, FreshLogin<60>)>| {})
        .get("/in/or-out", async |_: Allow<Any<(LookIn, Member)>>| {})
}

/// A deployment with the organizations `acme` and `other` of somebody else, and the role `looker`.
async fn acme() -> (TestApp, Account) {
    let app = TestApp::with(|builder| builder, with_odd_rules).await;
    let root = app.administrator("root@example.com").await;
    for slug in ["acme", "other"] {
        let made = app.post("/auth/organizations").bearer(&root.access_token);
        let made = made.json(&json!({ "name": slug, "slug": slug })).send().await;
        made.expect(201);
    }
    let (roles, permit) = (app.portcullis.roles(), Permit::dangerous_for_operator());
    let by = || app.by_operator();
    assert!(roles.create(&permit, "looker", "", by()).await.is_ok());
    for permission in ["dry-run:look", "org:members:read"] {
        let allowed = roles.allow(&permit, "looker", permission, by()).await;
        assert!(allowed.is_ok(), "{permission}");
    }
    (app, root)
}

async fn id_of(app: &TestApp, slug: &str) -> organization::Id {
    let permit = Permit::dangerous_for_operator();
    let found = app
        .portcullis
        .organizations()
        .find(&permit, Selector::parse(slug).unwrap());
    found.await.unwrap().unwrap().id
}

/// Makes the account a member of `acme` that looks in.
async fn join(app: &TestApp, account: account::Id) {
    let permit = Permit::<Member<MembersWrite>>::dangerous_for_operator_in(id_of(app, "acme").await);
    let organizations = app.portcullis.organizations();
    let added = organizations.add(&permit, account, vec!["looker".to_owned()], app.by_operator());
    assert!(added.await.is_ok());
}

/// Asks about every route and calls it with what `credential` gives; answers what was told, by route. Each is asked about right
/// before: what one call does changes what the next one may.
async fn agreed(
    app: &TestApp,
    root: &Account,
    (account, organization): (account::Id, &str),
    credential: impl AsyncFn(Request, bool) -> Request,
) -> Vec<(String, bool)> {
    let query = format!("{account}/access?organization={organization}");
    let mut agreed = Vec::new();
    let routes = app.portcullis.gate().routes();
    let mut order: Vec<_> = (0..routes.len()).collect();
    // Whoever left is no member on any route after it.
    order.sort_by_key(|index| routes[*index].path().ends_with("/leave"));
    for index in order {
        let all = access(app, root, &query).await.expect(200).json();
        let item = &all["items"][index];
        let route = route_of(item);
        let allowed = item["allowed"].as_bool();
        let allowed = allowed.unwrap_or_else(|| panic!("{route} is left open: {item}"));
        let path = text(item, "path").replace("{organization}", organization);
        let path = path.replace("{account}", &root.id.to_string());
        let path: Vec<_> = path
            .split('/')
            .map(|part| if part.starts_with('{') { NOTHING } else { part })
            .collect();
        let request = app.request(text(item, "method").parse().unwrap(), &path.join("/"));
        let by_session = item["credentials"] == json!(["session"]);
        let request = credential(request.header("x-organization-id", organization), by_session).await;
        let answer = request.send().await;
        let refused = matches!(answer.status(), 401 | 403);
        assert_eq!(allowed, !refused, "{route} answers {}: {item}", answer.status());
        if refused {
            assert_eq!(item["code"], json!(answer.code()), "{route}");
        }
        agreed.push((route, allowed));
    }
    assert_eq!(agreed.len(), app.portcullis.api().routes().count() + 8);
    agreed
}

fn allowed_of(agreed: &[(String, bool)], route: &str) -> bool {
    let found = agreed.iter().find(|(known, _)| known == route);
    found.unwrap_or_else(|| panic!("no {route}")).1
}

const NOTHING: &str = "0198c5a4-0000-7000-8000-000000000000";

// Shows: AZ-7
#[tokio::test]
async fn a_dry_run_tells_what_the_account_could_do_and_agrees_with_what_happens() {
    let (app, root) = acme().await;
    let anna = app
        .user_with("anna@example.com", &["portcullis:roles:read"])
        .await;
    join(&app, anna.id).await;
    // Logged in anew for each call: some end what the one before began.
    let credential = async |request: Request, by_session| {
        let token = if by_session {
            session_of(&app, "anna@example.com").await
        } else {
            app.log_in("anna@example.com").await.access_token
        };
        request.bearer(&token)
    };
    let run = agreed(&app, &root, (anna.id, "acme"), credential).await;
    for (route, allowed) in [
        ("GET /admin/api/v1/roles", true),
        ("GET /admin/api/v1/accounts", false),
        ("GET /auth/organizations/{organization}/members", true),
        ("POST /auth/organizations/{organization}/leave", true),
        ("PATCH /auth/organizations/{organization}", false),
        ("GET /by-key", false),
        ("GET /sure", false),
    ] {
        assert_eq!(allowed_of(&run, route), allowed, "{route}");
    }
    assert!(allowed_of(&run, "GET /in/look"));
    // She has left.
    let run = agreed(&app, &root, (anna.id, "acme"), credential).await;
    assert!(!allowed_of(
        &run,
        "GET /auth/organizations/{organization}/members"
    ));
    join(&app, anna.id).await;
    for (organization, state, allowed) in [
        ("acme", organization::OrganizationState::Active, true),
        ("acme", organization::OrganizationState::Suspended, false),
        ("other", organization::OrganizationState::Active, false),
        ("nobodys", organization::OrganizationState::Active, false),
    ] {
        if organization != "nobodys" {
            let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
            let id = id_of(&app, organization).await;
            let organizations = app.portcullis.organizations();
            let set = organizations.set_state(&permit, id, state, app.by_operator());
            assert!(set.await.is_ok());
        }
        for path in ["/in/look", "/in/looker", "/in/fresh", "/in/or-out"] {
            let query = format!("{}/access?organization={organization}&path={path}", anna.id);
            let told = told(&access(&app, &root, &query).await.expect(200));
            assert_eq!(
                told,
                [(format!("GET {path}"), Some(allowed))],
                "{organization} {state:?}"
            );
            let call = app.get(path).bearer(&app.log_in(&anna.email).await.access_token);
            let answer = call.header("x-organization-id", organization).send().await;
            assert_eq!(
                answer.status() == 200,
                allowed,
                "{path} of {organization} {state:?}"
            );
        }
    }
}

// Shows: AZ-7
#[tokio::test]
async fn a_dry_run_of_a_service_account_imagines_a_key_and_agrees_with_what_happens() {
    checks!("T077");
    let (app, root) = acme().await;
    let made = app
        .post("/admin/api/v1/service-accounts")
        .bearer(&root.access_token);
    let robot = made
        .json(&json!({ "name": "robot" }))
        .send()
        .await
        .expect(201)
        .json();
    let robot: account::Id = text(&robot, "id").parse().unwrap();
    join(&app, robot).await;
    let (roles, permit) = (
        app.portcullis.roles(),
        Permit::<MayGive>::dangerous_for_operator(),
    );
    // Everywhere it may see members; that it looks in, only its membership gives, and a key carries that too.
    let made = roles.create(&permit, "porter", "", app.by_operator()).await;
    assert!(made.is_ok());
    let allowed = roles.allow(&permit, "porter", "org:members:read", app.by_operator());
    assert!(allowed.await.is_ok());
    let assigned = roles.assign(&permit, robot, "porter", app.by_operator()).await;
    assert!(assigned.is_ok());
    let form = json!({ "name": "ci", "permissions": ["dry-run:look", "org:members:read"] });
    let keys = app.post(&format!("/admin/api/v1/accounts/{robot}/api-keys"));
    let key = keys
        .bearer(&root.access_token)
        .json(&form)
        .send()
        .await
        .expect(201);
    let key = text(&key.json(), "key");
    let credential = async |request: Request, _| request.api_key(&key);
    let run = agreed(&app, &root, (robot, "acme"), credential).await;
    for (route, allowed) in [
        ("GET /auth/me", true),
        ("GET /by-key", true),
        ("GET /in/look", true),
        ("GET /in/or-out", true),
        ("GET /auth/organizations/{organization}/members", true),
        ("GET /sure", false),
        ("GET /in/sure", false),
        ("GET /in/looker", false),
        ("GET /in/fresh", false),
        ("POST /auth/api-keys", false),
        ("POST /auth/logout", false),
        ("GET /admin/api/v1/roles", false),
    ] {
        assert_eq!(allowed_of(&run, route), allowed, "{route}");
    }
    let query = format!("{robot}/access?path=/auth/logout");
    let item = &access(&app, &root, &query).await.expect(200).json()["items"][0];
    assert_eq!(
        item["why"],
        "a service account has API keys only and never logs in; this takes only: jwt, session"
    );
}

// Shows: AZ-7
#[tokio::test]
async fn a_dry_run_without_an_organization_leaves_open_what_depends_on_one() {
    let (app, root) = acme().await;
    let anna = app.user("anna@example.com").await;
    join(&app, anna.id).await;
    let query = format!("{}/access", anna.id);
    let all = access(&app, &root, &query).await.expect(200).json();
    let item = |path: &str| {
        let items = all["items"].as_array().unwrap();
        let found = items.iter().find(|item| item["path"] == path);
        let item = found.unwrap_or_else(|| panic!("no {path}"));
        (item["allowed"].clone(), text(item, "code"))
    };
    for (path, allowed, code) in [
        ("/in/look", Value::Null, "depends_on_organization"),
        ("/in/chief", Value::Null, "depends_on_organization"),
        ("/in/or-out", Value::Null, "depends_on_organization"),
        (
            "/auth/organizations/{organization}/members",
            Value::Null,
            "depends_on_organization",
        ),
        ("/in/sure", json!(false), "second_factor_required"),
        ("/admin/api/v1/roles", json!(false), "missing_permission"),
        ("/by-key", json!(false), "credential_not_accepted"),
        ("/auth/me", json!(true), "holds"),
        ("/health/live", json!(true), "holds"),
    ] {
        assert_eq!(item(path), (allowed, code.to_owned()), "{path}");
    }
    for (organization, status, code) in [
        ("", 400, "invalid_organization"),
        ("ACME", 400, "invalid_organization"),
        ("%27%20OR%201=1", 400, "invalid_organization"),
        (
            "00000000-0000-0000-0000-000000000000",
            400,
            "invalid_organization",
        ),
        ("acme&organization=other", 422, "invalid_fields"),
    ] {
        let answer = access(&app, &root, &format!("{query}?organization={organization}")).await;
        assert_eq!(
            (answer.status(), &*answer.code()),
            (status, code),
            "{organization:?}"
        );
    }
    let by_id = id_of(&app, "acme").await;
    let by_id = access(
        &app,
        &root,
        &format!("{query}?path=/in/look&organization={by_id}"),
    )
    .await;
    assert_eq!(
        told(&by_id.expect(200)),
        [("GET /in/look".to_owned(), Some(true))]
    );
}

#[tokio::test]
async fn a_dry_run_narrows_to_a_method_and_a_path() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    let query = format!(
        "{}/access?method=delete&path=/admin/api/v1/roles/a/inherits/b",
        anna.id
    );
    let one = access(&app, &root, &query).await.expect(200);
    assert_eq!(
        told(&one),
        [(
            "DELETE /admin/api/v1/roles/{role}/inherits/{parent}".to_owned(),
            Some(false)
        )]
    );
    let item = &one.json()["items"][0];
    assert_eq!(item["why"], "the account lacks it");
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
    assert_eq!(told(&before), [("GET /auth/me".to_owned(), Some(true))]);
    assert_eq!(before.json()["refused"], Value::Null);
    set_state(&app, &anna, account::AccountState::Disabled).await;
    let after = access(&app, &root, &path).await.expect(200);
    assert_eq!(told(&after), [("GET /auth/me".to_owned(), Some(false))]);
    assert_eq!(after.json()["refused"], "the account is disabled");
    let item = &after.json()["items"][0];
    assert_eq!(
        (&item["code"], &item["why"]),
        (&json!("account_refused"), &json!("the account is disabled"))
    );
    let open = access(&app, &root, &format!("{}/access?path=/health/live", anna.id)).await;
    assert_eq!(
        told(&open.expect(200)),
        [("GET /health/live".to_owned(), Some(true))]
    );
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
    end("0198c5a4-0000-7000-8000-000000000000")
        .await
        .refused(404, "not_found");
    end("x").await.refused(404, "not_found");
    let ended = end(&anna.id.to_string()).await.expect(200);
    assert_eq!(ended.json()["ended"], 1);
    let events = events(&app, "session.all_ended").await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].actor, root.id.to_string());
}

// Shows: AZ-7
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
        decision_of(&app, &answer.refused(403, "missing_permission")).await
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

// Shows: AZ-7
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
    let narrowed = json!({ "scope": "portcullis:roles:read" });
    let narrowed = log_in_with(&app, "anna@example.com", &narrowed).await;
    let narrowed = text(&narrowed.expect(200).json(), "access_token");
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
            "a narrowed credential where the account is meant",
            app.post("/auth/logout/all").bearer(&narrowed),
            403,
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
