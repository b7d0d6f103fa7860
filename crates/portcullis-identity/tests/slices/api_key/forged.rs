//! Keys that nobody should be let in with.

use std::sync::Arc;

use axum::extract::OriginalUri;
use axum::http::Uri;
use portcullis_core::api_key::{Format, Parts};
use portcullis_core::checks;
use portcullis_identity::Public;
use portcullis_testkit::{FakeClock, environment};

use super::*;
use crate::fixtures::timeless;

#[tokio::test]
async fn whatever_is_wrong_with_a_key_the_answer_is_the_same() {
    checks!("T038");
    checks!("T033");
    let app = app().await;
    let anna = anna(&app).await;
    let issued = issued(&app, &anna, &form()).await;
    let good = text(&issued, "key");
    with_key(&app, good, "/read").await.expect(200);
    let env = environment(&Arc::new(FakeClock::new()), 99);
    let minted = |prefix: &str, name: &str| {
        let format = Format::new(prefix, name).unwrap();
        format.mint(&env).expose().to_owned()
    };
    let mut mistyped = good.to_owned();
    let last = if good.ends_with('0') { "1" } else { "0" };
    mistyped.replace_range(good.len() - 1.., last);
    let expected = timeless(
        &with_key(&app, "garbage", "/read")
            .await
            .refused(401, "invalid_token"),
    );
    assert_eq!(expected["code"], "invalid_token");
    for forged in [
        good[..good.len() - 1].to_owned(),
        good[1..].to_owned(),
        format!("{good}0"),
        good.to_uppercase(),
        good.replacen("live", "test", 1),
        mistyped,
        minted("pk", "live"),
        minted("pk", "test"),
        minted("sk", "live"),
        "pk_live_".to_owned(),
        anna.access_token.clone(),
        anna.refresh_token.clone(),
    ] {
        let by_header = with_key(&app, &forged, "/read")
            .await
            .refused(401, "invalid_token");
        assert_eq!(timeless(&by_header), expected, "{forged}");
        assert!(!by_header.text().contains(&forged), "{forged}");
        if forged != anna.access_token {
            let by_bearer = app
                .get("/read")
                .bearer(&forged)
                .send()
                .await
                .refused(401, "invalid_token");
            assert_eq!(timeless(&by_bearer), expected, "{forged}");
        }
    }
}

// Shows: AK-3
#[tokio::test]
async fn a_key_is_taken_from_its_header_and_from_bearer_and_from_nowhere_else() {
    let app = app().await;
    let issued = issued(&app, &anna(&app).await, &form()).await;
    let key = text(&issued, "key");
    with_key(&app, key, "/read").await.expect(200);
    app.get("/read").bearer(key).send().await.expect(200);
    app.get("/read")
        .header("x-session-token", key)
        .send()
        .await
        .refused(401, "invalid_token");
    app.get("/read")
        .cookie(key)
        .send()
        .await
        .refused(401, "invalid_token");
    for parameter in ["api_key", "key", "access_token", "x-api-key"] {
        let answer = app.get(&format!("/read?{parameter}={key}")).send().await;
        check(&answer, 401, "authentication_required");
    }
}

// Shows: AK-3
#[tokio::test]
async fn two_credentials_are_refused_whatever_they_are() {
    checks!("T019");
    let app = app().await;
    let anna = anna(&app).await;
    let issued = issued(&app, &anna, &form()).await;
    let key = text(&issued, "key");
    for request in [
        app.get("/read").api_key(key).api_key(key),
        app.get("/read").api_key(key).bearer(key),
        app.get("/read").api_key(key).bearer(&anna.access_token),
        app.get("/read").api_key("garbage").bearer(&anna.access_token),
        app.get("/read").api_key(key).cookie("garbage"),
    ] {
        check(&request.send().await, 400, "multiple_credentials");
    }
}

/// What a handler, or a layer behind us, sees of the address.
fn seen(uri: &Uri, original: &Uri) -> String {
    format!("{uri} {original}")
}

async fn public(_: Public, uri: Uri, OriginalUri(original): OriginalUri) -> String {
    seen(&uri, &original)
}
async fn guarded(_: Allow<Authenticated>, uri: Uri, OriginalUri(original): OriginalUri) -> String {
    seen(&uri, &original)
}

fn echoing(portcullis: &Portcullis) -> Api {
    let foreign = async |uri: Uri, OriginalUri(original): OriginalUri| seen(&uri, &original);
    let foreign = axum::Router::new().route("/echo", axum::routing::get(foreign));
    api(portcullis)
        .get("/echo/public", public)
        .get("/echo/guarded", guarded)
        .mount::<Public>("/nested", foreign)
}

// Shows: AK-3
#[tokio::test]
async fn a_header_and_a_parameter_of_the_deployments_own() {
    checks!("T082");
    let places = portcullis_identity::enforcer::Places::in_header("X-Acme-Key").unwrap();
    let places = places.and_in_query("acme_key").unwrap();
    let format = Format::new("acme", "eu").unwrap();
    let app = TestApp::with(
        |builder| builder.api_key_places(places).api_key_format(format),
        echoing,
    )
    .await;
    let anna = anna(&app).await;
    let issued = issued(&app, &anna, &form()).await;
    let key = text(&issued, "key");
    assert_eq!(Parts::of(key).unwrap().prefix, "acme");
    let ask = |path: String, header: &'static str| {
        let request = app.get(&path);
        let request = if header.is_empty() {
            request
        } else {
            request.header(header, key)
        };
        async move { request.send().await }
    };
    ask("/read".into(), "x-acme-key").await.expect(200);
    check(
        &ask("/read".into(), "x-api-key").await,
        401,
        "authentication_required",
    );
    ask(format!("/read?acme_key={key}"), "").await.expect(200);
    check(
        &ask(format!("/read?acme_key={key}"), "x-acme-key").await,
        400,
        "multiple_credentials",
    );
    check(
        &ask(format!("/read?acme_key={key}&acme_key={key}"), "").await,
        400,
        "multiple_credentials",
    );
    check(&ask("/read?acme_key=".into(), "").await, 401, "invalid_token");
    let encoded = key.replacen("acme", "%61cme", 1);
    check(
        &ask(format!("/read?acme_key={encoded}"), "").await,
        401,
        "invalid_token",
    );
    // Nothing behind us sees the key: neither a handler of anybody's nor one that is told who calls, whatever place of
    // the address it looks at, and whether the key was good or not.
    for wrong in [key, &key[..10], "garbage"] {
        let path = format!("/echo/public?a=1&acme_key={wrong}&b=%20");
        let seen = ask(path, "").await.expect(200);
        assert_eq!(
            seen.text(),
            "/echo/public?a=1&b=%20 /echo/public?a=1&b=%20",
            "{wrong}"
        );
        let nested = ask(format!("/nested/echo?acme_key={wrong}&acme_key={wrong}"), "").await;
        assert_eq!(nested.expect(200).text(), "/echo /nested/echo", "{wrong}");
    }
    let seen = ask(format!("/echo/guarded?acme_key={key}&a=1"), "").await;
    assert_eq!(seen.expect(200).text(), "/echo/guarded?a=1 /echo/guarded?a=1");
    // A handler that reads its query strictly never sees the key.
    let reader = app
        .user_with("reader@example.com", &["portcullis:accounts:read"])
        .await;
    let form = json!({ "name": "list", "permissions": ["portcullis:accounts:read"] });
    let listing = super::issued(&app, &reader, &form).await;
    let path = format!(
        "/admin/api/v1/accounts?acme_key={}&limit=1",
        text(&listing, "key")
    );
    let page = ask(path, "").await.expect(200).json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let document = app.get("/openapi.json").send().await.expect(200).json();
    assert_eq!(
        document["components"]["securitySchemes"]["apiKey"]["name"],
        "X-Acme-Key"
    );
}

// Shows: AK-3
#[tokio::test]
async fn a_route_says_which_credentials_it_takes() {
    let app = app().await;
    let anna = anna(&app).await;
    let issued = issued(&app, &anna, &form()).await;
    let key = text(&issued, "key");
    with_key(&app, key, "/keys-only").await.expect(200);
    check(
        &with_key(&app, key, "/logins-only").await,
        401,
        "credential_not_accepted",
    );
    let jwt = app.get("/keys-only").bearer(&anna.access_token).send().await;
    check(&jwt, 401, "credential_not_accepted");
    app.get("/logins-only")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
}

#[tokio::test]
async fn a_key_never_stands_for_a_person() {
    checks!("T041");
    let app = app().await;
    let issued = issued(&app, &anna(&app).await, &form()).await;
    let key = text(&issued, "key");
    for path in ["/fresh", "/second"] {
        check(&with_key(&app, key, path).await, 401, "credential_not_accepted");
    }
    with_key(&app, key, "/either").await.expect(200);
    check(&with_key(&app, key, "/write").await, 403, "insufficient_scope");
}

#[tokio::test]
async fn a_key_makes_changes_and_sees_no_keys() {
    checks!("T041");
    let app = app().await;
    let anna = anna(&app).await;
    let issued = issued(&app, &anna, &form()).await;
    let (id, key) = (text(&issued, "id"), text(&issued, "key"));
    let one = format!("/auth/api-keys/{id}");
    for (method, path) in [
        ("GET", "/auth/api-keys"),
        ("POST", "/auth/api-keys"),
        ("GET", &one),
        ("PATCH", &one),
        ("DELETE", &one),
        ("POST", &format!("{one}/rotate")),
        ("POST", &format!("/admin/api/v1/accounts/{}/api-keys", anna.id)),
        (
            "POST",
            &format!("/admin/api/v1/accounts/{}/api-keys/{id}/rotate", anna.id),
        ),
    ] {
        let request = app.request(method.parse().unwrap(), path).api_key(key);
        check(
            &request.json(&form()).send().await,
            401,
            "credential_not_accepted",
        );
    }
    with_key(&app, key, "/read").await.expect(200);
}
