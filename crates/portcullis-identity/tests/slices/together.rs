//! An e-mail and what it follows are written together or not at all, and who asks for another is on record.

use std::path::{Path, PathBuf};

use portcullis_core::email::Settings;
use portcullis_core::job::{JobKind, Store as _};
use portcullis_core::throttle::Rate;
use portcullis_identity::{Builder, Enumeration, Portcullis};
use portcullis_testkit::{Account, Answer, PASSWORD, TestApp};
use serde_json::json;
use tempfile::TempDir;

use crate::fixtures::{events, proven};

/// A deployment on a file, so that a test can break a table of it.
async fn on_file(settings: impl FnOnce(Builder) -> Builder) -> (TestApp, Jobs, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("app.db");
    let url = format!("sqlite:{}", file.display());
    let app = TestApp::with(|builder| settings(builder.database(&url)), Portcullis::api).await;
    (app, Jobs(file), folder)
}

/// The table of jobs, which may take no more.
struct Jobs(PathBuf);

impl Jobs {
    fn refuse(&self) {
        let sql = "CREATE TRIGGER refuse BEFORE INSERT ON portcullis_jobs BEGIN SELECT RAISE(ABORT, 'refused'); END";
        run(&self.0, sql);
    }

    fn accept(&self) {
        run(&self.0, "DROP TRIGGER refuse");
    }
}

fn run(file: &Path, sql: &str) {
    rusqlite::Connection::open(file)
        .unwrap()
        .execute(sql, [])
        .unwrap();
}

async fn register(app: &TestApp, email: &str) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD });
    app.post("/auth/register").json(&body).send().await
}

/// However registering is answered.
async fn registered_and_proven(app: &TestApp, email: &str) {
    register(app, email).await;
    let code = app.mailer.code_to(email).await;
    let body = json!({ "token": code, "password": PASSWORD });
    let verify = app.post("/auth/email/verify").json(&body);
    verify.send().await.expect(200);
}

async fn again(app: &TestApp, who: &Account) -> Answer {
    let request = app.post("/auth/email/verification").bearer(&who.access_token);
    request.send().await
}

async fn ask(app: &TestApp, identifier: &str) -> Answer {
    let body = json!({ "identifier": identifier });
    app.post("/auth/email/code").json(&body).send().await
}

async fn waiting(app: &TestApp) -> u64 {
    app.portcullis.database().waiting(JobKind::Email).await.unwrap()
}

async fn requested(app: &TestApp) -> Vec<(String, Option<String>, Option<String>)> {
    let events = events(app, "account.email_verification_requested").await;
    let event = |event: portcullis_core::audit::Event| {
        (event.actor, event.account.map(|id| id.to_string()), event.detail)
    };
    events.into_iter().map(event).collect()
}

// Shows: PW-8
#[tokio::test]
async fn register_whose_email_cannot_be_written_makes_no_account() {
    for how in [Enumeration::Allowed, Enumeration::Hidden] {
        let (app, jobs, _folder) = on_file(|builder| builder.enumeration(how)).await;
        registered_and_proven(&app, "owner@example.com").await;
        let registered = events(&app, "account.registered").await.len();
        jobs.refuse();
        let free = register(&app, "free@example.com").await;
        assert!(free.status() >= 500, "{}", free.text());
        if how == Enumeration::Hidden {
            // Whether the address is free or taken, the same is tried.
            let taken = register(&app, "owner@example.com").await;
            assert_eq!((taken.status(), taken.code()), (free.status(), free.code()));
        }
        assert_eq!(events(&app, "account.registered").await.len(), registered);
        jobs.accept();
        register(&app, "free@example.com").await;
        app.mailer.code_to("free@example.com").await;
        assert_eq!(events(&app, "account.registered").await.len(), registered + 1);
    }
}

#[tokio::test]
async fn mail_again_without_its_email_leaves_nothing() {
    let (app, jobs, _folder) = on_file(|builder| builder).await;
    let anna = app.user("anna@example.com").await;
    app.mailer.code_to("anna@example.com").await;
    jobs.refuse();
    let answer = again(&app, &anna).await;
    assert!(answer.status() >= 500, "{}", answer.text());
    assert_eq!((requested(&app).await.len(), waiting(&app).await), (0, 0));
    jobs.accept();
    again(&app, &anna).await.expect(204);
    app.mailer.code_to("anna@example.com").await;
    assert_eq!(requested(&app).await.len(), 1);
}

// Shows: PW-8
#[tokio::test]
async fn whoever_asks_for_a_code_again_is_on_record() {
    let app = TestApp::new().await;
    let owner = proven(&app, "owner@example.com").await;
    let anna = app.user("anna@example.com").await;
    app.mailer.code_to("anna@example.com").await;
    again(&app, &anna).await.expect(204);
    app.mailer.code_to("anna@example.com").await;
    ask(&app, "anna@example.com").await.expect(202);
    app.mailer.code_to("anna@example.com").await;
    // Nothing is written to whom there is nothing to prove, and nothing recorded.
    ask(&app, "nobody@example.com").await.expect(202);
    again(&app, &owner).await.expect(204);
    let id = Some(anna.id.to_string());
    let code = Some("a code to the claimed address".to_owned());
    let by_anna = (anna.id.to_string(), id.clone(), code.clone());
    assert_eq!(
        requested(&app).await,
        [("anonymous".to_owned(), id, code), by_anna]
    );
}

#[tokio::test]
async fn asking_for_the_code_of_a_proven_address_tells_its_owner_and_is_on_record() {
    let hidden = |builder: Builder| builder.enumeration(Enumeration::Hidden);
    let app = TestApp::with(hidden, Portcullis::api).await;
    registered_and_proven(&app, "owner@example.com").await;
    let body = json!({ "email": "owner@example.com", "username": "second", "password": PASSWORD });
    app.post("/auth/register").json(&body).send().await.expect(202);
    app.mailer.email_to("owner@example.com").await;
    ask(&app, "second").await.expect(202);
    let email = app.mailer.email_to("owner@example.com").await;
    assert_eq!(email.subject, "You have an account already");
    let requested = requested(&app).await;
    assert_eq!(requested.len(), 1);
    assert_eq!(
        requested[0].2.as_deref(),
        Some("a word to the address, which another account has proven")
    );
}

#[tokio::test]
async fn a_code_whose_email_is_withheld_is_answered_as_before_and_recorded_once() {
    let mut few = Settings::default();
    few.to_address = Rate::parse("2/day").unwrap();
    let app = TestApp::with(|builder| builder.emails(few), Portcullis::api).await;
    let anna = app.user("anna@example.com").await;
    again(&app, &anna).await.expect(204);
    let answer = again(&app, &anna).await.refused(429, "too_many_requests");
    assert_eq!(answer.code(), "too_many_requests");
    assert_eq!(answer.header("retry-after"), "43200");
    ask(&app, "anna@example.com").await.expect(202);
    crate::fixtures::within_a_second("the second is withheld", async || {
        events(&app, "job.withheld").await.len() == 2
    })
    .await;
    assert_eq!(requested(&app).await.len(), 1);
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 2);
}

// Shows: AK-2
#[tokio::test]
async fn a_warning_that_cannot_be_written_marks_no_key() {
    let (app, jobs, _folder) = on_file(|builder| builder).await;
    let anna = app
        .user_with("anna@example.com", &["portcullis:audit:read"])
        .await;
    app.mailer.code_to("anna@example.com").await;
    let form = json!({
        "name": "monthly",
        "permissions": ["portcullis:audit:read"],
        "expires_at": "2026-01-31T00:00:00Z",
    });
    let request = app.post("/auth/api-keys").bearer(&anna.access_token).json(&form);
    request.send().await.expect(201);
    app.clock.advance_secs(24 * 86_400);
    jobs.refuse();
    app.portcullis.warn_expiring().await.unwrap_err();
    assert_eq!(events(&app, "api_key.expiring").await.len(), 0);
    jobs.accept();
    for _ in 0..2 {
        app.portcullis.warn_expiring().await.unwrap();
    }
    let email = app.mailer.email_to("anna@example.com").await;
    assert!(email.subject.contains("expires soon"), "{}", email.subject);
    assert_eq!(events(&app, "api_key.expiring").await.len(), 1);
    assert_eq!(app.mailer.waiting(), 0);
}

#[tokio::test]
async fn a_warning_that_is_withheld_is_written_another_day() {
    let mut few = Settings::default();
    few.to_address = Rate::parse("1/day").unwrap();
    let app = TestApp::with(|builder| builder.emails(few), Portcullis::api).await;
    let anna = app
        .user_with("anna@example.com", &["portcullis:audit:read"])
        .await;
    app.mailer.code_to("anna@example.com").await;
    for name in ["first", "second"] {
        let form = json!({
            "name": name,
            "permissions": ["portcullis:audit:read"],
            "expires_at": "2026-01-31T00:00:00Z",
        });
        let request = app.post("/auth/api-keys").bearer(&anna.access_token).json(&form);
        request.send().await.expect(201);
    }
    app.clock.advance_secs(24 * 86_400);
    let recorded = async || {
        app.portcullis.warn_expiring().await.unwrap();
        let told = events(&app, "api_key.expiring").await.len();
        (told, events(&app, "api_key.untold").await.len())
    };
    assert_eq!(recorded().await, (1, 1));
    assert_eq!(recorded().await, (1, 2));
    app.clock.advance_secs(86_400);
    assert_eq!(recorded().await, (2, 2));
    assert_eq!(recorded().await, (2, 2));
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 2);
}
