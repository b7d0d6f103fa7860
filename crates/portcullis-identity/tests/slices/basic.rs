//! HTTP Basic on routes that accept it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portcullis_core::account::AccountState;
use portcullis_core::environment::{Entropy, Environment};
use portcullis_core::{checks, password};
use portcullis_identity::{
    Allow, Api, ApiKey, Authenticated, Basic, FreshLogin, Jwt, OpenError, OptionalAuth, Portcullis,
    SecondFactor, Session, Via, permissions,
};
use portcullis_testkit::{Answer, FakeClock, PASSWORD, SeededEntropy, TestApp};

use crate::fixtures::{events, set_state, timeless};

permissions! {
    BasicReports = "basic:reports": "Read reports";
}

async fn only(who: Allow<Authenticated, Via<Basic>>) -> String {
    who.id().to_string()
}
async fn mixed(who: Allow<Authenticated, Via<(Jwt, Session, ApiKey, Basic)>>) -> String {
    format!("{:?}", who.kind())
}
async fn usual(_: Allow<Authenticated>) {}
async fn fresh(_: Allow<FreshLogin<300>, Via<(Jwt, Basic)>>) {}
async fn second(_: Allow<SecondFactor, Via<(Jwt, Basic)>>) {}
async fn reports(_: Allow<BasicReports, Via<(Jwt, Basic)>>) {}
async fn visitor(who: OptionalAuth<Via<Basic>>) -> String {
    who.principal()
        .map_or_else(String::new, |who| who.id().to_string())
}

fn api(portcullis: &Portcullis) -> Api {
    Api::new("Basic", "1")
        .get("/only", only)
        .post("/only", only)
        .get("/mixed", mixed)
        .get("/usual", usual)
        .get("/fresh", fresh)
        .get("/second", second)
        .get("/reports", reports)
        .get("/visitor", visitor)
        .nest("/auth", portcullis.routes())
}

async fn start() -> TestApp {
    TestApp::with(|settings| settings, api).await
}

const ANNA: &str = "anna@example.com";

fn challenges(answer: &Answer) -> Vec<&str> {
    let all = answer.headers().get_all("www-authenticate").iter();
    all.map(|value| value.to_str().unwrap()).collect()
}

const CHALLENGE: &str = "Basic realm=\"portcullis\", charset=\"UTF-8\"";

#[tokio::test]
async fn a_right_pair_is_refused_where_the_route_does_not_name_it_and_nothing_is_hashed_for_it() {
    checks!("T049");
    let (app, drawn) = counted().await;
    app.user(ANNA).await;
    let before = drawn.load(Ordering::Relaxed);
    for path in ["/usual", "/auth/me", "/auth/sessions"] {
        let refused = app
            .get(path)
            .basic(ANNA, PASSWORD)
            .send()
            .await
            .refused(401, "credential_not_accepted");
        assert_eq!(refused.code(), "credential_not_accepted", "{path}");
        assert_eq!(
            challenges(&refused),
            ["Bearer realm=\"portcullis\", error=\"invalid_token\""],
            "{path}"
        );
    }
    assert_eq!(drawn.load(Ordering::Relaxed), before, "a salt was drawn");
    assert!(events(&app, "login.refused").await.is_empty());
}

#[tokio::test]
async fn without_a_credential_the_accepted_schemes_are_asked_for_and_no_other() {
    let app = start().await;
    let bearer = "Bearer realm=\"portcullis\"";
    for (path, expected) in [
        ("/only", &[CHALLENGE][..]),
        ("/mixed", &[bearer, CHALLENGE]),
        ("/reports", &[bearer, CHALLENGE]),
        ("/usual", &[bearer]),
    ] {
        let refused = app.get(path).send().await.refused(401, "authentication_required");
        assert_eq!(refused.code(), "authentication_required");
        assert_eq!(challenges(&refused), expected, "{path}");
    }
    app.get("/visitor").send().await.expect(200);
}

#[tokio::test]
async fn what_is_no_pair_is_refused_with_400() {
    checks!("T049");
    let app = start().await;
    let long = "A".repeat(2_052);
    for encoded in [
        "",
        " ",
        "YW5uYQ==",
        "YTpi YTpi",
        "YTpi,YTpi",
        "YTpiYw",
        "YTpiYw=",
        "YTr/",
        "YTpiCg==",
        "!",
        long.as_str(),
    ] {
        let header = format!("Basic {encoded}");
        let refused = app.get("/only").header("authorization", header.trim_end());
        let refused = refused.send().await.refused(400, "invalid_request");
        assert_eq!(refused.code(), "invalid_request", "{encoded:?}");
    }
    let two = app.get("/only").basic(ANNA, PASSWORD).basic(ANNA, PASSWORD);
    assert_eq!(two.send().await.expect(400).code(), "multiple_credentials");
}

// Shows: PW-7
#[tokio::test]
async fn every_pair_that_lets_nobody_in_gets_one_answer_and_is_audited_like_a_login() {
    checks!("T012");
    checks!("T047");
    let app = start().await;
    let (anna, locked) = (app.user(ANNA).await, app.user("locked@example.com").await);
    let disabled = app.user("disabled@example.com").await;
    set_state(&app, &locked, AccountState::Locked).await;
    set_state(&app, &disabled, AccountState::Disabled).await;
    let huge = "x".repeat(1_025);
    let table = [
        (ANNA, "not hers", Some(anna.id), "basic: wrong password"),
        (ANNA, "", Some(anna.id), "basic: wrong password"),
        (ANNA, huge.as_str(), Some(anna.id), "basic: wrong password"),
        ("nobody@example.com", PASSWORD, None, "basic: unknown identifier"),
        (
            "no identifier at all",
            PASSWORD,
            None,
            "basic: unknown identifier",
        ),
        ("", "", None, "basic: unknown identifier"),
        (
            "locked@example.com",
            PASSWORD,
            Some(locked.id),
            "basic: account locked",
        ),
        (
            "disabled@example.com",
            PASSWORD,
            Some(disabled.id),
            "basic: account disabled",
        ),
        (
            "locked@example.com",
            "not theirs",
            Some(locked.id),
            "basic: wrong password",
        ),
    ];
    let mut answers = Vec::new();
    for (index, (identifier, password, account, detail)) in table.into_iter().enumerate() {
        for path in ["/only", "/visitor"] {
            let refused = app
                .get(path)
                .basic(identifier, password)
                .send()
                .await
                .refused(401, "invalid_token");
            assert_eq!(challenges(&refused), [CHALLENGE], "{identifier}");
            answers.push(timeless(&refused));
        }
        let events = events(&app, "login.refused").await;
        assert_eq!(events.len(), 2 * (index + 1), "{identifier}");
        let newest = &events[0];
        assert_eq!(newest.account, account, "{identifier}");
        assert_eq!(newest.detail.as_deref(), Some(detail), "{identifier}");
    }
    assert!(answers.windows(2).all(|two| two[0] == two[1]), "{answers:?}");
    assert_eq!(answers[0]["code"], "invalid_token");
}

#[tokio::test]
async fn a_right_pair_is_the_account_by_any_of_its_names_and_without_a_session() {
    let app = start().await;
    let anna = app.user(ANNA).await;
    for identifier in [ANNA, "ANNA@example.com"] {
        let answer = app
            .get("/only")
            .basic(identifier, PASSWORD)
            .send()
            .await
            .expect(200);
        assert_eq!(answer.text(), anna.id.to_string());
    }
    let known = app.get("/visitor").basic(ANNA, PASSWORD).send().await.expect(200);
    assert_eq!(known.text(), anna.id.to_string());
    assert_eq!(
        app.get("/mixed")
            .basic(ANNA, PASSWORD)
            .send()
            .await
            .expect(200)
            .text(),
        "Basic"
    );
    let sessions = app.get("/auth/sessions").bearer(&anna.access_token).send().await;
    assert_eq!(
        sessions.json()["items"].as_array().unwrap().len(),
        1,
        "the login's"
    );
    app.get("/mixed")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    let refused = app
        .get("/only")
        .bearer(&anna.access_token)
        .send()
        .await
        .refused(401, "credential_not_accepted");
    assert_eq!(refused.code(), "credential_not_accepted");
    assert_eq!(challenges(&refused), [CHALLENGE]);
}

// Shows: PW-7
#[tokio::test]
async fn a_warm_pair_is_not_hashed() {
    checks!("T046");
    let (app, drawn) = counted().await;
    app.user(ANNA).await;
    app.get("/only").basic(ANNA, PASSWORD).send().await.expect(200);
    let before = drawn.load(Ordering::Relaxed);
    for _ in 0..20 {
        app.get("/only").basic(ANNA, PASSWORD).send().await.expect(200);
    }
    assert_eq!(drawn.load(Ordering::Relaxed), before, "every hash draws a salt");
    app.get("/only")
        .basic(ANNA, "another")
        .send()
        .await
        .refused(401, "invalid_token");
    assert!(drawn.load(Ordering::Relaxed) > before);
}

#[tokio::test]
async fn a_wrong_pair_is_hashed_each_time() {
    checks!("T084");
    let (app, drawn) = counted().await;
    app.user(ANNA).await;
    // One that is too long for any account's is refused no sooner.
    let beyond = "x".repeat(password::Password::MAX_BYTES + 1);
    for (identifier, wrong) in [ANNA, "nobody@example.com"]
        .into_iter()
        .flat_map(|who| [(who, "wrong"), (who, beyond.as_str())])
    {
        for _ in 0..3 {
            let before = drawn.load(Ordering::Relaxed);
            app.get("/only")
                .basic(identifier, wrong)
                .send()
                .await
                .refused(401, "invalid_token");
            assert!(drawn.load(Ordering::Relaxed) > before, "{identifier}");
            let before = drawn.load(Ordering::Relaxed);
            let form = serde_json::json!({ "identifier": identifier, "password": wrong });
            app.post("/auth/login")
                .json(&form)
                .send()
                .await
                .refused(401, "invalid_credentials");
            assert!(drawn.load(Ordering::Relaxed) > before, "{identifier}, logging in");
        }
    }
}

#[tokio::test]
async fn a_locked_account_is_refused_at_once_and_let_in_again_when_it_is_unlocked() {
    checks!("T016");
    checks!("T047");
    let app = start().await;
    let anna = app.user(ANNA).await;
    app.get("/only").basic(ANNA, PASSWORD).send().await.expect(200);
    for state in [AccountState::Locked, AccountState::Disabled] {
        set_state(&app, &anna, state).await;
        app.get("/only")
            .basic(ANNA, PASSWORD)
            .send()
            .await
            .refused(401, "invalid_token");
        set_state(&app, &anna, AccountState::Active).await;
        app.get("/only").basic(ANNA, PASSWORD).send().await.expect(200);
    }
}

#[tokio::test]
async fn what_the_account_may_do_counts_from_the_next_request_on() {
    let app = start().await;
    app.user(ANNA).await;
    app.user_with("reader@example.com", &["basic:reports"]).await;
    let refused = app
        .get("/reports")
        .basic(ANNA, PASSWORD)
        .send()
        .await
        .refused(403, "missing_permission");
    assert_eq!(refused.code(), "missing_permission");
    assert_eq!(challenges(&refused).len(), 1, "another password would not help");
    let reader = app.get("/reports").basic("reader@example.com", PASSWORD);
    reader.send().await.expect(200);
}

// Shows: PW-7
#[tokio::test]
async fn a_pair_is_never_a_fresh_login_nor_a_second_factor() {
    let app = start().await;
    app.user(ANNA).await;
    for path in ["/fresh", "/second"] {
        let refused = app
            .get(path)
            .basic(ANNA, PASSWORD)
            .send()
            .await
            .refused(401, "credential_not_accepted");
        assert_eq!(refused.code(), "credential_not_accepted");
        let said = challenges(&refused);
        assert!(said.len() == 1 && said[0].starts_with("Bearer "), "{said:?}");
    }
}

// Shows: PW-7
#[tokio::test]
async fn a_browser_brings_a_pair_from_our_pages_only_and_a_program_from_anywhere() {
    checks!("T023");
    let app = start().await;
    app.user(ANNA).await;
    let site = "sec-fetch-site";
    for (headers, status) in [
        (&[][..], 200),
        (&[(site, "same-origin")], 200),
        (&[(site, "none")], 200),
        (&[("origin", "https://id.example.com")], 200),
        (&[(site, "cross-site")], 403),
        (&[(site, "same-site")], 403),
        (&[(site, "")], 403),
        (&[(site, "same-origin"), (site, "cross-site")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "https://elsewhere.example")], 403),
        (&[("origin", "")], 403),
    ] {
        let mut request = app.post("/only").basic(ANNA, PASSWORD);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await;
        assert_eq!(answer.status(), status, "{headers:?}");
        if status == 403 {
            assert_eq!(answer.code(), "cross_site_request");
        }
    }
    let read = app.get("/only").basic(ANNA, PASSWORD).header(site, "cross-site");
    read.send().await.expect(200);
}

#[tokio::test]
async fn beyond_what_can_be_hashed_the_answer_is_503_and_no_guess_is_counted() {
    checks!("T013");
    let mut settings = password::Settings::default();
    settings.cost = password::Cost::DANGEROUSLY_CHEAP;
    settings.waiting = 0;
    let app = TestApp::with(|builder| builder.passwords(settings), api).await;
    let busy = app
        .get("/only")
        .basic(ANNA, PASSWORD)
        .send()
        .await
        .refused(503, "unavailable");
    assert_eq!(busy.code(), "unavailable");
    assert!(!busy.header("retry-after").is_empty());
    assert!(challenges(&busy).is_empty());
    assert!(events(&app, "login.refused").await.is_empty());
}

#[tokio::test]
async fn an_unproven_address_is_refused_where_a_proven_one_is_required() {
    let app = TestApp::with(|builder| builder.require_verified_email(true), api).await;
    let body = serde_json::json!({ "email": ANNA, "password": PASSWORD });
    app.post("/auth/register").json(&body).send().await.expect(201);
    app.get("/only")
        .basic(ANNA, PASSWORD)
        .send()
        .await
        .refused(401, "invalid_token");
    let code = app.mailer.code_to(ANNA).await;
    let verified = app
        .post("/auth/email/verify")
        .json(&serde_json::json!({ "token": code, "password": PASSWORD }));
    verified.send().await.expect(200);
    app.get("/only").basic(ANNA, PASSWORD).send().await.expect(200);
}

/// Randomness that counts how often it is asked: each hash draws a salt.
struct Counted(SeededEntropy, Arc<AtomicUsize>);

impl Entropy for Counted {
    fn fill(&self, out: &mut [u8]) {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.fill(out);
    }
}

async fn counted() -> (TestApp, Arc<AtomicUsize>) {
    let drawn = Arc::new(AtomicUsize::new(0));
    let entropy = Counted(SeededEntropy::new(1), Arc::clone(&drawn));
    let environment = Environment::new(Arc::new(FakeClock::new()), Arc::new(entropy));
    let app = TestApp::with(|builder| builder.environment(environment), api).await;
    (app, drawn)
}

#[tokio::test]
async fn without_its_database_no_pair_is_good() {
    checks!("T037");
    let app = start().await;
    app.user(ANNA).await;
    app.portcullis.database().close().await;
    for path in ["/only", "/mixed", "/visitor"] {
        let answer = app.get(path).basic(ANNA, PASSWORD).send().await;
        assert_eq!((answer.status(), &*answer.code()), (503, "unavailable"), "{path}");
    }
}

// Shows: PW-7
#[tokio::test]
async fn a_challenge_names_the_realm_and_a_bad_one_opens_nothing() {
    for realm in ["", "a\"b", "a\\b", "a\nb", "Zürich"] {
        let builder = Portcullis::builder().database("sqlite::memory:");
        let refused = builder.realm(realm).open().await;
        assert!(matches!(refused, Err(OpenError::Realm(_))), "{realm:?}");
    }
    let app = TestApp::with(|settings| settings.realm("Blog, internal"), api).await;
    let answer = app
        .get("/mixed")
        .send()
        .await
        .refused(401, "authentication_required");
    assert_eq!(
        challenges(&answer),
        [
            "Bearer realm=\"Blog, internal\"",
            "Basic realm=\"Blog, internal\", charset=\"UTF-8\""
        ]
    );
}
