//! A credential narrowed by scopes, as it is given to somebody else, does nothing with the account as a whole.

use portcullis_core::authz::CredentialKind;
use portcullis_core::checks;
use portcullis_identity::enforcer::Caller;
use portcullis_testkit::{Account, Answer, Request, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{decision_of, log_in_with, me, session_of, text};

/// What a narrowed credential may call below `/auth`: who it is, where it is a member, and to end itself. This list only shrinks.
const ITS_OWN: [&str; 5] = [
    "POST /auth/logout",
    "GET /auth/csrf",
    "GET /auth/me",
    "GET /auth/organizations",
    "GET /auth/organizations/{organization}",
];

/// Anna owns `acme`; her account may read roles and the audit log.
async fn owner() -> (TestApp, Account) {
    let app = TestApp::new().await;
    let anna = app
        .user_with(
            "anna@example.com",
            &["portcullis:roles:read", "portcullis:audit:read"],
        )
        .await;
    let made = app.post("/auth/organizations").bearer(&anna.access_token);
    let made = made.json(&json!({ "name": "Acme", "slug": "acme" })).send().await;
    made.expect(201);
    (app, anna)
}

/// What a login gives with these scopes: an access token, or a session's where nothing else is read.
async fn credential(app: &TestApp, scope: Option<&str>, by_session: bool) -> String {
    let (delivery, field) = if by_session {
        ("session", "session_token")
    } else {
        ("tokens", "access_token")
    };
    let form = json!({ "delivery": delivery, "scope": scope });
    let answer = log_in_with(app, "anna@example.com", &form).await;
    text(&answer.expect(200).json(), field)
}

/// Every route below `/auth` that reads credentials, with whether it reads sessions only.
fn guarded(app: &TestApp) -> Vec<(String, bool)> {
    let routes = app.portcullis.gate().routes();
    let below = routes
        .iter()
        .filter(|route| route.path().starts_with("/auth/") && route.caller() == Caller::Required);
    let named = below.map(|route| {
        let by_session = route.kinds().iter().map(CredentialKind::as_str).eq(["session"]);
        (format!("{} {}", route.verb().as_str(), route.path()), by_session)
    });
    named.collect()
}

fn request(app: &TestApp, route: &str) -> Request {
    let (method, path) = route.split_once(' ').unwrap();
    let path = path.replace("{organization}", "acme");
    let path: Vec<_> = path
        .split('/')
        .map(|part| if part.starts_with('{') { NOBODYS } else { part })
        .collect();
    app.request(method.parse().unwrap(), &path.join("/"))
}

const NOBODYS: &str = "0198c5a4-0000-7000-8000-000000000000";

// Shows: AZ-3
#[tokio::test]
async fn a_narrowed_credential_changes_nothing_about_the_account() {
    checks!("T106");
    let (app, _) = owner().await;
    // One of what the account may do, and all of it.
    let scopes = [
        "portcullis:roles:read",
        "portcullis:roles:read portcullis:audit:read",
    ];
    for (route, only_session) in guarded(&app) {
        // The oldest sessions end where there are many.
        app.clock.advance_secs(1);
        let other = session_of(&app, "anna@example.com").await;
        for (scope, by_session) in [(scopes[0], false), (scopes[0], true), (scopes[1], true)] {
            let by_session = by_session || only_session;
            let token = credential(&app, Some(scope), by_session).await;
            let answer = request(&app, &route).bearer(&token).send().await;
            if ITS_OWN.contains(&&*route) {
                assert!(answer.status() < 300, "{route}: {}", answer.status());
                continue;
            }
            assert_refused(&route, &answer);
        }
        // What is there is still there.
        let mine = app.get("/auth/organizations").bearer(&other).send().await;
        assert_eq!(mine.expect(200).json()["items"][0]["slug"], "acme", "{route}");
    }
}

fn assert_refused(route: &str, answer: &Answer) {
    let code = match route {
        // No role counts with scopes.
        "POST /auth/organizations/{organization}/ownership" => "missing_role",
        _ => "insufficient_scope",
    };
    assert_eq!((answer.status(), &*answer.code()), (403, code), "{route}");
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_scope\""),
        "{route}: {challenge}"
    );
}

#[tokio::test]
async fn a_whole_credential_opens_every_route_of_the_account() {
    let (app, _) = owner().await;
    let routes = guarded(&app);
    assert!(routes.len() > 25, "{}", routes.len());
    for (route, only_session) in routes {
        for by_session in [only_session, true] {
            let token = credential(&app, None, by_session).await;
            let answer = request(&app, &route).bearer(&token).send().await;
            assert!(
                !matches!(answer.status(), 401 | 403),
                "{route}: {}",
                answer.status()
            );
        }
    }
}

// Shows: AZ-3
#[tokio::test]
async fn a_key_opens_no_route_of_the_account() {
    checks!("T106");
    let (app, anna) = owner().await;
    let form = json!({ "name": "ci", "permissions": ["portcullis:roles:read"] });
    let key = app.post("/auth/api-keys").bearer(&anna.access_token).json(&form);
    let key = text(&key.send().await.expect(201).json(), "key");
    for (route, _) in guarded(&app) {
        let answer = request(&app, &route).api_key(&key).send().await;
        if ITS_OWN.contains(&&*route) && answer.status() == 200 {
            continue;
        }
        let refused = (answer.status(), answer.code());
        let expected = [(401, "credential_not_accepted"), (403, "insufficient_scope")];
        assert!(
            expected.contains(&(refused.0, &*refused.1)),
            "{route}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_refreshed_token_stays_narrowed_and_the_refusal_is_explained() {
    checks!("T106");
    let (app, _) = owner().await;
    let scope = json!({ "scope": "portcullis:roles:read" });
    let tokens = log_in_with(&app, "anna@example.com", &scope)
        .await
        .expect(200)
        .json();
    let refreshed = crate::fixtures::refresh(&app, &text(&tokens, "refresh_token")).await;
    let token = text(&refreshed.expect(200).json(), "access_token");
    let answer = app.post("/auth/logout/all").bearer(&token).send().await;
    let kept = decision_of(&app, &answer.refused(403, "insufficient_scope"))
        .await
        .unwrap();
    assert_eq!((&*kept.rule, &*kept.code), ("unscoped", "insufficient_scope"));
    let tree = kept.tree.unwrap();
    assert_eq!(
        tree.why,
        "the credential is narrowed by scopes, and this is for the account as a whole"
    );
    // It ends itself, and nothing else.
    app.post("/auth/logout").bearer(&token).send().await.expect(204);
    me(&app, &token).await.refused(401, "invalid_token");
    let whole = credential(&app, None, false).await;
    assert_eq!(me(&app, &whole).await.expect(200).json()["scope"], Value::Null);
}
