//! The walk of the README's tour in one test: register, prove the address, log in, refresh, replay, log out.

use portcullis_core::checks;
use portcullis_testkit::{PASSWORD, TestApp};
use serde_json::json;

// Shows: PW-6, PW-8, TK-4, SE-5
#[tokio::test]
async fn a_user_walks_from_registration_to_log_out_everywhere() {
    let app = TestApp::new().await;
    let email = "anna@example.com";

    let body = json!({ "email": email, "password": PASSWORD });
    let account = app
        .post("/auth/register")
        .json(&body)
        .send()
        .await
        .expect(201)
        .json();
    assert_eq!(account["state"], "unverified");
    let code = app.mailer.code_to(email).await;
    let account = app
        .post("/auth/email/verify")
        .json(&json!({ "token": code, "password": PASSWORD }))
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&account["state"], &account["email_verified"]),
        (&json!("active"), &json!(true))
    );

    let anna = app.log_in(email).await;
    let form = [
        ("grant_type", "password"),
        ("username", email),
        ("password", PASSWORD),
    ];
    let second = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(second["token_type"], "Bearer");
    assert_eq!(second["expires_in"], 900);

    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", anna.refresh_token.as_str()),
    ];
    let rotated = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .expect(200)
        .json();
    assert_ne!(rotated["refresh_token"], anna.refresh_token);
    let sessions = app
        .get("/auth/sessions")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 2);

    // Somebody went on, and the old token comes back after the grace: the family ends, the other session stays.
    checks!("T007");
    let next = [
        ("grant_type", "refresh_token"),
        ("refresh_token", rotated["refresh_token"].as_str().unwrap()),
    ];
    app.post("/oauth/token").form(&next).send().await.expect(200);
    app.clock.advance_secs(11);
    let replay = app
        .post("/oauth/token")
        .form(&form)
        .send()
        .await
        .refused(400, "invalid_grant");
    assert_eq!(replay.code(), "invalid_grant");
    let new_access = rotated["access_token"].as_str().unwrap();
    app.get("/auth/me")
        .bearer(new_access)
        .send()
        .await
        .refused(401, "invalid_token");
    let other = second["access_token"].as_str().unwrap();
    app.get("/auth/me").bearer(other).send().await.expect(200);

    let third = app.log_in(email).await;
    let path = format!("/auth/sessions/{}", third.session_id);
    app.delete(&path).bearer(other).send().await.expect(204);
    app.get("/auth/me")
        .bearer(&third.access_token)
        .send()
        .await
        .refused(401, "invalid_token");

    let fourth = app.log_in(email).await;
    app.post("/auth/logout")
        .bearer(&fourth.access_token)
        .send()
        .await
        .expect(204);
    app.get("/auth/me")
        .bearer(&fourth.access_token)
        .send()
        .await
        .refused(401, "invalid_token");
    app.post("/auth/logout/all")
        .bearer(other)
        .send()
        .await
        .expect(204);
    app.get("/auth/me")
        .bearer(other)
        .send()
        .await
        .refused(401, "invalid_token");
}
