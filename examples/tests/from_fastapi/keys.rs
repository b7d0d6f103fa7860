//! API keys.

use portcullis_identity::core::account;
use portcullis_identity::core::api_key::{ForeignKey, Format, KeyName, Networks};
use portcullis_identity::core::audit;
use portcullis_identity::core::issuance::Form;
use portcullis_identity::enforcer::Places;
use portcullis_identity::{
    Allow, Api, ApiKey, Authenticated, Builder, FreshLogin, Permit, Portcullis, Via, permissions,
};
use portcullis_testkit::{Account, TestApp};
use serde_json::{Value, json};

permissions! {
    ReportsRead   = "reports:read":   "Read reports";
    ReportsDelete = "reports:delete": "Delete reports";
}

async fn read(who: Allow<ReportsRead>) -> String {
    format!("a report for {}", who.id())
}

async fn heartbeat(_: Allow<Authenticated, Via<ApiKey>>) -> &'static str {
    "still here"
}

async fn delete(_: Allow<(ReportsDelete, FreshLogin<300>)>) -> &'static str {
    "gone"
}

fn api(portcullis: &Portcullis) -> Api {
    Api::new("Reports", "1.0")
        .get("/reports", read)
        .delete("/reports", delete)
        .post("/heartbeat", heartbeat)
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

fn stripes(builder: Builder) -> anyhow::Result<Builder> {
    Ok(builder.api_key_format(Format::new("sk", "live")?))
}

fn in_query(builder: Builder) -> anyhow::Result<Builder> {
    Ok(builder.api_key_places(Places::in_header("X-Token")?.and_in_query("api_key")?))
}

async fn bring(portcullis: &Portcullis, robot: account::Id, text: &str) -> anyhow::Result<()> {
    let key = ForeignKey::of_text(text, &Format::default())?;
    let form = Form {
        name: KeyName::parse("from the settings")?,
        permissions: vec!["reports:read".to_owned()],
        expires_at: None,
        networks: Networks::default(),
        limit: None,
    };
    let by = audit::Context::operator(portcullis.environment().now());
    let (keys, permit) = (portcullis.api_keys(), Permit::dangerous_for_operator());
    keys.import_for(&permit, robot, &key, form, by).await?;
    Ok(())
}

async fn make(app: &TestApp, who: &Account) -> Value {
    let form = json!({ "name": "ci", "permissions": ["reports:read", "reports:delete"] });
    let request = app.post("/auth/api-keys").bearer(&who.access_token).json(&form);
    request.send().await.expect(201).json()
}

async fn anna(app: &TestApp) -> Account {
    app.user_with("anna@example.com", &["reports:read", "reports:delete"])
        .await
}

#[tokio::test]
async fn a_key_is_shown_once_listed_rotated_and_deleted() {
    let app = TestApp::with(|builder| stripes(builder).unwrap(), api).await;
    let anna = anna(&app).await;
    let made = make(&app, &anna).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sk_live_"), "{key}");
    let read = async |key: &str| app.get("/reports").api_key(key).send().await;
    read(key).await.expect(200);
    let list = async || app.get("/auth/api-keys").bearer(&anna.access_token).send().await;
    let shown = list().await.expect(200);
    assert!(!shown.text().contains(key));
    // When it was used is written down by the minute.
    app.portcullis.write_seen().await.unwrap();
    let used = list().await.expect(200).json();
    assert!(used["items"][0]["last_used_at"].is_string(), "{used}");

    let path = format!("/auth/api-keys/{}", made["id"].as_str().unwrap());
    let rotate = app.post(&format!("{path}/rotate")).bearer(&anna.access_token);
    let rotated = rotate
        .json(&json!({ "overlap_seconds": 60 }))
        .send()
        .await
        .expect(200)
        .json();
    let successor = rotated["key"].as_str().unwrap();
    read(key).await.expect(200);
    app.clock.advance_secs(61);
    read(key).await.refused(401, "invalid_token");
    read(successor).await.expect(200);
    app.delete(&path)
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(204);
    read(successor).await.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_route_says_which_credentials_it_takes() {
    let app = TestApp::with(|builder| builder, api).await;
    let anna = anna(&app).await;
    let made = make(&app, &anna).await;
    let key = made["key"].as_str().unwrap();
    app.get("/reports").api_key(key).send().await.expect(200);
    app.get("/reports")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    app.post("/heartbeat").api_key(key).send().await.expect(200);
    let token = app.post("/heartbeat").bearer(&anna.access_token).send().await;
    token.refused(401, "credential_not_accepted");
    let deleted = app.delete("/reports").api_key(key).send().await;
    deleted.refused(401, "credential_not_accepted");
    app.delete("/reports")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    app.clock.advance_secs(300);
    let stale = app.delete("/reports").bearer(&anna.access_token).send().await;
    stale.refused(401, "login_too_old");
}

#[tokio::test]
async fn a_key_is_taken_from_the_query_where_the_program_says_so() {
    let app = TestApp::with(|builder| in_query(builder).unwrap(), api).await;
    let made = make(&app, &anna(&app).await).await;
    let path = format!("/reports?api_key={}", made["key"].as_str().unwrap());
    app.get(&path).send().await.expect(200);
    let plain = TestApp::with(|builder| builder, api).await;
    let made = make(&plain, &anna(&plain).await).await;
    let path = format!("/reports?api_key={}", made["key"].as_str().unwrap());
    plain
        .get(&path)
        .send()
        .await
        .refused(401, "authentication_required");
}

#[tokio::test]
async fn a_text_from_the_settings_is_a_key() {
    let app = TestApp::with(|builder| builder, api).await;
    let root = app.administrator("root@example.com").await;
    let made = app
        .post("/admin/api/v1/service-accounts")
        .bearer(&root.access_token);
    let robot = made
        .json(&json!({ "name": "robot" }))
        .send()
        .await
        .expect(201)
        .json();
    let robot: account::Id = robot["id"].as_str().unwrap().parse().unwrap();
    let permit = Permit::dangerous_for_operator();
    let roles = app.portcullis.roles();
    for outcome in [
        roles.create(&permit, "reader", "", app.by_operator()).await,
        roles
            .allow(&permit, "reader", "reports:read", app.by_operator())
            .await,
        roles.assign(&permit, robot, "reader", app.by_operator()).await,
    ] {
        assert!(outcome.is_ok());
    }
    let text = "b7Qm2xYt90LwZs4KfVd8RnHc3PgJ6uEa";
    let read = async || app.get("/reports").api_key(text).send().await.status();
    assert_eq!(read().await, 401);
    for _ in 0..2 {
        bring(&app.portcullis, robot, text).await.unwrap();
        assert_eq!(read().await, 200);
    }
    assert!(
        bring(&app.portcullis, robot, "secret").await.is_err(),
        "it can be guessed"
    );
}
