//! What a key or a narrowed login reaches of what its account owns: the actions that it names, and no more.
//!
//! The name `notes:read` is two things here: an action on notes, which owners may do, and a permission that opens the list of
//! everybody's.

use std::sync::{Arc, Mutex};

use portcullis_core::authz::{Permit, ResourceFacts, ResourceKind};
use portcullis_core::id::OrganizationId;
use portcullis_core::{account, checks};
use portcullis_identity::resource::{Actions as _, Column, Columns, Dialect, Tenancy};
use portcullis_identity::{
    Allow, Api, Authenticated, Authorized, Json, Member, NoContent, Portcullis, Problem, Resource, State,
    Visible, permissions, resource_actions,
};
use portcullis_testkit::{Account, Answer, RemoteApp, TestApp};
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use serde_json::{Value, json};

use crate::fixtures::{complaints, key, log_in_with, narrowed, pairs, text};

#[derive(Clone)]
struct Notes(Arc<Mutex<Connection>>);

impl Notes {
    fn new() -> Self {
        let database = Connection::open_in_memory().unwrap();
        let table = "CREATE TABLE notes (id INTEGER PRIMARY KEY, owner TEXT, organization TEXT)";
        database.execute_batch(table).unwrap();
        Self(Arc::new(Mutex::new(database)))
    }

    fn write(&self, owner: account::Id, organization: Option<&str>) -> i64 {
        let database = self.0.lock().unwrap();
        let sql = "INSERT INTO notes (owner, organization) VALUES (?1, ?2) RETURNING id";
        database
            .query_row(sql, params![owner.to_string(), organization], |row| row.get(0))
            .unwrap()
    }

    fn ids(&self, condition: &str, values: impl rusqlite::Params) -> Json<Vec<i64>> {
        let database = self.0.lock().unwrap();
        let sql = format!("SELECT id FROM notes WHERE {condition} ORDER BY id");
        let mut statement = database.prepare(&sql).unwrap();
        let ids = statement.query_map(values, |row| row.get(0)).unwrap();
        Json(ids.map(Result::unwrap).collect())
    }
}

struct Note {
    id: i64,
    owner: account::Id,
    organization: Option<OrganizationId>,
}

permissions! { AllNotes = "notes:read": "Read everybody's notes"; }

resource_actions! {
    Note:
    ReadNote = "notes:read": "Read a note": owner, shared;
    EraseNote = "notes:erase": "Erase a note": owner;
}

impl Resource for Note {
    type State = Notes;
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "Note",
        tenancy: Tenancy::Members,
        fields: &[],
        actions: Self::NAMES,
    };

    async fn load(notes: &Notes, id: &str) -> Result<Option<Self>, Problem> {
        let database = notes.0.lock().unwrap();
        let sql = "SELECT id, owner, organization FROM notes WHERE id = ?1";
        let note = database.query_row(sql, [id], |row| {
            Ok(Self {
                id: row.get(0)?,
                owner: row.get::<_, String>(1)?.parse().unwrap(),
                organization: row.get::<_, Option<String>>(2)?.map(|id| id.parse().unwrap()),
            })
        });
        Ok(note.optional().unwrap())
    }

    fn facts(&self) -> ResourceFacts {
        ResourceFacts::new(Self::KIND, &self.id)
            .owned_by(self.owner)
            .of(self.organization)
    }
}

const COLUMNS: Columns = Columns {
    id: Column::integer("id"),
    owner: Some(Column::uuid_text("owner")),
    organization: Some(Column::uuid_text("organization")),
    fields: &[],
};

async fn visible(
    _: Allow<Authenticated>,
    visible: Visible<Note, ReadNote>,
    State(notes): State<Notes>,
) -> Result<Json<Vec<i64>>, Problem> {
    let visible = visible.to_sql(Dialect::Sqlite, &COLUMNS)?;
    Ok(notes.ids(&visible.sql, params_from_iter(&visible.params)))
}

async fn everybodys(_: Allow<AllNotes>, State(notes): State<Notes>) -> Json<Vec<i64>> {
    notes.ids("TRUE", [])
}

async fn read(_: Allow<Authenticated>, note: Authorized<Note, ReadNote>) -> String {
    note.id.to_string()
}

async fn read_inside(_: Allow<Member>, note: Authorized<Note, ReadNote>) -> String {
    note.id.to_string()
}

async fn erase(
    _: Allow<Authenticated>,
    note: Authorized<Note, EraseNote>,
    State(notes): State<Notes>,
) -> NoContent {
    let database = notes.0.lock().unwrap();
    database
        .execute("DELETE FROM notes WHERE id = ?1", [note.id])
        .unwrap();
    NoContent
}

fn blog(notes: &Notes) -> Api {
    Api::<Notes>::new("Notes", "1.0")
        .get("/notes", visible)
        .get("/all-notes", everybodys)
        .get("/notes/{id}", read)
        .get("/here/notes/{id}", read_inside)
        .delete("/notes/{id}", erase)
        .with_state(notes.clone())
}

async fn given() -> (TestApp, Notes) {
    let notes = Notes::new();
    let api = |portcullis: &Portcullis| portcullis.api().merge(blog(&notes));
    (TestApp::with(|settings| settings, api).await, notes)
}

async fn get(app: &TestApp, credential: &str, path: &str) -> Answer {
    app.get(path).bearer(credential).send().await
}

/// What reading the note, finding it in the list, erasing it and listing everybody's come to.
async fn reach(app: &TestApp, credential: &str, note: i64) -> (u16, bool, u16, u16) {
    let one = format!("/notes/{note}");
    let shown: Vec<i64> =
        serde_json::from_value(get(app, credential, "/notes").await.expect(200).json()).unwrap();
    let read = get(app, credential, &one).await.status();
    let all = get(app, credential, "/all-notes").await.status();
    let erased = app.delete(&one).bearer(credential).send().await.status();
    (read, shown.contains(&note), erased, all)
}

// Shows: AK-1, AZ-5
#[tokio::test]
async fn a_key_and_a_narrowed_login_reach_what_their_owner_owns_as_far_as_they_name_it() {
    checks!("T182");
    checks!("T064");
    let (app, notes) = given().await;
    // She has no role at all: what she may, she may as an owner.
    let anna = app.user("anna@example.com").await;
    for (names, expected) in [
        (&["notes:read"][..], (200, true, 403, 403)),
        (&["notes:erase"], (403, false, 204, 403)),
        (&["notes:read", "notes:erase"], (200, true, 204, 403)),
    ] {
        let login = json!({ "delivery": "session", "scope": names.join(" ") });
        let login = log_in_with(&app, &anna.email, &login).await.expect(200).json();
        for credential in [
            key(&app, &anna, names).await,
            narrowed(&app, &anna, &names.join(" ")).await,
            text(&login, "session_token"),
        ] {
            let note = notes.write(anna.id, None);
            assert_eq!(reach(&app, &credential, note).await, expected, "{names:?}");
        }
    }
    let note = notes.write(anna.id, None);
    let bare = key(&app, &anna, &[]).await;
    assert_eq!(reach(&app, &bare, note).await, (403, false, 403, 403));
}

#[tokio::test]
async fn somebody_elses_key_reaches_nothing_whatever_it_names() {
    checks!("T182");
    let (app, notes) = given().await;
    let (anna, otto) = (
        app.user("anna@example.com").await,
        app.user("otto@example.com").await,
    );
    let note = notes.write(anna.id, None);
    let ottos = key(&app, &otto, &["notes:read", "notes:erase"]).await;
    assert_eq!(reach(&app, &ottos, note).await, (404, false, 404, 403));
    let mine = key(&app, &anna, &["notes:read"]).await;
    let (read, shown, ..) = reach(&app, &mine, note).await;
    assert_eq!((read, shown), (200, true));
}

/// What the credential leaves out is said alike of every id: nobody learns by it which notes there are.
#[tokio::test]
async fn what_a_key_does_not_name_is_said_by_name_and_alike_of_every_id() {
    checks!("T063");
    let (app, notes) = given().await;
    let (anna, otto) = (
        app.user("anna@example.com").await,
        app.user("otto@example.com").await,
    );
    let eraser = key(&app, &anna, &["notes:erase"]).await;
    let (own, others) = (notes.write(anna.id, None), notes.write(otto.id, None));
    let mut bodies = Vec::new();
    for id in [own, others, 999] {
        let path = format!("/notes/{id}");
        let answer = get(&app, &eraser, &path).await.refused(403, "insufficient_scope");
        assert!(answer.text().contains("notes:read"), "{}", answer.text());
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains("scope=\"notes:read\""), "{challenge}");
        let mut body = answer.json();
        body.as_object_mut()
            .unwrap()
            .retain(|name, _| !["trace_id", "instance"].contains(&name.as_str()));
        bodies.push(body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
}

#[tokio::test]
async fn a_key_that_has_ended_reaches_nothing() {
    checks!("T182");
    let (app, notes) = given().await;
    let anna = app.user("anna@example.com").await;
    let note = notes.write(anna.id, None);
    let one = format!("/notes/{note}");
    let form = json!({ "name": "ci", "permissions": ["notes:read"], "expires_at": "2999-01-01T00:00:00Z" });
    let made = app.post("/auth/api-keys").bearer(&anna.access_token).json(&form);
    let made = made.send().await.expect(201).json();
    let credential = text(&made, "key");
    get(&app, &credential, &one).await.expect(200);
    let path = format!("/auth/api-keys/{}", text(&made, "id"));
    let change = async |body: Value| {
        let request = app.patch(&path).bearer(&anna.access_token).json(&body);
        request.send().await.expect(200);
    };
    change(json!({ "enabled": false })).await;
    get(&app, &credential, &one).await.refused(401, "invalid_token");
    change(json!({ "enabled": true })).await;
    get(&app, &credential, &one).await.expect(200);
    let revoke = app.delete(&path).bearer(&anna.access_token);
    revoke.send().await.expect(204);
    get(&app, &credential, &one).await.refused(401, "invalid_token");
    let brief = json!({ "name": "brief", "permissions": ["notes:read"],
        "expires_at": app_moment(&app, 60) });
    let made = app.post("/auth/api-keys").bearer(&anna.access_token).json(&brief);
    let brief = text(&made.send().await.expect(201).json(), "key");
    get(&app, &brief, &one).await.expect(200);
    app.clock.advance_secs(60);
    get(&app, &brief, &one).await.refused(401, "invalid_token");
}

fn app_moment(app: &TestApp, seconds: u64) -> String {
    let at = crate::fixtures::now(app);
    at.plus(std::time::Duration::from_secs(seconds)).to_string()
}

/// Nobody's key does more than its owner: on the route of everybody's notes its owner's roles count, at that moment.
#[tokio::test]
async fn naming_an_action_is_no_right_where_the_same_name_is_a_permission() {
    checks!("T182");
    let (app, notes) = given().await;
    let anna = app.user_with("anna@example.com", &[]).await;
    let note = notes.write(anna.id, None);
    let credentials = [
        key(&app, &anna, &["notes:read"]).await,
        narrowed(&app, &anna, "notes:read").await,
    ];
    let role = format!("r-{}", anna.id.as_uuid().simple());
    let (roles, operator) = (app.portcullis.roles(), || app.by_operator());
    let check = async |status: u16, code: &str| {
        for credential in &credentials {
            let all = get(&app, credential, "/all-notes").await;
            assert_eq!(all.status(), status);
            if status != 200 {
                assert_eq!(all.code(), code);
            }
            get(&app, credential, &format!("/notes/{note}")).await.expect(200);
        }
    };
    check(403, "missing_permission").await;
    let permit = Permit::dangerous_for_operator();
    let given = roles.allow(&permit, &role, "notes:read", operator()).await;
    assert!(given.is_ok());
    check(200, "").await;
    let permit = Permit::dangerous_for_operator();
    let taken = roles.disallow(&permit, &role, "notes:read", operator()).await;
    assert!(taken.is_ok());
    check(403, "missing_permission").await;
}

/// A note of an organization is out of reach outside of it, for its owner and so for the owner's key.
#[tokio::test]
async fn what_is_owned_in_an_organization_is_reached_there_and_by_members() {
    checks!("T099");
    let (app, notes) = given().await;
    let (anna, otto) = (
        app.user("anna@example.com").await,
        app.user("otto@example.com").await,
    );
    let create = async |who: &Account, slug: &str| {
        let body = json!({ "name": slug, "slug": slug });
        let made = app
            .post("/auth/organizations")
            .bearer(&who.access_token)
            .json(&body);
        text(&made.send().await.expect(201).json(), "id")
    };
    let (hers, his) = (create(&anna, "hers").await, create(&otto, "his").await);
    let credential = key(&app, &anna, &["notes:read"]).await;
    let note = notes.write(anna.id, Some(&hers));
    // She isn't a member there (any more), and owns a note all the same.
    let stranded = notes.write(anna.id, Some(&his));
    let inside = async |note: i64, organization: Option<&str>| {
        let request = match organization {
            Some(id) => {
                let request = app.get(&format!("/here/notes/{note}"));
                request.header("x-organization-id", id)
            }
            None => app.get(&format!("/notes/{note}")),
        };
        let request = request.bearer(&credential);
        request.send().await.status()
    };
    assert_eq!(inside(note, Some(&hers)).await, 200);
    assert_eq!(inside(note, None).await, 404);
    assert_eq!(inside(note, Some(&his)).await, 403, "no member there");
    for (organization, status) in [(None, 404), (Some(&*hers), 404), (Some(&*his), 403)] {
        assert_eq!(inside(stranded, organization).await, status, "{organization:?}");
    }
}

#[tokio::test]
async fn what_names_no_action_stays_beyond_whoever_has_it_not() {
    checks!("T039");
    let (app, _) = given().await;
    let anna = app.user("anna@example.com").await;
    let asked = json!({ "name": "ci", "permissions": ["notes:read", "portcullis:audit:read", "notes:reed"] });
    let refused = app
        .post("/auth/api-keys")
        .bearer(&anna.access_token)
        .json(&asked)
        .send()
        .await
        .refused(422, "invalid_fields");
    let expected = [
        ("/permissions/1", "exceeds_owner"),
        ("/permissions/2", "unknown_permission"),
    ];
    assert_eq!(complaints(&refused), pairs(&expected));
    for says in ["portcullis:audit:read", "notes:reed", "leave it out", "spelling"] {
        assert!(refused.text().contains(says), "{says}: {}", refused.text());
    }
    let login = log_in_with(&app, &anna.email, &json!({ "scope": "portcullis:audit:read" })).await;
    login.refused(400, "invalid_scope");
    let some = json!({ "scope": "notes:read portcullis:audit:read", "delivery": "session" });
    let some = log_in_with(&app, &anna.email, &some).await.expect(200).json();
    let who = get(&app, &text(&some, "session_token"), "/auth/me")
        .await
        .expect(200);
    assert!(!who.text().contains("audit"), "{}", who.text());
}

/// Whoever makes another's key gets at what that account owns: naming an action isn't enough for that.
#[tokio::test]
async fn a_service_accounts_key_names_actions_by_the_will_of_who_has_them() {
    checks!("T182");
    let (app, notes) = given().await;
    let root = app.administrator("root@example.com").await;
    let name = json!({ "name": "robot" });
    let robot = app
        .post("/admin/api/v1/service-accounts")
        .bearer(&root.access_token);
    let robot = text(&robot.json(&name).send().await.expect(201).json(), "id");
    let note = notes.write(robot.parse().unwrap(), None);
    let keys = format!("/admin/api/v1/accounts/{robot}/api-keys");
    let make = async |who: &Account| {
        let form = json!({ "name": "ci", "permissions": ["notes:read"] });
        app.post(&keys).bearer(&who.access_token).json(&form).send().await
    };
    let clerk = app
        .user_with("clerk@example.com", &["portcullis:api-keys:write"])
        .await;
    let refused = make(&clerk).await.refused(422, "invalid_fields");
    assert_eq!(
        complaints(&refused),
        pairs(&[("/permissions/0", "exceeds_owner")])
    );
    let made = make(&root).await.expect(201).json();
    let credential = text(&made, "key");
    assert_eq!(reach(&app, &credential, note).await, (200, true, 403, 403));
    let rotate = format!("{keys}/{}/rotate", text(&made, "id"));
    let rotate = app.post(&rotate).bearer(&clerk.access_token).json(&json!({}));
    rotate.send().await.refused(403, "insufficient_scope");
}

/// A service without the database takes scopes for permissions where the token says nothing else: so it does.
#[tokio::test]
async fn a_detached_application_takes_no_action_for_a_permission() {
    checks!("T183");
    let (app, notes) = given().await;
    let anna = app.user_with("anna@example.com", &[]).await;
    let note = notes.write(anna.id, None);
    let others = notes.write(app.user("otto@example.com").await.id, None);
    let detached = RemoteApp::beside(app, |builder| builder, |_| blog(&notes)).await;
    let app = &detached.issuer;
    let tokens = async |scope: &str| {
        let login = log_in_with(app, &anna.email, &json!({ "scope": scope })).await;
        login.expect(200).json()
    };
    let reach = async |token: &str| {
        let mut found = Vec::new();
        for path in [
            &format!("/notes/{note}"),
            &format!("/notes/{others}"),
            "/all-notes",
        ] {
            found.push(detached.get(path).bearer(token).send().await.status());
        }
        found
    };
    let before = tokens("notes:read").await;
    assert_eq!(reach(&text(&before, "access_token")).await, [200, 404, 403]);
    // What she has is said, and taken for one; what she loses isn't, however long her session lasts.
    let role = format!("r-{}", anna.id.as_uuid().simple());
    let (roles, by) = (app.portcullis.roles(), || app.by_operator());
    let permit = Permit::dangerous_for_operator();
    let given = roles.allow(&permit, &role, "notes:read", by()).await;
    assert!(given.is_ok());
    let while_given = tokens("notes:read").await;
    assert_eq!(reach(&text(&while_given, "access_token")).await, [200, 404, 200]);
    let permit = Permit::dangerous_for_operator();
    let taken = roles.disallow(&permit, &role, "notes:read", by()).await;
    assert!(taken.is_ok());
    let again = crate::fixtures::refresh(app, &text(&while_given, "refresh_token")).await;
    let again = text(&again.expect(200).json(), "access_token");
    assert_eq!(reach(&again).await, [200, 404, 403]);
}
