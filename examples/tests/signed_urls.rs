//! `signed_urls` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/signed_urls.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod signed_urls;

use portcullis_identity::core::checks;
use portcullis_testkit::TestApp;

async fn app() -> TestApp {
    TestApp::with(|builder| builder, signed_urls::api).await
}

async fn given(app: &TestApp, path: &str) -> String {
    let anna = app.user("anna@example.com").await;
    let link = app.post(path).bearer(&anna.access_token).send().await;
    link.expect(200).text().to_owned()
}

// Shows: WP-2
#[tokio::test]
async fn a_link_opens_its_file_until_its_time_is_over() {
    checks!("T260");
    checks!("T261");
    let app = app().await;
    let link = given(&app, "/files/7/link").await;
    for _ in 0..2 {
        let answer = app.get(&link).send().await.expect(200);
        assert_eq!(answer.text(), "what is in file 7");
    }
    let other = link.replace("/files/7", "/files/8");
    app.get(&other).send().await.refused(401, "invalid_link");
    app.post("/files/7/link")
        .send()
        .await
        .refused(401, "authentication_required");
    app.clock.advance_secs(299);
    app.get(&link).send().await.expect(200);
    app.clock.advance_secs(1);
    app.get(&link).send().await.refused(401, "link_expired");
}

#[tokio::test]
async fn a_ticket_is_good_once_on_all_nodes() {
    checks!("T261");
    let app = app().await;
    let ticket = given(&app, "/files/7/ticket").await;
    let all = (0..100).map(|_| app.get(&ticket).send());
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|answer| answer.status() == 200).count(), 1);
    app.get(&ticket).send().await.refused(401, "link_used");
}
