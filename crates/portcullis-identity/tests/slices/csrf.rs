//! What a session cookie may change, and the cookies themselves.

use std::sync::Arc;

use portcullis_core::checks;
use portcullis_core::key::MasterKey;
use portcullis_core::session::Token;
use portcullis_identity::cookie::{SameSite, Settings};
use portcullis_identity::enforcer::Places;
use portcullis_identity::{Api, OpenError, Portcullis};
use portcullis_testkit::{Answer, FakeClock, TestApp, environment};
use serde_json::json;

use crate::fixtures::{events, log_in_with, session_of, text};

const ANNA: &str = "anna@example.com";

async fn start() -> TestApp {
    let app = TestApp::new().await;
    app.user(ANNA).await;
    app
}

fn csrf_of(app: &TestApp, session: &str) -> String {
    app.portcullis.gate().csrf_token(&Token::parse(session).unwrap())
}

/// A change that can be made again and again.
async fn change(app: &TestApp, session: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = app.post("/auth/email/verification").bare_cookie(session);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send().await
}

// Shows: WP-4
#[tokio::test]
async fn a_cookie_changes_nothing_without_the_token_of_its_own_session() {
    checks!("T048");
    let app = start().await;
    let (session, other) = (session_of(&app, ANNA).await, session_of(&app, ANNA).await);
    let (mine, others) = (csrf_of(&app, &session), csrf_of(&app, &other));
    let (again, garbage) = (csrf_of(&app, &session), "A".repeat(64));
    let half = &mine[..32];
    let cookie = format!("__Host-portcullis-csrf={mine}");
    let header = "x-csrf-token";
    for (headers, code) in [
        (&[][..], "csrf_token_missing"),
        // The cookie alone proves nothing: a browser attaches it by itself.
        (&[("cookie", cookie.as_str())], "csrf_token_missing"),
        (&[(header, "")], "csrf_token_invalid"),
        (&[(header, garbage.as_str())], "csrf_token_invalid"),
        (&[(header, half)], "csrf_token_invalid"),
        (&[(header, others.as_str())], "csrf_token_invalid"),
        (&[(header, session.as_str())], "csrf_token_invalid"),
        (
            &[(header, mine.as_str()), (header, mine.as_str())],
            "csrf_token_invalid",
        ),
        (
            &[(header, mine.as_str()), (header, garbage.as_str())],
            "csrf_token_invalid",
        ),
        (&[(header, mine.as_str())], ""),
        (&[(header, again.as_str())], ""),
        // Planted beside it by another host: it is not looked at.
        (
            &[(header, mine.as_str()), ("cookie", "__Host-portcullis-csrf=evil")],
            "",
        ),
    ] {
        let answer = change(&app, &session, headers).await;
        let expected = if code.is_empty() { 204 } else { 403 };
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (expected, code),
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_is_audited() {
    checks!("T048");
    let app = start().await;
    let session = session_of(&app, ANNA).await;
    let refused = change(&app, &session, &[])
        .await
        .refused(403, "csrf_token_missing");
    let detail = text(&refused.json(), "detail");
    for word in ["x-csrf-token", "/auth/csrf", "__Host-portcullis-csrf"] {
        assert!(detail.contains(word), "{detail}");
    }
    let events = events(&app, "access.denied").await;
    let detail = events[0].detail.as_deref();
    assert_eq!(detail, Some("unscoped: csrf_token_missing"));
    assert!(events[0].account.is_some());
}

// Shows: WP-4
#[tokio::test]
async fn every_unsafe_method_needs_it_and_no_safe_one() {
    checks!("T048");
    let app = start().await;
    let session = session_of(&app, ANNA).await;
    let refused = |answer: Answer| assert_eq!(answer.expect(403).code(), "csrf_token_missing");
    refused(app.post("/auth/logout").bare_cookie(&session).send().await);
    refused(app.delete("/auth/sessions").bare_cookie(&session).send().await);
    let rename = app
        .patch("/auth/sessions/x")
        .bare_cookie(&session)
        .json(&json!({ "name": "a" }));
    refused(rename.send().await);
    refused(
        app.put("/admin/api/v1/roles/a/inherits/b")
            .bare_cookie(&session)
            .send()
            .await,
    );
    app.get("/auth/me").bare_cookie(&session).send().await.expect(200);
}

// Shows: WP-4
#[tokio::test]
async fn what_is_put_into_a_header_needs_none() {
    let app = start().await;
    let anna = app.log_in(ANNA).await;
    let session = session_of(&app, ANNA).await;
    let path = "/auth/email/verification";
    app.post(path).bearer(&anna.access_token).send().await.expect(204);
    app.post(path).bearer(&session).send().await.expect(204);
    let header = app.post(path).header("x-session-token", &session);
    header.send().await.expect(204);
}

#[tokio::test]
async fn a_dead_session_is_told_so_before_its_token_is_looked_at() {
    let app = start().await;
    let session = session_of(&app, ANNA).await;
    app.post("/auth/logout").cookie(&session).send().await.expect(204);
    for headers in [&[][..], &[("x-csrf-token", "x")]] {
        let answer = change(&app, &session, headers)
            .await
            .refused(401, "invalid_token");
        assert_eq!(answer.code(), "invalid_token");
    }
}

#[tokio::test]
async fn csrf_answers_a_session_with_its_token_and_nobody_else() {
    let app = start().await;
    let anna = app.log_in(ANNA).await;
    let session = session_of(&app, ANNA).await;
    app.get("/auth/csrf")
        .send()
        .await
        .refused(401, "authentication_required");
    let jwt = app.get("/auth/csrf").bearer(&anna.access_token).send().await;
    assert_eq!(jwt.expect(401).code(), "credential_not_accepted");
    let mut seen = Vec::new();
    for _ in 0..2 {
        let answer = app
            .get("/auth/csrf")
            .bare_cookie(&session)
            .send()
            .await
            .expect(200);
        let token = text(&answer.json(), "csrf_token");
        change(&app, &session, &[("x-csrf-token", &token)])
            .await
            .expect(204);
        seen.push(token);
    }
    assert_ne!(seen[0], seen[1], "each answer has another text");
}

// Shows: SE-3
#[tokio::test]
async fn a_login_by_cookie_sets_both_cookies_and_log_out_takes_both_back() {
    checks!("T023");
    let app = start().await;
    for (remember_me, lifetime) in [(false, 0), (true, 90 * 24 * 3_600)] {
        let more = json!({ "delivery": "cookie", "remember_me": remember_me });
        let answer = log_in_with(&app, ANNA, &more).await.expect(200);
        let [session, csrf] = cookies(&answer);
        let kept = remember_me.then(|| format!("Max-Age={lifetime}"));
        let written = |more: &[&str]| -> Vec<String> {
            let more = more.iter().map(ToString::to_string);
            kept.iter().cloned().chain(more).collect()
        };
        assert_eq!(
            session.attributes,
            written(&["Path=/", "Secure", "HttpOnly", "SameSite=Lax"])
        );
        assert_eq!(csrf.attributes, written(&["Path=/", "Secure", "SameSite=Strict"]));
        assert_eq!(
            (session.name.as_str(), csrf.name.as_str()),
            ("__Host-portcullis", "__Host-portcullis-csrf")
        );
        let token = [("x-csrf-token", csrf.value.as_str())];
        change(&app, &session.value, &token).await.expect(204);
        let out = app
            .post("/auth/logout")
            .cookie(&session.value)
            .send()
            .await
            .expect(204);
        let [gone, csrf_gone] = cookies(&out);
        for (taken, set) in [(gone, session), (csrf_gone, csrf)] {
            assert_eq!((taken.name, taken.value.as_str()), (set.name, ""));
            assert_eq!(taken.attributes[0], "Max-Age=0");
            let scope = set.attributes.iter().filter(|text| !text.starts_with("Max-Age"));
            assert!(taken.attributes[1..].iter().eq(scope));
        }
    }
    let tokens = log_in_with(&app, ANNA, &json!({ "delivery": "session" })).await;
    assert_eq!(tokens.header("set-cookie"), "");
}

#[tokio::test]
async fn a_new_login_and_another_deployment_have_other_tokens() {
    checks!("T022");
    checks!("T048");
    let app = start().await;
    let old = session_of(&app, ANNA).await;
    let token = csrf_of(&app, &old);
    let new = session_of(&app, ANNA).await;
    let refused = change(&app, &new, &[("x-csrf-token", &token)])
        .await
        .refused(403, "csrf_token_invalid");
    assert_eq!(refused.code(), "csrf_token_invalid");
    // The same session token under another master key.
    let clock = Arc::new(FakeClock::new());
    let key = MasterKey::generate(&environment(&clock, 99));
    let other = TestApp::with(|builder| builder.master_key(key), Portcullis::api).await;
    let foreign = csrf_of(&other, &old);
    let refused = change(&app, &old, &[("x-csrf-token", &foreign)])
        .await
        .refused(403, "csrf_token_invalid");
    assert_eq!(refused.code(), "csrf_token_invalid");
}

// Shows: SE-3
#[tokio::test]
async fn cookies_are_called_and_written_as_chosen() {
    checks!("T050");
    let mut settings = Settings::default();
    "shop".clone_into(&mut settings.name);
    settings.domain = Some("example.com".to_owned());
    settings.same_site = SameSite::Strict;
    "X-XSRF-TOKEN".clone_into(&mut settings.csrf_header);
    let app = TestApp::with(|builder| builder.cookies(settings), Portcullis::api).await;
    app.user(ANNA).await;
    let answer = log_in_with(&app, ANNA, &json!({ "delivery": "cookie" }))
        .await
        .expect(200);
    let [session, csrf] = cookies(&answer);
    assert_eq!(
        (session.name.as_str(), csrf.name.as_str()),
        ("__Secure-shop", "__Secure-shop-csrf")
    );
    assert_eq!(
        session.attributes[..],
        [
            "Domain=example.com",
            "Path=/",
            "Secure",
            "HttpOnly",
            "SameSite=Strict"
        ]
    );
    let token = [("x-csrf-token", csrf.value.as_str())];
    let refused = change(&app, &session.value, &token)
        .await
        .refused(403, "csrf_token_missing");
    assert_eq!(refused.code(), "csrf_token_missing");
    let token = [("x-xsrf-token", csrf.value.as_str())];
    change(&app, &session.value, &token).await.expect(204);
    app.post("/auth/logout")
        .cookie(&session.value)
        .send()
        .await
        .expect(204);
}

#[tokio::test]
async fn cookies_that_browsers_would_drop_are_no_deployment() {
    checks!("T050");
    let mut settings = Settings::default();
    settings.domain = Some("elsewhere.example".to_owned());
    let opened = Portcullis::builder()
        .database("sqlite::memory:")
        .public_url("https://id.example.com/".parse().unwrap())
        .cookies(settings)
        .open()
        .await;
    let said = opened.unwrap_err().to_string();
    assert!(
        said.contains("elsewhere.example") && said.contains("id.example.com"),
        "{said}"
    );
}

#[tokio::test]
async fn a_change_on_a_route_of_ones_own_is_guarded_alike() {
    use portcullis_identity::{Allow, Authenticated, Session, Via};
    async fn act(_: Allow<Authenticated, Via<Session>>) {}
    let api = |portcullis: &Portcullis| {
        Api::new("Own", "1")
            .post("/act", act)
            .mount::<Allow<Authenticated>>("/old", axum::Router::new().fallback(|| async { "done" }))
            .nest("/auth", portcullis.routes())
    };
    let app = TestApp::with(|builder| builder, api).await;
    app.user(ANNA).await;
    let session = session_of(&app, ANNA).await;
    for path in ["/act", "/old/thing"] {
        let refused = app
            .post(path)
            .bare_cookie(&session)
            .send()
            .await
            .refused(403, "csrf_token_missing");
        assert_eq!(refused.code(), "csrf_token_missing", "{path}");
        app.post(path).cookie(&session).send().await.expect(200);
    }
}

/// A cookie that was set, attribute by attribute.
struct Set {
    name: String,
    value: String,
    attributes: Vec<String>,
}

fn cookies(answer: &Answer) -> [Set; 2] {
    let all = answer.headers().get_all("set-cookie").iter().map(|header| {
        let mut parts = header.to_str().unwrap().split("; ").map(ToOwned::to_owned);
        let pair = parts.next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        Set {
            name: name.to_owned(),
            value: value.to_owned(),
            attributes: parts.collect(),
        }
    });
    let all: Vec<_> = all.collect();
    all.try_into()
        .unwrap_or_else(|all: Vec<_>| panic!("{} cookies", all.len()))
}

#[tokio::test]
async fn one_header_for_tokens_and_api_keys_stops_the_start() {
    checks!("T048");
    let opened = async |csrf: &str, keys: &str| {
        let mut cookies = Settings::default();
        csrf.clone_into(&mut cookies.csrf_header);
        let builder = Portcullis::builder().database("sqlite::memory:").cookies(cookies);
        let builder = builder.master_key(MasterKey::generate(&environment(&Arc::new(FakeClock::new()), 1)));
        builder
            .api_key_places(Places::in_header(keys).unwrap())
            .open()
            .await
    };
    // The standard one of each is refused for the other before: these are names of one's own.
    for (csrf, keys) in [("X-Both", "X-Both"), ("X-Both", "x-bOTH")] {
        let error = opened(csrf, keys).await.map(drop).unwrap_err();
        assert!(
            matches!(error, OpenError::SharedHeader(_)),
            "{csrf}, {keys}: {error}"
        );
        let says = format!("the header {} can't carry both", csrf.to_lowercase());
        assert!(error.to_string().starts_with(&says), "{error}");
    }
    opened("X-Both", "X-Both-Keys").await.unwrap();
}
