//! Resources of organizations: what belongs to one is out of reach in every other, also for who is in both.

use portcullis::core::access::{ResourceFacts, ResourceKind};
use portcullis::core::account;
use portcullis::core::organization::Id;
use portcullis::resource::Actions as _;
use portcullis::{Allow, Api, Authorized, Member, Portcullis, Problem, Resource, resource_actions};
use portcullis_core::checks;
use portcullis_testkit::{Account, TestApp};
use serde_json::json;

use crate::given::text;

/// Belongs to the account and the organization that its id names: `account.organization`.
struct Document(String);

resource_actions! {
    Document:
    ReadDocument = "documents:read": "Read a document": owner;
}

impl Resource for Document {
    type State = ();
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "Document",
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

fn api(portcullis: &Portcullis) -> Api {
    portcullis.api().get("/documents/{id}", read)
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
