//! `docs_branding` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/docs_branding.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod docs_branding;

use portcullis_testkit::TestApp;
use serde_json::json;

// Shows: KIT-1
#[tokio::test]
async fn the_document_says_whose_it_is_and_is_where_it_was_put() {
    let app = TestApp::with(|settings| settings, docs_branding::api).await;
    let document = app.get("/api.json").send().await.expect(200).json();
    let info = &document["info"];
    assert_eq!(info["title"], "Bakery");
    assert_eq!(
        info["contact"],
        json!({ "name": "The bakers", "email": "bakers@example.com" })
    );
    assert_eq!(info["license"]["identifier"], "MIT");
    assert_eq!(info["x-logo"]["url"], "/logo.svg");
    assert_eq!(
        document["tags"][0],
        json!({ "name": "Bread", "description": "Loaves and rolls." })
    );
    assert_eq!(document["externalDocs"]["url"], "https://example.com/handbook");
    let page = app.get("/reference").send().await.expect(200);
    assert!(String::from_utf8_lossy(page.bytes()).contains("./api.json"));
    let logo = app.get("/logo.svg").send().await.expect(200);
    assert_eq!(logo.header("content-type"), "image/svg+xml");
    for gone in ["/docs", "/redoc", "/scalar", "/openapi.json"] {
        app.get(gone).send().await.refused(404, "not_found");
    }
}
