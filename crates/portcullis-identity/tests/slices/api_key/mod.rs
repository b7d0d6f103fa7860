//! API keys: what an attacker tries first, then what owners and administrators do with them.

mod forged;
mod imported;
mod lifetime;
mod limits;
mod making;
mod member;
mod owned;
mod service;

use portcullis_identity::{
    Allow, Any, Api, Authenticated, FreshLogin, Member, Portcullis, SecondFactor, Via, permissions,
};
use portcullis_testkit::{Account, Answer, TestApp};
use serde_json::{Value, json};

permissions! {
    pub(crate) Read = "keys:read": "Read";
    pub(crate) Write = "keys:write": "Write";
}

async fn read(who: Allow<Read>) -> String {
    who.id().to_string()
}
async fn write(_: Allow<Write>) {}
async fn member_read(_: Allow<Member<Read>>) {}
async fn fresh(_: Allow<FreshLogin<{ u32::MAX }>>) {}
async fn second(_: Allow<SecondFactor>) {}
async fn either(_: Allow<Any<(FreshLogin<900>, Read)>>) {}
async fn keys_only(_: Allow<Authenticated, Via<portcullis_identity::ApiKey>>) {}
async fn logins_only(_: Allow<Authenticated, Via<(portcullis_identity::Jwt, portcullis_identity::Session)>>) {
}

fn api(portcullis: &Portcullis) -> Api {
    portcullis
        .api()
        .get("/read", read)
        .get("/write", write)
        .get("/member-read", member_read)
        .get("/fresh", fresh)
        .get("/second", second)
        .get("/either", either)
        .get("/keys-only", keys_only)
        .get("/logins-only", logins_only)
}

pub(super) async fn app() -> TestApp {
    TestApp::with(|builder| builder, api).await
}

/// Somebody who may read and write.
async fn anna(app: &TestApp) -> Account {
    app.user_with("anna@example.com", &["keys:read", "keys:write"])
        .await
}

async fn post(app: &TestApp, who: &Account, path: &str, body: &Value) -> Answer {
    app.post(path).bearer(&who.access_token).json(body).send().await
}

/// A form that is good for somebody who may read.
fn form() -> Value {
    json!({ "name": "ci", "permissions": ["keys:read"] })
}

/// The form with these members besides or instead.
fn form_with(more: Value) -> Value {
    let mut form = form();
    let Value::Object(more) = more else {
        panic!("no object")
    };
    form.as_object_mut().unwrap().extend(more);
    form
}

/// A new key as its owner gets it: `id`, `key` and the rest.
async fn issued(app: &TestApp, who: &Account, form: &Value) -> Value {
    post(app, who, "/auth/api-keys", form).await.expect(201).json()
}

fn text<'v>(body: &'v Value, name: &str) -> &'v str {
    body[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {body}"))
}

async fn with_key(app: &TestApp, key: &str, path: &str) -> Answer {
    app.get(path).api_key(key).send().await
}

#[track_caller]
fn check(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status(), answer.code().as_str()),
        (status, code),
        "{}",
        answer.text()
    );
}
