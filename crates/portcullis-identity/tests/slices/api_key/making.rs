//! Making a key: what it may do, and what is wrong with a form.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::api_key::{ApiKeysError, Change, KeyName, Networks, Renewal};
use portcullis_core::authn::{Bearer, Credential};
use portcullis_core::authz::Principal;
use portcullis_core::checks;
use portcullis_core::environment::Clock as _;
use portcullis_core::issuance::Form;
use portcullis_identity::Problem;

use super::*;
use crate::fixtures::{complaints, events, log_in_with, pairs};

// Shows: AK-1
#[tokio::test]
async fn create_wider_than_the_owner_names_what_exceeds_and_what_nobody_knows() {
    checks!("T039");
    let app = app().await;
    let reader = app.user_with("reader@example.com", &["keys:read"]).await;
    let asked = [
        "keys:read",
        "keys:write",
        "keys:fly",
        "portcullis:roles:write",
        "no name",
    ];
    let answer = post(
        &app,
        &reader,
        "/auth/api-keys",
        &form_with(json!({ "permissions": asked })),
    )
    .await
    .refused(422, "invalid_fields");
    assert_eq!(
        complaints(&answer),
        pairs(&[
            ("/permissions/1", "exceeds_owner"),
            ("/permissions/2", "unknown_permission"),
            ("/permissions/3", "exceeds_owner"),
            ("/permissions/4", "unknown_permission"),
        ])
    );
    assert!(answer.text().contains("keys:write"), "{}", answer.text());
    let listed = app
        .get("/auth/api-keys")
        .bearer(&reader.access_token)
        .send()
        .await;
    assert_eq!(listed.expect(200).json()["items"], json!([]), "nothing was made");
}

#[tokio::test]
async fn a_narrowed_login_makes_and_rotates_no_key() {
    checks!("T106");
    let app = app().await;
    let anna = anna(&app).await;
    let narrowed = narrowed(&app, &anna).await;
    let made = post(&app, &narrowed, "/auth/api-keys", &form()).await;
    check(&made, 403, "insufficient_scope");
    let one = issued(&app, &anna, &form()).await;
    let path = format!("/auth/api-keys/{}/rotate", text(&one, "id"));
    let rotated = post(&app, &narrowed, &path, &json!({})).await;
    check(&rotated, 403, "insufficient_scope");
    with_key(&app, text(&one, "key"), "/read").await.expect(200);
}

/// A login of hers with the scope `keys:read`.
async fn narrowed(app: &TestApp, anna: &Account) -> Account {
    let narrowed = log_in_with(app, &anna.email, &json!({ "scope": "keys:read" })).await;
    Account {
        access_token: text(&narrowed.expect(200).json(), "access_token").to_owned(),
        ..anna.clone()
    }
}

/// Whoever brings this access token, as a handler is told.
async fn let_in(app: &TestApp, token: &str) -> Arc<Principal> {
    let authenticator = app.portcullis.gate().authenticator();
    let credential = Credential::Jwt(Bearer(token));
    authenticator
        .authenticate(&credential, None, app.clock.now())
        .await
        .unwrap()
}

fn wish(permission: &str) -> Form {
    Form {
        name: KeyName::parse("ci").unwrap(),
        permissions: vec![permission.to_owned()],
        expires_at: None,
        networks: Networks::default(),
        limit: None,
    }
}

/// A request that is under way when everything of its account ends leaves no key behind, and is answered as its next would
/// be.
#[tokio::test]
async fn a_login_that_was_ended_meanwhile_makes_changes_and_rotates_no_key() {
    checks!("T170");
    let app = app().await;
    let anna = anna(&app).await;
    let one = issued(&app, &anna, &form()).await;
    let id = text(&one, "id").parse().unwrap();
    let who = let_in(&app, &anna.access_token).await;
    let ended = app.post("/auth/logout/all").bearer(&anna.access_token).send();
    assert!(ended.await.status() < 300);
    let (keys, by) = (app.portcullis.api_keys(), || app.by_operator());
    let made = keys.create(&who, wish("keys:read"), by()).await.unwrap_err();
    assert!(matches!(made, ApiKeysError::LoggedOut), "{made}");
    let change = Change {
        enabled: Some(false),
        ..Change::default()
    };
    let changed = keys.change(&who, id, change, by()).await.unwrap_err();
    let renewal = Renewal::overlapping(Duration::ZERO);
    let rotated = keys.rotate(&who, id, renewal, by()).await.unwrap_err();
    for problem in [Problem::from(changed), Problem::from(rotated)] {
        assert_eq!(
            (problem.status().as_u16(), problem.code()),
            (401, "invalid_token")
        );
    }
    with_key(&app, text(&one, "key"), "/read").await.expect(200);
    let again = app.log_in(&anna.email).await;
    let listed = app.get("/auth/api-keys").bearer(&again.access_token).send().await;
    assert_eq!(listed.expect(200).json()["items"].as_array().unwrap().len(), 1);
}

/// Whatever handler calls it: a route of an application's own may let narrowed logins make keys.
#[tokio::test]
async fn create_with_a_narrowed_login_gives_no_more_than_the_login() {
    checks!("T039");
    let app = app().await;
    let anna = anna(&app).await;
    let narrowed = narrowed(&app, &anna).await;
    let who = let_in(&app, &narrowed.access_token).await;
    let keys = app.portcullis.api_keys();
    let create = async |permission: &str| keys.create(&who, wish(permission), app.by_operator()).await;
    assert!(
        matches!(create("keys:write").await, Err(ApiKeysError::Permissions { exceeding, .. }) if exceeding == ["keys:write"])
    );
    create("keys:read").await.unwrap();
    let wide = form_with(json!({ "permissions": ["keys:write"] }));
    let wide = issued(&app, &anna, &wide).await;
    let id = text(&wide, "id").parse().unwrap();
    let rotated = keys
        .rotate(&who, id, Renewal::overlapping(Duration::ZERO), app.by_operator())
        .await;
    assert!(matches!(rotated, Err(ApiKeysError::Exceeding(_))));
}

#[tokio::test]
async fn create_names_every_faulty_field() {
    let app = app().await;
    let anna = anna(&app).await;
    let faulty = json!({
        "name": " ", "permissions": ["keys:read"], "networks": ["10.0.0.0/8", "10.0.0.1/8"], "limit": "often",
    });
    let answer = post(&app, &anna, "/auth/api-keys", &faulty)
        .await
        .refused(422, "invalid_fields");
    let expected = [
        ("/limit", "invalid_rate"),
        ("/name", "invalid_key_name"),
        ("/networks/1", "invalid_network"),
    ];
    assert_eq!(complaints(&answer), pairs(&expected));
    let past = form_with(json!({ "expires_at": crate::fixtures::now(&app).to_string() }));
    let answer = post(&app, &anna, "/auth/api-keys", &past)
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/expires_at", "in_the_past")]));
    for (body, field) in [
        (json!({ "name": "ci" }), "/permissions"),
        (
            form_with(json!({ "account_id": anna.id.to_string() })),
            "/account_id",
        ),
        (form_with(json!({ "kind": "service" })), "/kind"),
        (form_with(json!({ "expires_at": "tomorrow" })), "/expires_at"),
    ] {
        let answer = post(&app, &anna, "/auth/api-keys", &body)
            .await
            .refused(422, "invalid_fields");
        assert_eq!(complaints(&answer)[0].0, field, "{body}");
    }
}

#[tokio::test]
async fn create_and_rotate_need_a_fresh_login() {
    checks!("T041");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let rotate = format!("/auth/api-keys/{}/rotate", text(&made, "id"));
    app.clock.advance_secs(899);
    let rotated = post(&app, &anna, &rotate, &json!({ "overlap_seconds": 0 })).await;
    assert_eq!(rotated.expect(200).json()["name"], "ci");
    // The access token lives as long as the login is fresh: a session outlives it.
    let session = crate::fixtures::session_of(&app, &anna.email).await;
    app.clock.advance_secs(900);
    for path in ["/auth/api-keys", rotate.as_str()] {
        let answer = app.post(path).bearer(&session).json(&form()).send().await;
        check(&answer, 401, "login_too_old");
    }
    app.get("/auth/api-keys")
        .bearer(&session)
        .send()
        .await
        .expect(200);
}

// Shows: AK-1
#[tokio::test]
async fn create_shows_the_text_once_and_keeps_it_nowhere() {
    let app = app().await;
    let anna = anna(&app).await;
    let more =
        json!({ "networks": ["10.0.0.0/8"], "limit": "5/minute", "expires_at": "2026-03-01T00:00:00Z" });
    let made = issued(&app, &anna, &form_with(more)).await;
    let key = text(&made, "key");
    assert!(key.starts_with("pk_live_"));
    assert_eq!(text(&made, "hint"), format!("pk_live_…{}", &key[key.len() - 4..]));
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("key");
    let one = format!("/auth/api-keys/{}", text(&made, "id"));
    let found = app.get(&one).bearer(&anna.access_token).send().await.expect(200);
    assert_eq!(found.json(), shown);
    let list = app
        .get("/auth/api-keys")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    assert_eq!(list.json()["items"], json!([shown]));
    for answer in [found, list] {
        assert!(!answer.text().contains(&key[8..]), "{}", answer.text());
    }
    let event = &events(&app, "api_key.created").await[0];
    assert_eq!(
        (event.account, event.actor.as_str()),
        (Some(anna.id), anna.id.to_string().as_str())
    );
    assert_eq!(event.detail.as_deref(), Some(text(&made, "id")));
}

#[tokio::test]
async fn create_beyond_the_limit_is_refused() {
    let mut settings = portcullis_core::api_key::Settings::default();
    settings.per_account = 2;
    let app = TestApp::with(|builder| builder.api_keys(settings), api).await;
    let anna = anna(&app).await;
    for _ in 0..2 {
        issued(&app, &anna, &form()).await;
    }
    check(
        &post(&app, &anna, "/auth/api-keys", &form()).await,
        409,
        "too_many_keys",
    );
}

#[tokio::test]
async fn a_key_manages_no_organization_because_its_owner_is_a_member() {
    checks!("T039");
    let app = app().await;
    let anna = app.user("anna@example.com").await;
    let body = json!({ "name": "Acme", "slug": "acme" });
    post(&app, &anna, "/auth/organizations", &body).await.expect(201);
    let members = async |request: portcullis_testkit::Request| request.send().await.status();
    let path = "/auth/organizations/acme/members";
    let asked = form_with(json!({ "permissions": ["org:members:read"] }));
    let by_login = app.get(path).bearer(&anna.access_token);
    assert_eq!(members(by_login).await, 200, "the owner of an organization");
    let answer = post(&app, &anna, "/auth/api-keys", &asked)
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/permissions/0", "exceeds_owner")]));
    // What the account has too goes into a key, and opens what the membership opens besides.
    let permit = portcullis_core::authz::Permit::dangerous_for_operator();
    let (roles, by) = (app.portcullis.roles(), app.by_operator());
    assert!(roles.create(&permit, "clerk", "", by.clone()).await.is_ok());
    assert!(
        roles
            .allow(&permit, "clerk", "org:members:read", by)
            .await
            .is_ok()
    );
    app.assign(&anna, "clerk").await;
    let made = issued(&app, &anna, &asked).await;
    assert_eq!(members(app.get(path).api_key(text(&made, "key"))).await, 200);
}
