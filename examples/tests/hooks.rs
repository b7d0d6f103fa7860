//! `hooks` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/hooks.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main runs in the other test")]
mod hooks;

use portcullis_identity::Problem;
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::json;

// Shows: KIT-3
#[tokio::test]
async fn staff_register_and_whoever_was_let_go_stays_out() {
    let app = TestApp::with(hooks::settings, hooks::api).await;
    let stranger = json!({ "email": "eve@example.net", "password": PASSWORD });
    app.post("/auth/register")
        .json(&stranger)
        .send()
        .await
        .refused(403, "staff_only");
    let anna = app.user("legal-anna@example.com").await;
    let me = app.get("/me").bearer(&anna.access_token).send().await.expect(200);
    assert_eq!(
        me.json(),
        json!({ "nickname": "legal-anna", "department": "legal" })
    );
    let id = anna.id;
    let let_go = app.portcullis.transaction(|tx| async move {
        let sql = "UPDATE staff SET let_go = 1 WHERE account = $1";
        Ok::<_, Problem>(tx.execute(sql, [id.into()]).await?)
    });
    assert_eq!(let_go.await.unwrap(), 1);
    let form = json!({ "identifier": "legal-anna@example.com", "password": PASSWORD });
    app.post("/auth/login")
        .json(&form)
        .send()
        .await
        .refused(403, "let_go");
}
