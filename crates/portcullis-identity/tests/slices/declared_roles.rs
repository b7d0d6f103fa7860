//! Roles that the program's code declares, through the real router and over several starts.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use portcullis_core::authz::RoleRef;
use portcullis_core::checks;
use portcullis_core::roles::DeclarationError;
use portcullis_identity::{
    Allow, Api, Builder, DeclaredRole as _, OpenError, Permission as _, Portcullis, Role, permissions, roles,
};
use portcullis_testkit::{Account, FakeClock, TestApp, environment};
use serde_json::{Value, json};

use crate::fixtures::{events, text, with_role};

permissions! {
    pub PagesRead   = "pages:read":   "Read pages";
    pub PagesWrite  = "pages:write":  "Write pages";
    pub PagesDelete = "pages:delete": "Delete pages";
}

roles! {
    pub Reader = "reader": "Reads pages" { PagesRead };
    pub Editor = "editor": "Writes pages" inherits(Reader) { PagesWrite };
    pub Chief  = "chief":  "Deletes pages" inherits(Editor) { PagesDelete };
}

async fn read(_: Allow<PagesRead>) -> &'static str {
    "read"
}

async fn write(_: Allow<PagesWrite>) -> &'static str {
    "written"
}

async fn delete(_: Allow<(PagesDelete, Role<Chief>)>) -> &'static str {
    "deleted"
}

fn api(portcullis: &Portcullis) -> Api {
    let api = portcullis.api();
    api.get("/pages", read)
        .put("/pages", write)
        .delete("/pages", delete)
}

async fn start(file: &Path, roles: &[RoleRef]) -> TestApp {
    let url = format!("sqlite:{}", file.display());
    // Another process has another source of ids.
    static STARTS: AtomicU64 = AtomicU64::new(1);
    let seed = STARTS.fetch_add(1, Ordering::Relaxed);
    let on = environment(&Arc::new(FakeClock::new()), seed);
    let roles = roles.iter().copied();
    let settings = |builder: Builder| builder.database(&url).environment(on).roles(roles);
    TestApp::with(settings, api).await
}

async fn may(app: &TestApp, who: &Account) -> [bool; 3] {
    let mut answers = [false; 3];
    let calls = [app.get("/pages"), app.put("/pages"), app.delete("/pages")];
    for (answer, call) in answers.iter_mut().zip(calls) {
        *answer = call.bearer(&who.access_token).send().await.status() == 200;
    }
    answers
}

/// How many changes of roles are on record.
async fn recorded(app: &TestApp) -> usize {
    events(app, "role.created").await.len() + events(app, "role.changed").await.len()
}

// Shows: AZ-1
#[tokio::test]
async fn roles_of_the_code_give_what_it_says_and_a_second_start_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let app = start(&file, &[Reader::ROLE, Editor::ROLE, Chief::ROLE]).await;
    let anna = app.user("anna@example.com").await;
    assert_eq!(may(&app, &anna).await, [false, false, false]);
    app.assign(&anna, "editor").await;
    assert_eq!(may(&app, &anna).await, [true, true, false]);
    app.assign(&anna, "chief").await;
    assert_eq!(may(&app, &anna).await, [true, true, true]);
    let before = recorded(&app).await;
    assert_eq!(before, 8);
    let created = events(&app, "role.created").await;
    assert!(created.iter().all(|event| event.actor == "system"), "{created:?}");
    app.portcullis.close().await;

    let app = start(&file, &[Chief::ROLE, Editor::ROLE, Reader::ROLE]).await;
    assert_eq!(recorded(&app).await, before);
}

// Shows: AZ-1
#[tokio::test]
async fn a_change_of_what_a_declared_role_gives_is_refused() {
    checks!("T211");
    let roles = [Reader::ROLE, Editor::ROLE];
    let app = TestApp::with(|builder| builder.roles(roles), api).await;
    with_role(&app, "other", &[]).await;
    let admin = app.administrator("root@example.com").await;
    let before = recorded(&app).await;
    let on = "/admin/api/v1/roles";
    for (method, path) in [
        ("DELETE", format!("{on}/reader")),
        ("PUT", format!("{on}/reader/permissions/pages:write")),
        ("DELETE", format!("{on}/reader/permissions/pages:read")),
        ("PUT", format!("{on}/reader/inherits/other")),
        ("DELETE", format!("{on}/editor/inherits/reader")),
    ] {
        let request = app.request(method.parse().unwrap(), &path);
        let answer = request.bearer(&admin.access_token).send().await;
        assert_eq!(answer.status(), 409, "{method} {path}");
        assert_eq!(text(&answer.json(), "code"), "declared_role", "{method} {path}");
    }
    assert_eq!(recorded(&app).await, before);
    let taken = app.post(on).bearer(&admin.access_token);
    let taken = taken.json(&json!({ "name": "reader" })).send().await;
    assert_eq!(text(&taken.expect(409).json(), "code"), "role_taken");
    // Who has it, and what others inherit from it, is changed as ever.
    let anna = app.user("anna@example.com").await;
    let holds = format!("/admin/api/v1/accounts/{}/roles/other", anna.id);
    for path in [holds, format!("{on}/other/inherits/editor")] {
        let answer = app.put(&path).bearer(&admin.access_token).send().await;
        assert!((200..300).contains(&answer.status()), "{path}");
    }
    assert_eq!(may(&app, &anna).await, [true, true, false]);
}

#[tokio::test]
async fn nobody_gains_by_a_role_that_was_made_before_the_code_declared_it() {
    checks!("T210");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let app = start(&file, &[Reader::ROLE]).await;
    // Mallory may make roles and give what they have, which is little.
    let permissions = ["portcullis:roles:write", "portcullis:roles:read"];
    let mallory = app.user_with("mallory@example.com", &permissions).await;
    let body: Value = json!({ "name": "chief", "description": "Later" });
    let made = app.post("/admin/api/v1/roles").bearer(&mallory.access_token);
    made.json(&body).send().await.expect(204);
    // It gives nothing, so an administrator whom they ask gives it.
    app.assign(&mallory, "chief").await;
    app.portcullis.close().await;

    let url = format!("sqlite:{}", file.display());
    let roles = [Reader::ROLE, Editor::ROLE, Chief::ROLE];
    let refused = Portcullis::builder().database(&url).roles(roles).open().await;
    let Err(OpenError::Roles(DeclarationError::Held { role, gains })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(role, "chief");
    assert_eq!(
        gains,
        ["editor", "pages:delete", "pages:read", "pages:write", "reader"]
    );
    let app = start(&file, &[Reader::ROLE]).await;
    let mallory = app.log_in("mallory@example.com").await;
    assert_eq!(may(&app, &mallory).await, [false, false, false]);
}

#[tokio::test]
async fn the_version_that_started_last_says_what_a_role_gives_and_a_running_one_stays_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let wider = RoleRef {
        permissions: &[PagesRead::PERMISSION, PagesWrite::PERMISSION],
        ..Reader::ROLE
    };
    let old = start(&file, &[Reader::ROLE]).await;
    let anna = old.user("anna@example.com").await;
    old.assign(&anna, "reader").await;
    let new = start(&file, &[wider]).await;
    let here = new.log_in("anna@example.com").await;
    assert_eq!(may(&new, &here).await, [true, true, false]);
    let before = recorded(&new).await;
    // What runs beside the requests of the former version writes no roles.
    for app in [&old, &new] {
        app.portcullis.write_seen().await.unwrap();
        app.portcullis.sweep().await.unwrap();
    }
    assert_eq!(recorded(&new).await, before);
    let back = start(&file, &[Reader::ROLE]).await;
    let here = back.log_in("anna@example.com").await;
    assert_eq!(may(&back, &here).await, [true, false, false]);
}

#[tokio::test]
async fn a_role_that_left_the_code_stays_and_is_told_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let app = start(&file, &[Reader::ROLE, Editor::ROLE]).await;
    let anna = app.user("anna@example.com").await;
    app.assign(&anna, "editor").await;
    app.portcullis.close().await;

    let log = Log::default();
    let lines = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || lines.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let app = start(&file, &[Reader::ROLE]).await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("role=\"editor\"") && log.contains("WARN"), "{log}");
    assert!(!log.contains("role=\"reader\""), "{log}");
    let anna = app.log_in("anna@example.com").await;
    assert_eq!(may(&app, &anna).await, [true, true, false]);
}

#[tokio::test]
async fn roles_that_contradict_each_other_open_nothing() {
    checks!("T212");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let url = format!("sqlite:{}", file.display());
    let refused = Portcullis::builder()
        .database(&url)
        .roles([Editor::ROLE])
        .open()
        .await;
    let Err(OpenError::Roles(error)) = refused else {
        panic!("{refused:?}");
    };
    let said = error.to_string();
    assert_eq!(
        said,
        "the role editor inherits reader, which isn't declared beside it"
    );
    assert!(!file.exists());
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
