//! From where, and how often.

use portcullis_core::checks;

use super::*;
use crate::fixtures::events;

// Shows: AK-4
#[tokio::test]
async fn a_key_is_refused_elsewhere_and_that_is_audited() {
    checks!("T043");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(
        &app,
        &anna,
        &form_with(json!({ "networks": ["203.0.113.0/24", "2001:db8::/32"] })),
    )
    .await;
    let key = text(&made, "key");
    for (address, admitted) in [
        ("203.0.113.7", true),
        ("203.0.114.7", false),
        ("::ffff:203.0.113.7", true),
        ("2001:db8::9", true),
        ("2001:db9::9", false),
    ] {
        let request = app.get("/read").api_key(key).from_address(address);
        // Whoever sends it can write any address into a header.
        let answer = request.header("x-forwarded-for", "203.0.113.7").send().await;
        assert_eq!(answer.status(), if admitted { 200 } else { 403 }, "{address}");
    }
    check(&with_key(&app, key, "/read").await, 403, "address_not_allowed");
    let events = events(&app, "access.denied").await;
    assert_eq!(events.len(), 3);
    assert_eq!(events[0].account, Some(anna.id));
    let key = events[0].api_key.unwrap();
    assert_eq!(key.to_string(), text(&made, "id"));
    let detail = events[0].detail.as_deref();
    assert_eq!(detail, Some("keys:read: address_not_allowed"));
}

// Shows: AK-4
#[tokio::test]
async fn a_key_used_too_often_waits_as_long_as_it_is_told() {
    checks!("T043");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form_with(json!({ "limit": "2/minute" }))).await;
    let other = issued(&app, &anna, &form_with(json!({ "limit": "2/minute" }))).await;
    let key = text(&made, "key");
    // Somebody without the key uses nothing up.
    for _ in 0..5 {
        with_key(&app, &key.replacen("live", "test", 1), "/read")
            .await
            .refused(401, "invalid_token");
    }
    for _ in 0..2 {
        with_key(&app, key, "/read").await.expect(200);
    }
    let refused = with_key(&app, key, "/read").await;
    check(&refused, 429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "30");
    with_key(&app, text(&other, "key"), "/read").await.expect(200);
    app.clock.advance_secs(29);
    let refused = with_key(&app, key, "/read").await.refused(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    app.clock.advance_secs(1);
    with_key(&app, key, "/read").await.expect(200);
    with_key(&app, key, "/read").await.refused(429, "rate_limited");
}

// Shows: AK-4
#[tokio::test]
async fn a_key_used_too_often_is_explained_once_a_minute() {
    checks!("T076");
    let app = app().await;
    let root = app.administrator("root@example.com").await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form_with(json!({ "limit": "1/hour" }))).await;
    let (id, key) = (text(&made, "id"), text(&made, "key"));
    with_key(&app, key, "/read").await.expect(200);
    let mut traces = Vec::new();
    for _ in 0..20 {
        let refused = with_key(&app, key, "/read")
            .await
            .refused(429, "rate_limited")
            .json();
        traces.push(text(&refused, "trace_id").to_owned());
    }
    let noted = events(&app, "access.denied").await;
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].account, Some(anna.id));
    assert_eq!(noted[0].api_key.unwrap().to_string(), id);
    assert_eq!(noted[0].detail.as_deref(), Some("keys:read: rate_limited"));
    let why = async |trace: &str| {
        let path = format!("/admin/api/v1/decisions/{trace}");
        app.get(&path).bearer(&root.access_token).send().await
    };
    let explained = why(&traces[0]).await.expect(200).json();
    assert_eq!(explained["code"], "rate_limited");
    assert_eq!(explained["api_key"], id);
    why(&traces[1]).await.refused(404, "unknown_decision");
    app.clock.advance_secs(60);
    with_key(&app, key, "/read").await.refused(429, "rate_limited");
    assert_eq!(events(&app, "access.denied").await.len(), 2);
}

#[tokio::test]
async fn a_rotated_key_keeps_its_count() {
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form_with(json!({ "limit": "1/hour" }))).await;
    with_key(&app, text(&made, "key"), "/read").await.expect(200);
    let path = format!("/auth/api-keys/{}/rotate", text(&made, "id"));
    let rotated = post(&app, &anna, &path, &json!({})).await.expect(200).json();
    check(
        &with_key(&app, text(&rotated, "key"), "/read").await,
        429,
        "rate_limited",
    );
}

#[tokio::test]
async fn without_its_database_no_key_is_good() {
    checks!("T037");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    app.portcullis.database().close().await;
    check(
        &with_key(&app, text(&made, "key"), "/read").await,
        503,
        "unavailable",
    );
}
