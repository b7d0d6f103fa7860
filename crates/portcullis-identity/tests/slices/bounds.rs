//! No route works in proportion to a text before it has looked at the text's length: each field of each route that takes
//! a caller's text, with as much as a body holds, against plain text of the same length.

use std::time::Duration;

use portcullis_core::checks;
use portcullis_testkit::{Account, PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::fixtures::text;

/// A character of three bytes that NFKC makes eighteen characters of.
const WORST: &str = "\u{fdfa}";
/// Below the limit of a body, with room for the other fields.
const LENGTH: usize = 63_000;

/// A route, its body, and which of the body's fields is filled. A new field of text is added here.
fn fields(organization: &str) -> Vec<(&'static str, String, Value, &'static str)> {
    let mut rows = Vec::new();
    let mut route = |method, path: &str, body: Value, fields: &[&'static str]| {
        for field in fields {
            rows.push((method, path.to_owned(), body.clone(), *field));
        }
    };
    let who = json!({ "email": "new@example.com", "username": "newcomer", "password": PASSWORD });
    route(
        "POST",
        "/auth/register",
        who.clone(),
        &["email", "username", "password"],
    );
    let mut first = who;
    first["token"] = json!("x");
    route(
        "POST",
        "/auth/setup",
        first,
        &["token", "email", "username", "password"],
    );
    let login = json!({ "identifier": "anna@example.com", "password": PASSWORD });
    route(
        "POST",
        "/auth/login",
        login,
        &[
            "identifier",
            "password",
            "scope",
            "resource",
            "device_name",
            "delivery",
        ],
    );
    route("POST", "/auth/email/verify", json!({}), &["token"]);
    route("POST", "/auth/invitations/accept", json!({}), &["token"]);
    route(
        "POST",
        "/auth/organizations",
        json!({ "slug": "other", "name": "Other" }),
        &["slug", "name"],
    );
    let own = format!("/auth/organizations/{organization}");
    route("PATCH", &own, json!({}), &["name"]);
    route("POST", &format!("{own}/invitations"), json!({}), &["email"]);
    let key = json!({ "name": "ci", "permissions": [] });
    route("POST", "/auth/api-keys", key, &["name", "expires_at", "limit"]);
    route(
        "PATCH",
        "/auth/sessions/01890000-0000-7000-8000-000000000000",
        json!({}),
        &["name"],
    );
    route(
        "POST",
        "/admin/api/v1/roles",
        json!({ "name": "x", "description": "" }),
        &["name", "description"],
    );
    route(
        "PUT",
        "/admin/api/v1/permissions/app:read",
        json!({}),
        &["description"],
    );
    route("POST", "/admin/api/v1/service-accounts", json!({}), &["name"]);
    route(
        "POST",
        "/admin/api/v1/organizations",
        json!({ "slug": "third", "name": "T", "owner": "x" }),
        &["slug", "name", "owner"],
    );
    rows
}

const FORMS: [(&str, &[(&str, &str)], &str); 6] = [
    (
        "/oauth/token",
        &[("grant_type", "password"), ("password", PASSWORD)],
        "username",
    ),
    (
        "/oauth/token",
        &[("grant_type", "password"), ("username", "anna@example.com")],
        "password",
    ),
    (
        "/oauth/token",
        &[
            ("grant_type", "password"),
            ("username", "anna@example.com"),
            ("password", PASSWORD),
        ],
        "scope",
    ),
    (
        "/oauth/token",
        &[("grant_type", "refresh_token")],
        "refresh_token",
    ),
    ("/oauth/token", &[], "grant_type"),
    ("/oauth/revoke", &[], "token"),
];

#[tokio::test]
async fn no_field_costs_more_than_plain_text_of_its_length() {
    checks!("T140");
    let app = TestApp::new().await;
    let anna = app.administrator("anna@example.com").await;
    let body = json!({ "slug": "acme", "name": "Acme" });
    let made = app
        .post("/auth/organizations")
        .bearer(&anna.access_token)
        .json(&body);
    let acme = text(&made.send().await.expect(201).json(), "id");
    for (method, path, body, field) in fields(&acme) {
        let call = async |text: String| {
            let mut body = body.clone();
            body[field] = json!(text);
            let bytes = serde_json::to_vec(&body).unwrap();
            json_call(&app, &anna, method, &path, &bytes).await
        };
        let worst = cost(&async || call(WORST.repeat(LENGTH / 3)).await).await;
        let plain = cost(&async || call("a".repeat(LENGTH)).await).await;
        assert_alike(&format!("{method} {path} {field}"), worst, plain);
    }
    for (path, others, field) in FORMS {
        let call = async |escaped: &str, times: usize| {
            let others: String = others
                .iter()
                .map(|(name, value)| format!("{name}={value}&"))
                .collect();
            let body = format!("{others}{field}={}", escaped.repeat(times));
            let form = "application/x-www-form-urlencoded";
            let before = spent();
            let answer = app.post(path).bytes(form, body.as_bytes()).send().await;
            (answer.status(), spent() - before)
        };
        let worst = cost(&async || call("%EF%B7%BA", LENGTH / 9).await).await;
        let plain = cost(&async || call("%61%61%61", LENGTH / 9).await).await;
        assert_alike(&format!("POST {path} {field}"), worst, plain);
    }
}

async fn json_call(app: &TestApp, who: &Account, method: &str, path: &str, body: &[u8]) -> (u16, Duration) {
    let before = spent();
    let request = app
        .request(method.parse().unwrap(), path)
        .bytes("application/json", body);
    // Where nobody is asked for, a credential is no harm.
    let answer = request.bearer(&who.access_token).send().await;
    (answer.status(), spent() - before)
}

#[track_caller]
fn assert_alike(what: &str, worst: (u16, Duration), plain: (u16, Duration)) {
    assert!(
        (400..500).contains(&worst.0) || worst.0 == 200,
        "{what}: {}",
        worst.0
    );
    // Slack for what a call costs by itself; NFKC of the whole text costs tens of milliseconds.
    let most = plain.1 * 2 + Duration::from_millis(3);
    assert!(
        worst.1 <= most,
        "{what}: {:?} for the worst text, {:?} for a plain one",
        worst.1,
        plain.1
    );
}

/// The status and the cheapest of a few calls: whatever else the machine does only ever adds.
async fn cost(call: &impl AsyncFn() -> (u16, Duration)) -> (u16, Duration) {
    let (status, mut least) = call().await;
    for _ in 0..2 {
        least = least.min(call().await.1);
    }
    (status, least)
}

/// The processor time of this thread, on which all but hashing and the database runs.
fn spent() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().unwrap()
}
