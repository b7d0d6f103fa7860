//! `versioning` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/versioning.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod versioning;

use portcullis_testkit::TestApp;
use serde_json::json;

// Shows: KIT-2
#[tokio::test]
async fn the_old_version_answers_and_says_until_when() {
    let app = TestApp::with(|settings| settings, versioning::api).await;
    let old = app.get("/v1/notes").send().await.expect(200);
    assert_eq!(old.json(), json!(["milk"]));
    assert_eq!(old.header("deprecation"), "@1780272000");
    assert_eq!(old.header("sunset"), "Fri, 01 Jan 2027 00:00:00 GMT");
    assert_eq!(old.header("link"), "</v2>; rel=\"successor-version\"");
    let new = app.get("/v2/notes").send().await.expect(200);
    assert_eq!(new.json(), json!({ "items": [{ "text": "milk" }] }));
    assert_eq!(new.header("deprecation"), "");
}

// Shows: KIT-2
#[tokio::test]
async fn each_version_is_described_for_itself() {
    let app = TestApp::with(|settings| settings, versioning::api).await;
    let old = app.get("/v1/openapi.json").send().await.expect(200).json();
    assert_eq!(old["paths"]["/v1/notes"]["get"]["deprecated"], true);
    let new = app.get("/v2/openapi.json").send().await.expect(200).json();
    assert!(new["paths"]["/v2/notes"].is_object() && new["paths"].get("/v1/notes").is_none());
    let outer = app.get("/openapi.json").send().await.expect(200).json();
    assert!(outer["paths"]["/auth/login"].is_object() && outer["paths"].get("/v2/notes").is_none());
    app.get("/v2/docs").send().await.expect(200);
}
