//! `middleware` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/middleware.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main runs in the other test")]
mod middleware;

use portcullis_testkit::TestApp;
use serde_json::json;

const FRONT: &str = "https://notes.example.com";

async fn app() -> TestApp {
    TestApp::with(|settings| settings, middleware::api).await
}

// Shows: KIT-1
#[tokio::test]
async fn what_is_around_the_api_is_around_refusals_documents_and_nothing_at_all() {
    let app = app().await;
    for (path, status) in [("/nowhere", 404), ("/auth/me", 401), ("/openapi.json", 200)] {
        let request = app
            .get(path)
            .header("origin", FRONT)
            .header("accept-encoding", "gzip");
        let answer = request.send().await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.header("server-timing").starts_with("all;dur="), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), FRONT, "{path}");
        let packed = answer.header("content-encoding") == "gzip";
        assert_eq!(packed, path == "/openapi.json", "{path}");
    }
}

// Shows: KIT-1
#[tokio::test]
async fn the_outermost_answers_alone() {
    let app = app().await;
    let request = app
        .request(axum::http::Method::OPTIONS, "/notes")
        .header("origin", FRONT);
    let preflight = request
        .header("access-control-request-method", "POST")
        .send()
        .await;
    assert_eq!(preflight.header("access-control-allow-origin"), FRONT);
    assert_eq!(
        preflight.header("server-timing"),
        "",
        "nothing within CORS has run"
    );
}

// Shows: KIT-1
#[tokio::test]
async fn a_layer_around_a_route_learns_whom_the_rule_let_in() {
    let app = app().await;
    app.post("/notes")
        .json(&json!("milk"))
        .send()
        .await
        .refused(401, "authentication_required");
    app.post("/notes")
        .bearer("eyJ.a.b")
        .json(&json!("milk"))
        .send()
        .await
        .refused(401, "invalid_token");
    let register = json!({ "username": "anna", "password": portcullis_testkit::PASSWORD });
    app.post("/auth/register")
        .json(&register)
        .send()
        .await
        .expect(201);
    let anna = app.log_in("anna").await;
    let write = async |body| {
        app.post("/notes")
            .bearer(&anna.access_token)
            .json(&body)
            .send()
            .await
    };
    write(json!("milk")).await.expect(200);
    write(json!(1)).await.expect(422);
    app.get("/notes").send().await.expect(200);
    let changes = app.get("/changes").send().await.expect(200).json();
    assert_eq!(
        changes,
        json!(["anna: POST /notes, 200", "anna: POST /notes, 422"])
    );
}
