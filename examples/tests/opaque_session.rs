//! `opaque_session` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/opaque_session.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod opaque_session;

use portcullis_testkit::{Answer, PASSWORD, TestApp};
use serde_json::json;

async fn app() -> TestApp {
    TestApp::with(opaque_session::settings, opaque_session::api).await
}

/// The values of the cookies that an answer sets, by name.
fn cookies(answer: &Answer) -> Vec<(String, String)> {
    let all = answer.headers().get_all("set-cookie").iter();
    let pairs = all.map(|header| {
        let (pair, _) = header.to_str().unwrap().split_once(';').unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    });
    pairs.collect()
}

#[tokio::test]
async fn a_basket_waits_for_the_login_and_an_order_needs_the_csrf_token() {
    let app = app().await;
    app.user("anna@example.com").await;
    let first = app.put("/basket/7").send().await.expect(200);
    let (name, basket) = cookies(&first).remove(0);
    assert_eq!(name, "__Host-shop-data");
    let basket = format!("{name}={basket}");
    app.post("/orders")
        .header("cookie", &basket)
        .send()
        .await
        .refused(401, "authentication_required");

    let form = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "cookie" });
    let login = app.post("/auth/login").json(&form).send().await.expect(200);
    let [(session, token), (beside, csrf)] = <[_; 2]>::try_from(cookies(&login)).unwrap();
    assert_eq!(
        (session.as_str(), beside.as_str()),
        ("__Host-shop", "__Host-shop-csrf")
    );
    let order = || app.post("/orders").bare_cookie(&token).header("cookie", &basket);
    let refused = order().send().await.refused(403, "csrf_token_missing");
    assert_eq!(refused.code(), "csrf_token_missing");
    let ordered = order().header("x-csrf-token", &csrf).send().await.expect(200);
    assert!(
        ordered.text().ends_with("ordered 1 articles"),
        "{}",
        ordered.text()
    );
    assert_eq!(
        cookies(&ordered),
        [("__Host-shop-data".to_owned(), String::new())]
    );
}

#[tokio::test]
async fn a_session_that_was_ended_orders_nothing() {
    let app = app().await;
    app.user("anna@example.com").await;
    let form = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "cookie" });
    let login = app.post("/auth/login").json(&form).send().await.expect(200);
    let token = cookies(&login).remove(0).1;
    app.post("/auth/logout").cookie(&token).send().await.expect(204);
    app.post("/orders")
        .cookie(&token)
        .send()
        .await
        .refused(401, "invalid_token");
}
