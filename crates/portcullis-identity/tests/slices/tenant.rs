//! What belongs to an organization or an account is out of reach from every other, also for who is in both.

use std::collections::BTreeSet;

use portcullis_core::authz::{MembersWrite, Permit};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_identity::core::account;
use portcullis_identity::core::authz::{ResourceFacts, ResourceKind};
use portcullis_identity::core::organization::Id;
use portcullis_identity::resource::{Actions as _, Tenancy};
use portcullis_identity::{
    Allow, Api, ApiError, Authenticated, Authorized, Member, Portcullis, Problem, Resource, resource_actions,
};
use portcullis_testkit::{Account, TestApp};
use serde_json::json;

use crate::fixtures::{proven, session_of, text};

/// Belongs to the account and the organization that its id names: `account.organization`.
struct Document(String);

resource_actions! {
    Document:
    ReadDocument = "documents:read": "Read a document": owner, shared;
    ShareDocument = "documents:share": "Share a document": owner;
    CurateDocument = "documents:curate": "Curate documents": privileged(Member);
}

impl Resource for Document {
    type State = ();
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "Document",
        tenancy: Tenancy::Members,
        fields: &[],
        actions: Self::NAMES,
    };
    const HIDDEN: bool = false;

    async fn load((): &(), id: &str) -> Result<Option<Self>, Problem> {
        Ok(Some(Self(id.to_owned())))
    }

    fn facts(&self) -> ResourceFacts {
        let (owner, organization) = self.0.split_once('.').unwrap();
        let owner: account::Id = owner.parse().unwrap();
        let organization: Option<Id> = organization.parse().ok();
        ResourceFacts {
            organization,
            ..ResourceFacts::new(Self::KIND, &self.0).owned_by(owner)
        }
    }
}

async fn read(_: Allow<Member>, document: Authorized<Document, ReadDocument>) -> String {
    document.0.clone()
}

async fn read_anywhere(_: Allow<Authenticated>, document: Authorized<Document, ReadDocument>) -> String {
    document.0.clone()
}

fn api(portcullis: &Portcullis) -> Api {
    let sharing = portcullis.sharing_for::<Member, Document, ShareDocument>();
    portcullis
        .api()
        .get("/documents/{id}", read)
        .get("/anywhere/{id}", read_anywhere)
        .nest("/documents/{id}/grants", sharing.with_state(()))
        .nest(
            "/anywhere/{id}/grants",
            portcullis.sharing::<Document, ShareDocument>().with_state(()),
        )
}

async fn create(app: &TestApp, owner: &Account, slug: &str) -> String {
    let request = app.post("/auth/organizations").bearer(&owner.access_token);
    let made = request.json(&json!({ "name": slug, "slug": slug })).send().await;
    text(&made.expect(201).json(), "id")
}

#[tokio::test]
async fn a_resource_is_out_of_reach_in_every_organization_but_its_own() {
    checks!("T068");
    let app = TestApp::with(|builder| builder, api).await;
    let anna = app.user("anna@example.com").await;
    let (acme, second) = (
        create(&app, &anna, "acme").await,
        create(&app, &anna, "second").await,
    );
    for (document, selected, expected) in [
        (&acme, "second", (403, "other_organization")),
        (&second, "acme", (403, "other_organization")),
        // What belongs to no organization is in none.
        (&"none".to_owned(), "acme", (403, "other_organization")),
        (&acme, "acme", (200, "")),
        (&second, "second", (200, "")),
    ] {
        let path = format!("/documents/{}.{document}", anna.id);
        let request = app.get(&path).bearer(&anna.access_token);
        let answer = request.header("x-organization-id", selected).send().await;
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            expected,
            "{document} in {selected}"
        );
    }
}

/// Whether the route takes the id of something that belongs to somebody. Administration is for what is others'.
fn takes_an_inner_id(path: &str) -> bool {
    !path.starts_with("/admin/") && path.replace("{organization}", "").contains('{')
}

/// What `who` made at `path`: its id.
async fn made(app: &TestApp, who: &Account, path: &str, body: serde_json::Value) -> String {
    let request = app.post(path).bearer(&who.access_token).json(&body);
    text(&request.send().await.expect(201).json(), "id")
}

// Shows: AZ-6
#[tokio::test]
async fn an_id_of_somebody_elses_is_out_of_reach_on_every_route_that_takes_one() {
    let app = TestApp::new().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        proven(&app, "ben@example.com").await,
    );
    create(&app, &anna, "acme").await;
    create(&app, &ben, "other").await;
    session_of(&app, "ben@example.com").await;
    let key = json!({ "name": "ci", "permissions": [] });
    let key = made(&app, &ben, "/auth/api-keys", key).await;
    let invited = json!({ "email": "eve@example.com", "roles": [] });
    let invitation = made(&app, &ben, "/auth/organizations/other/invitations", invited).await;
    let his = ben.id.to_string();
    let mut tried = BTreeSet::new();
    for (method, path, id, body) in [
        ("GET", "/auth/api-keys/{id}", &key, json!(null)),
        ("PATCH", "/auth/api-keys/{id}", &key, json!({ "name": "mine" })),
        ("DELETE", "/auth/api-keys/{id}", &key, json!(null)),
        ("POST", "/auth/api-keys/{id}/rotate", &key, json!({})),
        (
            "PATCH",
            "/auth/sessions/{id}",
            &ben.session_id,
            json!({ "name": "mine" }),
        ),
        ("DELETE", "/auth/sessions/{id}", &ben.session_id, json!(null)),
        (
            "DELETE",
            "/auth/organizations/{organization}/members/{account}",
            &his,
            json!(null),
        ),
        (
            "PUT",
            "/auth/organizations/{organization}/members/{account}/roles",
            &his,
            json!({ "roles": [] }),
        ),
        (
            "DELETE",
            "/auth/organizations/{organization}/invitations/{invitation}",
            &invitation,
            json!(null),
        ),
    ] {
        tried.insert(format!("{method} {path}"));
        // Her own organization, and what isn't in it.
        let path = path.replace("{organization}", "acme");
        let path = ["{id}", "{account}", "{invitation}"]
            .iter()
            .fold(path, |path, name| path.replace(name, id));
        let request = app
            .request(method.parse().unwrap(), &path)
            .bearer(&anna.access_token);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let answer = request.send().await;
        assert_eq!(answer.status(), 404, "{method} {path}: {}", answer.text());
    }
    let api = app.portcullis.api();
    let all = api.routes().filter(|route| takes_an_inner_id(route.path()));
    let all: BTreeSet<_> = all
        .map(|route| format!("{} {}", route.verb().as_str(), route.path()))
        .collect();
    assert_eq!(tried, all, "a route that takes an id is not tried");
    // Everything is where it was.
    for (path, count) in [
        ("/auth/api-keys", 1),
        ("/auth/sessions", 2),
        ("/auth/organizations/other/members", 1),
        ("/auth/organizations/other/invitations", 1),
    ] {
        let listed = app.get(path).bearer(&ben.access_token).send().await.expect(200);
        assert_eq!(listed.json()["items"].as_array().unwrap().len(), count, "{path}");
    }
    assert_eq!(
        app.get("/auth/me")
            .bearer(&ben.access_token)
            .send()
            .await
            .status(),
        200
    );
}

// Shows: AZ-5
#[tokio::test]
async fn a_removed_member_shares_nothing_of_the_organization() {
    checks!("T099");
    let app = TestApp::with(|builder| builder, api).await;
    let anna = app.user("anna@example.com").await;
    let ben = app.user("ben@example.com").await;
    let acme = create(&app, &anna, "acme").await;
    let permit = Permit::<Member<MembersWrite>>::dangerous_for_operator_in(acme.parse().unwrap());
    let organizations = app.portcullis.organizations();
    let added = organizations
        .add(&permit, ben.id, Vec::new(), app.by_operator())
        .await;
    assert_eq!(added.unwrap(), Effect::Changed);
    let wish = json!({ "subject": format!("account:{}", anna.id), "action": "documents:read" });
    let document = format!("{}.{acme}", ben.id);
    let share = async |below: &str, selected: bool| {
        let request = app.put(&format!("/{below}/{document}/grants"));
        let request = request.bearer(&ben.access_token).json(&wish);
        let answer = if selected {
            request.header("x-organization-id", "acme").send().await
        } else {
            request.send().await
        };
        (answer.status(), answer.code())
    };
    let refused = |code: &str| (403, code.to_owned());
    assert_eq!(share("documents", true).await, (204, String::new()));
    // Where no organization is selected, none of its documents is within reach, not even one's own.
    let read = app
        .get(&format!("/anywhere/{document}"))
        .bearer(&ben.access_token);
    assert_eq!(read.send().await.expect(400).code(), "no_organization");
    assert_eq!(share("anywhere", true).await.1, "no_organization");

    let removed = organizations.remove(&permit, ben.id, app.by_operator()).await;
    assert_eq!(removed.unwrap(), Effect::Changed);
    assert_eq!(share("documents", true).await, refused("not_a_member"));
    assert_eq!(share("anywhere", false).await.1, "no_organization");
    assert_eq!(share("anywhere", true).await.1, "no_organization");
}

#[tokio::test]
async fn a_members_privilege_behind_a_rule_for_anybody_is_refused_when_the_router_is_built() {
    async fn curate(_: Allow<Authenticated>, _: Authorized<Document, CurateDocument>) {}
    let app = TestApp::new().await;
    let api = Api::<()>::new("", "").put("/documents/{id}", curate).nest(
        "/documents/{id}/grants",
        app.portcullis.sharing_for::<Member, Document, CurateDocument>(),
    );
    let errors = api.into_router(app.portcullis.gate().clone()).unwrap_err().0;
    let expected = ApiError::NoOrganization {
        method: "PUT".into(),
        path: "/documents/{id}".into(),
        action: "documents:curate",
    };
    assert_eq!(errors, [expected]);
}
