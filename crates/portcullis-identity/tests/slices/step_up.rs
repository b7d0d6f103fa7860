//! A client that is told to log in again does so and repeats its call.

use portcullis_core::checks;
use portcullis_identity::{Allow, Api, FreshLogin, Portcullis, SecondFactor};
use portcullis_testkit::{Answer, TestApp};
use serde_json::json;

use crate::fixtures::{log_in_with, refresh, session_of, text};

async fn danger(who: Allow<FreshLogin<300>>) -> String {
    who.id().to_string()
}

async fn sure(_: Allow<SecondFactor>) {}

fn api(portcullis: &Portcullis) -> Api {
    portcullis.api().get("/danger", danger).get("/sure", sure)
}

async fn app() -> TestApp {
    TestApp::with(|builder| builder, api).await
}

fn must_log_in_again(answer: &Answer) {
    assert_eq!((answer.status(), &*answer.code()), (401, "login_too_old"));
    let challenge = answer.header("www-authenticate");
    assert!(
        challenge.contains("error=\"insufficient_user_authentication\", max_age=\"300\""),
        "{challenge}"
    );
}

/// The value of the session cookie that a login sets.
async fn cookie_of(app: &TestApp, identifier: &str) -> String {
    let answer = log_in_with(app, identifier, &json!({ "delivery": "cookie" }))
        .await
        .expect(200);
    let (pair, _) = answer.header("set-cookie").split_once(';').unwrap();
    pair.split_once('=').unwrap().1.to_owned()
}

// Shows: AZ-8
#[tokio::test]
async fn a_stale_access_token_is_answered_by_a_new_login_not_by_a_refresh() {
    checks!("T078");
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let call = async |token: &str| app.get("/danger").bearer(token).send().await;
    app.clock.advance_secs(299);
    call(&anna.access_token).await.expect(200);
    app.clock.advance_secs(1);
    must_log_in_again(&call(&anna.access_token).await);

    // A refreshed token stands for the login it began with.
    let refreshed = refresh(&app, &anna.refresh_token).await.expect(200).json();
    must_log_in_again(&call(&text(&refreshed, "access_token")).await);

    let again = app.log_in("anna@example.com").await;
    let answer = call(&again.access_token).await.expect(200);
    assert_eq!(answer.text(), anna.id.to_string());
    must_log_in_again(&call(&anna.access_token).await);
}

// Shows: AZ-8
#[tokio::test]
async fn a_stale_session_is_answered_by_a_new_login_and_stays_stale_itself() {
    let app = app().await;
    app.user("anna@example.com").await;
    let (token, cookie) = (
        session_of(&app, "anna@example.com").await,
        cookie_of(&app, "anna@example.com").await,
    );
    let by_token = async |token: &str| app.get("/danger").bearer(token).send().await;
    let by_cookie = async |cookie: &str| app.get("/danger").cookie(cookie).send().await;
    by_token(&token).await.expect(200);
    by_cookie(&cookie).await.expect(200);
    app.clock.advance_secs(300);
    must_log_in_again(&by_token(&token).await);
    must_log_in_again(&by_cookie(&cookie).await);

    let new = cookie_of(&app, "anna@example.com").await;
    assert_ne!(new, cookie);
    by_cookie(&new).await.expect(200);
    by_token(&new).await.expect(200);
    must_log_in_again(&by_cookie(&cookie).await);
    must_log_in_again(&by_token(&token).await);
    // Being used doesn't make a login fresh.
    app.get("/auth/me").cookie(&cookie).send().await.expect(200);
    must_log_in_again(&by_cookie(&cookie).await);
}

#[tokio::test]
async fn a_login_with_one_factor_is_asked_for_two_however_fresh() {
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let answer = app
        .get("/sure")
        .bearer(&anna.access_token)
        .send()
        .await
        .refused(401, "second_factor_required");
    assert_eq!(answer.code(), "second_factor_required");
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer realm=\"portcullis\", error=\"insufficient_user_authentication\", \
         acr_values=\"urn:portcullis:acr:2\""
    );
    let me = app
        .get("/auth/me")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(me.json()["acr"], "urn:portcullis:acr:1");
}
