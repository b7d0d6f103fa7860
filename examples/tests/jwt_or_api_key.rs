//! `jwt_or_api_key` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/jwt_or_api_key.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod jwt_or_api_key;

use portcullis_testkit::TestApp;
use serde_json::json;

#[tokio::test]
async fn each_route_takes_what_its_type_says() {
    let app = TestApp::with(|builder| builder, jwt_or_api_key::api).await;
    let permissions = ["stock:read", "stock:write"];
    let anna = app.user_with("anna@example.com", &permissions).await;
    let form = json!({ "name": "scanner", "permissions": permissions });
    let made = app
        .post("/auth/api-keys")
        .bearer(&anna.access_token)
        .json(&form)
        .send()
        .await;
    let key = made.expect(201).json()["key"].as_str().unwrap().to_owned();
    let login =
        json!({ "identifier": anna.email, "password": portcullis_testkit::PASSWORD, "delivery": "session" });
    let session = app
        .post("/auth/login")
        .json(&login)
        .send()
        .await
        .expect(200)
        .json();
    let session = session["session_token"].as_str().unwrap();
    for (method, path, by_jwt, by_key, by_session) in [
        ("GET", "/stock", 200, 200, 401),
        ("POST", "/stock/count", 401, 200, 401),
        ("GET", "/profile", 200, 401, 401),
    ] {
        for (credential, expected) in [
            (&*anna.access_token, by_jwt),
            (&key, by_key),
            (session, by_session),
        ] {
            let request = app.request(method.parse().unwrap(), path).bearer(credential);
            let answer = request.send().await;
            assert_eq!(answer.status(), expected, "{method} {path}: {}", answer.text());
        }
        app.request(method.parse().unwrap(), path)
            .send()
            .await
            .refused(401, "authentication_required");
        let both = app
            .request(method.parse().unwrap(), path)
            .bearer(&anna.access_token)
            .api_key(&key);
        assert_eq!(both.send().await.expect(400).code(), "multiple_credentials");
    }
}
