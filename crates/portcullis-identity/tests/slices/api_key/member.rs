//! Keys of members: what a membership gives goes into a key, and opens nothing but what the membership opens.

use portcullis_core::account;
use portcullis_core::authz::{Member, MembersWrite, Permit};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::roles::MayGive;

use super::*;
use crate::fixtures::{complaints, pairs, with_role};

/// Anna owns acme and others; ben is `reader`, which gives `keys:read`, in acme alone.
struct Given {
    app: TestApp,
    anna: Account,
    ben: Account,
    acme: String,
    others: String,
}

async fn given() -> Given {
    let app = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    with_role(&app, "reader", &["keys:read"]).await;
    let create = async |slug: &str| {
        let body = json!({ "name": slug, "slug": slug });
        let made = post(&app, &anna, "/auth/organizations", &body).await.expect(201);
        text(&made.json(), "id").to_owned()
    };
    let (acme, others) = (create("acme").await, create("others").await);
    join(&app, &acme, ben.id).await;
    Given {
        app,
        anna,
        ben,
        acme,
        others,
    }
}

async fn join(app: &TestApp, organization: &str, who: account::Id) {
    let permit = Permit::<Member<MembersWrite>>::dangerous_for_operator_in(organization.parse().unwrap());
    let organizations = app.portcullis.organizations();
    let roles = vec!["reader".to_owned()];
    let added = organizations.add(&permit, who, roles, app.by_operator());
    assert_eq!(added.await.unwrap(), Effect::Changed);
}

async fn read_in(app: &TestApp, key: &str, organization: &str) -> u16 {
    let request = app.get("/member-read").api_key(key);
    let request = request.header("x-organization-id", organization);
    request.send().await.status()
}

fn wish(permission: &str) -> Value {
    form_with(json!({ "permissions": [permission] }))
}

// Shows: AK-1
#[tokio::test]
async fn a_key_opens_what_a_membership_opens_and_nothing_else() {
    checks!("T107");
    let Given {
        app,
        anna,
        ben,
        acme,
        others,
    } = given().await;
    let key = issued(&app, &ben, &wish("keys:read")).await;
    let key = text(&key, "key");
    assert_eq!(read_in(&app, key, &acme).await, 200);
    assert_eq!(read_in(&app, key, &others).await, 403, "no member there");
    check(&with_key(&app, key, "/read").await, 403, "missing_permission");
    let nowhere = with_key(&app, key, "/member-read").await;
    check(&nowhere, 400, "no_organization");
    // Beyond the membership, and beyond the list.
    let answer = post(&app, &ben, "/auth/api-keys", &wish("keys:write"))
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/permissions/0", "exceeds_owner")]));
    let nothing = issued(&app, &ben, &form_with(json!({ "permissions": [] }))).await;
    assert_eq!(read_in(&app, text(&nothing, "key"), &acme).await, 403);
    // What is taken from the member is taken from the key.
    let path = format!("/auth/organizations/acme/members/{}", ben.id);
    let removed = app.delete(&path).bearer(&anna.access_token);
    removed.send().await.expect(204);
    assert_eq!(read_in(&app, key, &acme).await, 403);
    let answer = post(&app, &ben, "/auth/api-keys", &wish("keys:read"))
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/permissions/0", "exceeds_owner")]));
}

#[tokio::test]
async fn who_owns_a_key_of_a_member_rotates_it_and_changes_its_fences() {
    let Given { app, ben, acme, .. } = given().await;
    let made = issued(&app, &ben, &wish("keys:read")).await;
    let path = format!("/auth/api-keys/{}", text(&made, "id"));
    let fence = app.patch(&path).bearer(&ben.access_token);
    let fence = fence.json(&json!({ "networks": ["192.0.2.0/24"] }));
    fence.send().await.expect(200);
    let open = app.patch(&path).bearer(&ben.access_token);
    open.json(&json!({ "networks": [] })).send().await.expect(200);
    let rotated = post(&app, &ben, &format!("{path}/rotate"), &json!({})).await;
    let rotated = rotated.expect(200).json();
    assert_eq!(read_in(&app, text(&rotated, "key"), &acme).await, 200);
}

/// Ben, who makes keys for programs, and a program.
async fn with_robot(app: &TestApp, ben: &Account) -> (Account, String, String) {
    let root = app.administrator("root@example.com").await;
    let body = json!({ "name": "robot" });
    let robot = post(app, &root, "/admin/api/v1/service-accounts", &body).await;
    let robot = text(&robot.expect(201).json(), "id").to_owned();
    with_role(app, "clerk", &["portcullis:api-keys:write"]).await;
    app.assign(ben, "clerk").await;
    let keys = format!("/admin/api/v1/accounts/{robot}/api-keys");
    (root, robot, keys)
}

// Shows: AK-1
/// Whoever makes keys for a program passes on what they have everywhere, and nothing that a membership of theirs gives.
#[tokio::test]
async fn a_membership_is_passed_on_to_nobody_elses_key() {
    checks!("T107");
    let Given { app, ben, .. } = given().await;
    let (_, robot, keys) = with_robot(&app, &ben).await;
    let permit = Permit::<MayGive>::dangerous_for_operator();
    let given = app
        .portcullis
        .roles()
        .assign(&permit, robot.parse().unwrap(), "reader", app.by_operator());
    assert_eq!(given.await.unwrap(), Effect::Changed);
    let answer = post(&app, &ben, &keys, &wish("keys:read"))
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/permissions/0", "exceeds_owner")]));
}

// Shows: AK-4
/// A key is a member wherever its owner is, whatever stands on its list.
#[tokio::test]
async fn who_makes_a_programs_keys_reaches_no_organization_by_them() {
    checks!("T108");
    let Given {
        app,
        ben,
        acme,
        others,
        ..
    } = given().await;
    let (root, robot, keys) = with_robot(&app, &ben).await;
    let nothing = form_with(json!({ "permissions": [] }));
    let before = post(&app, &ben, &keys, &nothing).await.expect(201).json();
    for organization in [&acme, &others] {
        join(&app, organization, robot.parse().unwrap()).await;
    }
    check(
        &post(&app, &ben, &keys, &nothing).await,
        403,
        "administrators_only",
    );
    let old = format!("{keys}/{}", text(&before, "id"));
    let rotate = format!("{old}/rotate");
    check(
        &post(&app, &ben, &rotate, &json!({})).await,
        403,
        "administrators_only",
    );
    let widen = app.patch(&old).bearer(&ben.access_token);
    let widen = widen.json(&json!({ "networks": [] })).send().await;
    check(&widen, 403, "administrators_only");
    // Whoever may everything hands out everything.
    let made = post(&app, &root, &keys, &wish("keys:read"))
        .await
        .expect(201)
        .json();
    for organization in [&acme, &others] {
        assert_eq!(read_in(&app, text(&made, "key"), organization).await, 200);
    }
    post(&app, &root, &rotate, &json!({})).await.expect(200);
}

/// What a program has lost may come back to it, and with it to each of its keys' texts.
#[tokio::test]
async fn rotating_is_judged_by_all_that_the_key_names() {
    checks!("T108");
    let Given { app, ben, .. } = given().await;
    let (root, robot, keys) = with_robot(&app, &ben).await;
    with_role(&app, "writer", &["keys:write"]).await;
    let writer = format!("/admin/api/v1/accounts/{robot}/roles/writer");
    let give = app.put(&writer).bearer(&root.access_token);
    give.send().await.expect(204);
    let made = post(&app, &root, &keys, &wish("keys:write"))
        .await
        .expect(201)
        .json();
    let take = app.delete(&writer).bearer(&root.access_token);
    take.send().await.expect(204);
    let rotate = format!("{keys}/{}/rotate", text(&made, "id"));
    check(
        &post(&app, &ben, &rotate, &json!({})).await,
        403,
        "insufficient_scope",
    );
    // One's own loss is nobody's gain.
    let cleo = app.user("cleo@example.com").await;
    let writer = format!("/admin/api/v1/accounts/{}/roles/writer", cleo.id);
    let give = app.put(&writer).bearer(&root.access_token);
    give.send().await.expect(204);
    let own = issued(&app, &cleo, &wish("keys:write")).await;
    let take = app.delete(&writer).bearer(&root.access_token);
    take.send().await.expect(204);
    let rotate = format!("/auth/api-keys/{}/rotate", text(&own, "id"));
    let rotated = post(&app, &cleo, &rotate, &json!({})).await.expect(200).json();
    check(
        &with_key(&app, text(&rotated, "key"), "/write").await,
        403,
        "missing_permission",
    );
}
