//! What an owner does with a key, and nobody else.

use futures_util::future::join_all;
use portcullis_core::account::AccountState;
use portcullis_core::authz::Permit;
use portcullis_core::checks;

use super::*;
use crate::fixtures::{complaints, events, log_in_with, pairs, session_of, set_state};

#[tokio::test]
async fn keys_of_somebody_else_are_not_there() {
    checks!("T027");
    let app = app().await;
    let anna = anna(&app).await;
    let otto = app.user_with("otto@example.com", &["keys:read"]).await;
    let made = issued(&app, &anna, &form()).await;
    let one = format!("/auth/api-keys/{}", text(&made, "id"));
    for (method, path) in [
        ("GET", one.clone()),
        ("PATCH", one.clone()),
        ("DELETE", one.clone()),
        ("POST", format!("{one}/rotate")),
    ] {
        let request = app
            .request(method.parse().unwrap(), &path)
            .bearer(&otto.access_token);
        check(&request.json(&json!({})).send().await, 404, "not_found");
    }
    let list = app.get("/auth/api-keys").bearer(&otto.access_token).send().await;
    assert_eq!(list.expect(200).json()["items"], json!([]));
    with_key(&app, text(&made, "key"), "/read").await.expect(200);
}

// Shows: AK-2
#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_for_ever() {
    checks!("T020");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let key = text(&made, "key");
    with_key(&app, key, "/read").await.expect(200);
    let one = format!("/auth/api-keys/{}", text(&made, "id"));
    app.delete(&one)
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(204);
    check(&with_key(&app, key, "/read").await, 401, "invalid_token");
    app.delete(&one)
        .bearer(&anna.access_token)
        .send()
        .await
        .refused(404, "not_found");
    let enable = app
        .patch(&one)
        .bearer(&anna.access_token)
        .json(&json!({ "enabled": true }));
    enable.send().await.refused(404, "not_found");
    check(&with_key(&app, key, "/read").await, 401, "invalid_token");
}

// Shows: AK-2
#[tokio::test]
async fn widening_a_key_needs_a_fresh_login_and_no_less_than_the_key() {
    checks!("T081");
    let app = app().await;
    let anna = anna(&app).await;
    let fences = json!({
        "permissions": ["keys:read", "keys:write"], "networks": ["10.0.0.0/8"], "limit": "1/hour",
    });
    let made = issued(&app, &anna, &form_with(fences.clone())).await;
    let one = format!("/auth/api-keys/{}", text(&made, "id"));
    let change = async |token: &str, body: Value| {
        let request = app.patch(&one).bearer(token).json(&body);
        request.send().await
    };
    let widening = [
        json!({ "enabled": true }),
        json!({ "networks": [] }),
        json!({ "networks": ["0.0.0.0/0", "::/0"] }),
        json!({ "limit": null }),
        json!({ "limit": "1000000/second" }),
        json!({ "enabled": false, "limit": null, "name": "harmless" }),
    ];
    // A login that speaks for less than the account.
    let narrowed = log_in_with(&app, &anna.email, &json!({ "scope": "keys:read" })).await;
    let narrowed = text(&narrowed.expect(200).json(), "access_token").to_owned();
    let narrowing = [json!({ "enabled": false }), json!({ "name": "mine" })];
    for body in widening.iter().chain(&narrowing) {
        check(&change(&narrowed, body.clone()).await, 403, "insufficient_scope");
    }
    // A forgotten browser.
    let stale = session_of(&app, &anna.email).await;
    app.clock.advance_secs(900);
    change(&stale, json!({ "enabled": false, "name": "old" }))
        .await
        .expect(200);
    for body in &widening {
        let refused = change(&stale, body.clone()).await;
        check(&refused, 401, "login_too_old");
        assert!(refused.header("www-authenticate").contains("max_age"), "{body}");
    }
    let unchanged = change(&stale, json!({})).await.expect(200).json();
    assert_eq!(
        (&unchanged["enabled"], &unchanged["networks"], &unchanged["limit"]),
        (&json!(false), &fences["networks"], &fences["limit"])
    );
    assert_eq!(unchanged["name"], "old");
    let fresh = app.log_in(&anna.email).await.access_token;
    for body in &widening {
        change(&fresh, body.clone()).await.expect(200);
    }
    let events = events(&app, "api_key.changed").await;
    let details: Vec<_> = events.iter().filter_map(|event| event.detail.clone()).collect();
    let id = text(&made, "id");
    assert!(
        details.contains(&format!("{id}: disabled, limit none, named harmless")),
        "{details:?}"
    );
}

#[tokio::test]
async fn a_change_counts_from_the_next_request_on() {
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let (one, key) = (
        format!("/auth/api-keys/{}", text(&made, "id")),
        text(&made, "key"),
    );
    let change = async |body: Value| {
        let request = app.patch(&one).bearer(&anna.access_token).json(&body);
        request.send().await
    };
    let from = async |address: &str| app.get("/read").api_key(key).from_address(address).send().await;
    for (body, status, code) in [
        (json!({ "enabled": false }), 401, "invalid_token"),
        (json!({ "enabled": true }), 200, ""),
        (json!({ "networks": ["10.0.0.0/8"] }), 403, "address_not_allowed"),
        (json!({ "networks": ["203.0.113.7"] }), 200, ""),
        (json!({ "networks": [], "name": "new" }), 200, ""),
        (json!({}), 200, ""),
    ] {
        let changed = change(body.clone()).await.expect(200).json();
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(changed[name], *value);
        }
        let answer = from("203.0.113.7").await;
        let code_of = if status == 200 {
            String::new()
        } else {
            answer.code()
        };
        assert_eq!((answer.status(), code_of.as_str()), (status, code), "{body}");
    }
    change(json!({ "limit": "1/hour" })).await.expect(200);
    from("203.0.113.7").await.expect(200);
    from("203.0.113.7").await.refused(429, "rate_limited");
    let unlimited = change(json!({ "limit": null })).await.expect(200).json();
    assert!(unlimited.get("limit").is_none());
    from("203.0.113.7").await.expect(200);
    let faulty = json!({ "name": "", "networks": ["x"], "limit": "y", "permissions": ["keys:write"] });
    assert_eq!(
        complaints(&change(faulty).await.refused(422, "invalid_fields")),
        pairs(&[("/permissions", "unknown")])
    );
    let faulty = json!({ "name": "", "networks": ["x"], "limit": "y" });
    assert_eq!(
        complaints(&change(faulty).await.refused(422, "invalid_fields")),
        pairs(&[
            ("/limit", "invalid_rate"),
            ("/name", "invalid_key_name"),
            ("/networks/0", "invalid_network")
        ])
    );
}

// Shows: PW-9
#[tokio::test]
async fn what_the_owner_loses_the_key_loses_at_once() {
    checks!("T040");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let key = text(&made, "key");
    with_key(&app, key, "/read").await.expect(200);
    for (state, code) in [
        (AccountState::Locked, "invalid_token"),
        (AccountState::Disabled, "invalid_token"),
    ] {
        set_state(&app, &anna, state).await;
        check(&with_key(&app, key, "/read").await, 401, code);
        set_state(&app, &anna, AccountState::Active).await;
        if state == AccountState::Disabled {
            check(&with_key(&app, key, "/read").await, 401, code);
            let again = app.log_in(&anna.email).await;
            let request = app.patch(&format!("/auth/api-keys/{}", text(&made, "id")));
            let request = request
                .bearer(&again.access_token)
                .json(&json!({ "enabled": true }));
            request.send().await.expect(200);
        }
        with_key(&app, key, "/read").await.expect(200);
    }
    let permit = Permit::dangerous_for_operator();
    let role = format!("r-{}", anna.id.as_uuid().simple());
    let roles = app.portcullis.roles();
    assert!(
        roles
            .disallow(&permit, &role, "keys:read", app.by_operator())
            .await
            .is_ok()
    );
    check(&with_key(&app, key, "/read").await, 403, "missing_permission");
    assert!(
        roles
            .allow(
                &Permit::dangerous_for_operator(),
                &role,
                "keys:read",
                app.by_operator(),
            )
            .await
            .is_ok()
    );
    with_key(&app, key, "/read").await.expect(200);
}

#[tokio::test]
async fn logging_out_everywhere_leaves_keys_alone_and_says_so_if_asked() {
    checks!("T170");
    for (asked, status, told, then) in [
        ("", 204, None, 200),
        ("?api_keys=keep", 200, Some((0, 1)), 200),
        ("?api_keys=disable", 200, Some((1, 0)), 401),
        ("?api_keys=revoke", 200, Some((1, 0)), 401),
    ] {
        let app = app().await;
        let anna = anna(&app).await;
        let made = issued(&app, &anna, &form()).await;
        let all = async |query: &str| {
            let path = format!("/auth/logout/all{query}");
            app.post(&path).bearer(&anna.access_token).send().await
        };
        for wrong in ["?api_keys=all", "?api_keys=", "?keys=revoke"] {
            assert!((400..500).contains(&all(wrong).await.status()), "{wrong}");
        }
        let answer = all(asked).await.expect(status);
        if let Some((ended, left)) = told {
            let expected = json!({ "ended": 1, "api_keys_ended": ended, "api_keys_left": left });
            assert_eq!(answer.json(), expected);
        }
        app.get("/auth/me")
            .bearer(&anna.access_token)
            .send()
            .await
            .refused(401, "invalid_token");
        with_key(&app, text(&made, "key"), "/read").await.expect(then);
    }
}

#[tokio::test]
async fn an_administrator_ends_sessions_and_keys_if_they_may_change_keys() {
    checks!("T170");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let clerk = app
        .user_with("clerk@example.com", &["portcullis:sessions:write"])
        .await;
    let keeper = ["portcullis:sessions:write", "portcullis:api-keys:write"];
    let keeper = app.user_with("keeper@example.com", &keeper).await;
    let end = async |who: &Account, query: &str| {
        let path = format!("/admin/api/v1/accounts/{}/sessions{query}", anna.id);
        app.delete(&path).bearer(&who.access_token).send().await
    };
    check(
        &end(&clerk, "?api_keys=revoke").await,
        403,
        "beyond_your_permissions",
    );
    app.get("/auth/me")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(200);
    let told = end(&clerk, "").await.expect(200).json();
    assert_eq!(
        told,
        json!({ "ended": 1, "api_keys_ended": 0, "api_keys_left": 1 })
    );
    with_key(&app, text(&made, "key"), "/read").await.expect(200);
    let told = end(&keeper, "?api_keys=disable").await.expect(200).json();
    assert_eq!(
        told,
        json!({ "ended": 0, "api_keys_ended": 1, "api_keys_left": 0 })
    );
    check(
        &with_key(&app, text(&made, "key"), "/read").await,
        401,
        "invalid_token",
    );
    // Her own to enable again, freshly logged in.
    let anna = app.log_in("anna@example.com").await;
    let one = format!("/auth/api-keys/{}", text(&made, "id"));
    let enable = json!({ "enabled": true });
    app.patch(&one)
        .bearer(&anna.access_token)
        .json(&enable)
        .send()
        .await
        .expect(200);
    with_key(&app, text(&made, "key"), "/read").await.expect(200);
}

// Shows: AK-2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_rotations_at_once_have_one_winner() {
    checks!("T045");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let path = format!("/auth/api-keys/{}/rotate", text(&made, "id"));
    let (won, lost) = fifty_rotations(&app, &anna, &path, &json!({})).await;
    assert!(
        lost.iter()
            .all(|answer| answer.status() == 409 && answer.code() == "overlap_running")
    );
    with_key(&app, text(&won, "key"), "/read").await.expect(200);
    with_key(&app, text(&made, "key"), "/read").await.expect(200);
    assert_eq!(events(&app, "api_key.rotated").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_rotations_at_once_without_overlap_have_one_winner_for_each_text() {
    checks!("T045");
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let path = format!("/auth/api-keys/{}/rotate", text(&made, "id"));
    let at_once = json!({ "overlap_seconds": 0 });
    let answers = rotations(&app, &anna, &path, &at_once).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status() == 200);
    assert!(!won.is_empty());
    assert!(
        lost.iter()
            .all(|answer| answer.status() == 409 && answer.code() == "rotated_meanwhile")
    );
    // Whoever won replaced a text that it had read; of all of them the last one's is good.
    assert_eq!(events(&app, "api_key.rotated").await.len(), won.len());
    let mut good = 0;
    for answer in &won {
        let status = with_key(&app, text(&answer.json(), "key"), "/read")
            .await
            .status();
        good += usize::from(status == 200);
    }
    assert_eq!(good, 1);
    with_key(&app, text(&made, "key"), "/read")
        .await
        .refused(401, "invalid_token");
}

/// Fifty rotations at once: what the only one that succeeded answered, and the others.
async fn fifty_rotations(app: &TestApp, who: &Account, path: &str, body: &Value) -> (Value, Vec<Answer>) {
    let answers = rotations(app, who, path, body).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status() == 200);
    assert_eq!(won.len(), 1);
    (won[0].json(), lost)
}

async fn rotations(app: &TestApp, who: &Account, path: &str, body: &Value) -> Vec<Answer> {
    let answers = join_all((0..50).map(|_| {
        let request = app.post(path).bearer(&who.access_token).json(body);
        tokio::spawn(request.send())
    }));
    answers.await.into_iter().map(Result::unwrap).collect()
}

// Shows: AK-2
#[tokio::test]
async fn rotate_keeps_the_old_text_until_its_overlap_ends() {
    let app = app().await;
    let anna = anna(&app).await;
    let made = issued(&app, &anna, &form()).await;
    let (old, path) = (
        text(&made, "key"),
        format!("/auth/api-keys/{}/rotate", text(&made, "id")),
    );
    for seconds in [2_592_001_u64, u64::MAX] {
        let answer = post(&app, &anna, &path, &json!({ "overlap_seconds": seconds })).await;
        assert_eq!(
            complaints(&answer.refused(422, "invalid_fields")),
            pairs(&[("/overlap_seconds", "out_of_range")])
        );
    }
    let rotated = post(&app, &anna, &path, &json!({ "overlap_seconds": 600 }))
        .await
        .expect(200)
        .json();
    let new = text(&rotated, "key");
    assert_ne!(new, old);
    assert_eq!(
        (text(&rotated, "id"), text(&rotated, "name")),
        (text(&made, "id"), "ci")
    );
    app.clock.advance_secs(599);
    for key in [old, new] {
        with_key(&app, key, "/read").await.expect(200);
    }
    app.clock.advance_secs(1);
    check(&with_key(&app, old, "/read").await, 401, "invalid_token");
    with_key(&app, new, "/read").await.expect(200);
    // A leaked key: nothing made before is good any more.
    let rotated = post(&app, &anna, &path, &json!({ "overlap_seconds": 0 }))
        .await
        .expect(200)
        .json();
    check(&with_key(&app, new, "/read").await, 401, "invalid_token");
    with_key(&app, text(&rotated, "key"), "/read").await.expect(200);
}
