//! What several slices' tests begin with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_core::account::{self, AccountState};
use portcullis_core::authz::{AccountsWrite, Permit};
use portcullis_core::environment::{Clock as _, Timestamp};
use portcullis_core::roles::MayGive;
use portcullis_identity::{Api, Portcullis};
use portcullis_testkit::{Account, Answer, FakeClock, PASSWORD, TestApp, environment};
use serde_json::{Value, json};

/// A form of `grant_type=refresh_token`, sent.
pub(crate) async fn refresh(app: &TestApp, token: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    app.post("/oauth/token").form(&form).send().await
}

/// A form of `grant_type=password`, sent.
pub(crate) async fn password_form(app: &TestApp, username: &str, password: &str) -> Answer {
    let form = [
        ("grant_type", "password"),
        ("username", username),
        ("password", password),
    ];
    app.post("/oauth/token").form(&form).send().await
}

/// A login with these further fields.
pub(crate) async fn log_in_with(app: &TestApp, identifier: &str, more: &Value) -> Answer {
    let mut body = json!({ "identifier": identifier, "password": PASSWORD });
    let fields = body.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    app.post("/auth/login").json(&body).send().await
}

/// A login that gives a session token.
pub(crate) async fn session_of(app: &TestApp, identifier: &str) -> String {
    let answer = log_in_with(app, identifier, &json!({ "delivery": "session" })).await;
    text(&answer.expect(200).json(), "session_token")
}

/// Logs somebody in with these scopes; answers the access token.
pub(crate) async fn narrowed(app: &TestApp, who: &Account, scope: &str) -> String {
    let answer = log_in_with(app, &who.email, &json!({ "scope": scope })).await;
    text(&answer.expect(200).json(), "access_token")
}

/// Makes an API key of the account's own; answers its text.
pub(crate) async fn key(app: &TestApp, who: &Account, permissions: &[&str]) -> String {
    let body = json!({ "name": "ci", "permissions": permissions });
    let request = app.post("/auth/api-keys").bearer(&who.access_token).json(&body);
    text(&request.send().await.expect(201).json(), "key")
}

/// Makes a role that gives these permissions, at the machine's own command line.
pub(crate) async fn with_role(app: &TestApp, role: &str, permissions: &[&str]) {
    let (roles, permit) = (
        app.portcullis.roles(),
        Permit::<MayGive>::dangerous_for_operator(),
    );
    let made = roles.create(&permit, role, "", app.by_operator()).await;
    assert!(made.is_ok(), "{role}");
    for permission in permissions {
        let given = roles.allow(&permit, role, permission, app.by_operator()).await;
        assert!(given.is_ok(), "{permission}");
    }
}

/// What `/auth/me` answers to a bearer.
pub(crate) async fn me(app: &TestApp, bearer: &str) -> Answer {
    app.get("/auth/me").bearer(bearer).send().await
}

pub(crate) fn text(body: &Value, name: &str) -> String {
    body[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {body}"))
        .to_owned()
}

/// The fields an answer complains about, with their codes, sorted.
pub(crate) fn complaints(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    let mut all: Vec<_> = errors
        .iter()
        .map(|error| (text(error, "field"), text(error, "code")))
        .collect();
    all.sort();
    all
}

/// The same for expectations.
pub(crate) fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect()
}

/// A problem's body without what differs from request to request.
pub(crate) fn timeless(answer: &Answer) -> Value {
    let mut body = answer.json();
    if let Some(members) = body.as_object_mut() {
        members.remove("trace_id");
    }
    body
}

/// Sets an account's state at the machine's own command line.
pub(crate) async fn set_state(app: &TestApp, who: &Account, state: AccountState) {
    set_state_of(app, who.id, state).await;
}

pub(crate) async fn set_state_of(app: &TestApp, id: account::Id, state: AccountState) {
    let permit = Permit::<AccountsWrite>::dangerous_for_operator();
    let accounts = app.portcullis.accounts();
    let set = accounts.set_state(&permit, id, state, app.by_operator()).await;
    set.unwrap();
}

/// What is recorded of the request with this answer.
pub(crate) async fn decision_of(app: &TestApp, answer: &Answer) -> Option<portcullis_core::authz::Decision> {
    app.portcullis.gate().settled().await;
    let permit = Permit::dangerous_for_operator();
    let trace = answer.header("x-request-id").parse().unwrap();
    app.portcullis.decisions().find(&permit, trace).await.unwrap()
}

/// The newest audit events of this action.
pub(crate) async fn events(app: &TestApp, action: &str) -> Vec<portcullis_core::audit::Event> {
    app.portcullis.gate().settled().await;
    let filter = portcullis_core::audit::EventFilter {
        action: Some(action.to_owned()),
        ..Default::default()
    };
    let permit = Permit::dangerous_for_operator();
    app.portcullis.audit().list(&permit, filter, 100).await.unwrap()
}

pub(crate) fn now(app: &TestApp) -> Timestamp {
    app.clock.now()
}

/// One of several processes on the same file.
pub(crate) async fn node(file: &std::path::Path, seed: u64, api: impl FnOnce(&Portcullis) -> Api) -> TestApp {
    node_with(file, seed, |builder| builder, api).await
}

/// The same, with more settings.
pub(crate) async fn node_with(
    file: &std::path::Path,
    seed: u64,
    more: impl FnOnce(portcullis_identity::Builder) -> portcullis_identity::Builder,
    api: impl FnOnce(&Portcullis) -> Api,
) -> TestApp {
    let url = format!("sqlite:{}", file.display());
    let on = environment(&Arc::new(FakeClock::new()), seed);
    let settings = |builder: portcullis_identity::Builder| {
        let builder = builder.database(&url).environment(on);
        more(builder.follow(Duration::from_millis(50)))
    };
    TestApp::with(settings, api).await
}

/// A Redis of the tests', if there is one.
#[allow(
    clippy::disallowed_methods,
    reason = "which services a test has is no configuration"
)]
pub(crate) fn redis() -> Option<String> {
    std::env::var("PORTCULLIS_TEST_REDIS").ok()
}

/// Asks until it is so, for a second at most. A turn counts for 10 ms at most: what took longer was waiting for a
/// processor that other tests had, and so were the threads whose work is waited for.
pub(crate) async fn within_a_second(what: &str, so: impl AsyncFn() -> bool) {
    let mut waited = Duration::ZERO;
    while waited < Duration::from_secs(1) {
        let turn = Instant::now();
        if so().await {
            return;
        }
        tokio::task::yield_now().await;
        waited += turn.elapsed().min(Duration::from_millis(10));
    }
    panic!("{what}: not within a second");
}

/// An account that has proven its address.
pub(crate) async fn proven(app: &TestApp, email: &str) -> Account {
    let user = app.user(email).await;
    let code = app.mailer.code_to(email).await;
    let body = json!({ "token": code, "password": PASSWORD });
    app.post("/auth/email/verify")
        .json(&body)
        .send()
        .await
        .expect(200);
    user
}
