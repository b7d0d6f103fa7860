//! Layers that ask who calls before the route's rule does: they take nothing away from what the rule asks.

use axum::body::Bytes;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::Method;
use portcullis_core::authz::AccountsRead;
use portcullis_core::checks;
use portcullis_identity::{
    Allow, Api, ApiKey, Authenticated, OptionalAuth, Portcullis, Via, WhoCalled, permissions,
};
use portcullis_testkit::{Account, TestApp};
use serde_json::json;

use crate::fixtures::text;
use crate::slow_body::begin_with;

permissions! {
    LayeredRead = "layered:read": "Read what is layered";
}

async fn strangers_too(_: OptionalAuth, request: Request, next: Next) -> Response {
    next.run(request).await
}

async fn only_readers(_: Allow<AccountsRead>, request: Request, next: Next) -> Response {
    next.run(request).await
}

async fn keys(_: OptionalAuth<Via<ApiKey>>, request: Request, next: Next) -> Response {
    next.run(request).await
}

async fn named(who: WhoCalled, request: Request, next: Next) -> Response {
    let before = who.principal().is_some();
    let mut answer = next.run(request).await;
    let after = who.principal().map(|caller| caller.id().to_string());
    let said = format!("{before} {}", after.as_deref().unwrap_or("nobody"));
    answer.headers_mut().insert("x-who", said.parse().unwrap());
    answer
}

fn api(portcullis: &Portcullis) -> Api {
    let read = async |_: Allow<AccountsRead>, text: String| text;
    let any = async |_: Allow<Authenticated>, text: String| text;
    let by_key = async |_: Allow<LayeredRead, Via<ApiKey>>| "read";
    let less_outside = Api::new("", "")
        .post("/less", read)
        .route_layer(from_fn(strangers_too));
    let more_outside = Api::new("", "")
        .post("/more", any)
        .route_layer(from_fn(only_readers));
    let thrice = Api::new("", "")
        .get("/key", by_key)
        .route_layer(from_fn(keys))
        .route_layer(from_fn(keys));
    let who = Api::new("", "")
        .post("/who", read)
        .get("/self", async |_: Allow<Authenticated>| "me")
        .get("/open", async |_: OptionalAuth| "open")
        .route_layer(from_fn(named));
    let outside = Api::new("", "")
        .get("/outside", async |_: Allow<Authenticated>| "me")
        .layer(from_fn(named));
    portcullis
        .api()
        .merge(less_outside)
        .merge(more_outside)
        .merge(thrice)
        .merge(who)
        .merge(outside)
}

async fn given() -> TestApp {
    TestApp::with(|settings| settings, api).await
}

async fn relieved(app: &TestApp, root: &Account, of: &Account) {
    let role = format!("/admin/api/v1/accounts/{}/roles/administrator", of.id);
    app.delete(&role)
        .bearer(&root.access_token)
        .send()
        .await
        .expect(204);
}

#[tokio::test]
async fn whichever_asks_more_is_asked_again_when_the_body_comes() {
    checks!("T240");
    let app = given().await;
    let root = app.administrator("root@example.com").await;
    for (index, path) in ["/less", "/more"].into_iter().enumerate() {
        let eve = app.administrator(&format!("eve{index}@example.com")).await;
        let begin = async || {
            let head = http::Request::builder().method(Method::POST).uri(path);
            let head = head.header("content-type", "text/plain");
            let head = head.header("authorization", format!("Bearer {}", eve.access_token));
            begin_with(&app, head, Bytes::from_static(b"half rest")).await
        };
        let in_time = begin().await;
        assert_eq!(in_time.answered().await.status(), 200, "{path}");
        let late = begin().await;
        relieved(&app, &root, &eve).await;
        assert_eq!(late.answered().await.status(), 403, "{path}");
    }
}

#[tokio::test]
async fn whoever_asks_how_often_a_request_counts_once() {
    checks!("T240");
    let app = given().await;
    let anna = app.user_with("anna@example.com", &["layered:read"]).await;
    let form = json!({ "name": "k", "permissions": ["layered:read"], "limit": "2/minute" });
    let made = app
        .post("/auth/api-keys")
        .bearer(&anna.access_token)
        .json(&form)
        .send()
        .await;
    let made = made.expect(201).json();
    let get = async || app.get("/key").api_key(&text(&made, "key")).send().await;
    get().await.expect(200);
    get().await.expect(200);
    get().await.refused(429, "rate_limited");
}

#[tokio::test]
async fn a_layer_learns_whom_the_rule_let_in_and_nobody_before() {
    let app = given().await;
    let anna = app.user("anna@example.com").await;
    let anna_id = format!("false {}", anna.id);
    for (path, who) in [("/self", &*anna_id), ("/open", &*anna_id)] {
        let answer = app.get(path).bearer(&anna.access_token).send().await.expect(200);
        assert_eq!(answer.header("x-who"), who, "{path}");
    }
    let refused = app
        .post("/who")
        .bearer(&anna.access_token)
        .bytes("text/plain", b"a")
        .send()
        .await;
    assert_eq!(refused.expect(403).header("x-who"), "false nobody");
    assert_eq!(
        app.get("/open").send().await.expect(200).header("x-who"),
        "false nobody"
    );
    // Outside of every route there is nobody to be known, and the program is told so.
    app.get("/outside")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(500);
}
