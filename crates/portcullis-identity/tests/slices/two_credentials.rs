//! Two credentials in one request, and what becomes of a cookie that is honoured no more.

use portcullis_identity::core::checks;
use portcullis_identity::{Allow, Authenticated, Basic, Portcullis, Via, cookie};
use portcullis_testkit::{Account, Answer, PASSWORD, TestApp};
use serde_json::json;

const CLEARED: [&str; 2] = [
    "__Host-portcullis=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
    "__Host-portcullis-csrf=; Max-Age=0; Path=/; Secure; SameSite=Strict",
];

/// The server, with a route that takes HTTP Basic alone.
async fn start(
    settings: impl FnOnce(portcullis_identity::Builder) -> portcullis_identity::Builder,
) -> (TestApp, Account) {
    let basic = async |_: Allow<Authenticated, Via<Basic>>| {};
    let api = |portcullis: &Portcullis| portcullis.api().get("/basic", basic);
    let app = TestApp::with(settings, api).await;
    let anna = app.user("anna@example.com").await;
    (app, anna)
}

async fn session(app: &TestApp) -> String {
    let form = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "session" });
    let answer = app.post("/auth/login").json(&form).send().await.expect(200);
    answer.json()["session_token"].as_str().unwrap().to_owned()
}

/// A session that ended elsewhere.
async fn dead(app: &TestApp) -> String {
    let token = session(app).await;
    app.post("/auth/logout").bearer(&token).send().await.expect(204);
    token
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    let values = answer.headers().get_all("set-cookie").iter();
    values.map(|value| value.to_str().unwrap().to_owned()).collect()
}

// Shows: SE-3
#[tokio::test]
async fn a_dead_cookie_beside_a_good_credential_is_taken_back_and_the_next_call_passes() {
    checks!("T087");
    let (app, anna) = start(|builder| builder).await;
    let form = json!({ "name": "ci", "permissions": [] });
    let made = app
        .post("/auth/api-keys")
        .bearer(&anna.access_token)
        .json(&form)
        .send()
        .await;
    let key = made.expect(201).json()["key"].as_str().unwrap().to_owned();
    let other = session(&app).await;
    for cookie in [
        dead(&app).await,
        "rubbish".to_owned(),
        String::new(),
        format!("pcs_{}", "A".repeat(43)),
    ] {
        let me = || {
            app.get("/auth/me")
                .header("cookie", &format!("__Host-portcullis={cookie}"))
        };
        for (place, request) in [
            ("the Authorization header", me().bearer(&anna.access_token)),
            ("the X-API-Key header", me().api_key(&key)),
            (
                "the X-Session-Token header",
                me().header("x-session-token", &other),
            ),
        ] {
            let answer = request.send().await.refused(400, "multiple_credentials");
            assert_eq!(answer.code(), "multiple_credentials");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(
                detail.contains(place) && detail.contains("the session cookie, which browsers send"),
                "{detail}"
            );
            assert_eq!(set_cookies(&answer), CLEARED, "{cookie} beside {place}");
        }
    }
    app.get("/auth/me")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn two_living_credentials_are_refused_and_the_cookie_stays() {
    checks!("T019");
    checks!("T087");
    let (app, anna) = start(|builder| builder).await;
    let berta = app.user("berta@example.com").await;
    let cookie = format!("__Host-portcullis={}", session(&app).await);
    for token in [&anna.access_token, &berta.access_token] {
        let request = app.get("/auth/me").header("cookie", &cookie).bearer(token);
        let answer = request.send().await.refused(400, "multiple_credentials");
        assert_eq!(
            (answer.code().as_str(), set_cookies(&answer).len()),
            ("multiple_credentials", 0)
        );
    }
    let two = app
        .get("/auth/me")
        .bearer(&anna.access_token)
        .bearer(&anna.access_token);
    let detail = two.send().await.refused(400, "multiple_credentials").json()["detail"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        detail.starts_with("more than one credential came in the Authorization header;"),
        "{detail}"
    );
    app.get("/auth/me")
        .header("cookie", &cookie)
        .send()
        .await
        .expect(200);
}

// Shows: SE-3
#[tokio::test]
async fn a_dead_cookie_goes_with_any_refusal_and_a_good_one_stays() {
    checks!("T087");
    let (app, _) = start(|builder| builder).await;
    let (dead, good) = (dead(&app).await, session(&app).await);
    for (token, taken) in [(&dead, &CLEARED[..]), (&good, &[])] {
        let cookie = format!("__Host-portcullis={token}");
        let elsewhere = app.get("/basic").header("cookie", &cookie);
        assert_eq!(
            set_cookies(&elsewhere.send().await.refused(401, "credential_not_accepted")),
            taken,
            "a kind that isn't taken"
        );
        let forged = app
            .post("/auth/logout")
            .header("cookie", &cookie)
            .header("sec-fetch-site", "cross-site");
        assert_eq!(
            set_cookies(&forged.send().await.refused(403, "cross_site_request")),
            taken,
            "another site's page"
        );
    }
    app.get("/auth/me").cookie(&good).send().await.expect(200);
}

// Shows: SE-3
#[tokio::test]
async fn a_planted_cookie_locks_nobody_out_for_longer_than_one_call() {
    checks!("T151");
    let (app, _) = start(|builder| {
        let mut settings = cookie::Settings::default();
        settings.domain = Some("example.com".to_owned());
        builder.cookies(settings)
    })
    .await;
    let good = session(&app).await;
    let both = format!("__Secure-portcullis={good}; __Secure-portcullis=planted");
    let ask = || {
        app.get("/auth/me")
            .header("cookie", &both)
            .header("host", "id.example.com")
    };
    let answer = ask().send().await.refused(400, "multiple_credentials");
    assert_eq!(answer.code(), "multiple_credentials");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("more than one session cookie came: all of them are taken back"),
        "{detail}"
    );
    let taken = set_cookies(&answer);
    assert!(
        taken.iter().all(|cookie| cookie.contains("=; Max-Age=0; ")),
        "{taken:?}"
    );
    // Whatever its scope was, it came with this request: one of these is the same.
    for scope in [
        "Path=/",
        "Path=/auth",
        "Path=/auth/",
        "Path=/auth/me",
        "Domain=example.com; Path=/",
        "Domain=example.com; Path=/auth",
        "Domain=id.example.com; Path=/auth/me",
    ] {
        let cookie = format!("__Secure-portcullis=; Max-Age=0; {scope}; Secure; HttpOnly");
        assert!(taken.contains(&cookie), "{cookie} in {taken:?}");
    }
    let csrf = "__Secure-portcullis-csrf=; Max-Age=0; Domain=example.com; Path=/; Secure; SameSite=Strict";
    assert!(taken.contains(&csrf.to_owned()), "{taken:?}");
    let bytes: usize = taken.iter().map(String::len).sum();
    assert!(bytes < 3_000, "a proxy takes a head of 4 KiB: {bytes}");
    let bare = app
        .get("/auth/me")
        .header("cookie", &format!("__Secure-portcullis={good}"));
    bare.send().await.expect(200);
}
