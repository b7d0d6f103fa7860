//! `tiers` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/tiers.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod tiers;

use std::time::Duration;

use portcullis_testkit::TestApp;
use serde_json::json;

async fn app() -> TestApp {
    let tiers = tiers::tiers().unwrap();
    let settings = |builder| tiers::settings(builder, &tiers);
    TestApp::with(settings, |portcullis| tiers::api(portcullis, &tiers)).await
}

/// How many of so many calls are let in.
async fn admitted(app: &TestApp, calls: usize, token: &str) -> usize {
    let mut admitted = 0;
    for _ in 0..calls {
        admitted += usize::from(app.get("/quote").bearer(token).send().await.status() == 200);
    }
    admitted
}

// Shows: AB-1
#[tokio::test]
async fn each_plan_allows_its_own_and_is_changed_while_the_program_runs() {
    let app = app().await;
    let anna = app.administrator("anna@example.com").await;
    let token = anna.access_token;
    assert_eq!(admitted(&app, 70, &token).await, 60);
    let accounts = app.portcullis.accounts();
    let change = tiers::PLAN.set("basic");
    accounts
        .change_attributes_by_program(anna.id, [change])
        .await
        .unwrap();
    assert_eq!(admitted(&app, 310, &token).await, 300);
    let new = json!({ "default": "free", "tiers": { "free": "1/day", "basic": "2/minute, 3/hour" } });
    app.put("/admin/api/v1/tiers")
        .bearer(&token)
        .json(&new)
        .send()
        .await
        .expect(200);
    let seen = app
        .get("/admin/api/v1/tiers")
        .bearer(&token)
        .send()
        .await
        .expect(200);
    assert_eq!(seen.json(), new);
    assert_eq!(admitted(&app, 5, &token).await, 2);
    app.clock.advance(Duration::from_secs(60));
    let third = app.get("/quote").bearer(&token).send().await.expect(200);
    assert_eq!(
        third.header("ratelimit-policy"),
        "\"plan-minute\";q=2;w=60, \"plan-hour\";q=3;w=3600"
    );
    assert_eq!(admitted(&app, 5, &token).await, 0, "the hour's");
}

// Shows: AB-1
#[tokio::test]
async fn what_is_no_tier_changes_nothing_and_all_of_it_is_said() {
    let app = app().await;
    let token = app.administrator("anna@example.com").await.access_token;
    let new = json!({ "default": "free", "tiers": { "basic": "lots", "Pro": "1/day" } });
    let put = |token: &str, new| app.put("/admin/api/v1/tiers").bearer(token).json(new).send();
    let refused = put(&token, &new).await.refused(422, "invalid_fields").json();
    assert_eq!(refused["errors"][0]["code"], "invalid_tiers");
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    for line in [
        "tier \"Pro\": ",
        "tier \"basic\": ",
        "tier \"free\": it is the default",
    ] {
        assert!(detail.contains(line), "{detail}");
    }
    assert_eq!(admitted(&app, 70, &token).await, 60);
    let other = app.user("bert@example.com").await.access_token;
    let good = json!({ "default": "free", "tiers": { "free": "9/second" } });
    put(&other, &good).await.refused(403, "missing_permission");
    assert_eq!(admitted(&app, 70, &other).await, 60);
}
