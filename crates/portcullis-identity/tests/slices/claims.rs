//! Whose an address is: who proves it, not who said first that it is theirs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use portcullis_core::account::{CLAIM_LIFETIME, PASSWORD_TRIES};
use portcullis_core::checks;
use portcullis_core::environment::{Entropy, Environment};
use portcullis_identity::{Enumeration, Portcullis};
use portcullis_testkit::{Account, Answer, FakeClock, PASSWORD, SeededEntropy, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{complaints, log_in_with, me, pairs, text, timeless};

const NEW: &str = "a password of my own";
const CEO: &str = "ceo@corp.example";

/// Bytes of a salt. Source: RFC 9106 §3.1
const SALT: usize = 16;

async fn post(app: &TestApp, path: &str, body: Value) -> Answer {
    app.post(path).json(&body).send().await
}

async fn register(app: &TestApp, body: Value) -> Answer {
    post(app, "/auth/register", body).await
}

async fn verify(app: &TestApp, body: Value) -> Answer {
    post(app, "/auth/email/verify", body).await
}

/// Somebody who registers another's address, with a name and a login of their own.
async fn attacker(app: &TestApp) -> (Account, String) {
    let body = json!({ "email": CEO, "username": "attacker", "password": PASSWORD });
    register(app, body).await.expect(201);
    let account = app.log_in("attacker").await;
    (account, app.mailer.code_to(CEO).await)
}

// Shows: PW-8
#[tokio::test]
async fn whoever_clicks_credits_nobody_elses_claim() {
    checks!("T120");
    let app = TestApp::new().await;
    let (attacker, code) = attacker(&app).await;
    let session = crate::fixtures::session_of(&app, "attacker").await;
    // The code alone proves nothing, and says what would.
    let alone = verify(&app, json!({ "token": code }))
        .await
        .refused(403, "login_or_password_needed");
    assert_eq!(alone.code(), "login_or_password_needed");
    for way in ["`password`", "`new_password`", "access token"] {
        assert!(alone.text().contains(way), "{}", alone.text());
    }
    let key = crate::fixtures::key(&app, &attacker, &[]).await;
    let taken = verify(&app, json!({ "token": code, "new_password": NEW })).await;
    let taken = taken.expect(200).json();
    assert_eq!(
        (&taken["email_verified"], &taken["state"]),
        (&json!(true), &json!("active"))
    );
    // Nothing that was made before is left to use.
    me(&app, &attacker.access_token)
        .await
        .refused(401, "invalid_token");
    let refreshed = [
        ("grant_type", "refresh_token"),
        ("refresh_token", attacker.refresh_token.as_str()),
    ];
    app.post("/oauth/token")
        .form(&refreshed)
        .send()
        .await
        .refused(400, "invalid_grant");
    app.get("/auth/me")
        .api_key(&key)
        .send()
        .await
        .refused(401, "invalid_token");
    let request = app.get("/auth/me").header("x-session-token", &session);
    request.send().await.refused(401, "invalid_token");
    for identifier in [CEO, "attacker"] {
        log_in_with(&app, identifier, &json!({}))
            .await
            .refused(401, "invalid_credentials");
        let body = json!({ "identifier": identifier, "password": NEW });
        post(&app, "/auth/login", body).await.expect(200);
    }
}

// Shows: PW-1
#[tokio::test]
async fn the_owner_proves_the_address_and_every_other_claim_is_lost() {
    checks!("T120");
    let app = TestApp::new().await;
    let (attacker, theirs) = attacker(&app).await;
    // The rightful owner isn't turned away.
    let body = json!({ "email": CEO, "username": "chief", "password": NEW });
    register(&app, body).await.expect(201);
    let code = app.mailer.code_to(CEO).await;
    let owner = post(&app, "/auth/login", json!({ "identifier": CEO, "password": NEW })).await;
    let owner = text(&owner.expect(200).json(), "access_token");
    // Each claimant logs in by the address; the password says who it is.
    let by_address = log_in_with(&app, CEO, &json!({})).await.expect(200).json();
    let by_address = me(&app, &text(&by_address, "access_token"))
        .await
        .expect(200)
        .json();
    assert_eq!(by_address["username"], "attacker");
    // A foreign login doesn't credit the other's code, whoever holds it.
    for (token, bearer) in [(&theirs, &owner), (&code, &attacker.access_token)] {
        let request = app.post("/auth/email/verify").bearer(bearer);
        let answer = request
            .json(&json!({ "token": token }))
            .send()
            .await
            .refused(403, "another_account");
        assert_eq!(answer.code(), "another_account");
    }
    let request = app.post("/auth/email/verify").bearer(&owner);
    let proven = request
        .json(&json!({ "token": code }))
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&proven["username"], &proven["email_verified"]),
        (&json!("chief"), &json!(true))
    );
    // The login goes on; the other's ended, and the account has its user name only.
    me(&app, &owner).await.expect(200);
    me(&app, &attacker.access_token)
        .await
        .refused(401, "invalid_token");
    log_in_with(&app, CEO, &json!({}))
        .await
        .refused(401, "invalid_credentials");
    let left = app.log_in("attacker").await;
    assert_eq!(me(&app, &left.access_token).await.json()["email"], Value::Null);
    for body in [
        json!({ "token": theirs, "password": PASSWORD }),
        json!({ "token": theirs, "new_password": PASSWORD }),
    ] {
        assert_eq!(verify(&app, body).await.expect(400).code(), "invalid_code");
    }
    let again = register(&app, json!({ "email": "CEO@corp.example", "password": NEW })).await;
    assert_eq!(again.expect(409).code(), "email_taken");
}

#[tokio::test]
async fn a_claimant_with_nothing_else_is_closed_by_anothers_proof() {
    checks!("T120");
    let app = TestApp::new().await;
    let attacker = app.user(CEO).await;
    app.mailer.code_to(CEO).await;
    register(&app, json!({ "email": CEO, "password": NEW }))
        .await
        .expect(201);
    let code = app.mailer.code_to(CEO).await;
    verify(&app, json!({ "token": code, "password": NEW }))
        .await
        .expect(200);
    me(&app, &attacker.access_token)
        .await
        .refused(401, "invalid_token");
    log_in_with(&app, CEO, &json!({}))
        .await
        .refused(401, "invalid_credentials");
    post(&app, "/auth/login", json!({ "identifier": CEO, "password": NEW }))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_password_beside_a_code_is_tried_a_few_times_only() {
    checks!("T121");
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    for _ in 0..PASSWORD_TRIES {
        let wrong = verify(&app, json!({ "token": code, "password": NEW })).await;
        assert_eq!(wrong.expect(403).code(), "wrong_password");
    }
    // The right one, too: whether it is right is told no more.
    let right = json!({ "token": code, "password": PASSWORD });
    assert_eq!(verify(&app, right).await.expect(403).code(), "too_many_tries");
    // Another e-mail, and the other way, are there.
    post(
        &app,
        "/auth/email/code",
        json!({ "identifier": "anna@example.com" }),
    )
    .await
    .expect(202);
    let second = app.mailer.code_to("anna@example.com").await;
    verify(&app, json!({ "token": second, "password": PASSWORD }))
        .await
        .expect(200);
    let refused = crate::fixtures::events(&app, "login.refused").await;
    assert_eq!(refused.len(), usize::try_from(PASSWORD_TRIES).unwrap() + 1);
}

#[tokio::test]
async fn what_is_sent_beside_a_code_is_judged() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    let both = json!({ "token": code, "password": PASSWORD, "new_password": NEW });
    assert_eq!(
        complaints(&verify(&app, both).await.refused(422, "invalid_fields")),
        pairs(&[("/new_password", "one_of_two")])
    );
    let weak = json!({ "token": code, "new_password": "anna@example.com" });
    assert_eq!(
        complaints(&verify(&app, weak).await.refused(422, "invalid_fields")),
        pairs(&[("/new_password", "password_contains_identifier")])
    );
    let unknown = format!("pcv_{}", "A".repeat(43));
    for body in [
        json!({ "token": unknown }),
        json!({ "token": unknown, "password": PASSWORD }),
        json!({ "token": unknown, "new_password": NEW }),
    ] {
        assert_eq!(verify(&app, body).await.expect(400).code(), "invalid_code");
    }
    // A bad credential is refused, not ignored; a narrowed one isn't the account as a whole.
    let request = app.post("/auth/email/verify").bearer("pcs_nonsense");
    request
        .json(&json!({ "token": code }))
        .send()
        .await
        .refused(401, "invalid_token");
    let narrowed = app.user_with("ben@example.com", &["portcullis:audit:read"]).await;
    let code_of_ben = app.mailer.code_to("ben@example.com").await;
    let scope = json!({ "scope": "portcullis:audit:read" });
    let scoped = log_in_with(&app, &narrowed.email, &scope)
        .await
        .expect(200)
        .json();
    let request = app
        .post("/auth/email/verify")
        .bearer(&text(&scoped, "access_token"));
    let answer = request
        .json(&json!({ "token": code_of_ben }))
        .send()
        .await
        .refused(403, "login_or_password_needed");
    assert_eq!(answer.code(), "login_or_password_needed");
    // An account with a role isn't taken over by an e-mail.
    let take = json!({ "token": code_of_ben, "new_password": NEW });
    assert_eq!(verify(&app, take).await.expect(403).code(), "account_has_roles");
    let request = app.post("/auth/email/verify").bearer(&anna.access_token);
    request.json(&json!({ "token": code })).send().await.expect(200);
}

#[tokio::test]
async fn claimants_of_one_address_who_prove_at_once_have_one_winner() {
    checks!("T120");
    let app = TestApp::new().await;
    let mut codes = Vec::new();
    // As many as one address gets e-mails about.
    for n in 0..8 {
        let body = json!({ "email": CEO, "username": format!("claimant{n}"), "password": PASSWORD });
        register(&app, body).await.expect(201);
        codes.push(app.mailer.code_to(CEO).await);
    }
    let proofs = codes
        .iter()
        .map(|code| verify(&app, json!({ "token": code, "password": PASSWORD })));
    let answers = join_all(proofs).await;
    let good = answers.iter().filter(|answer| answer.status() == 200).count();
    let refused = answers
        .iter()
        .filter(|answer| answer.code() == "invalid_code")
        .count();
    assert_eq!((good, refused), (1, 7));
}

// Shows: PW-1
#[tokio::test]
async fn an_unproven_claim_expires_with_the_upkeep() {
    let app = TestApp::new().await;
    register(
        &app,
        json!({ "email": CEO, "username": "attacker", "password": PASSWORD }),
    )
    .await
    .expect(201);
    app.clock.advance(CLAIM_LIFETIME);
    app.portcullis.sweep().await.unwrap();
    log_in_with(&app, CEO, &json!({}))
        .await
        .refused(401, "invalid_credentials");
    let left = app.log_in("attacker").await;
    let left = me(&app, &left.access_token).await.expect(200).json();
    assert_eq!((&left["email"], &left["state"]), (&Value::Null, &json!("active")));
}

// Shows: PW-8
#[tokio::test]
async fn a_code_is_asked_for_without_a_login_and_everybody_gets_one_answer() {
    checks!("T122");
    let app = TestApp::with(|builder| builder.require_verified_email(true), Portcullis::api).await;
    register(
        &app,
        json!({ "email": "lost@example.com", "username": "lost", "password": PASSWORD }),
    )
    .await
    .expect(201);
    app.mailer.code_to("lost@example.com").await;
    let refused = log_in_with(&app, "lost@example.com", &json!({}))
        .await
        .refused(403, "account_unverified");
    assert_eq!(refused.code(), "account_unverified");
    assert!(refused.text().contains("/auth/email/code"), "{}", refused.text());
    let ask = async |who: &str| post(&app, "/auth/email/code", json!({ "identifier": who })).await;
    assert_eq!(
        complaints(&ask("x").await.refused(422, "invalid_fields")),
        pairs(&[("/identifier", "invalid_identifier")])
    );
    let known = ask("LOST@example.com").await.expect(202);
    let unknown = ask("nobody@example.com").await.expect(202);
    assert_eq!(known.text(), unknown.text());
    app.mailer.code_to("lost@example.com").await;
    ask("lost").await.expect(202);
    let code = app.mailer.code_to("lost@example.com").await;
    // Counted by whom it is for, whether there is an account or not.
    for _ in 0..4 {
        ask("lost@example.com").await.expect(202);
        ask("nobody@example.com").await.expect(202);
        app.mailer.code_to("lost@example.com").await;
    }
    let (known, unknown) = (ask("lost@example.com").await, ask("nobody@example.com").await);
    assert_eq!(timeless(&known), timeless(&unknown));
    assert_eq!(known.expect(429).code(), "too_many_requests");
    verify(&app, json!({ "token": code, "password": PASSWORD }))
        .await
        .expect(200);
    log_in_with(&app, "lost@example.com", &json!({}))
        .await
        .expect(200);
    // Nothing is left to prove: the same answer, and no e-mail.
    ask("lost").await.expect(202);
    app.portcullis.sweep().await.unwrap();
    assert_eq!(app.mailer.waiting(), 0);
}

#[tokio::test]
async fn set_up_lets_in_whoever_has_the_link_where_a_proven_address_is_required() {
    let app = TestApp::with(|builder| builder.require_verified_email(true), Portcullis::api).await;
    register(
        &app,
        json!({ "email": "root@example.com", "username": "squatter", "password": NEW }),
    )
    .await
    .expect(201);
    app.mailer.code_to("root@example.com").await;
    let token = app.portcullis.registrar().offer_setup().await.unwrap().unwrap();
    let body = json!({ "token": *token.expose(), "email": "root@example.com", "password": PASSWORD });
    let root = post(&app, "/auth/setup", body).await.expect(201).json();
    assert_eq!(
        (&root["state"], &root["email_verified"]),
        (&json!("active"), &json!(true))
    );
    assert_eq!(app.mailer.waiting(), 0);
    log_in_with(&app, "root@example.com", &json!({}))
        .await
        .expect(200);
}

#[tokio::test]
async fn activating_an_unverified_account_says_what_to_do() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    let request = app.put(&format!("/admin/api/v1/accounts/{}/state", anna.id));
    let request = request
        .bearer(&root.access_token)
        .json(&json!({ "state": "active" }));
    let answer = request.send().await.refused(409, "email_unproven");
    assert_eq!(answer.code(), "email_unproven");
    for way in ["/auth/email/code", "portcullis account prove-email"] {
        assert!(answer.text().contains(way), "{}", answer.text());
    }
}

/// B1: registering an address and a name, then the name alone, tells nothing about the address.
#[tokio::test]
async fn where_addresses_are_hidden_the_name_beside_a_taken_one_tells_nothing() {
    checks!("T124");
    let app = TestApp::with(
        |builder| builder.enumeration(Enumeration::Hidden),
        Portcullis::api,
    )
    .await;
    register(&app, json!({ "email": "taken@example.com", "password": NEW }))
        .await
        .expect(202);
    let code = app.mailer.code_to("taken@example.com").await;
    verify(&app, json!({ "token": code, "password": NEW }))
        .await
        .expect(200);
    let mut answers = Vec::new();
    for (email, name) in [("taken@example.com", "first"), ("free@example.com", "second")] {
        let both = json!({ "email": email, "username": name, "password": PASSWORD });
        let both = register(&app, both).await.expect(202);
        let name = json!({ "username": name, "password": PASSWORD });
        let name = register(&app, name).await.refused(409, "username_taken");
        // Nor does a login with either.
        let login = log_in_with(&app, email, &json!({})).await.expect(200).json();
        let me = me(&app, &text(&login, "access_token")).await.expect(200).json();
        assert_eq!(
            (&me["email"], &me["email_verified"]),
            (&json!(email), &json!(false))
        );
        let again = app
            .post("/auth/email/verification")
            .bearer(&text(&login, "access_token"));
        again.send().await.expect(204);
        answers.push((timeless(&both), timeless(&name)));
    }
    assert_eq!(answers[0], answers[1]);
    // The owner is told, and no e-mail brings a code that would take the address away.
    for _ in 0..2 {
        let email = app.mailer.email_to("taken@example.com").await;
        assert_eq!(email.subject, "You have an account already");
        assert!(!email.text.contains("pcv_"), "{}", email.text);
    }
    post(
        &app,
        "/auth/login",
        json!({ "identifier": "taken@example.com", "password": NEW }),
    )
    .await
    .expect(200);
}

/// Randomness that counts how often a salt is drawn: once for each hash. Ids, which what runs beside the requests draws
/// too, are of another length.
struct Counted(SeededEntropy, Arc<AtomicUsize>);

impl Entropy for Counted {
    fn fill(&self, out: &mut [u8]) {
        self.1
            .fetch_add(usize::from(out.len() == SALT), Ordering::Relaxed);
        self.0.fill(out);
    }
}

/// How much randomness a wrong password costs for nobody's address, for one, two and five claimants, and for a proven one.
async fn costs_of_refusals(enumeration: Enumeration) -> Vec<usize> {
    let drawn = Arc::new(AtomicUsize::new(0));
    let entropy = Counted(SeededEntropy::new(1), Arc::clone(&drawn));
    let environment = Environment::new(Arc::new(FakeClock::new()), Arc::new(entropy));
    let settings =
        |builder: portcullis_identity::Builder| builder.environment(environment).enumeration(enumeration);
    let app = TestApp::with(settings, Portcullis::api).await;
    for (email, claimants) in [("one", 1), ("two", 2), ("five", 5), ("proven", 1)] {
        for _ in 0..claimants {
            let body = json!({ "email": format!("{email}@example.com"), "password": NEW });
            assert!(register(&app, body).await.status() < 300);
        }
    }
    let code = app.mailer.code_to("proven@example.com").await;
    verify(&app, json!({ "token": code, "password": NEW }))
        .await
        .expect(200);
    // What is sent beside the requests draws, too.
    app.emails_sent().await;
    let mut costs = Vec::new();
    for email in ["nobody", "one", "two", "five", "proven"] {
        let before = drawn.load(Ordering::Relaxed);
        log_in_with(&app, &format!("{email}@example.com"), &json!({}))
            .await
            .refused(401, "invalid_credentials");
        costs.push(drawn.load(Ordering::Relaxed) - before);
    }
    costs
}

#[tokio::test]
async fn a_refusal_costs_a_few_hashes_at_most_and_one_number_where_addresses_are_hidden() {
    checks!("T123");
    checks!("T012");
    let told = costs_of_refusals(Enumeration::Allowed).await;
    let one = told[0];
    assert_eq!(told, [one, one, one + 1, one + 2, one]);
    let hidden = costs_of_refusals(Enumeration::Hidden).await;
    assert_eq!(hidden, [one + 3; 5]);
}
