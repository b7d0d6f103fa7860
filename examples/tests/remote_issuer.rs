//! `remote_issuer` as two processes: the accounts in one, the same handlers in both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod process;
#[path = "../examples/remote_issuer.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main runs in the other test")]
mod remote_issuer;

use portcullis_identity::Remote;
use portcullis_testkit::{PASSWORD, Request, TestApp};
use process::Running;
use serde_json::json;

// Shows: TK-3
#[test]
fn the_same_handlers_run_beside_their_accounts_and_without_them() {
    let embedded = Running::start("remote_issuer", "set-up token: ");
    let detached = Running::start_with("remote_issuer", &[&embedded.url()], "honours the tokens of ");
    assert_eq!(detached.word(), embedded.url());
    for server in [&embedded, &detached] {
        assert_eq!(server.request("GET", "/status", "", ""), (200, "up".to_owned()));
        assert_eq!(server.request("GET", "/posts", "", "").0, 401);
        assert_eq!(server.request("GET", "/posts", "a.b.c", "").0, 401);
    }
    found(&embedded);
    let own = [embedded.log_in("root"), embedded.log_in("anna")];
    let for_blog = ["root", "anna"].map(|who| token_for(&embedded, who, remote_issuer::BLOG));
    for (server, [root, anna]) in [(&embedded, &own), (&detached, &for_blog)] {
        for (method, path, status) in [
            ("GET", "/posts", 200),
            ("PUT", "/posts/7", 200),
            ("POST", "/posts/7/public", 200),
        ] {
            assert_eq!(
                server.request(method, path, root, "").0,
                status,
                "{method} {path}"
            );
            assert_eq!(server.request(method, path, anna, "").0, 403, "{method} {path}");
        }
    }
    assert_eq!(detached.request("GET", "/health/ready", "", "").0, 200);
    assert_eq!(
        detached.request("POST", "/auth/login", "", "{}").0,
        404,
        "there are no accounts"
    );

    // The keys are known: the issuer may go.
    assert!(embedded.stop().success());
    assert_eq!(detached.request("GET", "/posts", &for_blog[0], "").0, 200);
    assert!(detached.stop().success());
}

/// The first administrator, and somebody who may nothing.
fn found(embedded: &Running) {
    let root = json!({ "token": embedded.word(), "username": "root", "password": PASSWORD });
    assert_eq!(
        embedded.request("POST", "/auth/setup", "", &root.to_string()).0,
        201
    );
    let anna = json!({ "username": "anna", "password": PASSWORD });
    assert_eq!(
        embedded
            .request("POST", "/auth/register", "", &anna.to_string())
            .0,
        201
    );
}

/// An access token for one application.
fn token_for(embedded: &Running, who: &str, resource: &str) -> String {
    let login = json!({ "identifier": who, "password": PASSWORD, "resource": resource });
    let (status, answer) = embedded.request("POST", "/auth/login", "", &login.to_string());
    assert_eq!(status, 200, "{answer}");
    process::field(&answer, "access_token")
}

#[test]
fn a_token_for_one_application_opens_neither_another_one_nor_its_issuer() {
    let embedded = Running::start("remote_issuer", "set-up token: ");
    found(&embedded);
    let detached = |resource: &str| {
        Running::start_with(
            "remote_issuer",
            &[&embedded.url(), resource],
            "honours the tokens of ",
        )
    };
    let (blog, shop) = (detached(remote_issuer::BLOG), detached(remote_issuer::SHOP));
    let own = embedded.log_in("root");
    let for_blog = token_for(&embedded, "root", remote_issuer::BLOG);
    let for_shop = token_for(&embedded, "root", remote_issuer::SHOP);
    for (token, opens) in [
        (own, [200, 401, 401]),
        (for_blog, [401, 200, 401]),
        (for_shop, [401, 401, 200]),
    ] {
        let status = [&embedded, &blog, &shop].map(|server| server.request("GET", "/posts", &token, "").0);
        assert_eq!(status, opens);
        let administers = embedded.request("GET", "/admin/api/v1/accounts", &token, "").0;
        assert_eq!(administers, opens[0]);
    }
}

#[tokio::test]
async fn what_only_the_database_could_verify_is_refused_without_it() {
    let app = TestApp::with(|settings| settings, remote_issuer::with_accounts).await;
    app.user_with("anna@example.com", &["posts:read"]).await;
    let body = json!({ "identifier": "anna@example.com", "password": PASSWORD, "delivery": "session" });
    let session = app
        .post("/auth/login")
        .json(&body)
        .send()
        .await
        .expect(200)
        .json();
    let session = session["session_token"].as_str().unwrap();
    app.get("/posts").bearer(session).send().await.expect(200);

    let remote = Remote::builder("https://id.example.com").open().await.unwrap();
    let router = remote_issuer::blog().into_router(remote.gate().clone()).unwrap();
    let refused = Request::new(&router, "GET".parse().unwrap(), "/posts").bearer(session);
    assert_eq!(refused.send().await.expect(401).code(), "credential_not_accepted");
}
