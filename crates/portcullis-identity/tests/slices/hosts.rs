//! Which hosts are answered for.

use axum::Router;
use axum::routing::get;
use portcullis_identity::core::checks;
use portcullis_identity::{Portcullis, Public};
use portcullis_testkit::TestApp;
use serde_json::json;

async fn start() -> TestApp {
    let api = |portcullis: &Portcullis| {
        let mounted = Router::new().route("/done", get(async || "mounted"));
        portcullis.api().mount::<Public>("/pages", mounted)
    };
    TestApp::with(
        |builder| builder.base_domain("app.example.com").host("portcullis"),
        api,
    )
    .await
}

// Shows: WP-7
#[tokio::test]
async fn a_page_whose_name_was_led_here_is_no_page_of_ours() {
    checks!("T152");
    let app = start().await;
    let form = json!({ "username": "anna", "password": "a gate that closes" });
    let register = |host: &str| {
        let request = app
            .post("/auth/register")
            .header("host", host)
            .header("sec-fetch-site", "same-origin");
        request.json(&form).send()
    };
    for host in [
        "evil.example",
        "evil.example:8080",
        "id.example.com.evil.example",
        "203.0.113.9",
    ] {
        let answer = register(host).await.refused(421, "unknown_host");
        assert_eq!(answer.code(), "unknown_host", "{host}");
        assert!(!answer.header("x-request-id").is_empty());
        for path in [
            "/auth/me",
            "/docs",
            "/openapi.json",
            "/pages/done",
            "/nothing",
            "/.well-known/jwks.json",
        ] {
            app.get(path)
                .header("host", host)
                .send()
                .await
                .refused(421, "unknown_host");
        }
        app.get("/health/live")
            .header("host", host)
            .send()
            .await
            .expect(200);
    }
    register("id.example.com").await.expect(201);
    for host in [
        "ID.example.com:443",
        "app.example.com",
        "acme.app.example.com",
        "portcullis:8080",
        "localhost",
        "[::1]:1",
    ] {
        app.get("/.well-known/jwks.json")
            .header("host", host)
            .send()
            .await
            .expect(200);
    }
    let two = app
        .get("/.well-known/jwks.json")
        .header("host", "id.example.com")
        .header("host", "id.example.com");
    assert_eq!(two.send().await.expect(400).code(), "invalid_host");
}

// Shows: WP-5
#[tokio::test]
async fn a_server_on_this_machine_insists_on_no_tls_for_its_neighbours() {
    let app = start().await;
    let sent = async |host: &str| {
        let answer = app
            .get("/.well-known/jwks.json")
            .header("host", host)
            .send()
            .await
            .expect(200);
        answer.header("strict-transport-security").to_owned()
    };
    for host in ["localhost:8080", "127.0.0.1", "[::1]:8080", "id.localhost"] {
        assert_eq!(sent(host).await, "", "{host}");
    }
    for host in ["id.example.com", "portcullis"] {
        assert_ne!(sent(host).await, "", "{host}");
    }
}

#[tokio::test]
async fn a_mounted_path_has_one_spelling() {
    let app = start().await;
    app.get("/pages/done").send().await.expect(200);
    for path in ["/pages//done", "//pages/done", "/pages/done//", "/pages///done"] {
        assert_eq!(
            app.get(path).send().await.expect(404).code(),
            "not_found",
            "{path}"
        );
    }
}
