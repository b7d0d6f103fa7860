//! `own_tables` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/own_tables.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main runs in the other test")]
mod own_tables;

use portcullis_testkit::TestApp;
use serde_json::json;

// Shows: KIT-3
#[tokio::test]
async fn a_team_is_an_organization_and_a_row_or_neither() {
    let app = TestApp::with(|settings| settings.tables(own_tables::TABLES), own_tables::api).await;
    let anna = app.user("anna@example.com").await;
    let make = async |slug: &str, plan: &str| {
        let form = json!({ "name": "Acme", "slug": slug, "plan": plan });
        app.post("/teams")
            .bearer(&anna.access_token)
            .json(&form)
            .send()
            .await
    };
    let organizations = async || {
        let answer = app
            .get("/auth/organizations")
            .bearer(&anna.access_token)
            .send()
            .await;
        answer.expect(200).json()["items"].as_array().unwrap().len()
    };
    make("acme", "small").await.expect(201);
    make("other", "huge").await.refused(400, "unknown_plan");
    assert_eq!(organizations().await, 1);
    // What Portcullis refuses leaves no row either, and the same slug is free after what was undone.
    make("acme", "large").await.refused(409, "slug_taken");
    make("other", "large").await.expect(201);
    assert_eq!(organizations().await, 2);
    let teams = app
        .get("/teams")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    let expected = json!([{ "slug": "acme", "plan": "small" }, { "slug": "other", "plan": "large" }]);
    assert_eq!(teams.json(), expected);
}
