//! `resource_owner` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/resource_owner.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod resource_owner;

use portcullis_testkit::{Account, Answer, TestApp};
use resource_owner::Notes;
use rusqlite::Connection;
use serde_json::json;

async fn app() -> TestApp {
    let notes = Notes::open(Connection::open_in_memory().unwrap()).unwrap();
    TestApp::with(
        |settings| settings,
        |portcullis| resource_owner::api(portcullis, &notes),
    )
    .await
}

async fn call(app: &TestApp, who: &Account, method: &str, path: &str) -> Answer {
    let request = app
        .request(method.parse().unwrap(), path)
        .bearer(&who.access_token);
    match method {
        "PUT" | "POST" => request.json(&json!({ "text": "milk" })).send().await,
        _ => request.send().await,
    }
}

async fn share(app: &TestApp, who: &Account, with: &Account, action: &str) -> Answer {
    let wish = json!({ "subject": format!("account:{}", with.id), "action": action });
    app.put("/notes/1/grants")
        .bearer(&who.access_token)
        .json(&wish)
        .send()
        .await
}

/// The ids in the list.
async fn list(app: &TestApp, who: &Account) -> Vec<i64> {
    let notes = call(app, who, "GET", "/notes").await.expect(200).json();
    let notes = notes.as_array().unwrap().iter();
    notes.map(|note| note["id"].as_i64().unwrap()).collect()
}

// Shows: AZ-5
#[tokio::test]
async fn a_note_is_its_owners_until_it_is_shared() {
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    for who in [&anna, &ben] {
        call(&app, who, "POST", "/notes").await.expect(201);
    }
    for (method, path) in [
        ("GET", "/notes/1"),
        ("PUT", "/notes/1"),
        ("DELETE", "/notes/1"),
        ("GET", "/notes/1/grants"),
        ("GET", "/notes/999"),
        ("GET", "/notes/mine"),
    ] {
        call(&app, &ben, method, path).await.refused(404, "not_found");
    }
    assert_eq!(list(&app, &ben).await, [2]);

    share(&app, &anna, &ben, "notes:erase")
        .await
        .refused(422, "invalid_fields");
    share(&app, &anna, &ben, "notes:read").await.expect(204);
    call(&app, &ben, "GET", "/notes/1").await.expect(200);
    call(&app, &ben, "PUT", "/notes/1")
        .await
        .refused(404, "not_found");
    share(&app, &ben, &ben, "notes:edit")
        .await
        .refused(404, "not_found");
    assert_eq!(list(&app, &ben).await, [1, 2]);

    let grant = format!("/notes/1/grants?subject=account:{}&action=notes:read", ben.id);
    call(&app, &anna, "DELETE", &grant).await.expect(204);
    call(&app, &ben, "GET", "/notes/1")
        .await
        .refused(404, "not_found");
    assert_eq!(list(&app, &ben).await, [2]);
}

#[tokio::test]
async fn an_administrator_of_notes_reaches_all_of_them_and_shares_none() {
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let chief = app.user_with("chief@example.com", &["notes:admin"]).await;
    call(&app, &anna, "POST", "/notes").await.expect(201);
    assert_eq!(list(&app, &chief).await, [1]);
    call(&app, &chief, "PUT", "/notes/1").await.expect(204);
    share(&app, &chief, &chief, "notes:read")
        .await
        .refused(404, "not_found");
    call(&app, &chief, "DELETE", "/notes/1").await.expect(204);
    call(&app, &anna, "GET", "/notes/1")
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn an_id_is_never_given_to_another_note() {
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    call(&app, &anna, "POST", "/notes").await.expect(201);
    share(&app, &anna, &ben, "notes:read").await.expect(204);
    call(&app, &anna, "DELETE", "/notes/1").await.expect(204);
    let again = call(&app, &anna, "POST", "/notes").await.expect(201).json();
    assert_eq!(again["id"], 2);
    for path in ["/notes/1", "/notes/2"] {
        call(&app, &ben, "GET", path).await.refused(404, "not_found");
    }
}
