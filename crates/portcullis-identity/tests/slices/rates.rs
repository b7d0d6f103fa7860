//! How often: for an organization, for an API key over several nodes, and without what counts for all.

use portcullis_core::authz::MembersWrite;
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::throttle::{Counts, Tiers};
use portcullis_identity::rates::Allowance;
use portcullis_identity::{
    Allow, Api, Member, OpenError, Permission as _, Permit, Portcullis, RateCounts, RateLimit, Unscoped,
    permissions,
};
use portcullis_testkit::{Account, TestApp};
use serde_json::json;

use crate::fixtures::{text, with_role, within_a_second};

permissions! {
    Reports = "reports:read": "Read reports";
}

async fn reports(_: Allow<Member<Reports>>) {}
async fn known(_: Allow<Unscoped>) {}
async fn by_key(_: Allow<Reports>) {}

fn api(portcullis: &Portcullis) -> Api {
    portcullis
        .api()
        .get("/reports", reports)
        .rate_limit(RateLimit::by_organization("3/hour"))
        .get("/known", known)
        .get("/by-key", by_key)
        .rate_limit(RateLimit::by_api_key("2/hour"))
}

async fn join(app: &TestApp, organization: &str, who: &Account) {
    let permit = Permit::<Member<MembersWrite>>::dangerous_for_operator_in(organization.parse().unwrap());
    let organizations = app.portcullis.organizations();
    let roles = vec!["reporter".to_owned()];
    let change = organizations.add(&permit, who.id, roles, app.by_operator()).await;
    assert_eq!(change.unwrap(), Effect::Changed);
}

// Shows: AB-1
#[tokio::test]
async fn an_organization_is_its_members_together_and_nobody_elses_to_use_up() {
    let app = TestApp::with(|builder| builder, api).await;
    with_role(&app, "reporter", &["reports:read"]).await;
    let anna = app.user("anna@example.com").await;
    let bert = app.user("bert@example.com").await;
    let carl = app.user("carl@example.com").await;
    let mut all = Vec::new();
    for slug in ["acme", "globex"] {
        let body = json!({ "name": "Some Name", "slug": slug });
        let made = app
            .post("/auth/organizations")
            .bearer(&anna.access_token)
            .json(&body);
        let id = text(&made.send().await.expect(201).json(), "id");
        join(&app, &id, &bert).await;
        all.push(id);
    }
    let ask = async |who: &Account, organization: &str| {
        let request = app.get("/reports").bearer(&who.access_token);
        request
            .header("x-organization-id", organization)
            .send()
            .await
            .status()
    };
    // Whoever is in neither uses nothing up.
    for _ in 0..5 {
        assert_eq!(ask(&carl, &all[0]).await, 403);
    }
    for (who, status) in [
        (&bert, 200),
        (&anna, 200),
        (&bert, 200),
        (&anna, 429),
        (&bert, 429),
    ] {
        assert_eq!(ask(who, &all[0]).await, status);
    }
    join(&app, &all[0], &carl).await;
    assert_eq!(ask(&carl, &all[0]).await, 429);
    assert_eq!(ask(&bert, &all[1]).await, 200);
}

fn tiered(tiers: &Tiers) -> impl FnOnce(&Portcullis) -> Api {
    let limit = RateLimit::by_user(Allowance::tier(tiers, |_| None));
    |portcullis| portcullis.api().get("/tiered", known).rate_limit(limit)
}

// Shows: AB-1
#[tokio::test]
async fn tiers_that_one_node_sets_hold_on_every_other_and_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let own = || Tiers::new("free", [("free", "60/minute")]).unwrap();
    let node = async |seed| {
        let tiers = own();
        crate::fixtures::node_with(&file, seed, |builder| builder.tiers(&tiers), tiered(&tiers)).await
    };
    let (here, there) = (node(1).await, node(2).await);
    let anna = here.administrator("anna@example.com").await;
    let new = json!({ "default": "team", "tiers": { "team": "7/hour; sliding" } });
    let put = here
        .put("/admin/api/v1/tiers")
        .bearer(&anna.access_token)
        .json(&new);
    put.send().await.expect(200);
    let policy = async |app: &TestApp| {
        let answer = app.get("/tiered").bearer(&anna.access_token).send().await;
        answer.header("ratelimit-policy").to_owned()
    };
    let set = "\"get-tiered\";q=7;w=3600";
    assert_eq!(policy(&here).await, set);
    within_a_second("the other node has them", async || policy(&there).await == set).await;
    assert_eq!(policy(&node(3).await).await, set);
    let event = &crate::fixtures::events(&here, "tiers.set").await[0];
    assert_eq!(
        (event.actor.as_str(), event.detail.as_deref()),
        (&*anna.id.to_string(), Some("team: 7/hour; sliding"))
    );
}

#[tokio::test]
async fn without_tiers_of_the_programs_there_are_no_routes_for_them() {
    let app = TestApp::with(|builder| builder, api).await;
    let anna = app.administrator("anna@example.com").await;
    app.get("/admin/api/v1/tiers")
        .bearer(&anna.access_token)
        .send()
        .await
        .expect(404);
}

/// A key of an account that may read reports.
async fn key(app: &TestApp, limit: &str) -> String {
    let anna = app.user_with("anna@example.com", &["reports:read"]).await;
    let form = json!({ "name": "Nightly", "permissions": ["reports:read"], "limit": limit });
    let made = app.post("/auth/api-keys").bearer(&anna.access_token).json(&form);
    text(&made.send().await.expect(201).json(), "key")
}

#[tokio::test]
async fn a_route_counts_keys_beside_their_own_rate() {
    let app = TestApp::with(|builder| builder.declare([Reports::PERMISSION]), api).await;
    let key = key(&app, "100/minute").await;
    for status in [200, 200, 429] {
        assert_eq!(app.get("/by-key").api_key(&key).send().await.status(), status);
    }
}

#[tokio::test]
async fn without_what_counts_for_all_a_node_starts_limits_and_says_so() {
    checks!("T247");
    let nowhere = RateCounts::Redis("redis://127.0.0.1:1/".to_owned());
    let settings =
        |builder: portcullis_identity::Builder| builder.rate_counts(nowhere).declare([Reports::PERMISSION]);
    let app = TestApp::with(settings, api).await;
    let key = key(&app, "2/minute").await;
    for status in [200, 200, 429] {
        let request = app.get("/by-key").api_key(&key);
        assert_eq!(request.send().await.status(), status);
    }
    let ready = app.get("/health/ready").send().await.expect(200).json();
    assert_eq!(ready, json!({ "status": "up", "rate_limits": "each_node" }));
    assert_eq!(app.portcullis.gate().throttle().counts(), Counts::OwnMeanwhile);
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_an_error_that_keeps_its_password() {
    let opened = Portcullis::builder()
        .database("sqlite::memory:")
        .master_key(portcullis_core::key::MasterKey::generate(
            &portcullis_identity::environment::system(),
        ))
        .rate_counts(RateCounts::Redis("redsi://:hunter2@127.0.0.1/".to_owned()))
        .open()
        .await;
    let Err(OpenError::Rates(fault)) = opened else {
        panic!("{opened:?}")
    };
    assert!(!fault.to_string().contains("hunter2"), "{fault}");
}

// Shows: AK-4
#[cfg(feature = "redis")]
#[tokio::test]
async fn a_keys_rate_is_one_over_two_nodes() {
    checks!("T246");
    let Some(url) = crate::fixtures::redis() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    // Ids are made of the seed: a run shall not meet the counts of the one before.
    let seed = std::process::id().into();
    let node = async |seed| {
        let counts = RateCounts::Redis(url.clone());
        crate::fixtures::node_with(
            &file,
            seed,
            |builder| builder.rate_counts(counts).declare([Reports::PERMISSION]),
            api,
        )
        .await
    };
    let (one, other) = (node(seed).await, node(seed + 1_000_000).await);
    let key = key(&one, "7/hour").await;
    let mut admitted = 0;
    for _ in 0..7 {
        for app in [&one, &other] {
            let answer = app.get("/auth/me").api_key(&key).send().await;
            admitted += usize::from(answer.status() != 429);
        }
    }
    assert_eq!(admitted, 7);
    let ready = other.get("/health/ready").send().await.expect(200).json();
    assert_eq!(ready, json!({ "status": "up", "rate_limits": "shared" }));
}
