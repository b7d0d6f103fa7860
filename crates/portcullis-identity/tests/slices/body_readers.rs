//! Whoever reads a body: what was decided at its beginning is decided again before the rest of it is handed on.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use futures_util::StreamExt as _;
use http::Request;
use http::header::WWW_AUTHENTICATE;
use portcullis_core::account::AccountState;
use portcullis_core::authz::{AccountsRead, OrganizationsWrite, Permit};
use portcullis_core::{checks, organization};
use portcullis_identity::{
    Allow, Api, Authenticated, FreshLogin, Json, Member, OptionalAuth, Portcullis, Problem, State,
};
use portcullis_testkit::{Account, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{events, set_state, text};
use crate::slow_body::{Half, begin_with};

/// What handlers got to see of bodies.
#[derive(Clone, Default)]
struct Got(Arc<Mutex<Vec<String>>>);

impl Got {
    fn add(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

type Reader = Allow<AccountsRead>;

async fn by_json(_: Reader, State(got): State<Got>, axum::Json(value): axum::Json<Value>) {
    got.add(value.to_string());
}

async fn by_own_json(_: Reader, State(got): State<Got>, Json(value): Json<Value>) {
    got.add(value.to_string());
}

async fn by_form(_: Reader, State(got): State<Got>, axum::Form(value): axum::Form<Value>) {
    got.add(value.to_string());
}

async fn by_bytes(_: Reader, State(got): State<Got>, bytes: Bytes) {
    got.add(String::from_utf8_lossy(&bytes));
}

async fn by_string(_: Reader, State(got): State<Got>, text: String) {
    got.add(text);
}

async fn by_body(_: Reader, State(got): State<Got>, body: Body) -> Result<(), Problem> {
    let bytes = axum::body::to_bytes(body, usize::MAX).await;
    let bytes = bytes.map_err(|_| Problem::bad_request("broken", "the body broke off"))?;
    got.add(String::from_utf8_lossy(&bytes));
    Ok(())
}

/// Answers 200 whatever becomes of the body.
async fn by_stream(_: Reader, State(got): State<Got>, body: Body) {
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        match part {
            Ok(part) => got.add(String::from_utf8_lossy(&part)),
            Err(_) => return,
        }
    }
    got.add("all");
}

async fn by_panic(_: Reader, State(got): State<Got>, body: Body) {
    axum::body::to_bytes(body, usize::MAX).await.unwrap();
    got.add("all");
}

const READERS: [&str; 8] = [
    "/json",
    "/own-json",
    "/form",
    "/bytes",
    "/string",
    "/body",
    "/stream",
    "/panic",
];

async fn fresh(_: Allow<FreshLogin<300>>, State(got): State<Got>, text: String) {
    got.add(text);
}

async fn member(_: Allow<Member>, State(got): State<Got>, text: String) {
    got.add(text);
}

async fn visitor(_: OptionalAuth, State(got): State<Got>, text: String) {
    got.add(text);
}

async fn anybody(_: Allow<Authenticated>, State(got): State<Got>, text: String) {
    got.add(text);
}

fn api(got: &Got, portcullis: &Portcullis) -> Api {
    let readers = Api::<Got>::new("Readers", "1.0")
        .post("/json", by_json)
        .post("/own-json", by_own_json)
        .post("/form", by_form)
        .post("/bytes", by_bytes)
        .post("/string", by_string)
        .post("/body", by_body)
        .post("/stream", by_stream)
        .post("/panic", by_panic)
        .post("/fresh", fresh)
        .post("/member", member)
        .post("/visitor", visitor)
        .post("/anybody", anybody);
    portcullis.api().nest("/read", readers.with_state(got.clone()))
}

async fn given() -> (TestApp, Got) {
    let got = Got::default();
    let app = TestApp::with(|settings| settings, |portcullis| api(&got, portcullis)).await;
    (app, got)
}

async fn begin(app: &TestApp, who: &Account, reader: &str) -> Half {
    begin_at(app, who, reader, &[]).await
}

async fn begin_at(app: &TestApp, who: &Account, reader: &str, headers: &[(&str, &str)]) -> Half {
    let (media_type, body) = match reader {
        "/form" => ("application/x-www-form-urlencoded", "half=1&rest=2"),
        _ => ("application/json", "{\"half\":1,\"rest\":2}"),
    };
    let mut head = Request::post(format!("/read{reader}"))
        .header("content-type", media_type)
        .header("authorization", format!("Bearer {}", who.access_token));
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    begin_with(app, head, Bytes::from_static(body.as_bytes())).await
}

/// What happens between the halves of a body must refuse it to every reader, with this status.
async fn refuses(expected: u16, meanwhile: impl AsyncFn(&TestApp, &Account, &Account)) {
    let (app, got) = given().await;
    let root = app.administrator("root@example.com").await;
    for (index, reader) in READERS.into_iter().enumerate() {
        let eve = app.administrator(&format!("eve{index}@example.com")).await;
        let before = events(&app, "access.denied").await.len();
        let late = begin(&app, &eve, reader).await;
        meanwhile(&app, &root, &eve).await;
        let answer = late.answered().await;
        assert_eq!(answer.status().as_u16(), expected, "{reader}");
        assert!(answer.headers().contains_key(WWW_AUTHENTICATE), "{reader}");
        // A stream had the half that came in time.
        let seen = got.take();
        let in_time = usize::from(reader == "/stream");
        assert_eq!(seen.len(), in_time, "{reader}: {seen:?}");
        assert!(
            seen.iter().all(|part| !part.contains("rest")),
            "{reader}: {seen:?}"
        );
        // Recorded once, as any refusal of somebody known; who isn't known any more is no event.
        let recorded = events(&app, "access.denied").await.len() - before;
        assert_eq!(recorded, usize::from(expected == 403), "{reader}");
    }
}

#[tokio::test]
async fn nobody_reads_the_rest_of_a_body_whose_sender_was_locked() {
    checks!("T180");
    refuses(401, async |app, _, eve| {
        set_state(app, eve, AccountState::Locked).await;
    })
    .await;
}

#[tokio::test]
async fn nobody_reads_the_rest_of_a_body_whose_sender_was_logged_out() {
    checks!("T180");
    refuses(401, async |app, _, eve| {
        let everywhere = app.post("/auth/logout/all").bearer(&eve.access_token);
        everywhere.send().await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn nobody_reads_the_rest_of_a_body_whose_sender_was_relieved_of_the_right() {
    checks!("T180");
    refuses(403, async |app, root, eve| {
        let role = format!("/admin/api/v1/accounts/{}/roles/administrator", eve.id);
        let taken = app.delete(&role).bearer(&root.access_token);
        taken.send().await.expect(204);
    })
    .await;
}

#[tokio::test]
async fn nobody_reads_the_rest_of_a_body_whose_token_expired_meanwhile() {
    checks!("T180");
    refuses(401, async |app, _, _| app.clock.advance_secs(15 * 60 + 60)).await;
}

#[tokio::test]
async fn whoever_is_let_in_as_before_is_read_to_the_end() {
    let (app, got) = given().await;
    let eve = app.administrator("eve@example.com").await;
    let other = app.user("other@example.com").await;
    for reader in READERS {
        // What moves for others, or moves and leaves the right, refuses nothing.
        let late = begin(&app, &eve, reader).await;
        set_state(&app, &other, AccountState::Locked).await;
        set_state(&app, &other, AccountState::Active).await;
        app.assign(&eve, "administrator").await;
        app.clock.advance_secs(1);
        assert_eq!(late.answered().await.status(), 200, "{reader}");
        let seen = got.take().concat();
        assert!(!seen.is_empty(), "{reader}");
        assert!(reader == "/panic" || seen.contains("rest"), "{reader}: {seen}");
    }
    assert!(events(&app, "access.denied").await.is_empty());
}

#[tokio::test]
async fn a_login_that_grows_stale_while_the_body_arrives_is_to_be_repeated() {
    checks!("T180");
    let (app, got) = given().await;
    let anna = app.user("anna@example.com").await;
    let in_time = begin(&app, &anna, "/fresh").await;
    let late = begin(&app, &anna, "/fresh").await;
    app.clock.advance_secs(299);
    assert_eq!(in_time.answered().await.status(), 200);
    got.take();
    app.clock.advance_secs(1);
    let answer = late.answered().await;
    assert_eq!(answer.status(), 401);
    let challenge = answer.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(
        challenge.contains("insufficient_user_authentication"),
        "{challenge}"
    );
    assert!(got.take().is_empty());
}

#[tokio::test]
async fn a_member_whose_organization_is_suspended_while_the_body_arrives_is_none() {
    checks!("T180");
    let (app, got) = given().await;
    let anna = app.user("anna@example.com").await;
    let made = app.post("/auth/organizations").bearer(&anna.access_token);
    let made = made.json(&json!({ "name": "acme", "slug": "acme" })).send().await;
    let id = text(&made.expect(201).json(), "id");
    let at_acme = [("x-organization-id", "acme")];
    let in_time = begin_at(&app, &anna, "/member", &at_acme).await;
    assert_eq!(in_time.answered().await.status(), 200);
    got.take();
    let late = begin_at(&app, &anna, "/member", &at_acme).await;
    suspend(&app, &id).await;
    assert_eq!(late.answered().await.status(), 403);
    assert!(got.take().is_empty());
}

/// Suspends the organization, at the machine's own command line.
async fn suspend(app: &TestApp, organization: &str) {
    let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
    let (id, by) = (organization.parse().unwrap(), app.by_operator());
    let organizations = app.portcullis.organizations();
    let change = organizations.set_state(&permit, id, organization::OrganizationState::Suspended, by);
    assert_eq!(change.await.unwrap(), portcullis_core::effect::Effect::Changed);
}

#[tokio::test]
async fn whom_no_rule_had_to_let_in_is_judged_by_the_credential_alone() {
    checks!("T180");
    let (app, got) = given().await;
    let anna = app.user("anna@example.com").await;
    let nobody = Request::post("/read/visitor").header("content-type", "text/plain");
    let half = begin_with(&app, nobody, Bytes::from_static(b"half rest")).await;
    assert_eq!(half.answered().await.status(), 200);
    assert_eq!(got.take(), ["half rest"]);
    for reader in ["/visitor", "/anybody"] {
        let late = begin(&app, &anna, reader).await;
        set_state(&app, &anna, AccountState::Locked).await;
        assert_eq!(late.answered().await.status(), 401, "{reader}");
        set_state(&app, &anna, AccountState::Active).await;
        assert!(got.take().is_empty(), "{reader}");
    }
}
