//! Logging in and out, and the list of sessions.

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::account::AccountState;
use portcullis_core::checks;
use portcullis_core::login;
use portcullis_core::password::{self, Cost};
use portcullis_core::session::Token;
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{
    complaints, events, log_in_with, me, pairs, password_form, session_of, set_state, text, timeless,
};

// Shows: PW-5
#[tokio::test]
async fn log_in_answers_an_unknown_user_and_a_wrong_password_alike() {
    checks!("T012");
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let attempt = async |identifier: &str, password: &str| {
        let body = json!({ "identifier": identifier, "password": password });
        app.post("/auth/login")
            .json(&body)
            .send()
            .await
            .refused(401, "invalid_credentials")
    };
    let wrong = attempt("anna@example.com", "not her password").await;
    assert_eq!(wrong.code(), "invalid_credentials");
    assert!(wrong.header("www-authenticate").starts_with("Bearer "));
    let huge = "x".repeat(1_025);
    for (identifier, password) in [
        ("nobody@example.com", PASSWORD),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("@", PASSWORD),
        ("anna@example.com", ""),
        ("anna@example.com", huge.as_str()),
        ("nobody@example.com", huge.as_str()),
        ("anna@example.com\0", PASSWORD),
        ("anna@example.com' OR '1'='1", PASSWORD),
        ("%", PASSWORD),
    ] {
        let answer = attempt(identifier, password).await;
        assert_eq!(timeless(&answer), timeless(&wrong), "{identifier:?}");
        assert_eq!(answer.text().len(), wrong.text().len());
        assert_eq!(
            answer.header("www-authenticate"),
            wrong.header("www-authenticate")
        );
    }
    let reasons: Vec<_> = events(&app, "login.refused").await;
    assert_eq!(reasons.len(), 11);
    let of_anna = reasons.iter().filter(|event| event.account.is_some());
    assert_eq!(of_anna.count(), 3, "{reasons:#?}");
}

#[tokio::test]
async fn log_in_by_every_spelling_of_address_and_name() {
    let app = TestApp::new().await;
    let body = json!({ "email": "Anna@Example.com", "username": "Anna.K", "password": PASSWORD });
    app.post("/auth/register").json(&body).send().await.expect(201);
    for identifier in [
        "anna@example.com",
        "ANNA@EXAMPLE.COM",
        "ａnna＠example.com",
        "anna.k",
        "ANNA.K",
        "Anna.K",
        "Ａnna．k",
    ] {
        log_in_with(&app, identifier, &json!({})).await.expect(200);
    }
    log_in_with(&app, "anna", &json!({}))
        .await
        .refused(401, "invalid_credentials");
}

// Shows: PW-9
#[tokio::test]
async fn log_in_to_an_account_that_may_not_is_told_only_with_the_right_password() {
    checks!("T016");
    for (state, code) in [
        (AccountState::Locked, "account_locked"),
        (AccountState::Disabled, "account_disabled"),
    ] {
        let app = TestApp::new().await;
        let anna = app.user("anna@example.com").await;
        set_state(&app, &anna, state).await;
        let body = json!({ "identifier": "anna@example.com", "password": "wrong password" });
        let wrong = app
            .post("/auth/login")
            .json(&body)
            .send()
            .await
            .refused(401, "invalid_credentials");
        let body = json!({ "identifier": "nobody@example.com", "password": "wrong password" });
        let unknown = app
            .post("/auth/login")
            .json(&body)
            .send()
            .await
            .refused(401, "invalid_credentials");
        assert_eq!(timeless(&wrong), timeless(&unknown));
        let right = log_in_with(&app, "anna@example.com", &json!({}))
            .await
            .expect(403);
        assert_eq!(right.code(), code);
        let form = password_form(&app, "anna@example.com", PASSWORD)
            .await
            .refused(400, "invalid_grant");
        assert_eq!(form.code(), "invalid_grant");
        set_state(&app, &anna, AccountState::Active).await;
        log_in_with(&app, "anna@example.com", &json!({}))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn log_in_where_a_proven_address_is_required() {
    let app = TestApp::with(
        |builder| builder.require_verified_email(true),
        portcullis_identity::Portcullis::api,
    )
    .await;
    let body = json!({ "email": "anna@example.com", "password": PASSWORD });
    app.post("/auth/register").json(&body).send().await.expect(201);
    let refused = log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .refused(403, "account_unverified");
    assert_eq!(refused.code(), "account_unverified");
    let token = app.mailer.code_to("anna@example.com").await;
    let body = json!({ "token": token, "password": PASSWORD });
    app.post("/auth/email/verify")
        .json(&body)
        .send()
        .await
        .expect(200);
    log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .expect(200);
}

#[tokio::test]
async fn log_in_refuses_fields_it_does_not_know_and_wrong_ones() {
    checks!("T022");
    checks!("T026");
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let long = "n".repeat(65);
    for (more, expected) in [
        (
            json!({ "session_id": "01890000-0000-7000-8000-000000000000" }),
            ("/session_id", "unknown"),
        ),
        (json!({ "session_token": "pcs_x" }), ("/session_token", "unknown")),
        (json!({ "account_id": "x" }), ("/account_id", "unknown")),
        (
            json!({ "delivery": "carrier pigeon" }),
            ("/delivery", "unknown_value"),
        ),
        (json!({ "remember_me": "yes" }), ("/remember_me", "wrong_type")),
        (json!({ "remember_me": true }), ("/remember_me", "not_applicable")),
        (
            json!({ "device_name": "" }),
            ("/device_name", "invalid_device_name"),
        ),
        (
            json!({ "device_name": "  " }),
            ("/device_name", "invalid_device_name"),
        ),
        (
            json!({ "device_name": "a\nb" }),
            ("/device_name", "invalid_device_name"),
        ),
        (
            json!({ "device_name": long }),
            ("/device_name", "invalid_device_name"),
        ),
    ] {
        let answer = log_in_with(&app, "anna@example.com", &more)
            .await
            .refused(422, "invalid_fields");
        assert_eq!(complaints(&answer), pairs(&[expected]), "{more}");
    }
    let longest = json!({ "device_name": "n".repeat(64) });
    log_in_with(&app, "anna@example.com", &longest).await.expect(200);
}

#[tokio::test]
async fn log_in_beside_a_session_that_is_there_already_mints_another() {
    checks!("T022");
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let planted = session_of(&app, "anna@example.com").await;
    let body = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "cookie" });
    let request = app.post("/auth/login").cookie(&planted).json(&body);
    let answer = request.send().await.expect(200);
    assert!(!answer.header("set-cookie").contains(&planted));
    let unknown = format!("pcs_{}", "A".repeat(43));
    let request = app.post("/auth/login").cookie(&unknown).json(&body);
    let answer = request.send().await.expect(200);
    assert!(!answer.header("set-cookie").contains(&unknown));
    me(&app, &unknown).await.refused(401, "invalid_token");
}

// Shows: AZ-3
#[tokio::test]
async fn log_in_grants_no_scope_beyond_the_account() {
    checks!("T024");
    let app = TestApp::new().await;
    app.user_with(
        "anna@example.com",
        &["portcullis:audit:read", "portcullis:roles:read"],
    )
    .await;
    for scope in [
        "portcullis:roles:write",
        "nonsense",
        "",
        "   ",
        "*",
        "portcullis:audit:read\u{a0}x",
    ] {
        let answer = log_in_with(&app, "anna@example.com", &json!({ "scope": scope })).await;
        assert_eq!(answer.expect(400).code(), "invalid_scope", "{scope:?}");
    }
    let scope = "portcullis:roles:write  portcullis:audit:read portcullis:audit:read";
    for delivery in ["tokens", "session"] {
        let more = json!({ "scope": scope, "delivery": delivery });
        let body = log_in_with(&app, "anna@example.com", &more)
            .await
            .expect(200)
            .json();
        let token = if delivery == "tokens" {
            "access_token"
        } else {
            "session_token"
        };
        let token = text(&body, token);
        let shown = me(&app, &token).await.expect(200).json();
        assert_eq!(
            shown["permissions"],
            json!(["portcullis:audit:read"]),
            "{delivery}"
        );
        let audit = app.get("/admin/api/v1/audit").bearer(&token);
        audit.send().await.expect(200);
        let roles = app
            .get("/admin/api/v1/roles")
            .bearer(&token)
            .send()
            .await
            .refused(403, "insufficient_scope");
        assert_eq!(roles.code(), "insufficient_scope", "{delivery}");
        assert!(
            roles
                .header("www-authenticate")
                .contains("scope=\"portcullis:roles:read\"")
        );
    }
}

// Shows: PW-6
#[tokio::test]
async fn log_in_gives_what_the_device_asked_for() {
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let tokens = log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .expect(200);
    assert_eq!(tokens.header("cache-control"), "no-store");
    assert_eq!(tokens.header("set-cookie"), "");
    let tokens = tokens.json();
    assert!(text(&tokens, "refresh_token").starts_with("pcr_"));
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    assert!(tokens.get("session_token").is_none(), "{tokens}");

    for (remember_me, lifetime) in [(false, 12 * 3_600), (true, 90 * 24 * 3_600)] {
        let more = json!({ "delivery": "session", "remember_me": remember_me });
        let answer = log_in_with(&app, "anna@example.com", &more).await.expect(200);
        assert_eq!(answer.header("set-cookie"), "");
        let body = answer.json();
        assert!(text(&body, "session_token").starts_with("pcs_"));
        assert_eq!(
            (&body["token_type"], &body["expires_in"]),
            (&json!("Session"), &json!(lifetime))
        );
        assert!(body.get("access_token").is_none() && body.get("refresh_token").is_none());

        let more = json!({ "delivery": "cookie", "remember_me": remember_me });
        let answer = log_in_with(&app, "anna@example.com", &more).await.expect(200);
        let cookie = answer.header("set-cookie");
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        // Who didn't ask to be remembered is forgotten when the browser is closed.
        let keep = match remember_me {
            true => format!("Max-Age={lifetime}; "),
            false => String::new(),
        };
        assert_eq!(
            attributes,
            format!("{keep}Path=/; Secure; HttpOnly; SameSite=Lax")
        );
        let token = pair.strip_prefix("__Host-portcullis=").unwrap();
        assert!(
            !answer.text().contains("pcs_"),
            "a script could read it: {}",
            answer.text()
        );
        app.get("/auth/me").cookie(token).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_session_token_is_accepted_as_bearer_header_and_cookie() {
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let token = session_of(&app, "anna@example.com").await;
    app.get("/auth/me").bearer(&token).send().await.expect(200);
    app.get("/auth/me")
        .header("x-session-token", &token)
        .send()
        .await
        .expect(200);
    app.get("/auth/me").cookie(&token).send().await.expect(200);
    let among_others = format!("a=b; __Host-portcullis={token}; c=d");
    app.get("/auth/me")
        .header("cookie", &among_others)
        .send()
        .await
        .expect(200);
    for name in [
        "portcullis",
        "__Secure-portcullis",
        "__host-portcullis",
        "x__Host-portcullis",
    ] {
        let cookie = format!("{name}={token}");
        app.get("/auth/me")
            .header("cookie", &cookie)
            .send()
            .await
            .refused(401, "authentication_required");
    }
}

// Shows: SE-3
#[tokio::test]
async fn a_cookie_changes_something_only_from_our_own_pages() {
    checks!("T023");
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let token = session_of(&app, "anna@example.com").await;
    let cookie = format!("__Host-portcullis={token}");
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "https://elsewhere.example", 403),
        ("origin", "http://id.example.com", 403),
        ("origin", "https://id.example.com.elsewhere.example", 403),
        ("origin", "null", 403),
        ("x-nothing", "at all", 403),
        ("origin", "https://id.example.com", 204),
        ("sec-fetch-site", "same-origin", 204),
    ] {
        let csrf = app.portcullis.gate().csrf_token(&Token::parse(&token).unwrap());
        let request = app.post("/auth/email/verification").header("cookie", &cookie);
        let request = request.header("x-csrf-token", &csrf);
        let answer = request.header(name, value).send().await;
        assert_eq!(answer.status(), status, "{name}: {value}");
    }
}

// Shows: SE-1
#[tokio::test]
async fn a_session_ends_when_it_was_not_used_for_its_idle_time() {
    let settings = login::Settings::default();
    let day = Duration::from_secs(24 * 3_600);
    for (remember_me, idle) in [(false, settings.idle), (true, settings.remembered_idle)] {
        let app = TestApp::new().await;
        app.user("anna@example.com").await;
        let more = json!({ "delivery": "session", "remember_me": remember_me });
        let body = log_in_with(&app, "anna@example.com", &more)
            .await
            .expect(200)
            .json();
        let token = text(&body, "session_token");
        app.clock.advance(idle - Duration::from_micros(1));
        me(&app, &token).await.expect(200);
        // Each use begins the time anew, also when it is written down in between.
        app.clock.advance(idle - Duration::from_micros(1));
        app.portcullis.write_seen().await.unwrap();
        me(&app, &token).await.expect(200);
        app.clock.advance(idle);
        me(&app, &token).await.refused(401, "invalid_token");
        app.clock.advance(day);
        me(&app, &token).await.refused(401, "invalid_token");
    }
}

// Shows: SE-1
#[tokio::test]
async fn a_session_ends_at_its_absolute_end_however_much_it_is_used() {
    let settings = login::Settings::default();
    for (remember_me, idle, absolute) in [
        (false, settings.idle, settings.absolute),
        (true, settings.remembered_idle, settings.remembered_absolute),
    ] {
        let app = TestApp::new().await;
        app.user("anna@example.com").await;
        let more = json!({ "delivery": "session", "remember_me": remember_me });
        let body = log_in_with(&app, "anna@example.com", &more)
            .await
            .expect(200)
            .json();
        let token = text(&body, "session_token");
        let (mut left, step) = (absolute, idle / 2);
        while left > step {
            app.clock.advance(step);
            left -= step;
            me(&app, &token).await.expect(200);
        }
        app.clock.advance(left - Duration::from_micros(1));
        me(&app, &token).await.expect(200);
        app.clock.advance(Duration::from_micros(1));
        me(&app, &token).await.refused(401, "invalid_token");
    }
}

// Shows: SE-5
#[tokio::test]
async fn log_in_beyond_the_limit_ends_the_session_seen_longest_ago() {
    let app = TestApp::with(
        |builder| {
            let mut settings = login::Settings::default();
            settings.per_account = 3;
            builder.sessions(settings)
        },
        portcullis_identity::Portcullis::api,
    )
    .await;
    app.user("anna@example.com").await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        app.clock.advance_secs(60);
        tokens.push(session_of(&app, "anna@example.com").await);
    }
    // The login of `user` made room; the oldest of the three is used now, so the second is the next to go.
    app.clock.advance_secs(120);
    me(&app, &tokens[0]).await.expect(200);
    app.portcullis.write_seen().await.unwrap();
    let newest = session_of(&app, "anna@example.com").await;
    for (token, status) in [
        (&tokens[0], 200),
        (&tokens[1], 401),
        (&tokens[2], 200),
        (&newest, 200),
    ] {
        me(&app, token).await.expect(status);
    }
    let evicted = events(&app, "session.ended").await;
    assert!(
        evicted
            .iter()
            .all(|event| event.detail.as_deref() == Some("evicted"))
    );
    assert_eq!(evicted.len(), 2);
}

// Shows: SE-5
#[tokio::test]
async fn log_in_from_a_new_device_is_told_once() {
    let app = TestApp::new().await;
    let body = json!({ "email": "anna@example.com", "password": PASSWORD });
    app.post("/auth/register").json(&body).send().await.expect(201);
    let code = app.mailer.code_to("anna@example.com").await;
    let log_in = async |agent: &str| {
        let body = json!({ "identifier": "anna@example.com", "password": PASSWORD });
        let request = app.post("/auth/login").header("user-agent", agent).json(&body);
        request.send().await.expect(200);
    };
    log_in("Browser/1").await;
    log_in("Browser/1").await;
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 0, "the first device is no news");
    log_in("Tablet/1").await;
    app.emails_sent().await;
    assert_eq!(
        app.mailer.waiting(),
        0,
        "who has not proven the address may not be its owner"
    );
    let verify = json!({ "token": code, "password": PASSWORD });
    let verify = app.post("/auth/email/verify").json(&verify);
    verify.send().await.expect(200);
    log_in("Phone/1 Firefox/1").await;
    let email = app.mailer.email_to("anna@example.com").await;
    assert!(email.text.contains("device: Firefox\n"), "{}", email.text);
    log_in("Phone/1 Firefox/1").await;
    log_in("Browser/1").await;
    app.emails_sent().await;
    assert_eq!(app.mailer.waiting(), 0);
}

#[tokio::test]
async fn log_in_while_the_hashing_pool_is_full_is_told_when_to_come_back() {
    checks!("T013");
    let app = TestApp::with(
        |builder| {
            let mut passwords = password::Settings::default();
            passwords.cost = Cost::OWASP;
            (passwords.threads, passwords.waiting) = (1, 1);
            builder.passwords(passwords)
        },
        portcullis_identity::Portcullis::api,
    )
    .await;
    let anna = app.user("anna@example.com").await;
    let nothing = json!({});
    let logins = join_all((0..16).map(|_| log_in_with(&app, "anna@example.com", &nothing)));
    let others = join_all((0..16).map(|_| me(&app, &anna.access_token)));
    let (logins, others) = futures_util::future::join(logins, others).await;
    assert!(others.iter().all(|answer| answer.status() == 200));
    let good = logins.iter().filter(|answer| answer.status() == 200).count();
    let (mut refused, mut seconds) = (0, Vec::new());
    for answer in logins.iter().filter(|answer| answer.status() == 503) {
        refused += 1;
        assert_eq!(answer.code(), "unavailable");
        seconds.push(answer.header("retry-after").parse::<u32>().unwrap());
    }
    assert!(
        good >= 1 && refused >= 1 && good + refused == 16,
        "{good} and {refused}"
    );
    assert!(
        seconds.iter().all(|seconds| (1..=60).contains(seconds)),
        "{seconds:?}"
    );
    // The flood is over: nothing stays closed.
    log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .expect(200);
}

async fn sessions(app: &TestApp, token: &str) -> Vec<Value> {
    let answer = app.get("/auth/sessions").bearer(token).send().await.expect(200);
    answer.json()["items"].as_array().unwrap().clone()
}

// Shows: SE-5
#[tokio::test]
async fn sessions_of_somebody_else_are_not_there() {
    checks!("T027");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let otto = app.user("otto@example.com").await;
    let path = format!("/auth/sessions/{}", anna.session_id);
    let named = json!({ "name": "mine now" });
    let unknown = "/auth/sessions/01890000-0000-7000-8000-000000000000";
    let rename = app
        .patch(&path)
        .bearer(&otto.access_token)
        .json(&named)
        .send()
        .await;
    let end = app.delete(&path).bearer(&otto.access_token).send().await;
    let never = app.delete(unknown).bearer(&otto.access_token).send().await;
    for answer in [&rename, &end, &never] {
        assert_eq!((answer.status(), answer.code().as_str()), (404, "not_found"));
        assert_eq!(timeless(answer), timeless(&never));
    }
    for garbage in ["x", "..", "%00", "0", "' OR 1=1", "anna@example.com"] {
        let path = format!(
            "/auth/sessions/{}",
            garbage.replace(' ', "%20").replace('\'', "%27")
        );
        let answer = app.delete(&path).bearer(&otto.access_token).send().await;
        assert_eq!(answer.status(), 404, "{garbage}");
    }
    let seen = sessions(&app, &otto.access_token).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["id"], otto.session_id);
    let ended = app
        .delete("/auth/sessions")
        .bearer(&otto.access_token)
        .send()
        .await;
    assert_eq!(ended.expect(200).json()["ended"], 0);
    me(&app, &anna.access_token).await.expect(200);
}

// Shows: SE-5
#[tokio::test]
async fn sessions_are_listed_named_and_ended() {
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let more = json!({ "delivery": "session", "device_name": "  Laptop " });
    let body = log_in_with(&app, "anna@example.com", &more)
        .await
        .expect(200)
        .json();
    let (token, id) = (text(&body, "session_token"), text(&body, "session_id"));
    let all = sessions(&app, &token).await;
    assert_eq!(all.len(), 2);
    let current: Vec<_> = all.iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(
        (&current[0]["id"], &current[0]["device_name"]),
        (&json!(id), &json!("Laptop"))
    );

    let path = format!("/auth/sessions/{id}");
    for name in [
        json!({ "name": "" }),
        json!({ "name": "a\u{7}" }),
        json!({ "name": "n".repeat(65) }),
    ] {
        let answer = app
            .patch(&path)
            .bearer(&token)
            .json(&name)
            .send()
            .await
            .refused(422, "invalid_fields");
        assert_eq!(complaints(&answer), pairs(&[("/name", "invalid_device_name")]));
    }
    let unknown = json!({ "name": "x", "account_id": "y" });
    app.patch(&path)
        .bearer(&token)
        .json(&unknown)
        .send()
        .await
        .refused(422, "invalid_fields");
    let name = json!({ "name": "Büro 🖥" });
    app.patch(&path)
        .bearer(&token)
        .json(&name)
        .send()
        .await
        .expect(204);
    let all = sessions(&app, &token).await;
    assert!(all.iter().any(|session| session["device_name"] == "Büro 🖥"));

    let third = session_of(&app, "anna@example.com").await;
    let answer = app
        .delete("/auth/sessions")
        .bearer(&token)
        .send()
        .await
        .expect(200);
    assert_eq!(answer.json()["ended"], 2);
    me(&app, &third).await.refused(401, "invalid_token");
    app.delete(&path).bearer(&token).send().await.expect(204);
    me(&app, &token).await.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_timed_out_session_is_not_listed() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    session_of(&app, "anna@example.com").await;
    assert_eq!(sessions(&app, &anna.access_token).await.len(), 2);
    app.clock.advance(login::Settings::default().idle);
    let again = app.log_in("anna@example.com").await;
    assert_eq!(
        sessions(&app, &again.access_token).await.len(),
        2,
        "the two with tokens"
    );
}

// Shows: SE-3
#[tokio::test]
async fn log_out_ends_this_session_and_takes_the_cookie_back() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let token = session_of(&app, "anna@example.com").await;
    me(&app, &token).await.expect(200);
    let answer = app.post("/auth/logout").cookie(&token).send().await.expect(204);
    assert_eq!(
        answer.header("set-cookie"),
        "__Host-portcullis=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"
    );
    me(&app, &token).await.refused(401, "invalid_token");
    app.post("/auth/logout")
        .cookie(&token)
        .send()
        .await
        .refused(401, "invalid_token");
    me(&app, &anna.access_token).await.expect(200);

    let token = session_of(&app, "anna@example.com").await;
    let answer = app
        .post("/auth/logout/all")
        .cookie(&token)
        .send()
        .await
        .expect(204);
    assert!(
        answer
            .header("set-cookie")
            .starts_with("__Host-portcullis=; Max-Age=0;")
    );
    for token in [&token, &anna.access_token] {
        me(&app, token).await.refused(401, "invalid_token");
    }
}

// Shows: SE-3
#[tokio::test]
async fn a_dead_session_cookie_is_taken_back_with_its_401() {
    checks!("T087");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let token = session_of(&app, "anna@example.com").await;
    let taken_back = |answer: &portcullis_testkit::Answer| {
        let set: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
        set == [
            "__Host-portcullis=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
            "__Host-portcullis-csrf=; Max-Age=0; Path=/; Secure; SameSite=Strict",
        ]
    };
    let alive = app.get("/auth/me").cookie(&token).send().await.expect(200);
    assert!(!alive.headers().contains_key("set-cookie"));
    // A good session that is refused for another reason stays.
    for (method, path, header) in [
        (
            http::Method::POST,
            "/auth/logout",
            ("sec-fetch-site", "cross-site"),
        ),
        (http::Method::GET, "/admin/api/v1/roles", ("accept", "*/*")),
    ] {
        let request = app
            .request(method, path)
            .cookie(&token)
            .header(header.0, header.1);
        let answer = request.send().await.expect(403);
        assert!(!answer.headers().contains_key("set-cookie"), "{path}");
    }
    app.clock.advance_secs(30 * 60);
    for path in ["/auth/me", "/admin/api/v1/roles"] {
        let answer = app
            .get(path)
            .cookie(&token)
            .send()
            .await
            .refused(401, "invalid_token");
        assert!(taken_back(&answer), "{path}: {:?}", answer.headers());
    }
    let answer = app
        .post("/auth/logout")
        .cookie(&token)
        .send()
        .await
        .refused(401, "invalid_token");
    assert!(taken_back(&answer));
    let broken = app
        .get("/auth/me")
        .cookie("rubbish")
        .send()
        .await
        .refused(401, "invalid_token");
    assert!(taken_back(&broken));
    // What came in a header isn't the browser's.
    for request in [
        app.get("/auth/me").bearer(&token),
        app.get("/auth/me").header("x-session-token", &token),
        app.get("/auth/me").bearer("rubbish"),
    ] {
        let answer = request.send().await.refused(401, "invalid_token");
        assert!(!answer.headers().contains_key("set-cookie"));
    }
    let _ = anna;
}

// Shows: SE-3
#[tokio::test]
async fn log_out_by_cookie_has_the_browser_forget_what_it_kept() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    for path in ["/auth/logout", "/auth/logout/all"] {
        let token = session_of(&app, "anna@example.com").await;
        let answer = app.post(path).cookie(&token).send().await.expect(204);
        assert_eq!(
            answer.header("clear-site-data"),
            "\"cache\", \"storage\"",
            "{path}"
        );
    }
    let anna = app.log_in(&anna.email).await;
    let answer = app.post("/auth/logout").bearer(&anna.access_token).send().await;
    assert_eq!(answer.expect(204).header("clear-site-data"), "");
}

// Shows: WP-4
#[tokio::test]
async fn a_form_of_another_site_logs_nobody_in() {
    checks!("T023");
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let json = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "cookie" });
    let form = format!("identifier=anna%40example.com&password={PASSWORD}&delivery=cookie");
    for (kind, body) in [
        ("text/plain", json.to_string()),
        ("application/x-www-form-urlencoded", json.to_string()),
        ("application/x-www-form-urlencoded", form),
        ("multipart/form-data; boundary=x", json.to_string()),
    ] {
        let request = http::Request::post("/auth/login")
            .header("content-type", kind)
            .header("sec-fetch-site", "cross-site")
            .header("origin", "https://elsewhere.example")
            .body(axum::body::Body::from(body))
            .unwrap();
        let answer = tower::ServiceExt::oneshot(app.router().clone(), request)
            .await
            .unwrap();
        assert!(
            matches!(answer.status().as_u16(), 403 | 415),
            "{kind}: {}",
            answer.status()
        );
        assert!(!answer.headers().contains_key("set-cookie"), "{kind}");
    }
}

// Shows: WP-4
/// Some servers and gateways read `_` as `-`. This one doesn't: what one layer sees, the other does.
#[tokio::test]
async fn headers_with_underscores_name_nothing() {
    checks!("T019");
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let token = session_of(&app, "anna@example.com").await;
    let answer = app.get("/auth/me").header("x_session_token", &token).send().await;
    assert_eq!(answer.expect(401).code(), "authentication_required");
    let answer = app.get("/auth/me").header("x_api_key", "pk_live_x").send().await;
    assert_eq!(answer.expect(401).code(), "authentication_required");
    // Beside a good one they are no second credential either.
    for name in ["x_session_token", "x_api_key", "x_organization_id"] {
        app.get("/auth/me")
            .bearer(&token)
            .header(name, &token)
            .send()
            .await
            .expect(200);
    }
    let csrf = app.get("/auth/csrf").cookie(&token).send().await.expect(200);
    let csrf = text(&csrf.json(), "csrf_token");
    let request = http::Request::post("/auth/logout")
        .header("cookie", format!("__Host-portcullis={token}"))
        .header("sec-fetch-site", "same-origin")
        .header("x_csrf_token", csrf)
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(app.router().clone(), request)
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn a_new_deployment_has_nobody_to_log_in_as() {
    let app = TestApp::new().await;
    for name in [
        "admin",
        "administrator",
        "root",
        "operator",
        "portcullis",
        "test",
        "guest",
    ] {
        for password in [name, "admin", "password", "changeme", "portcullis", PASSWORD] {
            let body = json!({ "identifier": name, "password": password });
            let answer = app
                .post("/auth/login")
                .json(&body)
                .send()
                .await
                .refused(401, "invalid_credentials");
            assert_eq!(answer.code(), "invalid_credentials", "{name}");
        }
    }
    let refused = events(&app, "login.refused").await;
    assert!(!refused.is_empty() && refused.iter().all(|event| event.account.is_none()));
}
