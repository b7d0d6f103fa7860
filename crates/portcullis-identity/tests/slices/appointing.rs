//! Administrators and the members of any organization: who sees them, who appoints and who dismisses.

use portcullis_core::account::AccountState;
use portcullis_core::checks;
use portcullis_core::organization::OWNER;
use portcullis_core::scopes::ADMINISTRATOR;
use portcullis_identity::{Allow, Api, Member, Portcullis, permissions};
use portcullis_testkit::{Account, Answer, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{
    complaints, events, key, narrowed, pairs, refresh, session_of, set_state, text, with_role,
};

const READ: &str = "portcullis:organizations:read";
const WRITE: &str = "portcullis:organizations:write";
const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

permissions! {
    ShelvesRead = "shelves:read": "Read shelves";
    ShelvesWrite = "shelves:write": "Change shelves";
}

async fn shelves(_: Allow<Member<ShelvesRead>>) -> &'static str {
    "shelves"
}

async fn fill(_: Allow<Member<ShelvesWrite>>) -> &'static str {
    "filled"
}

fn api(portcullis: &Portcullis) -> Api {
    portcullis.api().get("/shelves", shelves).post("/shelves", fill)
}

/// An application with roles, an administrator, and the organization `acme` of anna's.
struct Scene {
    app: TestApp,
    root: Account,
    anna: Account,
    acme: String,
}

impl Scene {
    async fn new() -> Self {
        let app = TestApp::with(|builder| builder, api).await;
        for (role, permissions) in [
            ("reader", &["shelves:read"][..]),
            ("writer", &["shelves:write"]),
            ("helper", &["portcullis:audit:read"]),
            ("title", &[]),
        ] {
            with_role(&app, role, permissions).await;
        }
        let (root, anna) = (
            app.administrator("root@example.com").await,
            app.user("anna@example.com").await,
        );
        let acme = create(&app, &anna, "acme").await;
        Self {
            app,
            root,
            anna,
            acme,
        }
    }

    /// Appoints somebody; the organization by its id or slug.
    async fn appoint(&self, token: &str, organization: &str, account: &str, roles: &[&str]) -> Answer {
        let request = self.app.put(&member(organization, account)).bearer(token);
        request.json(&json!({ "roles": roles })).send().await
    }

    async fn dismiss(&self, token: &str, organization: &str, account: &str) -> Answer {
        let request = self.app.delete(&member(organization, account)).bearer(token);
        request.send().await
    }

    async fn members(&self, token: &str, organization: &str, query: &str) -> Answer {
        let path = format!("/admin/api/v1/organizations/{organization}/members{query}");
        self.app.get(&path).bearer(token).send().await
    }

    /// Account and roles of each member of `acme`.
    async fn listed(&self) -> Vec<(String, Value)> {
        let answer = self
            .members(&self.root.access_token, "acme", "")
            .await
            .expect(200);
        let items = answer.json()["items"].as_array().unwrap().clone();
        let one = |item: &Value| (text(item, "account"), item["roles"].clone());
        items.iter().map(one).collect()
    }

    async fn works(&self, who: &Account, organization: &str) -> (u16, String) {
        let request = self.app.get("/shelves").bearer(&who.access_token);
        codes(&request.header("x-organization-id", organization).send().await)
    }
}

fn member(organization: &str, account: &str) -> String {
    format!("/admin/api/v1/organizations/{organization}/members/{account}")
}

async fn create(app: &TestApp, owner: &Account, slug: &str) -> String {
    let body = json!({ "name": "Some Name", "slug": slug });
    let request = app.post("/auth/organizations").bearer(&owner.access_token);
    text(&request.json(&body).send().await.expect(201).json(), "id")
}

fn codes(answer: &Answer) -> (u16, String) {
    (answer.status(), answer.code())
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn beyond(answer: &Answer, missing: &str) {
    assert_eq!(
        codes(answer),
        refusal(403, "beyond_your_permissions"),
        "{}",
        answer.text()
    );
    let detail = text(&answer.json(), "detail");
    assert!(detail.ends_with(missing), "{missing} in {detail}");
}

#[tokio::test]
async fn appoint_asks_for_a_person_who_just_logged_in() {
    checks!("T103");
    let scene = Scene::new().await;
    let (app, root, acme) = (&scene.app, &scene.root, &scene.acme);
    let eve = app.user("eve@example.com").await;
    let machine = key(app, root, &[WRITE]).await;
    let session = session_of(app, "root@example.com").await;
    let id = eve.id.to_string();
    for (token, expected) in [
        (&machine, refusal(401, "credential_not_accepted")),
        // An owner of the organization is no administrator.
        (&scene.anna.access_token, refusal(403, "missing_permission")),
        (&eve.access_token, refusal(403, "missing_permission")),
        (
            &narrowed(app, root, READ).await,
            refusal(403, "insufficient_scope"),
        ),
    ] {
        let answer = scene.appoint(token, acme, &id, &[]).await;
        assert_eq!(codes(&answer), expected);
    }
    app.clock.advance_secs(900);
    let refreshed = refresh(app, &root.refresh_token).await.expect(200);
    for token in [text(&refreshed.json(), "access_token"), session] {
        let answer = scene.appoint(&token, acme, &id, &[]).await;
        assert_eq!(codes(&answer), refusal(401, "login_too_old"));
    }
    let again = app.log_in("root@example.com").await;
    scene
        .appoint(&again.access_token, acme, &id, &[])
        .await
        .expect(204);
    // To remove takes the permission alone: a program may.
    scene.dismiss(&machine, acme, &id).await.expect(204);
}

// Shows: AZ-6
#[tokio::test]
async fn only_administrators_give_something_in_an_organization() {
    checks!("T103");
    let scene = Scene::new().await;
    let (app, acme) = (&scene.app, &scene.acme);
    let clerk = app
        .user_with("clerk@example.com", &[WRITE, READ, "shelves:write"])
        .await;
    app.assign(&clerk, "reader").await;
    let (ben, eve) = (
        app.user("ben@example.com").await,
        app.user("eve@example.com").await,
    );
    let by_root = scene.root.access_token.as_str();
    let (bens, eves, clerks) = (ben.id.to_string(), eve.id.to_string(), clerk.id.to_string());
    scene.appoint(by_root, acme, &bens, &["reader"]).await.expect(204);
    let everything: Vec<&str> = portcullis_core::authz::BUILT_IN
        .iter()
        .map(|permission| permission.name)
        .chain(["shelves:read", "shelves:write"])
        .collect();
    let wide = narrowed(app, &scene.root, &everything.join(" ")).await;
    for (token, account, roles) in [
        (&clerk.access_token, &eves, &[][..]),
        (&clerk.access_token, &clerks, &["reader"]),
        (&clerk.access_token, &clerks, &[OWNER]),
        // What somebody has everywhere they have in no organization, and so pass on in none.
        (&clerk.access_token, &bens, &["reader", "writer"]),
        (&clerk.access_token, &bens, &["reader", OWNER]),
        // Before anything is told about roles.
        (&clerk.access_token, &bens, &["reader", "ghost"]),
        // A credential narrowed to everything has no role.
        (&wide, &eves, &[]),
        (&wide, &bens, &["reader", "title"]),
        (&wide, &bens, &["reader", OWNER]),
    ] {
        let answer = scene.appoint(token, acme, account, roles).await;
        beyond(&answer, ADMINISTRATOR);
    }
    assert_eq!(scene.works(&eve, "acme").await, refusal(403, "not_a_member"));
    assert_eq!(scene.listed().await.len(), 2);
    // Nor does it help to be a member, who was let in as less.
    scene.appoint(by_root, acme, &clerks, &[]).await.expect(204);
    let answer = scene
        .appoint(&clerk.access_token, acme, &clerks, &["reader"])
        .await;
    beyond(&answer, ADMINISTRATOR);
    assert_eq!(
        scene.works(&clerk, "acme").await,
        refusal(403, "missing_permission")
    );
    // What the clerk has they take.
    scene
        .appoint(&clerk.access_token, acme, &bens, &[])
        .await
        .expect(204);
    assert_eq!(
        scene.works(&ben, "acme").await,
        refusal(403, "missing_permission")
    );
}

#[tokio::test]
async fn appoint_says_what_is_wrong() {
    checks!("T073");
    let scene = Scene::new().await;
    let (app, acme, by_root) = (&scene.app, &scene.acme, scene.root.access_token.as_str());
    let eve = app.user("eve@example.com").await;
    let (eves, annas) = (eve.id.to_string(), scene.anna.id.to_string());
    let slashed = format!("{acme}%2F..");
    for (organization, account, roles, expected) in [
        ("ghost", &*eves, &[][..], refusal(404, "not_found")),
        (NOBODY, &eves, &[], refusal(404, "not_found")),
        ("ACME", &eves, &[], refusal(404, "not_found")),
        (&slashed, &eves, &[], refusal(404, "not_found")),
        (
            "00000000-0000-0000-0000-000000000000",
            &eves,
            &[],
            refusal(404, "not_found"),
        ),
        (acme, NOBODY, &[], refusal(404, "unknown_account")),
        // An account goes by its id, never by what it claims to be.
        (acme, "eve@example.com", &[], refusal(404, "unknown_account")),
        (acme, &eves, &["ghost"], refusal(404, "unknown_role")),
        (acme, &eves, &["reader\u{0}"], refusal(404, "unknown_role")),
        (acme, &eves, &["administrator"], refusal(409, "servers_role")),
        (acme, &eves, &["reader", "helper"], refusal(409, "servers_role")),
        (
            acme,
            &annas,
            &[OWNER, "administrator"],
            refusal(409, "servers_role"),
        ),
        (acme, &annas, &["reader"], refusal(409, "last_owner")),
    ] {
        let answer = scene.appoint(by_root, organization, account, roles).await;
        assert_eq!(codes(&answer), expected, "{organization} {account} {roles:?}");
    }
    let many: Vec<String> = (0..21).map(|n| format!("role{n}")).collect();
    let put = |body: Value| app.put(&member(acme, &eves)).bearer(by_root).json(&body).send();
    let answer = put(json!({ "roles": many })).await.refused(422, "invalid_fields");
    assert_eq!(complaints(&answer), pairs(&[("/roles", "too_many_roles")]));
    let huge: Vec<String> = (0..500_000).map(|n| n.to_string()).collect();
    assert_eq!(put(json!({ "roles": huge })).await.status(), 413);
    for body in [
        json!({}),
        json!({ "roles": "reader" }),
        json!({ "roles": [], "owner": true }),
    ] {
        put(body).await.refused(422, "invalid_fields");
    }
    assert_eq!(scene.listed().await, [(annas, json!([OWNER]))]);
    assert_eq!(events(app, "organization.member_added").await.len(), 0);
}

#[tokio::test]
async fn appoint_makes_a_member_and_sets_roles() {
    let scene = Scene::new().await;
    let (app, acme, by_root) = (&scene.app, &scene.acme, scene.root.access_token.as_str());
    let ben = app.user("ben@example.com").await;
    create(app, &ben, "bens").await;
    let bens = ben.id.to_string();
    assert_eq!(scene.works(&ben, "acme").await, refusal(403, "not_a_member"));
    let twice = ["title", "reader", "reader"];
    scene.appoint(by_root, "acme", &bens, &twice).await.expect(204);
    scene.appoint(by_root, acme, &bens, &twice).await.expect(204);
    assert_eq!(scene.works(&ben, "acme").await, refusal(200, ""));
    let listed = scene.listed().await;
    assert!(
        listed.contains(&(bens.clone(), json!(["reader", "title"]))),
        "{listed:?}"
    );
    scene.appoint(by_root, acme, &bens, &["title"]).await.expect(204);
    assert_eq!(
        scene.works(&ben, "acme").await,
        refusal(403, "missing_permission")
    );
    // Where he is at home nothing has changed, and root is no member of anything.
    assert_eq!(scene.works(&ben, "bens").await, refusal(200, ""));
    assert_eq!(
        scene.works(&scene.root, "acme").await,
        refusal(403, "not_a_member")
    );
    for (action, detail) in [
        ("organization.member_added", format!("{acme} reader title")),
        ("organization.member_roles_set", format!("{acme} title")),
    ] {
        let written = events(app, action).await;
        let [event] = &written[..] else {
            panic!("{action}: {written:?}");
        };
        assert_eq!(event.actor, scene.root.id.to_string());
        assert_eq!(event.account, Some(ben.id));
        assert_eq!(event.detail, Some(detail));
    }
    // Formerly Acme: a slug that was given up names nothing.
    let renamed = json!({ "slug": "zenith" });
    let path = format!("/auth/organizations/{acme}");
    let request = app.patch(&path).bearer(&scene.anna.access_token);
    request.json(&renamed).send().await.expect(204);
    let former = scene.appoint(by_root, "acme", &bens, &[]).await;
    assert_eq!(codes(&former), refusal(404, "not_found"));
}

#[tokio::test]
async fn a_suspended_organization_is_set_right_by_administrators() {
    checks!("T072");
    let scene = Scene::new().await;
    let (app, acme, by_root) = (&scene.app, &scene.acme, scene.root.access_token.as_str());
    let ben = app.user("ben@example.com").await;
    let robot = json!({ "name": "robot" });
    let request = app.post("/admin/api/v1/service-accounts").bearer(by_root);
    let robot = text(&request.json(&robot).send().await.expect(201).json(), "id");
    let state = async |state: &str| {
        let path = format!("/admin/api/v1/organizations/{acme}/state");
        let request = app.put(&path).bearer(by_root).json(&json!({ "state": state }));
        request.send().await.expect(204);
    };
    state("suspended").await;
    let (annas, bens) = (scene.anna.id.to_string(), ben.id.to_string());
    // Neither a program nor who is disabled stands in for the last owner.
    set_state(app, &ben, AccountState::Disabled).await;
    for account in [&robot, &bens] {
        scene.appoint(by_root, acme, account, &[OWNER]).await.expect(204);
    }
    let last = scene.dismiss(by_root, acme, &annas).await;
    assert_eq!(codes(&last), refusal(409, "last_owner"));
    set_state(app, &ben, AccountState::Active).await;
    scene.dismiss(by_root, acme, &annas).await.expect(204);
    let ben = app.log_in("ben@example.com").await;
    assert_eq!(
        scene.works(&ben, "acme").await,
        refusal(403, "organization_suspended")
    );
    state("active").await;
    assert_eq!(scene.works(&ben, "acme").await, refusal(200, ""));
    assert_eq!(
        scene.works(&scene.anna, "acme").await,
        refusal(403, "not_a_member")
    );
}

// Shows: AZ-6
#[tokio::test]
async fn dismiss_takes_only_what_the_credential_brings() {
    checks!("T090");
    let scene = Scene::new().await;
    let (app, root, acme) = (&scene.app, &scene.root, &scene.acme);
    let by_root = root.access_token.as_str();
    let (ben, cleo) = (
        app.user("ben@example.com").await,
        app.user("cleo@example.com").await,
    );
    let (roots, annas) = (root.id.to_string(), scene.anna.id.to_string());
    let (bens, cleos) = (ben.id.to_string(), cleo.id.to_string());
    for (account, roles) in [
        (&bens, &["writer"][..]),
        (&cleos, &["title"]),
        (&roots, &[]),
        (&annas, &[OWNER, "title"]),
    ] {
        scene.appoint(by_root, acme, account, roles).await.expect(204);
    }
    let clerk = app.user_with("clerk@example.com", &[WRITE]).await;
    let machine = key(app, root, &[WRITE]).await;
    for token in [&clerk.access_token, &machine] {
        beyond(&scene.dismiss(token, acme, &bens).await, "shelves:write");
        let owner = scene.dismiss(token, acme, &annas).await;
        assert_eq!(codes(&owner), refusal(403, "beyond_your_permissions"));
    }
    // An administrator is above who may change organizations.
    let above = scene.dismiss(&clerk.access_token, acme, &roots).await;
    assert_eq!(codes(&above), refusal(403, "beyond_your_permissions"));
    for (organization, account, expected) in [
        ("ghost", &*bens, refusal(404, "not_found")),
        (NOBODY, &bens, refusal(404, "not_found")),
        (acme, NOBODY, refusal(404, "unknown_member")),
        (acme, "ben@example.com", refusal(404, "unknown_member")),
        (acme, &clerk.id.to_string(), refusal(404, "unknown_member")),
    ] {
        let answer = scene.dismiss(&machine, organization, account).await;
        assert_eq!(codes(&answer), expected, "{organization} {account}");
    }
    assert_eq!(
        codes(&scene.dismiss(&cleo.access_token, acme, &bens).await).0,
        403
    );
    assert_eq!(events(app, "organization.member_removed").await.len(), 0);
    // A role without permissions may be asked for by its name: who takes it has the name, or everything.
    beyond(&scene.dismiss(&machine, acme, &cleos).await, "title");
    scene.dismiss(by_root, acme, &cleos).await.expect(204);
    scene.dismiss(by_root, "acme", &bens).await.expect(204);
    scene.dismiss(by_root, acme, &roots).await.expect(204);
    let last = scene.dismiss(by_root, acme, &annas).await;
    assert_eq!(codes(&last), refusal(409, "last_owner"));
    assert_eq!(scene.works(&ben, "acme").await, refusal(403, "not_a_member"));
    assert_eq!(events(app, "organization.member_removed").await.len(), 3);
}

// Shows: AZ-6
#[tokio::test]
async fn list_shows_addresses_to_who_may_see_accounts() {
    checks!("T104");
    let scene = Scene::new().await;
    let (app, acme, by_root) = (&scene.app, &scene.acme, scene.root.access_token.as_str());
    let reads = app.user_with("reads@example.com", &[READ]).await;
    let desk = app
        .user_with("desk@example.com", &["portcullis:accounts:read"])
        .await;
    let both = app
        .user_with("both@example.com", &[READ, "portcullis:accounts:read"])
        .await;
    let machine = key(app, &scene.root, &[READ]).await;
    for (token, code) in [
        (&reads.access_token, "missing_permission"),
        (&desk.access_token, "missing_permission"),
        (&machine, "insufficient_scope"),
        (&scene.anna.access_token, "missing_permission"),
    ] {
        let answer = scene.members(token, acme, "").await;
        assert_eq!(codes(&answer), refusal(403, code));
        assert!(!answer.text().contains("anna@example.com"));
    }
    let other = create(app, &reads, "other").await;
    for who in [&desk, &both] {
        scene
            .appoint(by_root, acme, &who.id.to_string(), &["title"])
            .await
            .expect(204);
    }
    for (organization, query, status) in [
        ("ghost", "", 404),
        (NOBODY, "", 404),
        ("ACME", "", 404),
        (acme, "?limit=0", 400),
        (acme, "?cursor=nonsense", 400),
    ] {
        let answer = scene.members(&both.access_token, organization, query).await;
        assert_eq!(answer.status(), status, "{organization}{query} {}", answer.text());
    }
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = scene
            .members(&both.access_token, "acme", &query)
            .await
            .expect(200)
            .json();
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("?limit=2&cursor={next}");
    }
    let mut found: Vec<_> = seen
        .iter()
        .map(|one| (text(one, "email"), one["roles"].clone()))
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [("anna", OWNER), ("both", "title"), ("desk", "title")];
    let expected = expected.map(|(name, role)| (format!("{name}@example.com"), json!([role])));
    assert_eq!(found, expected);
    let others = scene
        .members(&both.access_token, &other, "")
        .await
        .expect(200)
        .json();
    assert_eq!(others["items"].as_array().unwrap().len(), 1);
    assert_eq!(text(&others["items"][0], "email"), "reads@example.com");
}
