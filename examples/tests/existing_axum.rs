//! `existing_axum` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/existing_axum.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod existing_axum;

use portcullis_identity::Permit;
use portcullis_identity::core::roles::MayGive;
use portcullis_testkit::TestApp;

#[tokio::test]
async fn every_route_of_the_mounted_router_stands_behind_the_rule() {
    let app = TestApp::with(|settings| settings, existing_axum::api).await;
    let anna = app.user("anna@example.com").await;
    for path in ["/reports/daily", "/reports/weekly", "/reports/no-such-report"] {
        app.get(path).send().await.refused(401, "authentication_required");
        app.get(path)
            .bearer(&anna.access_token)
            .send()
            .await
            .refused(403, "missing_role");
    }
    let permit = Permit::<MayGive>::dangerous_for_operator();
    let roles = app.portcullis.roles();
    assert!(
        roles
            .create(&permit, "auditor", "Reads reports", app.by_operator())
            .await
            .is_ok()
    );
    app.assign(&anna, "auditor").await;
    let report = app
        .get("/reports/daily")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(report.text(), "all is well");
    app.get("/reports/no-such-report")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(404);
}

#[tokio::test]
async fn a_handler_gets_its_state_after_its_rule() {
    let app = TestApp::with(|settings| settings, existing_axum::api).await;
    app.get("/greeting")
        .send()
        .await
        .refused(401, "authentication_required");
    let anna = app.user("anna@example.com").await;
    let greeting = app
        .get("/greeting")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(greeting.text(), format!("Hello, {}", anna.id));
}
