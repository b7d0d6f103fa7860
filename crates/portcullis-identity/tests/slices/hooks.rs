//! A program's own code and tables in the transactions of Portcullis.

use std::time::Duration;

use portcullis_core::account::Store as _;
use portcullis_core::authz::{Authenticated, Permit, Principal};
use portcullis_core::checks;
use portcullis_core::roles::MayGive;
use portcullis_identity::{
    Allow, Api, Builder, HookError, Mine, OfCaller, OpenError, OptionalAuth, Portcullis, Problem, Public,
};
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::json;

use crate::fixtures::{events, log_in_with, session_of, text};

const PROFILES: &str = "CREATE TABLE IF NOT EXISTS profiles (
    account BLOB PRIMARY KEY REFERENCES portcullis_accounts (id), nickname TEXT NOT NULL)";
const LOGINS: &str = "CREATE TABLE IF NOT EXISTS logins (account BLOB NOT NULL, agent TEXT)";

async fn app(settings: impl FnOnce(Builder) -> Builder) -> TestApp {
    let settings = |builder: Builder| settings(builder.tables([PROFILES, LOGINS]));
    TestApp::with(settings, |portcullis| {
        Api::new("Hooks", "1")
            .nest("/auth", portcullis.routes())
            .nest("/oauth", portcullis.oauth_routes())
    })
    .await
}

/// How many rows a table of the program's has.
async fn count(portcullis: &Portcullis, sql: &'static str) -> i64 {
    let rows = portcullis.query(sql, []).await.unwrap();
    rows[0].get(0).unwrap()
}

const COUNT_PROFILES: &str = "SELECT count(*) FROM profiles";
const COUNT_LOGINS: &str = "SELECT count(*) FROM logins";
const COUNT_ACCOUNTS: &str = "SELECT count(*) FROM portcullis_accounts";
const COUNT_SESSIONS: &str = "SELECT count(*) FROM portcullis_sessions";

fn with_profile(builder: Builder) -> Builder {
    builder.on_registration("profile", |new| async move {
        let name = new.account.username.unwrap_or_else(|| "nobody".to_owned());
        let sql = "INSERT INTO profiles (account, nickname) VALUES ($1, $2)";
        new.tx.execute(sql, [new.account.id.into(), name.into()]).await?;
        Ok(())
    })
}

fn staff_only(builder: Builder) -> Builder {
    builder.on_registration("staff-only", |new| async move {
        match new
            .account
            .email
            .is_some_and(|email| email.ends_with("@example.com"))
        {
            true => Ok(()),
            false => Err(HookError::refused(
                "staff_only",
                "register with your address at example.com",
            )),
        }
    })
}

async fn register(app: &TestApp, email: &str) -> portcullis_testkit::Answer {
    let form = json!({ "email": email, "password": PASSWORD });
    app.post("/auth/register").json(&form).send().await
}

/// The program's own row of an account.
struct Profile(String);

impl OfCaller<Portcullis> for Profile {
    async fn of_caller(caller: &Principal, portcullis: &Portcullis) -> Result<Self, Problem> {
        let sql = "SELECT nickname FROM profiles WHERE account = $1";
        let rows = portcullis.query(sql, [caller.id().into()]).await?;
        let row = rows.first().ok_or_else(Problem::not_found)?;
        Ok(Self(row.get(0)?))
    }
}

async fn mine(_: Allow<Authenticated>, Mine(Profile(nickname)): Mine<Profile>) -> String {
    nickname
}

async fn perhaps(_: OptionalAuth, me: Option<Mine<Profile>>) -> String {
    me.map_or_else(|| "nobody".to_owned(), |Mine(Profile(nickname))| nickname)
}

async fn strangers(_: Public, Mine(Profile(nickname)): Mine<Profile>) -> String {
    nickname
}

// Shows: KIT-3
#[tokio::test]
async fn the_callers_own_row_is_that_of_whom_the_rule_let_in() {
    checks!("T230");
    let settings = |builder: Builder| with_profile(builder.tables([PROFILES]));
    let app = TestApp::with(settings, |portcullis| {
        Api::new("Rows", "1")
            .get("/mine", mine)
            .get("/perhaps", perhaps)
            .get("/strangers", strangers)
            .with_state(portcullis.clone())
            .merge(portcullis.api())
    })
    .await;
    for name in ["anna", "bert"] {
        let form = json!({ "username": name, "password": PASSWORD });
        app.post("/auth/register").json(&form).send().await.expect(201);
    }
    let anna = session_of(&app, "anna").await;
    let ask = async |path: &str, token: &str| {
        let request = app.get(path).header("x-account", "bert");
        request.header("x-session-token", token).send().await
    };
    for path in ["/mine", "/perhaps"] {
        assert_eq!(ask(path, &anna).await.expect(200).text(), "anna", "{path}");
    }
    app.get("/mine")
        .send()
        .await
        .refused(401, "authentication_required");
    assert_eq!(app.get("/perhaps").send().await.expect(200).text(), "nobody");
    // A route for strangers knows nobody: that is the program's fault, whoever asks.
    app.get("/strangers").send().await.refused(500, "internal");
    ask("/strangers", &anna).await.refused(500, "internal");
}

// Shows: KIT-3
#[tokio::test]
async fn what_a_hook_writes_is_kept_with_the_account() {
    checks!("T225");
    let app = app(with_profile).await;
    register(&app, "anna@example.com").await.expect(201);
    assert_eq!(count(&app.portcullis, COUNT_PROFILES).await, 1);
    // One that isn't registered leaves nothing.
    let form = json!({ "email": "b@example.com", "username": "bert", "password": PASSWORD });
    app.post("/auth/register").json(&form).send().await.expect(201);
    let form = json!({ "username": "bert", "password": PASSWORD });
    app.post("/auth/register")
        .json(&form)
        .send()
        .await
        .refused(409, "username_taken");
    assert_eq!(count(&app.portcullis, COUNT_PROFILES).await, 2);
}

#[tokio::test]
async fn a_hook_that_refuses_leaves_nothing_and_why_names_it() {
    checks!("T225");
    // The profile is written first, and undone with the account.
    let app = app(|builder| staff_only(with_profile(builder))).await;
    let refused = register(&app, "eve@example.net").await.refused(403, "staff_only");
    assert_eq!(
        text(&refused.json(), "detail"),
        "register with your address at example.com"
    );
    assert!(!refused.text().contains("staff-only"), "the hook's name is ours");
    assert_eq!(count(&app.portcullis, COUNT_ACCOUNTS).await, 0);
    assert_eq!(count(&app.portcullis, COUNT_PROFILES).await, 0);
    assert_eq!(app.mailer.waiting(), 0);
    assert!(events(&app, "account.registered").await.is_empty());
    app.portcullis.gate().settled().await;
    let trace = text(&refused.json(), "trace_id");
    let permit = Permit::dangerous_for_operator();
    let decisions = app.portcullis.decisions();
    let decision = decisions.find(&permit, trace.parse().unwrap()).await;
    assert!(
        format!("{decision:?}").contains("the hook `staff-only`"),
        "{decision:?}"
    );
    register(&app, "anna@example.com").await.expect(201);
}

#[tokio::test]
async fn a_hook_that_panics_or_never_ends_registers_nobody() {
    checks!("T226");
    let app = app(|builder| {
        builder
            .hook_limit(Duration::from_millis(50))
            .on_registration("odd", |new| async move {
                let email = new.account.email.unwrap();
                let sql = "INSERT INTO profiles (account, nickname) VALUES ($1, 'x')";
                new.tx.execute(sql, [new.account.id.into()]).await?;
                assert!(!email.starts_with("panic"), "a bug of the program");
                if email.starts_with("endless") {
                    std::future::pending::<()>().await;
                }
                if email.starts_with("twice") {
                    // What it makes of the fault doesn't matter.
                    let _ = new.tx.execute(sql, [new.account.id.into()]).await;
                }
                Ok(())
            })
    })
    .await;
    for email in ["panic@example.com", "endless@example.com", "twice@example.com"] {
        let answer = register(&app, email).await.refused(500, "internal");
        assert!(!answer.text().contains("odd"), "{}", answer.text());
        assert_eq!(count(&app.portcullis, COUNT_ACCOUNTS).await, 0, "{email}");
        assert_eq!(count(&app.portcullis, COUNT_PROFILES).await, 0, "{email}");
    }
    register(&app, "anna@example.com").await.expect(201);
    assert_eq!(count(&app.portcullis, COUNT_PROFILES).await, 1);
}

fn with_logins(builder: Builder) -> Builder {
    builder.on_login("logins", |login| async move {
        let sql = "INSERT INTO logins (account, agent) VALUES ($1, $2)";
        let agent = login.device.user_agent;
        login
            .tx
            .execute(sql, [login.account.id.into(), agent.into()])
            .await?;
        match login.account.email.as_deref() {
            Some("late@example.com") => Err(HookError::refused(
                "closed",
                "the office is closed; come back at nine",
            )),
            _ => Ok(()),
        }
    })
}

// Shows: KIT-3
#[tokio::test]
async fn a_hook_at_a_login_writes_with_the_session_or_refuses_it() {
    checks!("T225");
    let app = app(with_logins).await;
    let anna = app.user("anna@example.com").await;
    assert_eq!(count(&app.portcullis, COUNT_LOGINS).await, 1);
    let sessions = count(&app.portcullis, COUNT_SESSIONS).await;
    register(&app, "late@example.com").await.expect(201);
    // Only a right password comes to it.
    let wrong = json!({ "identifier": "late@example.com", "password": "not the password" });
    app.post("/auth/login")
        .json(&wrong)
        .send()
        .await
        .refused(401, "invalid_credentials");
    for delivery in ["tokens", "session", "cookie"] {
        let answer = log_in_with(&app, "late@example.com", &json!({ "delivery": delivery })).await;
        let answer = answer.refused(403, "closed");
        assert_eq!(
            text(&answer.json(), "detail"),
            "the office is closed; come back at nine"
        );
        assert_eq!(answer.header("set-cookie"), "", "{delivery}");
    }
    assert_eq!(count(&app.portcullis, COUNT_LOGINS).await, 1);
    assert_eq!(count(&app.portcullis, COUNT_SESSIONS).await, sessions);
    let refused = events(&app, "login.refused").await;
    assert_eq!(
        refused[0].detail.as_deref(),
        Some("the hook `logins` says closed")
    );
    // Refreshing asks nobody.
    crate::fixtures::refresh(&app, &anna.refresh_token)
        .await
        .expect(200);
    assert_eq!(count(&app.portcullis, COUNT_LOGINS).await, 1);
}

#[tokio::test]
async fn a_refused_login_leaves_no_session_outside_the_database_either() {
    checks!("T225");
    let app =
        app(|builder| with_logins(builder).session_store(portcullis_identity::SessionStore::Memory)).await;
    register(&app, "late@example.com").await.expect(201);
    register(&app, "anna@example.com").await.expect(201);
    let session = json!({ "delivery": "session" });
    log_in_with(&app, "late@example.com", &session)
        .await
        .refused(403, "closed");
    let late = app.portcullis.database().list(None, 10).await.unwrap()[0].id;
    assert!(app.portcullis.sessions().list(late).await.unwrap().is_empty());
    let opened = log_in_with(&app, "anna@example.com", &session).await.expect(200);
    let token = text(&opened.json(), "session_token");
    let me = app.get("/auth/me").header("x-session-token", &token).send().await;
    me.expect(200);
    assert_eq!(count(&app.portcullis, COUNT_LOGINS).await, 1);
}

#[tokio::test]
async fn services_of_portcullis_join_a_programs_transaction() {
    checks!("T220");
    let app = app(|builder| builder).await;
    let anna = app.user("anna@example.com").await;
    let (app, anna) = (&app, &anna);
    let roles = app.portcullis.roles();
    let permit = &Permit::<MayGive>::dangerous_for_operator();
    let make = async |fails: bool| {
        app.portcullis
            .transaction(|tx| async move {
                roles.create(permit, "editor", "", app.by_operator()).await?;
                roles.assign(permit, anna.id, "editor", app.by_operator()).await?;
                let sql = "INSERT INTO profiles (account, nickname) VALUES ($1, 'anna')";
                tx.execute(sql, [anna.id.into()]).await?;
                match fails {
                    true => Err(Problem::forbidden("no", "not today")),
                    false => Ok(()),
                }
            })
            .await
    };
    let before = events(app, "role.created").await.len();
    assert!(make(true).await.is_err());
    assert_eq!(events(app, "role.created").await.len(), before);
    assert_eq!(count(&app.portcullis, COUNT_PROFILES).await, 0);
    make(false).await.unwrap();
    assert_eq!(events(app, "role.created").await.len(), before + 1);
    assert_eq!(count(&app.portcullis, COUNT_PROFILES).await, 1);
    // What was cached of the account moved with the commit.
    let me = app
        .get("/auth/me")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    assert!(me.text().contains("editor"), "{}", me.text());
}

#[tokio::test]
async fn hooks_and_tables_that_can_not_be_are_refused_at_the_start() {
    let open = async |builder: Builder| builder.database("sqlite::memory:").open().await;
    let keyed = || {
        let key = portcullis_core::key::MasterKey::parse("a = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
        Portcullis::builder().master_key(key.unwrap())
    };
    let twice = keyed()
        .on_login("one", |_| async { Ok(()) })
        .on_login("one", |_| async { Ok(()) });
    let Err(error) = open(twice).await else {
        panic!("two of one name")
    };
    assert!(matches!(error, OpenError::Hook("login", _)), "{error}");
    assert!(error.to_string().contains("`one`"), "{error}");
    let nameless = keyed().on_registration("", |_| async { Ok(()) });
    assert!(matches!(
        open(nameless).await,
        Err(OpenError::Hook("registration", _))
    ));
    let no_time = keyed().hook_limit(Duration::ZERO);
    assert!(matches!(open(no_time).await, Err(OpenError::NoTime)));
    for statement in [
        "DROP TABLE portcullis_accounts",
        "CREATE TABLE IF NOT EXISTS portcullis_x (a TEXT)",
    ] {
        let error = open(keyed().tables([statement])).await;
        assert!(matches!(error, Err(OpenError::Database(_))), "{statement}");
    }
    // One of each kind may have the same name.
    let one_each = keyed()
        .on_login("one", |_| async { Ok(()) })
        .on_registration("one", |_| async { Ok(()) });
    assert!(open(one_each).await.is_ok());
}
