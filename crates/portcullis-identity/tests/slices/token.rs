//! The token endpoint, revocation, and the published keys.

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::account::AccountState;
use portcullis_core::login;
use portcullis_core::opaque::OPAQUE;
use portcullis_core::{checks, token};
use portcullis_identity::{OpenError, Portcullis};
use portcullis_testkit::{Account, PASSWORD, TestApp};
use serde_json::json;

use crate::fixtures::{
    events, log_in_with, me, now, password_form, proven, refresh, session_of, set_state, text,
};

#[tokio::test]
async fn token_refuses_forms_that_cannot_be_read_as_rfc_6749_says() {
    let app = TestApp::new().await;
    let good = "grant_type=password&username=a%40b.c&password=x";
    for (form, error) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type", "invalid_request"),
        ("username=a&password=b", "invalid_request"),
        ("grant_type=password", "invalid_request"),
        ("grant_type=password&username=a", "invalid_request"),
        ("grant_type=password&password=a", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        (
            "grant_type=password&grant_type=password&username=a&password=b",
            "invalid_request",
        ),
        (
            "grant_type=password&username=a&username=b&password=c",
            "invalid_request",
        ),
        ("grant_type=password&username=%ff&password=c", "invalid_request"),
        ("grant_type=password&username=%zz&password=c", "invalid_request"),
        ("grant_type=client_credentials", "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
        (
            "grant_type=Password&username=a&password=b",
            "unsupported_grant_type",
        ),
        ("grant_type=implicit", "unsupported_grant_type"),
        (good, "invalid_grant"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        ("grant_type=refresh_token&refresh_token=", "invalid_grant"),
    ] {
        let request = app
            .post("/oauth/token")
            .bytes("application/x-www-form-urlencoded", form.as_bytes());
        let answer = request.send().await.expect(400);
        let body = answer.json();
        assert_eq!(body["error"], error, "{form}: {body}");
        assert_eq!(answer.header("cache-control"), "no-store", "{form}");
        assert_eq!(answer.header("content-type"), "application/json", "{form}");
        let description = text(&body, "error_description");
        let allowed = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
        assert!(description.chars().all(allowed), "{description}");
    }
    for kind in ["application/json", "text/plain", "multipart/form-data"] {
        let answer = app.post("/oauth/token").bytes(kind, good.as_bytes()).send().await;
        assert_eq!(
            answer.refused(415, "invalid_request").json()["error"],
            "invalid_request",
            "{kind}"
        );
    }
    let huge = format!("{good}{}", "x".repeat(70_000));
    let request = app
        .post("/oauth/token")
        .bytes("application/x-www-form-urlencoded", huge.as_bytes());
    assert_eq!(
        request.send().await.refused(413, "invalid_request").json()["error"],
        "invalid_request"
    );
}

// Shows: PW-6
#[tokio::test]
async fn token_by_password_answers_as_rfc_6749_says() {
    checks!("T012");
    let app = TestApp::new().await;
    app.user("anna@example.com").await;
    let wrong = password_form(&app, "anna@example.com", "wrong password")
        .await
        .refused(400, "invalid_grant");
    let unknown = password_form(&app, "nobody@example.com", "wrong password")
        .await
        .refused(400, "invalid_grant");
    assert_eq!(wrong.text(), unknown.text());
    assert_eq!(wrong.code(), "invalid_grant");
    let answer = password_form(&app, "anna@example.com", PASSWORD)
        .await
        .expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    assert!(body.get("scope").is_none(), "{body}");
    me(&app, &text(&body, "access_token")).await.expect(200);
    // Parameters that nobody here knows are ignored (RFC 6749 §3.2).
    let form = [
        ("grant_type", "password"),
        ("username", "anna@example.com"),
        ("password", PASSWORD),
        ("client_id", "somebody"),
        ("scope", " "),
    ];
    app.post("/oauth/token").form(&form).send().await.expect(200);
}

// Shows: AZ-3
#[tokio::test]
async fn token_by_password_grants_no_scope_beyond_the_account() {
    checks!("T024");
    let app = TestApp::new().await;
    app.user_with("anna@example.com", &["portcullis:audit:read"])
        .await;
    let ask = async |scope: &str| {
        let form = [
            ("grant_type", "password"),
            ("username", "anna@example.com"),
            ("password", PASSWORD),
            ("scope", scope),
        ];
        app.post("/oauth/token").form(&form).send().await
    };
    assert_eq!(
        ask("portcullis:roles:write").await.expect(400).code(),
        "invalid_scope"
    );
    let body = ask("portcullis:roles:write portcullis:audit:read")
        .await
        .expect(200)
        .json();
    assert_eq!(body["scope"], "portcullis:audit:read");
    let refreshed = refresh(&app, &text(&body, "refresh_token"))
        .await
        .expect(200)
        .json();
    assert_eq!(refreshed["scope"], "portcullis:audit:read");
}

// Shows: PW-6
#[tokio::test]
async fn token_by_password_switched_off_is_an_unsupported_grant() {
    let app = TestApp::with(|builder| builder.password_grant(false), Portcullis::api).await;
    let anna = app.user("anna@example.com").await;
    for password in [PASSWORD, "wrong password"] {
        let answer = password_form(&app, "anna@example.com", password)
            .await
            .refused(400, "unsupported_grant_type");
        assert_eq!(answer.code(), "unsupported_grant_type");
    }
    refresh(&app, &anna.refresh_token).await.expect(200);
}

// Shows: TK-4
#[tokio::test]
async fn refresh_rotates_and_keeps_the_session() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    app.clock.advance_secs(60);
    let body = refresh(&app, &anna.refresh_token).await.expect(200).json();
    assert_ne!(text(&body, "refresh_token"), anna.refresh_token);
    assert_ne!(text(&body, "access_token"), anna.access_token);
    assert_eq!(body["session_id"], anna.session_id);
    let shown = me(&app, &text(&body, "access_token")).await.expect(200).json();
    assert_eq!(
        shown["authenticated_at"], "2026-01-01T00:00:00Z",
        "a refresh is no login"
    );
    me(&app, &anna.access_token).await.expect(200);
}

// Shows: TK-4
#[tokio::test]
async fn refresh_again_at_both_sides_of_the_grace() {
    checks!("T007");
    let grace = token::Settings::default().refresh_grace;
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let first = refresh(&app, &anna.refresh_token).await.expect(200).json();
    let second = refresh(&app, &text(&first, "refresh_token"))
        .await
        .expect(200)
        .json();
    app.clock.advance(grace);
    // A slow tab is told to use what its neighbour has; nothing ends.
    refresh(&app, &anna.refresh_token)
        .await
        .refused(400, "invalid_grant");
    me(&app, &text(&second, "access_token")).await.expect(200);

    app.clock.advance(Duration::from_micros(1));
    let replay = refresh(&app, &anna.refresh_token)
        .await
        .refused(400, "invalid_grant");
    assert_eq!(replay.code(), "invalid_grant");
    for token in [
        &text(&first, "access_token"),
        &text(&second, "access_token"),
        &anna.access_token,
    ] {
        me(&app, token).await.refused(401, "invalid_token");
    }
    for token in [&first, &second] {
        refresh(&app, &text(token, "refresh_token"))
            .await
            .refused(400, "invalid_grant");
    }
    let replayed = events(&app, "token.refresh_replayed").await;
    assert_eq!(replayed.len(), 1);
    assert_eq!(replayed[0].account, Some(anna.id));
}

// Shows: TK-4
#[tokio::test]
async fn refresh_whose_answer_was_lost_brings_the_same_successor_however_late() {
    checks!("T173");
    for later in [0, 12, 3_600] {
        let app = TestApp::new().await;
        let anna = app.user("anna@example.com").await;
        let lost = refresh(&app, &anna.refresh_token).await.expect(200).json();
        app.clock.advance_secs(later);
        let again = join_all((0..100).map(|_| refresh(&app, &anna.refresh_token))).await;
        for answer in again {
            let answer = answer.expect(200).json();
            assert_eq!(answer["refresh_token"], lost["refresh_token"]);
            me(&app, &text(&answer, "access_token")).await.expect(200);
        }
        // Who asks late is on record, and ends nothing.
        assert_eq!(
            events(&app, "token.refresh_repeated").await.is_empty(),
            later < 12
        );
        assert_eq!(events(&app, "token.refresh_replayed").await.len(), 0);
        // Once somebody has used it, the old one is a copy.
        let next = refresh(&app, &text(&lost, "refresh_token"))
            .await
            .expect(200)
            .json();
        app.clock.advance_secs(11);
        refresh(&app, &anna.refresh_token)
            .await
            .refused(400, "invalid_grant");
        me(&app, &text(&next, "access_token"))
            .await
            .refused(401, "invalid_token");
        assert_eq!(events(&app, "token.refresh_replayed").await.len(), 1);
    }
}

#[tokio::test]
async fn refresh_beside_a_thief_ends_the_session_whoever_comes_first() {
    checks!("T007");
    for the_owner_is_first in [true, false] {
        let app = TestApp::new().await;
        let anna = app.user("anna@example.com").await;
        let stolen = anna.refresh_token.clone();
        let first = refresh(&app, &stolen).await.expect(200).json();
        let next = text(&first, "refresh_token");
        app.clock.advance_secs(60);
        let (one, other) = if the_owner_is_first {
            (&next, &stolen)
        } else {
            (&stolen, &next)
        };
        let answer = refresh(&app, one).await.expect(200).json();
        if the_owner_is_first {
            refresh(&app, other).await.refused(400, "invalid_grant");
        } else {
            // The thief was given what the owner holds; the first of them to fall behind by two ends it.
            assert_eq!(answer["refresh_token"], first["refresh_token"]);
            let tip = refresh(&app, other).await.expect(200).json();
            refresh(&app, &text(&tip, "refresh_token")).await.expect(200);
            app.clock.advance_secs(60);
            refresh(&app, &next).await.refused(400, "invalid_grant");
        }
        me(&app, &text(&answer, "access_token"))
            .await
            .refused(401, "invalid_token");
        assert_eq!(events(&app, "token.refresh_replayed").await.len(), 1);
    }
}

#[tokio::test]
async fn refresh_again_within_the_grace_after_the_successor_was_used_gives_nothing() {
    checks!("T007");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let first = refresh(&app, &anna.refresh_token).await.expect(200).json();
    let second = refresh(&app, &text(&first, "refresh_token"))
        .await
        .expect(200)
        .json();
    refresh(&app, &anna.refresh_token)
        .await
        .refused(400, "invalid_grant");
    me(&app, &text(&second, "access_token")).await.expect(200);
    refresh(&app, &text(&second, "refresh_token")).await.expect(200);
}

// Shows: TK-4
#[tokio::test]
async fn refresh_in_parallel_gives_everybody_the_same_successor() {
    checks!("T008");
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let answers = join_all((0..100).map(|_| refresh(&app, &anna.refresh_token))).await;
    let mut successors: Vec<_> = answers
        .iter()
        .map(|answer| text(&answer.clone().expect(200).json(), "refresh_token"))
        .collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1, "one family");
    for answer in &answers {
        me(&app, &text(&answer.json(), "access_token")).await.expect(200);
    }
    refresh(&app, &successors[0]).await.expect(200);
    assert_eq!(events(&app, "token.refresh_replayed").await.len(), 0);
}

#[tokio::test]
async fn refresh_at_both_sides_of_its_expiry() {
    let lifetime = token::Settings::default().refresh_lifetime;
    for (short_of_the_end, status) in [(0, 400), (1, 200)] {
        let app = TestApp::new().await;
        let anna = app.user("anna@example.com").await;
        app.clock
            .advance(lifetime - Duration::from_micros(short_of_the_end));
        let answer = refresh(&app, &anna.refresh_token).await.expect(status);
        if status == 400 {
            assert_eq!(answer.code(), "invalid_grant");
        }
    }
}

#[tokio::test]
async fn refresh_ends_with_the_session_however_often_it_is_done() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let mut token = anna.refresh_token;
    let (mut left, step) = (
        login::Settings::default().tokens_absolute,
        Duration::from_secs(6 * 24 * 3_600),
    );
    while left > step {
        app.clock.advance(step);
        left -= step;
        token = text(&refresh(&app, &token).await.expect(200).json(), "refresh_token");
    }
    app.clock.advance(left - Duration::from_secs(60));
    let last = refresh(&app, &token).await.expect(200).json();
    assert_eq!(
        last["expires_in"], 60,
        "an access token never outlives its session"
    );
    app.clock.advance_secs(60);
    refresh(&app, &text(&last, "refresh_token"))
        .await
        .refused(400, "invalid_grant");
    me(&app, &text(&last, "access_token"))
        .await
        .refused(401, "invalid_token");
}

// Shows: TK-2
#[tokio::test]
async fn an_access_token_at_both_sides_of_its_expiry() {
    let settings = token::Settings::default();
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    app.clock
        .advance(settings.access_lifetime + settings.leeway - Duration::from_micros(1));
    me(&app, &anna.access_token).await.expect(200);
    app.clock.advance(Duration::from_micros(1));
    me(&app, &anna.access_token).await.refused(401, "invalid_token");
    refresh(&app, &anna.refresh_token).await.expect(200);
}

#[tokio::test]
async fn refresh_after_the_session_or_account_ended_is_refused() {
    checks!("T016");
    let app = TestApp::new().await;
    for (index, end) in ["logout", "everywhere", "disabled", "locked", "ended", "revoked"]
        .into_iter()
        .enumerate()
    {
        let anna = app.user(&format!("anna{index}@example.com")).await;
        let post = |path: &str| app.post(path).bearer(&anna.access_token).send();
        match end {
            "logout" => drop(post("/auth/logout").await.expect(204)),
            "everywhere" => drop(post("/auth/logout/all").await.expect(204)),
            "disabled" => set_state(&app, &anna, AccountState::Disabled).await,
            "locked" => set_state(&app, &anna, AccountState::Locked).await,
            "ended" => {
                let path = format!("/auth/sessions/{}", anna.session_id);
                app.delete(&path)
                    .bearer(&anna.access_token)
                    .send()
                    .await
                    .expect(204);
            }
            _ => revoke(&app, &anna.refresh_token, 200).await,
        }
        let answer = refresh(&app, &anna.refresh_token)
            .await
            .refused(400, "invalid_grant");
        assert_eq!(answer.code(), "invalid_grant", "{end}");
        me(&app, &anna.access_token).await.refused(401, "invalid_token");
        if end == "locked" {
            // Locking takes nothing away: unlocked, the same tokens go on.
            set_state(&app, &anna, AccountState::Active).await;
            refresh(&app, &anna.refresh_token).await.expect(200);
        }
        if end == "disabled" {
            set_state(&app, &anna, AccountState::Active).await;
            refresh(&app, &anna.refresh_token)
                .await
                .refused(400, "invalid_grant");
            me(&app, &anna.access_token).await.refused(401, "invalid_token");
        }
    }
}

#[tokio::test]
async fn refresh_refuses_scopes() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", anna.refresh_token.as_str()),
        ("scope", "portcullis:roles:write"),
    ];
    let answer = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .refused(400, "invalid_scope");
    assert_eq!(answer.code(), "invalid_scope");
    // And the token isn't used up by it.
    refresh(&app, &anna.refresh_token).await.expect(200);
}

// Shows: TK-6
/// Every kind of token at every place that takes one.
#[tokio::test]
async fn no_token_is_taken_for_another_kind() {
    checks!("T003");
    checks!("T014");
    let app = TestApp::new().await;
    let setup = app.portcullis.registrar().offer_setup().await.unwrap().unwrap();
    let anna = app.user("anna@example.com").await;
    let code = app.mailer.code_to("anna@example.com").await;
    let session = session_of(&app, "anna@example.com").await;
    let setup = setup.expose().to_string();
    let key = app.post("/auth/api-keys").bearer(&anna.access_token);
    let key = key.json(&json!({ "name": "ci", "permissions": [] })).send().await;
    let key = text(&key.expect(201).json(), "key");
    let ben = proven(&app, "ben@example.com").await;
    let cleo = proven(&app, "cleo@example.com").await;
    let invitation = invitation(&app, &cleo, "ben@example.com").await;
    let tokens = [
        ("access", &anna.access_token),
        ("session", &session),
        ("refresh", &anna.refresh_token),
        ("verification", &code),
        ("setup", &setup),
        ("invitation", &invitation),
        ("api-key", &key),
    ];
    for kind in OPAQUE {
        let given = tokens.iter().any(|(_, token)| kind.read(token).is_some());
        assert!(given, "{} is not tried", kind.what);
    }
    for (kind, token) in tokens {
        let mut forms = vec![token.clone()];
        if let Some((_, body)) = token.rsplit_once('_').filter(|_| kind == "api-key") {
            forms.extend(OPAQUE.map(|other| format!("{}{body}", other.prefix)));
        }
        if let Some(own) = OPAQUE.iter().find(|own| token.starts_with(own.prefix)) {
            let others = OPAQUE.iter().filter(|other| other.prefix != own.prefix);
            forms.extend(others.map(|other| token.replacen(own.prefix, other.prefix, 1)));
            forms.push(token.replacen(own.prefix, "pk_live_", 1));
        }
        for (index, form) in forms.iter().enumerate() {
            // Under its own name each is left alone here: these have tests of their own.
            let own = |consumer: &str| index == 0 && kind == consumer;
            for (consumer, status) in consume(&app, &ben, form).await {
                let accepted = status < 400;
                let known = own(consumer) || (index == 0 && consumer == "bearer" && is_bearer(kind));
                assert_eq!(accepted, known, "{form} as {consumer} answers {status}");
            }
        }
    }
}

fn is_bearer(kind: &str) -> bool {
    matches!(kind, "access" | "session" | "api-key")
}

/// The code of an invitation into an organization of `owner`'s.
async fn invitation(app: &TestApp, owner: &Account, email: &str) -> String {
    let body = json!({ "name": "Acme", "slug": "acme" });
    let made = app.post("/auth/organizations").bearer(&owner.access_token);
    made.json(&body).send().await.expect(201);
    let invite = app.post("/auth/organizations/acme/invitations");
    let body = json!({ "email": email, "roles": [] });
    let invite = invite.bearer(&owner.access_token).json(&body).send().await;
    invite.expect(201);
    let email = app.mailer.email_to(email).await;
    let mut words = email.text.split_whitespace();
    words.find(|word| word.starts_with("pci_")).unwrap().to_owned()
}

/// Presents a text wherever a token is taken. What uses a token up comes last.
async fn consume(app: &TestApp, invited: &Account, text: &str) -> Vec<(&'static str, u16)> {
    let header = app.get("/auth/me").header("x-session-token", text).send().await;
    let cookie = app.get("/auth/me").cookie(text).send().await;
    let key = app.get("/auth/me").api_key(text).send().await;
    let verify = json!({ "token": text });
    let accept = app.post("/auth/invitations/accept");
    let accept = accept.bearer(&invited.access_token).json(&verify).send().await;
    let setup = json!({ "token": text, "email": "root@example.com", "password": PASSWORD });
    let proof = json!({ "token": text, "password": PASSWORD });
    vec![
        ("bearer", me(app, text).await.status()),
        ("session", header.status()),
        ("session", cookie.status()),
        ("api-key", key.status()),
        ("invitation", accept.status()),
        ("refresh", refresh(app, text).await.status()),
        (
            "verification",
            app.post("/auth/email/verify").json(&proof).send().await.status(),
        ),
        (
            "setup",
            app.post("/auth/setup").json(&setup).send().await.status(),
        ),
    ]
}

async fn revoke(app: &TestApp, token: &str, status: u16) {
    app.post("/oauth/revoke")
        .form(&[("token", token)])
        .send()
        .await
        .expect(status);
}

// Shows: TK-5
#[tokio::test]
async fn revoke_an_access_token_refuses_it_at_once_and_only_it() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    // Remembered as good just before.
    me(&app, &anna.access_token).await.expect(200);
    revoke(&app, &anna.access_token, 200).await;
    me(&app, &anna.access_token).await.refused(401, "invalid_token");
    revoke(&app, &anna.access_token, 200).await;
    let next = refresh(&app, &anna.refresh_token).await.expect(200).json();
    me(&app, &text(&next, "access_token")).await.expect(200);
    assert_eq!(events(&app, "token.revoked").await.len(), 1);
}

#[tokio::test]
async fn revoke_a_refresh_token_ends_its_session_also_when_it_was_used() {
    for used in [false, true] {
        let app = TestApp::new().await;
        let anna = app.user("anna@example.com").await;
        let other = app.log_in("anna@example.com").await;
        if used {
            refresh(&app, &anna.refresh_token).await.expect(200);
        }
        revoke(&app, &anna.refresh_token, 200).await;
        me(&app, &anna.access_token).await.refused(401, "invalid_token");
        refresh(&app, &anna.refresh_token)
            .await
            .refused(400, "invalid_grant");
        me(&app, &other.access_token).await.expect(200);
    }
}

#[tokio::test]
async fn revoke_a_session_token_ends_its_session() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let session = session_of(&app, "anna@example.com").await;
    me(&app, &session).await.expect(200);
    revoke(&app, &session, 200).await;
    me(&app, &session).await.refused(401, "invalid_token");
    me(&app, &anna.access_token).await.expect(200);
}

#[tokio::test]
async fn revoke_garbage_is_no_error_and_tells_nothing() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let unknown = format!("pcr_{}", "A".repeat(43));
    let forged = format!("{}x", anna.access_token);
    let huge = "e".repeat(20_000);
    for token in ["", "x", unknown.as_str(), &forged, "e30.e30.e30", &huge] {
        revoke(&app, token, 200).await;
    }
    let answer = app
        .post("/oauth/revoke")
        .form(&[])
        .send()
        .await
        .refused(400, "invalid_request");
    assert_eq!(answer.code(), "invalid_request");
    let asks_for_a_script = [("token", "x"), ("callback", "evil")];
    let answer = app.post("/oauth/revoke").form(&asks_for_a_script).send().await;
    assert!(!answer.expect(200).text().contains("evil"));
    let twice = [("token", "a"), ("token", "b")];
    app.post("/oauth/revoke")
        .form(&twice)
        .send()
        .await
        .refused(400, "invalid_request");
    me(&app, &anna.access_token).await.expect(200);
}

// Shows: TK-3
#[tokio::test]
async fn rotated_keys_sign_anew_and_old_tokens_still_verify() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let published = async || {
        let answer = app.get("/.well-known/jwks.json").send().await.expect(200);
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert!(!answer.text().contains("\"d\""), "a private key is published");
        let body = answer.json();
        let keys = body["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| text(key, "kid")).collect::<Vec<_>>()
    };
    let before = published().await;
    assert_eq!(before.len(), 2, "the current key and the next");
    let rotate = || app.post("/admin/api/v1/keys/rotate").bearer(&root.access_token);
    assert_eq!(rotate().send().await.expect(409).code(), "key_too_new");
    assert_eq!(
        rotate().json(&json!({})).send().await.expect(409).code(),
        "key_too_new"
    );
    rotate()
        .json(&json!({ "force": "yes" }))
        .send()
        .await
        .refused(422, "invalid_fields");
    app.clock.advance_secs(300);
    let rotate = rotate();
    let kid = text(&rotate.send().await.expect(200).json(), "kid");
    let after = published().await;
    assert_eq!(after.len(), 3, "the current, the next and the retired key");
    assert!(before.contains(&kid), "a key signs only after it was published");
    assert!(before.iter().all(|kid| after.contains(kid)));
    me(&app, &root.access_token).await.expect(200);
    let fresh = app.log_in("root@example.com").await;
    assert_eq!(kid_of(&fresh), kid);
    assert_ne!(kid_of(&root), kid);
    let forced = app.post("/admin/api/v1/keys/rotate").bearer(&fresh.access_token);
    let second = forced.json(&json!({ "force": true })).send().await.expect(200);
    assert_ne!(text(&second.json(), "kid"), kid);
    me(&app, &fresh.access_token).await.expect(200);
    // A retired key is forgotten when no token of it can live any more.
    app.clock
        .advance(token::Settings::default().key_overlap() + Duration::from_secs(1));
    app.portcullis.tend_keys().await.unwrap();
    assert_eq!(published().await.len(), 2);
    assert_eq!(events(&app, "key.rotated").await[0].actor, root.id.to_string());
}

// Shows: TK-3
#[tokio::test]
async fn keys_rotate_when_they_are_as_old_as_was_set() {
    let age = Duration::from_secs(3_600);
    let builder = Portcullis::builder().database("sqlite::memory:");
    let refused = builder.key_age(age - Duration::from_secs(1)).open().await;
    assert!(matches!(refused, Err(OpenError::KeyAge)));
    let app = TestApp::with(|builder| builder.key_age(age), Portcullis::api).await;
    let signer = || app.portcullis.keyring().signer().kid().to_owned();
    let first = signer();
    app.clock.advance(age - Duration::from_micros(1));
    app.portcullis.tend_keys().await.unwrap();
    assert_eq!(signer(), first);
    app.clock.advance(Duration::from_micros(1));
    app.portcullis.tend_keys().await.unwrap();
    assert_ne!(signer(), first);
}

#[tokio::test]
async fn withdraw_a_key_refuses_what_it_signed_at_once() {
    checks!("T095");
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let anna = app.user("anna@example.com").await;
    me(&app, &anna.access_token).await.expect(200);
    let kid = kid_of(&anna);
    let withdraw = async |kid: &str, token: &str| {
        let path = format!("/admin/api/v1/keys/{kid}");
        app.delete(&path).bearer(token).send().await
    };
    withdraw(&kid, &anna.access_token)
        .await
        .refused(403, "missing_permission");
    withdraw("unknown", &root.access_token)
        .await
        .refused(404, "not_found");
    let signs = withdraw(&kid, &root.access_token).await.refused(409, "key_signs");
    assert_eq!(signs.code(), "key_signs");

    let rotate = app.post("/admin/api/v1/keys/rotate").bearer(&root.access_token);
    rotate.json(&json!({ "force": true })).send().await.expect(200);
    me(&app, &anna.access_token).await.expect(200);
    let root = app.log_in("root@example.com").await;
    withdraw(&kid, &root.access_token).await.expect(204);
    // It was remembered as verified.
    let refused = me(&app, &anna.access_token).await.refused(401, "invalid_token");
    assert_eq!(refused.code(), "invalid_token");
    let published = app.get("/.well-known/jwks.json").send().await.expect(200);
    assert!(!published.text().contains(&kid));
    me(&app, &root.access_token).await.expect(200);
    let again = app.log_in("anna@example.com").await;
    me(&app, &again.access_token).await.expect(200);
    assert_eq!(events(&app, "key.withdrawn").await[0].actor, root.id.to_string());
    withdraw(&kid, &root.access_token).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_resource_that_is_not_registered_is_an_invalid_target() {
    checks!("T094");
    const BLOG: &str = "https://blog.example.com";
    let app = TestApp::with(
        |builder| builder.resource(BLOG).resource("https://shop.example.com"),
        Portcullis::api,
    )
    .await;
    let anna = app.user("anna@example.com").await;
    let encoded = |resource: &str| {
        resource
            .replace(':', "%3A")
            .replace('/', "%2F")
            .replace('#', "%23")
    };
    let send = async |form: &str| {
        let request = app.post("/oauth/token");
        request
            .bytes("application/x-www-form-urlencoded", form.as_bytes())
            .send()
            .await
    };
    for resource in [
        "https://blog.example.com/",
        "HTTPS://blog.example.com",
        "https://blog.example.com#x",
        "https://evil.example.com",
        "portcullis",
        "blog",
        " ",
    ] {
        let named = encoded(resource);
        for grant in [
            format!("grant_type=password&username=anna%40example.com&password={PASSWORD}"),
            format!("grant_type=refresh_token&refresh_token={}", anna.refresh_token),
        ] {
            let grant = grant.replace(' ', "+");
            let refused = send(&format!("{grant}&resource={named}"))
                .await
                .refused(400, "invalid_target");
            assert_eq!(refused.json()["error"], "invalid_target", "{grant}: {resource}");
        }
        let refused = log_in_with(&app, "anna@example.com", &json!({ "resource": resource })).await;
        assert_eq!(refused.expect(400).code(), "invalid_target", "{resource}");
    }
    let several = format!(
        "grant_type=refresh_token&refresh_token={}&resource={}&resource={}",
        anna.refresh_token,
        encoded(BLOG),
        encoded("https://shop.example.com")
    );
    let refused = send(&several).await.refused(400, "invalid_target");
    assert_eq!(refused.json()["error"], "invalid_target");
    for delivery in ["session", "cookie"] {
        let more = json!({ "resource": BLOG, "delivery": delivery });
        let refused = log_in_with(&app, "anna@example.com", &more)
            .await
            .refused(422, "invalid_fields");
        assert_eq!(
            refused.json()["errors"][0]["code"],
            "not_applicable",
            "{delivery}"
        );
    }
    // Nothing of this used the refresh token up, and a parameter without a value is one that isn't there.
    let form = format!(
        "grant_type=refresh_token&refresh_token={}&resource=",
        anna.refresh_token
    );
    let own = send(&form).await.expect(200).json();
    me(&app, &text(&own, "access_token")).await.expect(200);
}

#[tokio::test]
async fn more_scopes_than_a_token_holds_are_refused_before_a_session_opens() {
    let app = TestApp::new().await;
    let root = app.administrator("root@example.com").await;
    let names: Vec<String> = (0..140).map(|n| format!("many:{n:059}")).collect();
    for name in &names {
        let path = format!("/admin/api/v1/permissions/{name}");
        let declare = app
            .request("PUT".parse().unwrap(), &path)
            .bearer(&root.access_token);
        declare
            .json(&json!({ "description": "One of many" }))
            .send()
            .await
            .expect(204);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let anna = app.user_with("anna@example.com", &names).await;
    let sessions = async || {
        let answer = app
            .get("/auth/sessions")
            .bearer(&anna.access_token)
            .send()
            .await
            .expect(200);
        answer.json()["items"].as_array().unwrap().len()
    };
    let before = sessions().await;
    let all = names.join(" ");
    let refused = log_in_with(&app, "anna@example.com", &json!({ "scope": all })).await;
    assert_eq!(refused.expect(400).code(), "invalid_scope");
    let form = [
        ("grant_type", "password"),
        ("username", "anna@example.com"),
        ("password", PASSWORD),
        ("scope", &all),
    ];
    let refused = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .refused(400, "invalid_scope");
    assert_eq!(refused.json()["error"], "invalid_scope");
    assert_eq!(sessions().await, before, "no session was opened");
    // As many as a token holds, and any number for a session, which carries none.
    let fewer = names[..70].join(" ");
    let narrow = log_in_with(&app, "anna@example.com", &json!({ "scope": fewer })).await;
    let narrow = text(&narrow.expect(200).json(), "refresh_token");
    refresh(&app, &narrow).await.expect(200);
    let more = json!({ "scope": all, "delivery": "session" });
    log_in_with(&app, "anna@example.com", &more).await.expect(200);
}

fn kid_of(account: &Account) -> String {
    use base64::Engine as _;
    let header = account.access_token.split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(header)
        .unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    text(&header, "kid")
}

#[tokio::test]
async fn the_token_endpoint_names_the_session_it_opened() {
    let app = TestApp::new().await;
    let anna = app.user("anna@example.com").await;
    let tokens = log_in_with(&app, "anna@example.com", &json!({}))
        .await
        .expect(200)
        .json();
    let listed = app.portcullis.sessions().list(anna.id).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|session| session.id.to_string()).collect();
    assert!(ids.contains(&text(&tokens, "session_id")));
    assert!(listed.iter().all(|session| session.lives_at(now(&app))));
}
