//! Keys whose text was made elsewhere: who takes them in, which, and what they open.

use portcullis_core::api_key::{ForeignKey, Format, KeyName, Networks};
use portcullis_core::authz::Permit;
use portcullis_core::checks;
use portcullis_core::issuance::Form;

use super::*;
use crate::fixtures::{complaints, events, pairs, session_of, timeless, with_role};

const OLD: &str = "sk_test_4eC39HqLyjWDarjtT1zdp7dc";

/// The SHA-256 of it.
const OLD_SHA256: &str = "2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326";

/// A server with a service account that may read.
async fn given() -> (TestApp, Account, String) {
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let robot = service(&app, &root, "robot").await;
    (app, root, robot)
}

async fn service(app: &TestApp, root: &Account, name: &str) -> String {
    let path = "/admin/api/v1/service-accounts";
    let made = post(app, root, path, &json!({ "name": name }))
        .await
        .expect(201)
        .json();
    let id = text(&made, "id").to_owned();
    with_role(app, name, &["keys:read"]).await;
    let roles = app.portcullis.roles();
    let permit = Permit::dangerous_for_operator();
    let account = id.parse().unwrap();
    assert!(
        roles
            .assign(&permit, account, name, app.by_operator())
            .await
            .is_ok()
    );
    id
}

async fn import(app: &TestApp, who: &Account, account: &str, more: Value) -> Answer {
    let path = format!("/admin/api/v1/accounts/{account}/api-keys/import");
    post(app, who, &path, &form_with(more)).await
}

// Shows: AK-1
#[tokio::test]
async fn an_imported_key_opens_what_it_names_in_both_headers() {
    checks!("T184");
    let (app, root, robot) = given().await;
    let other = "Zm9vYmFyLWJheg9xY8wV7tS6rQ5pO4n+3/M2=";
    check(&with_key(&app, OLD, "/read").await, 401, "invalid_token");
    for (body, key) in [
        (json!({ "text": OLD }), OLD),
        (
            json!({ "sha256": "12b0fb24f5ba50e88dcdc2ffffd64812e2d9364dd100e7b4be6de91bee091ba6" }),
            other,
        ),
    ] {
        let made = import(&app, &root, &robot, body).await.expect(201);
        assert!(!made.text().contains(key), "{}", made.text());
        assert!(text(&made.json(), "hint").starts_with("sha256:"));
        assert_eq!(with_key(&app, key, "/read").await.expect(200).text(), robot);
        let bearer = app.get("/read").bearer(key).send().await;
        assert_eq!(bearer.expect(200).text(), robot);
        check(&with_key(&app, key, "/write").await, 403, "missing_permission");
        check(&with_key(&app, key, "/logins-only").await, 401, "invalid_token");
        for slip in [
            format!("{key}x"),
            key[1..].to_owned(),
            key.to_lowercase(),
            key.replacen(char::is_alphanumeric, "x", 1),
        ] {
            check(&with_key(&app, &slip, "/read").await, 401, "invalid_token");
        }
        let one = format!(
            "/admin/api/v1/accounts/{robot}/api-keys/{}",
            text(&made.json(), "id")
        );
        let revoked = app.delete(&one).bearer(&root.access_token);
        revoked.send().await.expect(204);
        check(&with_key(&app, key, "/read").await, 401, "invalid_token");
    }
    assert_eq!(events(&app, "api_key.imported").await.len(), 2);
}

#[tokio::test]
async fn a_text_is_imported_once_for_one_account() {
    checks!("T186");
    let (app, root, robot) = given().await;
    let second = service(&app, &root, "second").await;
    let first = import(&app, &root, &robot, json!({ "text": OLD }))
        .await
        .expect(201)
        .json();
    let again = json!({ "sha256": OLD_SHA256, "name": "again", "permissions": [] });
    let again = import(&app, &root, &robot, again).await.expect(200).json();
    assert_eq!(again, first);
    let taken = import(&app, &root, &second, json!({ "text": OLD })).await;
    check(&taken, 409, "key_taken");
    assert_eq!(with_key(&app, OLD, "/read").await.expect(200).text(), robot);
    // Rotated, it has a text of here, and the old one ends; importing that once more doesn't bring it back.
    let rotate = format!(
        "/admin/api/v1/accounts/{robot}/api-keys/{}/rotate",
        text(&first, "id")
    );
    let rotated = post(&app, &root, &rotate, &json!({ "overlap_seconds": 60 }))
        .await
        .expect(200)
        .json();
    with_key(&app, text(&rotated, "key"), "/read").await.expect(200);
    with_key(&app, OLD, "/read").await.expect(200);
    import(&app, &root, &robot, json!({ "text": OLD }))
        .await
        .expect(200);
    app.clock.advance_secs(60);
    check(&with_key(&app, OLD, "/read").await, 401, "invalid_token");
    with_key(&app, text(&rotated, "key"), "/read").await.expect(200);
}

#[tokio::test]
async fn what_is_no_key_is_refused_with_the_rule_and_without_the_text() {
    checks!("T184");
    let (app, root, robot) = given().await;
    let minted = Format::default().mint(app.portcullis.environment());
    let elsewhere = Format::new("acme", "test")
        .unwrap()
        .mint(app.portcullis.environment());
    let session = session_of(&app, &root.email).await;
    for (body, field, code) in [
        (json!({}), "/text", "text_or_sha256"),
        (
            json!({ "text": OLD, "sha256": OLD_SHA256 }),
            "/text",
            "text_or_sha256",
        ),
        (json!({ "text": "hunter2" }), "/text", "unsuitable_key"),
        (
            json!({ "text": "correct-horse-battery-staple" }),
            "/text",
            "unsuitable_key",
        ),
        (
            json!({ "text": format!("{OLD}\r\nX-Evil: 1") }),
            "/text",
            "unsuitable_key",
        ),
        (json!({ "text": minted.expose() }), "/text", "unsuitable_key"),
        (json!({ "text": elsewhere.expose() }), "/text", "unsuitable_key"),
        (json!({ "text": session }), "/text", "unsuitable_key"),
        (json!({ "text": root.access_token }), "/text", "unsuitable_key"),
        (json!({ "sha256": OLD }), "/sha256", "invalid_digest"),
        (json!({ "sha256": "" }), "/sha256", "invalid_digest"),
    ] {
        let answer = import(&app, &root, &robot, body.clone())
            .await
            .refused(422, "invalid_fields");
        assert_eq!(complaints(&answer), pairs(&[(field, code)]), "{body}");
        for given in [&body["text"], &body["sha256"]]
            .into_iter()
            .filter_map(Value::as_str)
        {
            assert!(given.is_empty() || !answer.text().contains(given), "{body}");
        }
    }
    let guessable = import(
        &app,
        &root,
        &robot,
        json!({ "text": "correct-horse-battery-staple" }),
    )
    .await;
    assert!(guessable.text().contains("128 bits"), "{}", guessable.text());
    let keys = format!("/admin/api/v1/accounts/{robot}/api-keys");
    let listed = app.get(&keys).bearer(&root.access_token).send().await;
    assert_eq!(listed.expect(200).json()["items"], json!([]));
}

/// Whoever imports a key knows its text, and acts by it as its owner.
#[tokio::test]
async fn nobody_imports_a_key_for_a_person_or_with_more_than_they_have() {
    checks!("T186");
    let (app, root, robot) = given().await;
    let anna = anna(&app).await;
    let persons = import(&app, &root, &anna.id.to_string(), json!({ "text": OLD })).await;
    check(&persons, 409, "not_a_service_account");
    let own = import(&app, &anna, &anna.id.to_string(), json!({ "text": OLD })).await;
    check(&own, 403, "missing_permission");
    let clerk = app
        .user_with("clerk@example.com", &["portcullis:api-keys:write"])
        .await;
    let beyond = import(&app, &clerk, &robot, json!({ "text": OLD }))
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&beyond), pairs(&[("/permissions/0", "exceeds_owner")]));
    let more = import(
        &app,
        &root,
        &robot,
        json!({ "text": OLD, "permissions": ["keys:write"] }),
    )
    .await;
    assert_eq!(
        complaints(&more.refused(422, "invalid_fields")),
        pairs(&[("/permissions/0", "exceeds_owner")])
    );
    let strange = import(
        &app,
        &root,
        &uuid::Uuid::nil().to_string(),
        json!({ "text": OLD }),
    )
    .await;
    assert_eq!(strange.status(), 404);
    app.clock.advance_secs(900);
    check(
        &import(&app, &root, &robot, json!({ "text": OLD })).await,
        401,
        "login_too_old",
    );
    check(&with_key(&app, OLD, "/read").await, 401, "invalid_token");
}

/// At the machine's own command line a person's keys are brought along, too.
#[tokio::test]
async fn the_operator_imports_a_persons_key() {
    let app = app().await;
    let anna = anna(&app).await;
    let key = ForeignKey::of_text(OLD, &Format::default()).unwrap();
    let form = Form {
        name: KeyName::parse("old").unwrap(),
        permissions: vec!["keys:read".into()],
        expires_at: None,
        networks: Networks::default(),
        limit: None,
    };
    let keys = app.portcullis.api_keys();
    let permit = Permit::dangerous_for_operator();
    let imported = keys
        .import_for(&permit, anna.id, &key, form, app.by_operator())
        .await
        .unwrap();
    assert!(imported.is_new);
    assert_eq!(
        with_key(&app, OLD, "/read").await.expect(200).text(),
        anna.id.to_string()
    );
    let mine = app.get("/auth/api-keys").bearer(&anna.access_token).send().await;
    assert_eq!(mine.expect(200).json()["items"][0]["name"], "old");
}

/// Random texts are answered as ever: nobody learns by them whether keys are imported.
#[tokio::test]
async fn a_text_that_nobody_imported_is_answered_as_any_other() {
    checks!("T185");
    let (app, root, robot) = given().await;
    let before = with_key(&app, OLD, "/read").await.refused(401, "invalid_token");
    let garbage = with_key(&app, "garbage", "/read")
        .await
        .refused(401, "invalid_token");
    assert_eq!(timeless(&before), timeless(&garbage));
    import(&app, &root, &robot, json!({ "text": OLD }))
        .await
        .expect(201);
    let other = OLD.replace('4', "5");
    for answer in [
        with_key(&app, &other, "/read").await,
        app.get("/read").bearer(&other).send().await,
        app.get("/logins-only").bearer(OLD).send().await,
    ] {
        assert_eq!(timeless(&answer.refused(401, "invalid_token")), timeless(&before));
    }
}
