//! `jwt_rs256` through the test kit, and through the eyes of a service that knows nothing but the published keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/jwt_rs256.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod jwt_rs256;

use portcullis_identity::core::key::{Algorithm, VerifyingKey, jwk};
use portcullis_identity::core::token::jws;
use portcullis_testkit::TestApp;
use serde_json::Value;

/// The keys as another service reads them.
async fn published(app: &TestApp) -> (Vec<VerifyingKey>, String) {
    let answer = app.get("/.well-known/jwks.json").send().await.expect(200);
    (
        jwk::set(answer.text().as_bytes(), None).unwrap(),
        answer.text().to_owned(),
    )
}

fn verifies(keys: &[VerifyingKey], token: &str) -> bool {
    keys.iter().any(|key| jws::verify(key, token).is_ok())
}

#[tokio::test]
async fn others_verify_by_the_published_keys_and_nobody_else_can_sign() {
    let app = TestApp::with(jwt_rs256::settings, jwt_rs256::api).await;
    app.get("/whoami")
        .send()
        .await
        .refused(401, "authentication_required");
    let anna = app.user("anna@example.com").await;
    app.get("/whoami")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);

    let (keys, text) = published(&app).await;
    assert_eq!(keys.len(), 2, "the current and the next");
    assert!(keys.iter().all(|key| key.algorithm() == Algorithm::RS256));
    for private in ["\"d\"", "\"p\"", "\"q\"", "\"k\""] {
        assert!(!text.contains(private), "{private} is published");
    }
    assert!(verifies(&keys, &anna.access_token));
    // Other claims under the same signature.
    let mut parts: Vec<_> = anna.access_token.split('.').collect();
    let other = app.user("bob@example.com").await;
    parts[1] = other.access_token.split('.').nth(1).unwrap();
    assert!(!verifies(&keys, &parts.join(".")));
    app.get("/whoami")
        .bearer(&parts.join("."))
        .send()
        .await
        .refused(401, "invalid_token");

    // A rotation: who knew the keys of before knows the new signer, and old tokens go on.
    app.clock.advance_secs(300);
    assert!(jwt_rs256::rotate_keys(&app.portcullis).await.unwrap());
    let after = app.log_in("anna@example.com").await;
    assert!(verifies(&keys, &after.access_token), "the next key was known");
    for token in [&anna.access_token, &after.access_token] {
        app.get("/whoami").bearer(token).send().await.expect(200);
    }
    let (keys, text) = published(&app).await;
    assert_eq!(keys.len(), 3, "current, next and retired");
    let names: Value = serde_json::from_str(&text).unwrap();
    let names: std::collections::BTreeSet<_> = names["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].to_string())
        .collect();
    assert_eq!(names.len(), 3);
}
