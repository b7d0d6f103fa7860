//! `sub_apps` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/sub_apps.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod sub_apps;

use portcullis_identity::Permission as _;
use portcullis_testkit::TestApp;

async fn app() -> TestApp {
    let permissions = [sub_apps::StockRead::PERMISSION, sub_apps::ReportsRead::PERMISSION];
    TestApp::with(|settings| settings.declare(permissions), sub_apps::api).await
}

// Shows: KIT-2
#[tokio::test]
async fn each_part_is_behind_its_rules() {
    let app = app().await;
    app.get("/products").send().await.expect(200);
    app.get("/internal/stock")
        .send()
        .await
        .refused(401, "authentication_required");
    app.get("/reports/daily")
        .send()
        .await
        .refused(401, "authentication_required");
    let anna = app.user_with("anna@example.com", &["stock:read"]).await;
    let call = async |path: &str| app.get(path).bearer(&anna.access_token).send().await;
    assert_eq!(call("/internal/stock").await.expect(200).json(), 7);
    call("/reports/daily").await.refused(403, "missing_permission");
}

// Shows: KIT-1, KIT-2
#[tokio::test]
async fn the_documents_say_where_what_is() {
    let app = app().await;
    let outer = app.get("/openapi.json").send().await.expect(200).json();
    assert_eq!(
        outer["x-portcullis-documents"][0]["url"],
        "/internal/openapi.json"
    );
    assert_eq!(
        outer["paths"]["/reports/{path}"]["x-portcullis-rule"],
        "reports:read"
    );
    assert!(outer["paths"].get("/internal/stock").is_none());
    let inner = app.get("/internal/openapi.json").send().await.expect(200).json();
    assert_eq!(inner["info"]["title"], "Warehouse");
    assert_eq!(inner["tags"][0]["name"], "Stock");
    assert!(inner["paths"]["/internal/stock"]["get"].is_object());
    app.get("/internal/docs").send().await.expect(200);
}
