//! What happens between a request's head and the end of its body: the decision is the one of the end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{Method, Request, Response};
use portcullis_core::account::AccountState;
use portcullis_core::authz::{ResourceFacts, ResourceKind};
use portcullis_core::environment::Clock as _;
use portcullis_core::{account, checks};
use portcullis_identity::resource::{Actions as _, Tenancy};
use portcullis_identity::{
    Allow, Api, ApiError, Authenticated, Authorized, Json, NoContent, Portcullis, Problem, Resource, State,
    resource_actions,
};
use portcullis_testkit::{Account, TestApp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::fixtures::{events, set_state};

/// Notes under ids that are given again, as a table without AUTOINCREMENT does.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<BTreeMap<String, Note>>>);

#[derive(Clone)]
struct Note {
    id: String,
    owner: account::Id,
    text: String,
}

impl Notes {
    fn put(&self, id: &str, owner: &Account, text: &str) {
        let note = Note {
            id: id.to_owned(),
            owner: owner.id,
            text: text.to_owned(),
        };
        self.0.lock().unwrap().insert(id.to_owned(), note);
    }

    fn text(&self, id: &str) -> String {
        self.0.lock().unwrap()[id].text.clone()
    }
}

resource_actions! {
    Note:
    ReadNote = "slow-notes:read": "Read a note": owner, shared;
    EditNote = "slow-notes:edit": "Change a note": owner, shared;
    ShareNote = "slow-notes:share": "Share a note": owner, shared;
}

impl Resource for Note {
    type State = Notes;
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "SlowNote",
        tenancy: Tenancy::Anywhere,
        fields: &[],
        actions: Self::NAMES,
    };

    async fn load(notes: &Notes, id: &str) -> Result<Option<Self>, Problem> {
        Ok(notes.0.lock().unwrap().get(id).cloned())
    }

    fn facts(&self) -> ResourceFacts {
        ResourceFacts::new(Self::KIND, &self.id).owned_by(self.owner)
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    text: String,
}

async fn edit(
    _: Allow<Authenticated>,
    State(notes): State<Notes>,
    note: Authorized<Note, EditNote, Json<Text>>,
) -> NoContent {
    let (note, Json(Text { text })) = note.split();
    notes.0.lock().unwrap().get_mut(&note.id).unwrap().text = text;
    NoContent
}

async fn read(_: Allow<Authenticated>, note: Authorized<Note, ReadNote>) -> String {
    note.text.clone()
}

fn api(portcullis: &Portcullis, notes: &Notes) -> Api {
    Api::<Notes>::new("Notes", "1.0")
        .get("/notes/{id}", read)
        .put("/notes/{id}", edit)
        .nest("/notes/{id}/grants", portcullis.sharing::<Note, ShareNote>())
        .with_state(notes.clone())
        .nest("/auth", portcullis.routes())
}

async fn given() -> (TestApp, Notes) {
    let notes = Notes::default();
    let app = TestApp::with(|settings| settings, |portcullis| api(portcullis, &notes)).await;
    (app, notes)
}

/// A request whose second half is still to come.
pub(crate) struct Half {
    sender: mpsc::Sender<Bytes>,
    rest: Bytes,
    answer: JoinHandle<Response<Body>>,
}

/// Sends the head and half of the body, and waits until that half was read.
async fn begin(app: &TestApp, who: &Account, path: &str, body: &Value) -> Half {
    begin_by(app, Method::PUT, who, path, body).await
}

async fn begin_by(app: &TestApp, method: Method, who: &Account, path: &str, body: &Value) -> Half {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", who.access_token))
        .header("content-type", "application/json");
    begin_with(app, request, serde_json::to_vec(body).unwrap().into()).await
}

/// Sends this head and half of this body, and waits until that half was read.
pub(crate) async fn begin_with(app: &TestApp, head: http::request::Builder, mut whole: Bytes) -> Half {
    let rest = whole.split_off(whole.len() / 2);
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), receiver))
    });
    let request = head.body(Body::from_stream(pieces)).unwrap();
    let router = app.router().clone();
    let answer = tokio::spawn(async move { router.oneshot(request).await.unwrap() });
    sender.send(whole).await.unwrap();
    // There is room for the next piece once this one was taken.
    drop(sender.reserve().await.unwrap());
    Half { sender, rest, answer }
}

impl Half {
    async fn finish(self) -> u16 {
        self.answered().await.status().as_u16()
    }

    /// Sends the rest, and waits for the answer.
    pub(crate) async fn answered(self) -> Response<Body> {
        // Whoever is refused before the end takes no more.
        let _ = self.sender.send(self.rest).await;
        drop(self.sender);
        self.answer.await.unwrap()
    }
}

async fn share(app: &TestApp, who: &Account, wish: &Value) {
    let request = app.put("/notes/7/grants").bearer(&who.access_token);
    request.json(wish).send().await.expect(204);
}

fn to(who: &Account, action: &str) -> Value {
    json!({ "subject": format!("account:{}", who.id), "action": action })
}

// Shows: AZ-5
#[tokio::test]
async fn a_slow_body_shares_nothing_of_a_note_that_got_the_id_again() {
    checks!("T098");
    let (app, notes) = given().await;
    let (eve, bob) = (
        app.user("eve@example.com").await,
        app.user("bob@example.com").await,
    );
    let accomplice = app.user("accomplice@example.com").await;
    notes.put("7", &eve, "eve's");
    let sharing = begin(&app, &eve, "/notes/7/grants", &to(&accomplice, "slow-notes:read")).await;
    let changing = begin(&app, &eve, "/notes/7", &json!({ "text": "changed" })).await;
    notes.put("7", &bob, "bob's");
    assert_eq!(sharing.finish().await, 404);
    assert_eq!(changing.finish().await, 404);
    assert_eq!(notes.text("7"), "bob's");
    let read = app.get("/notes/7").bearer(&accomplice.access_token);
    read.send().await.refused(404, "not_found");
    // Who may in the end, may.
    let own = begin(&app, &bob, "/notes/7", &json!({ "text": "bob's own" })).await;
    assert_eq!(own.finish().await, 204);
    assert_eq!(notes.text("7"), "bob's own");
}

#[tokio::test]
async fn a_grant_taken_back_while_the_body_arrives_counts_no_more() {
    checks!("T098");
    let (app, notes) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    notes.put("7", &anna, "anna's");
    share(&app, &anna, &to(&ben, "slow-notes:edit")).await;
    let changing = begin(&app, &ben, "/notes/7", &json!({ "text": "ben's" })).await;
    let grant = format!(
        "/notes/7/grants?subject=account:{}&action=slow-notes:edit",
        ben.id
    );
    let back = app.delete(&grant).bearer(&anna.access_token);
    back.send().await.expect(204);
    assert_eq!(changing.finish().await, 404);

    // One that ends meanwhile has ended.
    let mut wish = to(&ben, "slow-notes:edit");
    let end = app.clock.now().plus(std::time::Duration::from_secs(10));
    wish["expires_at"] = json!(end.to_string());
    share(&app, &anna, &wish).await;
    let in_time = begin(&app, &ben, "/notes/7", &json!({ "text": "in time" })).await;
    let late = begin(&app, &ben, "/notes/7", &json!({ "text": "late" })).await;
    app.clock.advance_secs(9);
    assert_eq!(in_time.finish().await, 204);
    app.clock.advance_secs(1);
    assert_eq!(late.finish().await, 404);
    assert_eq!(notes.text("7"), "in time");
}

// Shows: AZ-5
#[tokio::test]
async fn whoever_is_locked_or_logged_out_while_the_body_arrives_changes_nothing() {
    checks!("T111");
    let (app, notes) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    notes.put("7", &anna, "anna's");
    notes.put("8", &ben, "ben's");
    let text = json!({ "text": "late" });
    let by_anna = begin(&app, &anna, "/notes/7", &text).await;
    let by_ben = begin(&app, &ben, "/notes/8", &text).await;
    let key = json!({ "name": "late", "permissions": [] });
    let ben_makes_a_key = begin_by(&app, Method::POST, &ben, "/auth/api-keys", &key).await;
    set_state(&app, &anna, AccountState::Locked).await;
    let everywhere = app.post("/auth/logout/all").bearer(&ben.access_token);
    everywhere.send().await.expect(204);
    for late in [by_anna, by_ben, ben_makes_a_key] {
        assert_eq!(late.finish().await, 401);
    }
    assert_eq!(
        (notes.text("7"), notes.text("8")),
        ("anna's".into(), "ben's".into())
    );
    assert!(events(&app, "api_key.created").await.is_empty());
}

#[tokio::test]
async fn whoever_is_relieved_of_a_right_while_the_body_arrives_makes_no_key_with_it() {
    checks!("T111");
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let eve = app.administrator("eve@example.com").await;
    let robot = app
        .post("/admin/api/v1/service-accounts")
        .bearer(&root.access_token);
    let robot = robot.json(&json!({ "name": "robot" })).send().await.expect(201);
    let keys = format!(
        "/admin/api/v1/accounts/{}/api-keys",
        crate::fixtures::text(&robot.json(), "id")
    );
    let key = json!({ "name": "late", "permissions": [] });
    let late = begin_by(&app, Method::POST, &eve, &keys, &key).await;
    let role = format!("/admin/api/v1/accounts/{}/roles/administrator", eve.id);
    let taken = app.delete(&role).bearer(&root.access_token);
    taken.send().await.expect(204);
    assert_eq!(late.finish().await, 403);
    assert!(events(&app, "api_key.created").await.is_empty());
    // The refusal is on record as any other.
    let denied = events(&app, "access.denied").await;
    assert_eq!(denied[0].account, Some(eve.id));
    let in_time = begin_by(&app, Method::POST, &root, &keys, &key).await;
    assert_eq!(in_time.finish().await, 201);
}

#[tokio::test]
async fn a_request_with_a_body_counts_once_for_its_keys_rate() {
    checks!("T043");
    async fn echo(_: Allow<Authenticated>, Json(Text { text }): Json<Text>) -> String {
        text
    }
    let api = |portcullis: &Portcullis| portcullis.api().post("/echo", echo);
    let app = TestApp::with(|settings| settings, api).await;
    let anna = app.user("anna@example.com").await;
    let form = json!({ "name": "ci", "permissions": [], "limit": "2/minute" });
    let made = app.post("/auth/api-keys").bearer(&anna.access_token).json(&form);
    let made = made.send().await.expect(201).json();
    let key = made["key"].as_str().unwrap();
    for status in [200, 200, 429] {
        let echo = app.post("/echo").api_key(key).json(&json!({ "text": "x" }));
        echo.send().await.expect(status);
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_body_is_said_before_the_note_is_looked_for() {
    let (app, notes) = given().await;
    let (anna, eve) = (
        app.user("anna@example.com").await,
        app.user("eve@example.com").await,
    );
    notes.put("7", &anna, "anna's");
    for path in ["/notes/7", "/notes/8"] {
        let put = app.put(path).bearer(&eve.access_token);
        put.json(&json!({ "txt": 1 }))
            .send()
            .await
            .refused(422, "invalid_fields");
        let put = app.put(path).bearer(&eve.access_token);
        put.json(&json!({ "text": "x" }))
            .send()
            .await
            .refused(404, "not_found");
    }
}

#[tokio::test]
async fn a_handler_that_decides_before_it_reads_is_refused_when_the_router_is_built() {
    checks!("T098");
    async fn early(_: Allow<Authenticated>, _: Authorized<Note, EditNote>, _: Json<Text>) {}
    async fn late(_: Allow<Authenticated>, _: Authorized<Note, EditNote, Json<Text>>) {}
    let app = TestApp::new().await;
    let build = |api: Api<Notes>| {
        let gate = app.portcullis.gate().clone();
        api.with_state::<()>(Notes::default()).into_router(gate)
    };
    let errors = build(Api::new("", "").put("/notes/{id}", early)).unwrap_err().0;
    let expected = ApiError::DecidedEarly {
        method: "PUT".into(),
        path: "/notes/{id}".into(),
    };
    assert_eq!(errors, [expected]);
    let api = Api::<Notes>::new("", "").put("/notes/{id}", late);
    assert!(api.authz_lock().contains("on SlowNote:slow-notes:edit"));
    let document = api.openapi();
    let operation = &document["paths"]["/notes/{id}"]["put"];
    assert!(operation["requestBody"].is_object(), "{operation}");
    assert!(operation["responses"]["422"].is_object(), "{operation}");
    assert!(build(api).is_ok());
}
