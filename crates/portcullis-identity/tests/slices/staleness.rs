//! What one process takes away, another refuses within a second, warm caches and all: members, keys, roles, passwords.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use portcullis_core::account::AccountState;
use portcullis_core::authz::{MembersWrite, OrganizationsWrite};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::{self, MayLetIn};
use portcullis_identity::{Allow, Api, Authenticated, Basic, Member, Permit, Portcullis, Via, permissions};
use portcullis_testkit::{Account, PASSWORD, TestApp};
use serde_json::{Value, json};

use crate::fixtures::{node, set_state, text, within_a_second};

permissions! {
    Stale = "staleness:read": "Read what may be stale";
}

async fn inside(_: Allow<Member<Stale>>) {}
async fn outside(_: Allow<Stale>) {}
async fn by_password(_: Allow<Authenticated, Via<Basic>>) {}

fn api(portcullis: &Portcullis) -> Api {
    portcullis
        .api()
        .get("/inside", inside)
        .get("/outside", outside)
        .get("/basic", by_password)
}

/// Two processes on one file.
struct Nodes {
    here: TestApp,
    there: TestApp,
    _folder: tempfile::TempDir,
}

impl Nodes {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.db");
        Self {
            here: node(&file, 1, api).await,
            there: node(&file, 2, api).await,
            _folder: folder,
        }
    }

    /// How the other process answers this credential at a path.
    async fn status(&self, path: &str, bearer: &str) -> u16 {
        let request = self.there.get(path).bearer(bearer);
        request.header("x-organization-id", "acme").send().await.status()
    }

    /// Warm there, and after `taken` refused with this status within a second.
    async fn refuses(&self, path: &str, bearer: &str, status: u16, taken: impl AsyncFnOnce(&TestApp)) {
        for _ in 0..2 {
            assert_eq!(self.status(path, bearer).await, 200, "{path} before");
        }
        taken(&self.here).await;
        within_a_second(path, async || self.status(path, bearer).await == status).await;
    }
}

/// An organization `acme` with the role `reader` known, and somebody who has it there.
async fn member_of_acme(here: &TestApp) -> (String, Account) {
    let owner = here.user("owner@example.com").await;
    let body = json!({ "name": "Acme", "slug": "acme" });
    let request = here.post("/auth/organizations").bearer(&owner.access_token);
    let acme = text(&request.json(&body).send().await.expect(201).json(), "id");
    let (roles, permit) = (here.portcullis.roles(), Permit::dangerous_for_operator());
    assert!(
        roles
            .create(&permit, "reader", "", here.by_operator())
            .await
            .is_ok()
    );
    assert!(
        roles
            .allow(&permit, "reader", "staleness:read", here.by_operator())
            .await
            .is_ok()
    );
    let member = here.user("member@example.com").await;
    join(here, &acme, &member).await;
    (acme, member)
}

fn in_acme(acme: &str) -> Permit<Member<MembersWrite>> {
    Permit::dangerous_for_operator_in(acme.parse().unwrap())
}

async fn join(here: &TestApp, acme: &str, who: &Account) {
    let (organizations, permit) = (here.portcullis.organizations(), in_acme(acme));
    let added = organizations.add(&permit, who.id, ["reader".to_owned()].into(), here.by_operator());
    assert_eq!(added.await.unwrap(), Effect::Changed);
}

// Shows: AZ-6
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_process_refuses_what_a_membership_no_longer_gives_within_a_second() {
    checks!("T020");
    checks!("T069");
    let nodes = Nodes::start().await;
    let (acme, member) = member_of_acme(&nodes.here).await;
    let token = &member.access_token;
    let organizations = nodes.here.portcullis.organizations();
    let set_roles = async |here: &TestApp, roles: &[&str]| {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let permit = Permit::<MayLetIn>::dangerous_for_operator_in(acme.parse().unwrap());
        let set = organizations.set_roles(&permit, member.id, roles, here.by_operator());
        assert_eq!(set.await.unwrap(), Effect::Changed);
    };
    nodes
        .refuses("/inside", token, 403, async |here| set_roles(here, &[]).await)
        .await;
    set_roles(&nodes.here, &["reader"]).await;
    within_a_second("roles given back", async || {
        nodes.status("/inside", token).await == 200
    })
    .await;
    let disallow = async |here: &TestApp| {
        let permit = Permit::dangerous_for_operator();
        let roles = here.portcullis.roles();
        assert!(
            roles
                .disallow(&permit, "reader", "staleness:read", here.by_operator())
                .await
                .is_ok()
        );
    };
    nodes.refuses("/inside", token, 403, disallow).await;
    let permit = Permit::dangerous_for_operator();
    let roles = nodes.here.portcullis.roles();
    assert!(
        roles
            .allow(&permit, "reader", "staleness:read", nodes.here.by_operator())
            .await
            .is_ok()
    );
    within_a_second("a permission given back", async || {
        nodes.status("/inside", token).await == 200
    })
    .await;
    let set_state = async |here: &TestApp, state| {
        let permit = Permit::<OrganizationsWrite>::dangerous_for_operator();
        let set = organizations.set_state(&permit, acme.parse().unwrap(), state, here.by_operator());
        assert_eq!(set.await.unwrap(), Effect::Changed);
    };
    nodes
        .refuses("/inside", token, 403, async |here| {
            set_state(here, organization::OrganizationState::Suspended).await;
        })
        .await;
    set_state(&nodes.here, organization::OrganizationState::Active).await;
    within_a_second("an organization resumed", async || {
        nodes.status("/inside", token).await == 200
    })
    .await;
    nodes
        .refuses("/inside", token, 403, async |here| {
            let permit = in_acme(&acme);
            let removed = organizations.remove(&permit, member.id, here.by_operator());
            assert_eq!(removed.await.unwrap(), Effect::Changed);
        })
        .await;
}

// Shows: AK-2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_process_refuses_keys_and_passwords_that_were_narrowed_here_within_a_second() {
    checks!("T020");
    let nodes = Nodes::start().await;
    let here = &nodes.here;
    let pat = here.user_with("pat@example.com", &["staleness:read"]).await;
    let make = async || {
        let body = json!({ "name": "ci", "permissions": ["staleness:read"] });
        let request = here.post("/auth/api-keys").bearer(&pat.access_token);
        request.json(&body).send().await.expect(201).json()
    };
    let change = async |made: &Value, body: Value| {
        let path = format!("/auth/api-keys/{}", text(made, "id"));
        let request = here.request("PATCH".parse().unwrap(), &path);
        request
            .bearer(&pat.access_token)
            .json(&body)
            .send()
            .await
            .expect(200);
    };
    let disabled = make().await;
    let key = text(&disabled, "key");
    nodes
        .refuses("/outside", &key, 401, async |_| {
            change(&disabled, json!({ "enabled": false })).await;
        })
        .await;
    let fenced = make().await;
    let key = text(&fenced, "key");
    nodes
        .refuses("/outside", &key, 403, async |_| {
            change(&fenced, json!({ "networks": ["203.0.113.0/24"] })).await;
        })
        .await;
    let owned = make().await;
    let key = text(&owned, "key");
    nodes
        .refuses("/outside", &key, 403, async |here| {
            let permit = Permit::dangerous_for_operator();
            let role = format!("r-{}", pat.id.as_uuid().simple());
            let roles = here.portcullis.roles();
            assert!(
                roles
                    .unassign(&permit, pat.id, &role, here.by_operator())
                    .await
                    .is_ok()
            );
        })
        .await;

    let basic = async || {
        let request = nodes.there.get("/basic").basic("pat@example.com", PASSWORD);
        request.send().await.status()
    };
    for _ in 0..2 {
        assert_eq!(basic().await, 200);
    }
    set_state(here, &pat, AccountState::Locked).await;
    within_a_second("a locked account's password", async || basic().await == 401).await;
}

// Shows: TK-3
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_rotate_under_load_without_a_failed_request() {
    let app = Arc::new(TestApp::with(|builder| builder, api).await);
    let anna = app.user_with("anna@example.com", &["staleness:read"]).await;
    let (running, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let (app, running, asked) = (Arc::clone(&app), Arc::clone(&running), Arc::clone(&asked));
            let mut tokens = vec![anna.access_token.clone()];
            tokio::spawn(async move {
                while running.load(Ordering::SeqCst) {
                    // A new token now and then: signed by whatever key signs at this moment.
                    if asked.fetch_add(1, Ordering::SeqCst) % 16 == caller {
                        tokens.push(app.log_in("anna@example.com").await.access_token);
                    }
                    for token in &tokens {
                        app.get("/outside").bearer(token).send().await.expect(200);
                    }
                }
            })
        })
        .collect();
    let keyring = app.portcullis.signing_keys();
    for _ in 0..5 {
        let before = asked.load(Ordering::SeqCst);
        app.clock.advance_secs(1);
        let permit = Permit::dangerous_for_operator();
        let rotated = keyring.rotate_at_once(&permit, app.by_operator());
        assert!(rotated.await.unwrap());
        while asked.load(Ordering::SeqCst) < before + 16 {
            tokio::task::yield_now().await;
        }
    }
    running.store(false, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
}
