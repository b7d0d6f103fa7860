//! `rate_limit` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/rate_limit.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod rate_limit;

use std::time::Duration;

use portcullis_testkit::TestApp;

async fn app() -> TestApp {
    TestApp::with(|settings| settings, rate_limit::api).await
}

// Shows: AB-1
#[tokio::test]
async fn whoever_waits_as_long_as_they_are_told_is_let_in() {
    let app = app().await;
    for _ in 0..2 {
        app.get("/hello").send().await.expect(200);
    }
    let refused = app.get("/hello").send().await.refused(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "30");
    app.clock.advance(Duration::from_secs(30));
    app.get("/hello").send().await.expect(200);
}

// Shows: AB-1
#[tokio::test]
async fn a_row_counts_as_one_for_each_user() {
    let app = app().await;
    let mut tokens = Vec::new();
    for name in ["anna", "bert"] {
        tokens.push(app.user(&format!("{name}@example.com")).await.access_token);
    }
    let export = async |rows: u32, token: &str| {
        let request = app.get(&format!("/export?rows={rows}")).bearer(token);
        request.send().await.status()
    };
    assert_eq!(export(900, &tokens[0]).await, 200);
    assert_eq!(export(200, &tokens[0]).await, 429);
    assert_eq!(export(100, &tokens[0]).await, 200);
    assert_eq!(export(1, &tokens[0]).await, 429);
    assert_eq!(export(1_000, &tokens[1]).await, 200);
}

// Shows: AB-1
#[tokio::test]
async fn the_whole_api_has_a_limit_too() {
    let app = app().await;
    let mut refused = 0;
    for _ in 0..150 {
        refused += usize::from(app.get("/nowhere").send().await.status() == 429);
    }
    assert_eq!(refused, 50);
    app.get("/auth/me").send().await.refused(429, "rate_limited");
}
