//! E-mails: how many are written, how they wait, and that each is sent once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::checks;
use portcullis_core::email::{Email, Id, MailError, Mailer, Settings};
use portcullis_core::job::{JobKind, Store as _};
use portcullis_core::throttle::Rate;
use portcullis_identity::listener::Limits;
use portcullis_identity::{Builder, Enumeration, Portcullis};
use portcullis_testkit::{Answer, PASSWORD, TestApp};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::fixtures::events;

/// Registers an address from a client of its own, and shows the answer.
async fn register(app: &TestApp, email: &str, client: &str) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD });
    let request = app.post("/auth/register").json(&body).from_address(client);
    request.send().await
}

fn client(number: usize) -> String {
    format!("2001:db8:{number:x}::1")
}

fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

async fn waiting(app: &TestApp) -> u64 {
    app.portcullis.database().waiting(JobKind::Email).await.unwrap()
}

#[tokio::test]
async fn variants_of_one_address_get_a_handful_of_emails_and_nobody_learns_of_it() {
    checks!("T130");
    let app = TestApp::new().await;
    let mut shapes = Vec::new();
    for number in 0..150 {
        let email = format!("target+{number}@example.net");
        let answer = register(&app, &email, &client(number)).await.expect(201);
        let names: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
        shapes.push(names);
    }
    shapes.dedup();
    assert_eq!(shapes.len(), 1, "what was withheld shows in the answer");
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 8);
    let withheld = events(&app, "job.withheld").await;
    assert!(!withheld.is_empty());
    assert!(withheld.iter().all(
        |event| event.detail.as_deref() == Some("e-mail that proves an address") && event.account.is_some()
    ));
    // Another mailbox of the domain isn't meant.
    register(&app, "other@example.net", &client(200))
        .await
        .expect(201);
    app.mailer.email_to("other@example.net").await;
    // They come back one by one.
    app.clock.advance_secs(86_400 / 8);
    register(&app, "target+late@example.net", &client(201))
        .await
        .expect(201);
    app.mailer.email_to("target+late@example.net").await;
}

#[tokio::test]
async fn a_domain_and_a_client_get_and_cause_a_bounded_number() {
    checks!("T130");
    let few = settings(|settings| {
        settings.to_domain = rate("10/day");
        settings.by_client = rate("4/day");
    });
    let app = TestApp::with(|builder| builder.emails(few), Portcullis::api).await;
    for number in 0..30 {
        let email = format!("x{number}@victim.example");
        register(&app, &email, &client(number)).await.expect(201);
    }
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 10);
    register(&app, "y@victim.example.org", &client(31))
        .await
        .expect(201);
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 11);
    // One subscriber has all addresses of a network of 64 bits.
    for number in 0..30 {
        let email = format!("x@host{number}.example");
        let ip = format!("2001:db8:ffff:1::{number:x}");
        register(&app, &email, &ip).await.expect(201);
    }
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 15);
}

#[tokio::test]
async fn a_taken_address_that_is_hidden_gets_a_handful_of_emails() {
    checks!("T130");
    let hidden = |builder: Builder| builder.enumeration(Enumeration::Hidden);
    let app = TestApp::with(hidden, Portcullis::api).await;
    for number in 0..30 {
        register(&app, "anna@example.com", &client(number))
            .await
            .expect(202);
    }
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 8);
}

#[tokio::test]
async fn news_of_devices_are_few_and_carry_no_words_of_strangers() {
    checks!("T130");
    checks!("T132");
    let app = TestApp::new().await;
    register(&app, "victim@example.com", "192.0.2.1")
        .await
        .expect(201);
    let code = app.mailer.code_to("victim@example.com").await;
    let log_in = async |count: usize| {
        for number in 0..count {
            let body = json!({ "identifier": "victim@example.com", "password": PASSWORD });
            let agent = format!("agent {number} {count}, see http://evil.example/");
            let request = app.post("/auth/login").header("user-agent", &agent).json(&body);
            request.send().await.expect(200);
        }
        app.emails_sent().await;
    };
    log_in(25).await;
    assert_eq!(
        app.mailer.waiting(),
        0,
        "an address that isn't proven is a stranger's"
    );
    let verify = app
        .post("/auth/email/verify")
        .json(&json!({ "token": code, "password": PASSWORD }));
    verify.send().await.expect(200);
    log_in(26).await;
    assert_eq!(app.mailer.waiting(), 3);
    while app.mailer.waiting() > 0 {
        let email = app.mailer.email_to("victim@example.com").await;
        assert!(!email.text.contains("evil"), "{}", email.text);
        assert!(
            email.text.contains("device: an unknown program\n"),
            "{}",
            email.text
        );
    }
}

#[tokio::test]
async fn what_was_used_up_stays_used_up_after_a_restart() {
    checks!("T130");
    let folder = TempDir::new().unwrap();
    for (round, emails) in [(0, 8), (1, 0)] {
        let app = TestApp::with(|builder| builder.database(&url(folder.path())), Portcullis::api).await;
        for number in 0..9 {
            let email = format!("target+{round}{number}@example.net");
            register(&app, &email, &client(number)).await.expect(201);
        }
        app.emails_sent().await;
        assert_eq!(app.mailer.waiting(), emails);
        app.portcullis.close().await;
    }
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("app.db").display())
}

/// A mail system that does as it is told, and keeps what it took.
#[derive(Default)]
struct Scripted {
    answers: Mutex<Vec<Answered>>,
    taken: Mutex<Vec<(Id, Email)>>,
    asked: AtomicUsize,
    called: Notify,
}

#[derive(Clone, Copy, PartialEq)]
enum Answered {
    NotNow,
    Never,
    /// It takes the e-mail, and nobody hears of it.
    Silence,
}

impl Scripted {
    fn answering(answers: &[Answered]) -> Arc<Self> {
        let scripted = Self::default();
        *scripted.answers.lock().unwrap() = answers.to_vec();
        Arc::new(scripted)
    }

    fn taken(&self) -> Vec<(Id, Email)> {
        self.taken.lock().unwrap().clone()
    }
}

#[async_trait]
impl Mailer for Scripted {
    async fn send(&self, email: Email, id: Id) -> Result<(), MailError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.is_empty() {
                None
            } else {
                Some(answers.remove(0))
            }
        };
        match answer {
            Some(Answered::NotNow) => return Err(MailError::NotNow("later".to_owned())),
            Some(Answered::Never) => return Err(MailError::Never("no such mailbox".to_owned())),
            _ => self.taken.lock().unwrap().push((id, email)),
        }
        self.called.notify_waiters();
        if answer == Some(Answered::Silence) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

async fn app_with(mailer: &Arc<Scripted>, folder: &Path) -> TestApp {
    let (mailer, url) = (Arc::clone(mailer), url(folder));
    let settings = |builder: Builder| builder.mailer(mailer as _).database(&url);
    TestApp::with(settings, Portcullis::api).await
}

#[tokio::test]
async fn an_email_that_is_not_taken_now_waits_sealed_and_is_sent_later() {
    checks!("T015");
    checks!("T131");
    let folder = TempDir::new().unwrap();
    let mailer = Scripted::answering(&[Answered::NotNow, Answered::NotNow]);
    let app = app_with(&mailer, folder.path()).await;
    register(&app, "anna@example.com", "192.0.2.1").await.expect(201);
    app.emails_sent().await;
    assert_eq!((waiting(&app).await, mailer.taken().len()), (1, 0));
    let files: Vec<Vec<u8>> = ["app.db", "app.db-wal"]
        .iter()
        .filter_map(|name| std::fs::read(folder.path().join(name)).ok())
        .collect();
    // Half a minute isn't enough, a minute is; then two.
    for (seconds, asked) in [(59, 1), (1, 2), (119, 2), (1, 3)] {
        app.clock.advance_secs(seconds);
        app.emails_sent().await;
        assert_eq!(mailer.asked.load(Ordering::SeqCst), asked);
    }
    let taken = mailer.taken();
    let (_, email) = &taken[0];
    assert_eq!((taken.len(), waiting(&app).await), (1, 0));
    let code = email
        .text
        .split_whitespace()
        .find(|word| word.starts_with("pcv_"));
    let code = code.unwrap();
    for (what, needle) in [
        ("code", code),
        ("half of the code", &code[4..24]),
        ("subject", &email.subject),
    ] {
        let found = |bytes: &Vec<u8>| bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
        assert!(!files.iter().any(found), "the {what} is in the database");
    }
}

#[tokio::test]
async fn an_email_that_is_refused_for_good_is_given_up_and_that_is_on_record() {
    let folder = TempDir::new().unwrap();
    let mailer = Scripted::answering(&[Answered::Never]);
    let app = app_with(&mailer, folder.path()).await;
    register(&app, "anna@example.com", "192.0.2.1").await.expect(201);
    app.emails_sent().await;
    assert_eq!((waiting(&app).await, mailer.taken().len()), (0, 0));
    let given_up = &events(&app, "job.given_up").await[0];
    assert_eq!(
        given_up.detail.as_deref(),
        Some("e-mail that proves an address: no such mailbox")
    );
    assert!(given_up.account.is_some());
}

#[tokio::test]
async fn a_code_that_has_expired_is_mailed_to_nobody() {
    let folder = TempDir::new().unwrap();
    let mailer = Scripted::answering(&[Answered::NotNow]);
    let app = app_with(&mailer, folder.path()).await;
    register(&app, "anna@example.com", "192.0.2.1").await.expect(201);
    app.emails_sent().await;
    app.clock.advance_secs(86_400);
    app.emails_sent().await;
    assert_eq!((waiting(&app).await, mailer.taken().len()), (0, 0));
    assert_eq!(events(&app, "job.given_up").await.len(), 1);
}

#[tokio::test]
async fn no_email_is_dropped_however_many_wait() {
    let folder = TempDir::new().unwrap();
    let mailer = Scripted::answering(&[Answered::NotNow; 400]);
    let app = app_with(&mailer, folder.path()).await;
    for number in 0..260 {
        let email = format!("x{number}@example.com");
        register(&app, &email, &client(number)).await.expect(201);
    }
    app.emails_sent().await;
    assert_eq!(waiting(&app).await, 260);
    mailer.answers.lock().unwrap().clear();
    app.clock.advance_secs(3_600);
    app.emails_sent().await;
    assert_eq!((waiting(&app).await, mailer.taken().len()), (0, 260));
}

/// Two processes on one database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_send_each_email_once() {
    checks!("T131");
    let folder = TempDir::new().unwrap();
    let mailer = Scripted::answering(&[Answered::NotNow; 40]);
    let one = app_with(&mailer, folder.path()).await;
    for number in 0..40 {
        let email = format!("x{number}@example.com");
        register(&one, &email, &client(number)).await.expect(201);
    }
    one.emails_sent().await;
    mailer.answers.lock().unwrap().clear();
    let two = app_with(&mailer, folder.path()).await;
    for app in [&one, &two] {
        app.clock.advance_secs(3_600);
    }
    tokio::join!(one.emails_sent(), two.emails_sent());
    let mut counts = BTreeMap::new();
    for (id, _) in mailer.taken() {
        *counts.entry(id).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 40);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

/// A node dies after the mail system took the e-mail and before anything was written: another sends it again, as the
/// same e-mail.
#[tokio::test]
async fn an_email_whose_node_died_is_sent_again_with_the_same_id() {
    checks!("T131");
    let folder = TempDir::new().unwrap();
    let mailer = Scripted::answering(&[Answered::Silence]);
    let dying = app_with(&mailer, folder.path()).await;
    let called = mailer.called.notified();
    register(&dying, "anna@example.com", "192.0.2.1")
        .await
        .expect(201);
    called.await;
    drop(dying);
    let living = app_with(&mailer, folder.path()).await;
    living.emails_sent().await;
    assert_eq!(mailer.taken().len(), 1, "the lease is still the other's");
    living.clock.advance_secs(3_600);
    living.emails_sent().await;
    let taken = mailer.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0], taken[1]);
    assert_eq!(waiting(&living).await, 0);
}

/// A relay that never answers while the process is asked to stop: the stop has a bound, and the e-mail waits.
#[tokio::test]
async fn a_stop_waits_for_the_mail_system_no_longer_than_for_requests() {
    checks!("T133");
    let folder = TempDir::new().unwrap();
    let mailer = Scripted::answering(&[Answered::Silence; 50]);
    let app = app_with(&mailer, folder.path()).await;
    for number in 0..10 {
        let email = format!("x{number}@example.com");
        register(&app, &email, &client(number)).await.expect(201);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut limits = Limits::default();
    limits.drain = Duration::from_millis(50);
    let portcullis = &app.portcullis;
    let served = portcullis.serve_on(portcullis.api(), listener, limits, async {});
    let bound = Duration::from_secs(8);
    assert!(tokio::time::timeout(bound, served).await.unwrap().is_ok());
    drop(app);
    mailer.answers.lock().unwrap().clear();
    let next = app_with(&mailer, folder.path()).await;
    next.clock.advance_secs(3_600);
    next.emails_sent().await;
    assert_eq!(waiting(&next).await, 0);
    let mut ids: Vec<Id> = mailer.taken().into_iter().map(|(id, _)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10, "each of them arrived");
}

#[tokio::test]
async fn a_mail_system_that_never_answers_costs_an_email_its_limit() {
    checks!("T133");
    let folder = TempDir::new().unwrap();
    let mailer = Scripted::answering(&[Answered::Silence]);
    let (by, url) = (Arc::clone(&mailer), url(folder.path()));
    let short = settings(|settings| settings.limit = Duration::from_millis(20));
    let settings = |builder: Builder| builder.mailer(by as _).database(&url).emails(short);
    let app = TestApp::with(settings, Portcullis::api).await;
    register(&app, "anna@example.com", "192.0.2.1").await.expect(201);
    app.emails_sent().await;
    assert_eq!(waiting(&app).await, 1);
    app.clock.advance_secs(60);
    app.emails_sent().await;
    assert_eq!((waiting(&app).await, mailer.taken().len()), (0, 2));
}
