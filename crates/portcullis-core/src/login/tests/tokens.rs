//! What an access token says besides whose it is, at a login and at a refresh.

use super::*;
use crate::checks;

/// What a login with these scopes gives.
async fn logged_in(manager: &Manager, scopes: Option<&[&str]>, audience: Option<Audience>) -> SecretText {
    let mut form = form(Delivery::Tokens, scopes);
    form.audience = audience;
    match manager.log_in(form, by()).await.unwrap() {
        LoggedIn::Tokens { issued, .. } => issued.access_token,
        LoggedIn::Session { .. } => panic!("a session was not asked for"),
    }
}

#[tokio::test]
async fn only_a_token_without_scopes_carries_what_the_account_may_do() {
    let many: Vec<String> = (0..2_000).map(|number| format!("long:{number:04}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    // A few bytes too many for a token, though not for `carried`, which knows nothing of the rest of it.
    let few = &many[..490];
    for (has, scopes, carry, carries) in [
        (&[READ, WRITE][..], Some(&[READ][..]), true, false),
        (&[READ, WRITE], None, false, false),
        (&many, None, true, false),
        (few, None, true, false),
        (&[], None, true, true),
        (&many[..400], None, true, true),
        (&[READ, WRITE], None, true, true),
    ] {
        let mut deployment = Deployment::new(has).await;
        deployment.issuing.carry_permissions = carry;
        *deployment.world.session.lock().unwrap() = Some(session(scopes));
        let (world, manager) = deployment.start();
        let at_login = logged_in(&manager, scopes, None).await;
        let refresh = RefreshToken::mint(&environment(8), SESSION);
        let refreshed = manager.refresh(&refresh, by()).await.unwrap();
        for token in [at_login, refreshed.access_token] {
            let claims = claims(&token, "portcullis");
            let case = format!("{} {scopes:?} {carry}", has.len());
            assert_eq!(claims.scopes, scopes.map(owned), "{case}");
            if carries {
                assert_eq!(claims.extra["roles"], serde_json::json!(["editor"]), "{case}");
                assert_eq!(claims.extra["entitlements"], serde_json::json!(has), "{case}");
            } else {
                assert!(claims.extra.is_empty(), "{case}: {:?}", claims.extra);
            }
        }
        let reads = world.read.load(Ordering::Relaxed);
        assert_eq!(reads > 0, carry, "what nobody needs is not read");
    }
}

/// A service without the database takes scopes for permissions where nothing more is said.
#[tokio::test]
async fn a_narrowed_token_says_which_of_its_scopes_are_permissions_unless_all_are() {
    checks!("T183");
    let names: Vec<String> = (0..900).map(|number| format!("long:{number:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let deployment = Deployment::new(&[]).await.start();
    let issuer = &deployment.1.on.issuer;
    let most = (1..names.len())
        .rfind(|count| issuer.holds_scopes(&owned(&names[..*count])))
        .unwrap();
    for (has, scopes, said) in [
        (&[READ, WRITE][..], &[READ][..], None),
        (&[READ, WRITE], &[READ, WRITE], None),
        (&[READ], &[READ, WRITE], Some(&[READ][..])),
        (&[WRITE], &[READ], Some(&[])),
        (&[], &[READ], Some(&[])),
        (&names[..most], &names[..most], None),
        // What doesn't fit isn't said, and so is none.
        (&names[1..most], &names[..most], Some(&[])),
    ] {
        for carry in [true, false] {
            let mut deployment = Deployment::new(has).await;
            deployment.issuing.carry_permissions = carry;
            *deployment.world.session.lock().unwrap() = Some(session(Some(scopes)));
            let (_, manager) = deployment.start();
            let refresh = RefreshToken::mint(&environment(8), SESSION);
            let refreshed = manager.refresh(&refresh, by()).await.unwrap().access_token;
            let told = claims(&refreshed, "portcullis");
            let case = format!("{} {} {carry}", has.len(), scopes.len());
            assert_eq!(told.scopes, Some(owned(scopes)), "{case}");
            let said = said.map(|said| serde_json::json!(said));
            assert_eq!(told.extra.get("entitlements"), said.as_ref(), "{case}");
            assert!(!told.extra.contains_key("roles"), "{case}");
        }
    }
}

#[tokio::test]
async fn a_token_is_for_whom_it_was_asked_and_for_the_issuer_where_nobody_was_named() {
    let mut deployment = Deployment::new(&[]).await;
    let elsewhere = "https://api.example.com/";
    deployment.issuing.resources = vec![token::Resource::parse(elsewhere).unwrap()];
    let (_, manager) = deployment.start();
    let named = manager.on.issuer.audience(Some(elsewhere)).unwrap();
    let refresh = RefreshToken::mint(&environment(8), SESSION);
    for (audience, expected) in [(None, "portcullis"), (Some(named), elsewhere)] {
        let given = logged_in(&manager, None, audience.clone()).await;
        assert_eq!(claims(&given, expected).audience, [expected]);
        let refreshed = match audience {
            None => manager.refresh(&refresh, by()).await,
            Some(audience) => manager.refresh_for(&refresh, &audience, by()).await,
        };
        let refreshed = refreshed.unwrap().access_token;
        assert_eq!(claims(&refreshed, expected).audience, [expected]);
    }
}

#[tokio::test]
async fn a_refresh_that_is_refused_is_told_as_such_and_an_account_that_is_gone_carries_nothing() {
    let deployment = Deployment::new(&[READ]).await;
    *deployment.world.session.lock().unwrap() = None;
    let (world, manager) = deployment.start();
    let refresh = RefreshToken::mint(&environment(8), SESSION);
    let refused = manager.refresh(&refresh, by()).await;
    assert!(matches!(refused, Err(RefreshError::Invalid)));
    *world.session.lock().unwrap() = Some(session(None));
    *world.facts.lock().unwrap() = None;
    let issued = manager.refresh(&refresh, by()).await.unwrap();
    assert!(claims(&issued.access_token, "portcullis").extra.is_empty());
}
