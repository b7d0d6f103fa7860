//! Registration, set-up and the proof of addresses.

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::account::{AccountState, SETUP_LIFETIME, VERIFICATION_LIFETIME};
use portcullis_core::checks;
use portcullis_identity::Enumeration;
use portcullis_testkit::{Answer, PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{complaints, log_in_with, me, pairs, set_state, text, timeless};

async fn register(app: &TestApp, body: &Value) -> Answer {
    app.post("/auth/register").json(body).send().await
}

#[tokio::test]
async fn register_refuses_each_bad_field_and_all_at_once() {
    let app = TestApp::new().await;
    let long = "ab".repeat(129);
    let endless = "a1".repeat(600);
    for (body, expected) in [
        (
            json!({ "email": "anna", "password": PASSWORD }),
            pairs(&[("/email", "invalid_email")]),
        ),
        (
            json!({ "email": "a@b.c\r\nBcc: x@y.z", "password": PASSWORD }),
            pairs(&[("/email", "invalid_email")]),
        ),
        (
            json!({ "username": "a@b.c", "password": PASSWORD }),
            pairs(&[("/username", "invalid_username")]),
        ),
        (
            json!({ "email": "", "username": "", "password": PASSWORD }),
            pairs(&[("/email", "invalid_email"), ("/username", "invalid_username")]),
        ),
        (json!({ "password": PASSWORD }), pairs(&[("/email", "required")])),
        (
            json!({ "email": null, "username": null, "password": PASSWORD }),
            pairs(&[("/email", "required")]),
        ),
        (
            json!({ "email": "anna@example.com" }),
            pairs(&[("/password", "required")]),
        ),
        (
            json!({ "email": "anna@example.com", "password": "7 chars" }),
            pairs(&[("/password", "password_too_short")]),
        ),
        (
            json!({ "email": "anna@example.com", "password": long }),
            pairs(&[("/password", "password_too_long")]),
        ),
        (
            json!({ "email": "anna@example.com", "password": endless }),
            pairs(&[("/password", "password_too_long")]),
        ),
        (
            json!({ "email": "annalena@example.com", "password": "1AnnaLena1" }),
            pairs(&[("/password", "password_contains_identifier")]),
        ),
        (
            json!({ "email": "x", "username": "-", "password": "aaa" }),
            pairs(&[
                ("/email", "invalid_email"),
                ("/password", "password_single_character"),
                ("/password", "password_too_short"),
                ("/username", "invalid_username"),
            ]),
        ),
    ] {
        let answer = register(&app, &body).await.refused(422, "invalid_fields");
        assert_eq!(complaints(&answer), expected, "{body}");
        assert_eq!(answer.code(), "invalid_fields");
    }
    assert_eq!(app.mailer.waiting(), 0);
}

#[tokio::test]
async fn register_refuses_fields_that_carry_rights() {
    checks!("T026");
    let app = TestApp::new().await;
    for (field, value) in [
        ("state", json!("active")),
        ("role", json!("administrator")),
        ("roles", json!(["administrator"])),
        ("account_id", json!("01890000-0000-7000-8000-000000000000")),
        ("id", json!("01890000-0000-7000-8000-000000000000")),
        ("email_verified", json!(true)),
        ("email_verified_at", json!("2026-01-01T00:00:00Z")),
        ("is_admin", json!(true)),
        ("Password", json!("other")),
        ("", json!(null)),
    ] {
        let mut body = json!({ "email": "anna@example.com", "password": PASSWORD });
        body[field] = value;
        let answer = register(&app, &body).await.refused(422, "invalid_fields");
        assert_eq!(complaints(&answer)[0].1, "unknown", "{field}: {}", answer.text());
    }
    // None of them left an account behind.
    register(
        &app,
        &json!({ "email": "anna@example.com", "password": PASSWORD }),
    )
    .await
    .expect(201);
}

#[tokio::test]
async fn register_refuses_bodies_that_are_not_one_json_object() {
    let app = TestApp::new().await;
    let huge = format!("{{\"email\":\"{}\"}}", "a".repeat(70_000));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let invalid = b"{\"email\":\"\xff@example.com\",\"password\":\"correct horse\"}";
    let surrogate = br#"{"email":"a@b.c","password":"\ud800 correct horse"}"#;
    let twice = br#"{"email":"a@b.c","password":"correct horse","email":"x@y.z"}"#;
    let escaped = br#"{"email":"a@b.c","password":"correct horse","\u0065mail":"x@y.z"}"#;
    for (body, status, code) in [
        (&b""[..], 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"{}{}", 400, "invalid_json"),
        (b"[]", 422, "invalid_fields"),
        (b"null", 422, "invalid_fields"),
        (b"\"text\"", 422, "invalid_fields"),
        (
            br#"{"email":1,"password":"correct horse"}"#,
            422,
            "invalid_fields",
        ),
        (
            br#"{"email":["a@b.c"],"password":"correct horse"}"#,
            422,
            "invalid_fields",
        ),
        (br#"{"email":"a@b.c","password":{}}"#, 422, "invalid_fields"),
        (br#"{"email":"a@b.c","password":null}"#, 422, "invalid_fields"),
        (twice, 422, "invalid_fields"),
        (escaped, 422, "invalid_fields"),
        (surrogate, 400, "invalid_json"),
        (invalid, 400, "invalid_utf8"),
        (deep.as_bytes(), 400, "json_too_deep"),
        (huge.as_bytes(), 413, "body_too_large"),
    ] {
        let answer = app
            .post("/auth/register")
            .bytes("application/json", body)
            .send()
            .await;
        let shown: String = String::from_utf8_lossy(body).chars().take(80).collect();
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (status, code),
            "{shown}"
        );
        assert!(!answer.text().contains("horse"), "{}", answer.text());
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "application/jsonp",
    ] {
        let answer = app.post("/auth/register").bytes(kind, b"{}").send().await;
        assert_eq!(answer.expect(415).code(), "unsupported_media_type", "{kind:?}");
    }
    let two = app
        .post("/auth/register")
        .bytes("application/json", b"{}")
        .header("content-type", "text/plain");
    assert_eq!(two.send().await.expect(415).code(), "unsupported_media_type");
}

// Shows: PW-1
#[tokio::test]
async fn register_refuses_a_taken_identifier_in_every_spelling() {
    checks!("T010");
    let app = TestApp::new().await;
    let first = json!({ "email": "anna@example.com", "username": "anna", "password": PASSWORD });
    let account = register(&app, &first).await.expect(201).json();
    let code = app.mailer.code_to("anna@example.com").await;
    verify(&app, &code).await.expect(200);
    assert_eq!(account["email"], "anna@example.com");
    assert_eq!(account["state"], "unverified");
    assert!(
        account.get("password").is_none() && account.get("stamp").is_none(),
        "{account}"
    );
    for email in [
        "anna@example.com",
        "Anna@Example.com",
        "ANNA@EXAMPLE.COM",
        "anna@EXAMPLE.com",
        "ａｎｎａ@example.com",
        "anna＠example.com",
        "anna@ｅｘａｍｐｌｅ.com",
        "Ａnna@example．com",
    ] {
        let answer = register(&app, &json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.expect(409).code(), "email_taken", "{email}");
    }
    for username in [
        "anna",
        "Anna",
        "ANNA",
        "ａnna",
        "ａｎｎａ",
        "aNNa",
        "ＡNNA",
        "annA",
    ] {
        let answer = register(&app, &json!({ "username": username, "password": PASSWORD })).await;
        assert_eq!(answer.expect(409).code(), "username_taken", "{username}");
    }
    let both = json!({ "email": "ANNA@example.com", "username": "ANNA", "password": PASSWORD });
    assert_eq!(
        register(&app, &both).await.expect(409).code(),
        "email_and_username_taken"
    );
    // Nothing of a refused registration stays: the free half is still free.
    let free = json!({ "email": "anna@example.com", "username": "free", "password": PASSWORD });
    assert_eq!(register(&app, &free).await.expect(409).code(), "email_taken");
    let free = json!({ "username": "free", "password": PASSWORD });
    assert_eq!(register(&app, &free).await.expect(201).json()["state"], "active");
}

// Shows: PW-1
#[tokio::test]
async fn register_a_hundred_times_at_once_makes_one_account() {
    checks!("T010");
    let app = TestApp::new().await;
    let bodies: Vec<_> = (0..100)
        .map(|n| {
            let name = if n % 2 == 0 { "anna" } else { "ANNA" };
            json!({ "email": "anna@example.com", "username": name, "password": PASSWORD })
        })
        .collect();
    let answers = join_all(bodies.iter().map(|body| register(&app, body))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status() == status).count();
    assert_eq!((count(201), count(409)), (1, 99));
    log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .expect(200);
}

// Shows: PW-5
#[tokio::test]
async fn register_where_addresses_are_hidden_answers_the_same_for_a_taken_one() {
    checks!("T011");
    checks!("T012");
    let app = TestApp::with(
        |builder| builder.enumeration(Enumeration::Hidden),
        portcullis_identity::Portcullis::api,
    )
    .await;
    let anna = json!({ "email": "anna@example.com", "password": PASSWORD });
    let new = register(&app, &anna).await.expect(202);
    let code = app.mailer.code_to("anna@example.com").await;
    verify(&app, &code).await.expect(200);
    // In another spelling, which may be another's mailbox: the e-mail goes to the one that is registered.
    let spelled = json!({ "email": "Ａnna@example.com", "password": PASSWORD });
    let taken = register(&app, &spelled).await.expect(202);
    assert_eq!(new.text(), taken.text());
    let names = |answer: &Answer| {
        let mut names: Vec<_> = answer.headers().keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&new), names(&taken));
    let email = app.mailer.email_to("anna@example.com").await;
    assert_eq!(email.subject, "You have an account already");
    assert!(!email.text.contains("pcv_"), "{}", email.text);
    // Beside a taken user name the address is not told either.
    let named = json!({ "username": "somebody", "password": PASSWORD });
    register(&app, &named).await.expect(201);
    let known = json!({ "email": "anna@example.com", "username": "somebody", "password": PASSWORD });
    let unknown = json!({ "email": "nobody@example.com", "username": "somebody", "password": PASSWORD });
    let (known, unknown) = (register(&app, &known).await, register(&app, &unknown).await);
    assert_eq!(
        (known.status(), timeless(&known)),
        (unknown.status(), timeless(&unknown))
    );
    assert_eq!(known.expect(409).code(), "username_taken");
}

async fn set_up(app: &TestApp, token: &str, email: &str) -> Answer {
    let body = json!({ "token": token, "email": email, "password": PASSWORD });
    app.post("/auth/setup").json(&body).send().await
}

async fn offer(app: &TestApp) -> Option<String> {
    let token = app.portcullis.registrar().offer_setup().await.unwrap();
    token.map(|token| token.expose().to_string())
}

// Shows: OP-1
#[tokio::test]
async fn set_up_refuses_wrong_used_and_expired_tokens() {
    checks!("T031");
    let app = TestApp::new().await;
    let unknown = format!("pcsetup_{}", "A".repeat(43));
    for token in ["", "pcsetup_", unknown.as_str(), "pcv_AAAA"] {
        let answer = set_up(&app, token, "root@example.com")
            .await
            .refused(403, "setup_closed");
        assert_eq!(answer.code(), "setup_closed", "{token:?}");
    }
    let late = offer(&app).await.unwrap();
    app.clock.advance(SETUP_LIFETIME);
    assert_eq!(
        set_up(&app, &late, "root@example.com").await.expect(403).code(),
        "setup_closed"
    );
    let replaced = offer(&app).await.unwrap();
    let good = offer(&app).await.unwrap();
    set_up(&app, &replaced, "root@example.com")
        .await
        .refused(403, "setup_closed");
    // A form that is refused doesn't use the token up.
    set_up(&app, &good, "root").await.refused(422, "invalid_fields");
    app.clock.advance(SETUP_LIFETIME - Duration::from_micros(1));
    let root = set_up(&app, &good, "root@example.com").await.expect(201).json();
    set_up(&app, &good, "second@example.com")
        .await
        .refused(403, "setup_closed");
    let root = log_in_with(&app, &text(&root, "email"), &json!({}))
        .await
        .expect(200)
        .json();
    let me = me(&app, &text(&root, "access_token")).await.expect(200).json();
    assert_eq!(me["roles"], json!(["administrator"]));
    // Once there is an administrator no further link is made, and none works.
    assert_eq!(offer(&app).await, None);
}

#[tokio::test]
async fn set_up_after_an_administrator_came_otherwise_is_closed() {
    checks!("T031");
    let app = TestApp::new().await;
    let token = offer(&app).await.unwrap();
    app.administrator("anna@example.com").await;
    let answer = set_up(&app, &token, "root@example.com")
        .await
        .refused(403, "setup_closed");
    assert_eq!(answer.code(), "setup_closed");
    log_in_with(&app, "root@example.com", &json!({}))
        .await
        .refused(401, "invalid_credentials");
}

#[tokio::test]
async fn set_up_many_times_at_once_makes_one_administrator() {
    checks!("T031");
    let app = TestApp::new().await;
    let token = offer(&app).await.unwrap();
    let emails: Vec<_> = (0..40).map(|n| format!("root{n}@example.com")).collect();
    let answers = join_all(emails.iter().map(|email| set_up(&app, &token, email))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status() == status).count();
    assert_eq!((count(201), count(403)), (1, 39));
}

async fn verify(app: &TestApp, token: &str) -> Answer {
    let body = json!({ "token": token, "password": PASSWORD });
    app.post("/auth/email/verify").json(&body).send().await
}

// Shows: TK-6
#[tokio::test]
async fn verify_email_refuses_wrong_used_and_foreign_tokens() {
    checks!("T014");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    let other_purpose = anna.refresh_token.replace("pcr_", "pcv_");
    let unknown = format!("pcv_{}", "A".repeat(43));
    let (cut, longer) = (&code[..code.len() - 1], format!("{code}A"));
    for token in [
        "",
        "x",
        unknown.as_str(),
        cut,
        &longer,
        &code.to_uppercase(),
        &anna.access_token,
        &anna.refresh_token,
        &other_purpose,
    ] {
        let answer = verify(&app, token).await.refused(400, "invalid_code");
        assert_eq!(answer.code(), "invalid_code", "{token}");
    }
    let account = verify(&app, &code).await.expect(200).json();
    assert_eq!(
        (&account["state"], &account["email_verified"]),
        (&json!("active"), &json!(true))
    );
    assert_eq!(verify(&app, &code).await.expect(400).code(), "invalid_code");
}

#[tokio::test]
async fn verify_email_in_parallel_succeeds_once() {
    checks!("T009");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    let body = json!({ "token": code });
    let proof = || app.post("/auth/email/verify").bearer(&anna.access_token);
    let answers = join_all((0..100).map(|_| proof().json(&body).send())).await;
    let good = answers.iter().filter(|answer| answer.status() == 200).count();
    let refused = answers
        .iter()
        .filter(|answer| answer.code() == "invalid_code")
        .count();
    assert_eq!((good, refused), (1, 99));
}

// Shows: PW-8
#[tokio::test]
async fn verify_email_at_both_sides_of_its_end() {
    for (short_of_the_end, status) in [(0, 400), (1, 200)] {
        let app = TestApp::new().await;
        app.user("anna@example.com").await;
        let code = app.mailer.code_to("anna@example.com").await;
        app.clock
            .advance(VERIFICATION_LIFETIME - Duration::from_micros(short_of_the_end));
        verify(&app, &code).await.expect(status);
    }
}

#[tokio::test]
async fn verify_email_of_a_disabled_account_is_refused() {
    checks!("T016");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    set_state(&app, &anna, AccountState::Disabled).await;
    verify(&app, &code).await.refused(400, "invalid_code");
}

#[tokio::test]
async fn mail_again_gives_a_second_code_until_the_address_is_proven() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let first = app.mailer.code_to("anna@example.com").await;
    let again = || {
        app.post("/auth/email/verification")
            .bearer(&anna.access_token)
            .send()
    };
    again().await.expect(204);
    let second = app.mailer.code_to("anna@example.com").await;
    assert_ne!(first, second);
    verify(&app, &first).await.expect(200);
    // Nothing is left to prove: the same answer, and no e-mail.
    again().await.expect(204);
    assert_eq!(app.mailer.waiting(), 0);
    verify(&app, &second).await.expect(200);
}

#[tokio::test]
async fn unlocking_proves_no_address() {
    let app = TestApp::with(
        |builder| builder.require_verified_email(true),
        portcullis_identity::Portcullis::api,
    )
    .await;
    let body = json!({ "email": "anna@example.com", "password": PASSWORD });
    let anna = register(&app, &body).await.expect(201).json();
    let id = text(&anna, "id").parse().unwrap();
    for state in [
        AccountState::Locked,
        AccountState::Active,
        AccountState::Disabled,
        AccountState::Active,
    ] {
        crate::fixtures::set_state_of(&app, id, state).await;
    }
    let refused = log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .refused(403, "account_unverified");
    assert_eq!(refused.code(), "account_unverified");
    let code = app.mailer.code_to("anna@example.com").await;
    verify(&app, &code).await.expect(200);
    log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .expect(200);
}

#[tokio::test]
async fn me_shows_the_account_and_what_the_credential_may_do() {
    let app = TestApp::new().await;
    app.get("/auth/me")
        .send()
        .await
        .refused(401, "authentication_required");
    let anna = app
        .user_with("anna@example.com", &["portcullis:audit:read"])
        .await;
    let body = me(&app, &anna.access_token).await.expect(200).json();
    assert_eq!(body["id"], anna.id.to_string());
    assert_eq!(body["email"], "anna@example.com");
    assert_eq!(body["email_verified"], false);
    assert_eq!(body["username"], Value::Null);
    assert_eq!(body["permissions"], json!(["portcullis:audit:read"]));
    assert_eq!(body["session_id"], anna.session_id);
    assert_eq!(body["amr"], json!(["pwd"]));
    assert_eq!(body["authenticated_at"], "2026-01-01T00:00:00Z");
    assert!(body.get("scope").is_none(), "{body}");
    let scope = json!({ "scope": "portcullis:audit:read nonsense" });
    let narrowed = log_in_with(&app, "anna@example.com", &scope)
        .await
        .expect(200)
        .json();
    let body = me(&app, &text(&narrowed, "access_token"))
        .await
        .expect(200)
        .json();
    assert_eq!(body["scope"], "portcullis:audit:read");
    let forbidden = ["password", "stamp", "hash", "token", "digest"];
    for name in body.as_object().unwrap().keys() {
        assert!(!forbidden.contains(&name.as_str()), "{name}");
    }
}

#[tokio::test]
async fn mail_again_beyond_the_rate_sends_no_email() {
    checks!("T091");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    app.mailer.code_to("anna@example.com").await;
    let again = async || {
        let request = app.post("/auth/email/verification").bearer(&anna.access_token);
        request.send().await
    };
    for _ in 0..10 {
        again().await.expect(204);
        app.mailer.code_to("anna@example.com").await;
    }
    let answer = again().await.refused(429, "too_many_requests");
    assert_eq!(answer.code(), "too_many_requests");
    assert_eq!(answer.header("retry-after"), "8640");
    app.clock.advance_secs(8_640);
    let anna = app.log_in("anna@example.com").await;
    let request = app.post("/auth/email/verification").bearer(&anna.access_token);
    request.send().await.expect(204);
    app.mailer.code_to("anna@example.com").await;
    assert_eq!(app.mailer.waiting(), 0);
}
