//! Who may do what: permissions, roles, what somebody owns, policies, organizations.

use std::sync::{Arc, Mutex};

use axum::routing::get;
use portcullis_identity::core::account;
use portcullis_identity::core::authz::{ResourceFacts, ResourceKind, Verdict};
use portcullis_identity::resource::{Actions as _, FieldKind, ResourceField, Tenancy};
use portcullis_identity::{
    ActionName as _, Allow, Any, Api, Attribute, Authenticated, Authorized, Builder, DeclaredRole as _, Json,
    Member, NoContent, Policy, Portcullis, Problem, Public, Resource, Role, State, actions, permissions,
    resource_actions, roles,
};
use portcullis_testkit::{Account, PASSWORD, TestApp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

permissions! {
    PagesRead  = "pages:read":  "Read pages";
    PagesWrite = "pages:write": "Write pages";
}

roles! {
    Reader = "reader": "Reads pages" { PagesRead };
    Writer = "writer": "Reads and writes pages" inherits(Reader) { PagesWrite };
}

// Made and given by administrators.
roles! {
    Admin   = "admin";
    Auditor = "auditor";
}

async fn write_page(_: Allow<(PagesRead, PagesWrite)>) -> &'static str {
    "written"
}

async fn read_page(_: Allow<PagesRead>) -> &'static str {
    "a page"
}

async fn audit(_: Allow<Any<(Role<Admin>, Role<Auditor>)>>) -> &'static str {
    "the books"
}

async fn status(_: Public) -> &'static str {
    "up"
}

async fn projects(who: Allow<Member<PagesRead>>) -> String {
    format!("the projects of {}", who.organization().id())
}

#[derive(Clone)]
struct Post {
    id: u64,
    owner: account::Id,
    text: String,
    locked: bool,
}

type Posts = Arc<Mutex<Vec<Post>>>;

resource_actions! {
    Post:
    EditPost  = "posts:edit":  "Change a post": owner, shared;
    SharePost = "posts:share": "Share a post":  owner;
}

impl Resource for Post {
    type State = Posts;
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "Post",
        tenancy: Tenancy::Anywhere,
        fields: &[ResourceField {
            name: "locked",
            kind: FieldKind::Bool,
            optional: false,
        }],
        actions: Self::NAMES,
    };

    async fn load(posts: &Posts, id: &str) -> Result<Option<Self>, Problem> {
        let posts = posts.lock().unwrap();
        Ok(posts.iter().find(|post| post.id.to_string() == id).cloned())
    }

    fn facts(&self) -> ResourceFacts {
        ResourceFacts::new(Self::KIND, &self.id)
            .owned_by(self.owner)
            .with("locked", self.locked)
    }
}

/// What somebody writes.
#[derive(Deserialize, JsonSchema)]
struct NewText {
    text: String,
}

async fn edit(
    _: Allow<Authenticated>,
    State(posts): State<Posts>,
    post: Authorized<Post, EditPost, Json<NewText>>,
) -> NoContent {
    let (post, Json(NewText { text })) = post.split();
    let mut posts = posts.lock().unwrap();
    posts
        .iter_mut()
        .filter(|one| one.id == post.id)
        .for_each(|one| one.text.clone_from(&text));
    NoContent
}

actions! { ExportReports = "reports:export"; }

async fn export(_: Allow<Policy<ExportReports>>) -> &'static str {
    "all reports"
}

actions! { PrintReports = "reports:print"; }

async fn print(_: Allow<Policy<PrintReports>>) -> &'static str {
    "printed"
}

fn with_a_function(builder: Builder) -> Builder {
    builder.policy("auditors-print", &[PrintReports::NAME], |question| {
        if question.holds::<Role<Auditor>>() {
            Verdict::Permitted
        } else {
            Verdict::Silent
        }
    })
}

const DEPARTMENT: Attribute<String> = Attribute::new("department").in_policies();

fn settings(builder: Builder) -> Builder {
    builder
        .roles([Reader::ROLE, Writer::ROLE])
        .attribute(DEPARTMENT)
        .policies(POLICIES)
}

const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/from_fastapi/policies");

fn api(portcullis: &Portcullis, posts: &Posts) -> Api {
    let admin = axum::Router::new().route("/users", get(async || "everybody"));
    Api::new("Shop", "1.0")
        .put("/posts/{id}", edit)
        .nest("/posts/{id}/grants", portcullis.sharing::<Post, SharePost>())
        .with_state(posts.clone())
        .get("/pages", read_page)
        .put("/pages", write_page)
        .get("/books", audit)
        .get("/status", status)
        .get("/projects", projects)
        .get("/reports", export)
        .post("/reports/prints", print)
        .mount::<Allow<Role<Admin>>>("/admin", admin)
        .nest("/auth", portcullis.routes())
}

async fn app() -> (TestApp, Posts) {
    let posts = Posts::default();
    let app = TestApp::with(
        |builder| with_a_function(settings(builder)),
        |portcullis| api(portcullis, &posts),
    )
    .await;
    (app, posts)
}

async fn get_as(app: &TestApp, who: &Account, path: &str) -> u16 {
    app.get(path).bearer(&who.access_token).send().await.status()
}

async fn role(app: &TestApp, name: &str) {
    let permit = portcullis_identity::Permit::dangerous_for_operator();
    let created = app
        .portcullis
        .roles()
        .create(&permit, name, "", app.by_operator());
    assert!(created.await.is_ok());
}

#[tokio::test]
async fn a_route_lets_in_who_has_what_its_signature_names() {
    let (app, _) = app().await;
    assert_eq!(app.get("/status").send().await.expect(200).text(), "up");
    let reader = app.user_with("reader@example.com", &["pages:read"]).await;
    let writer = app
        .user_with("writer@example.com", &["pages:read", "pages:write"])
        .await;
    for (who, expected) in [(&reader, 403), (&writer, 200)] {
        assert_eq!(get_as(&app, who, "/pages").await, 200);
        let written = app.put("/pages").bearer(&who.access_token).send().await;
        assert_eq!(written.status(), expected);
    }
    for name in ["admin", "auditor"] {
        role(&app, name).await;
    }
    assert_eq!(get_as(&app, &reader, "/books").await, 403);
    app.assign(&reader, "auditor").await;
    assert_eq!(get_as(&app, &reader, "/books").await, 200);
    assert_eq!(get_as(&app, &reader, "/admin/users").await, 403);
    app.assign(&reader, "admin").await;
    assert_eq!(get_as(&app, &reader, "/admin/users").await, 200);
}

#[tokio::test]
async fn a_login_asks_for_less_than_its_account_may() {
    let (app, _) = app().await;
    let writer = app
        .user_with("writer@example.com", &["pages:read", "pages:write"])
        .await;
    let form = json!({ "identifier": writer.email, "password": PASSWORD, "scope": "pages:read" });
    let login = app
        .post("/auth/login")
        .json(&form)
        .send()
        .await
        .expect(200)
        .json();
    let token = login["access_token"].as_str().unwrap();
    app.get("/pages").bearer(token).send().await.expect(200);
    app.put("/pages")
        .bearer(token)
        .send()
        .await
        .refused(403, "insufficient_scope");
}

#[tokio::test]
async fn a_post_is_changed_by_its_owner_and_whom_it_is_shared_with_until_it_is_locked() {
    let (app, posts) = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let post = Post {
        id: 1,
        owner: anna.id,
        text: "first".to_owned(),
        locked: false,
    };
    posts.lock().unwrap().push(post);
    let edit = async |who: &Account| {
        let request = app.put("/posts/1").bearer(&who.access_token);
        request.json(&json!({ "text": "second" })).send().await.status()
    };
    assert_eq!(edit(&ben).await, 404);
    assert_eq!(edit(&anna).await, 204);
    assert_eq!(posts.lock().unwrap()[0].text, "second");
    let share = json!({ "subject": format!("account:{}", ben.id), "action": "posts:edit" });
    let shared = app.put("/posts/1/grants").bearer(&anna.access_token).json(&share);
    shared.send().await.expect(204);
    assert_eq!(edit(&ben).await, 204);
    posts.lock().unwrap()[0].locked = true;
    assert_eq!((edit(&anna).await, edit(&ben).await), (404, 404));
}

#[tokio::test]
async fn a_policy_looks_at_the_department_and_the_address() {
    let (app, _) = app().await;
    let anna = app.user("anna@example.com").await;
    let export = async |address: &str| {
        let request = app
            .get("/reports")
            .bearer(&anna.access_token)
            .from_address(address);
        request.send().await.status()
    };
    assert_eq!(export("198.51.100.7").await, 403);
    let accounts = app.portcullis.accounts();
    let set = accounts.change_attributes_by_program(anna.id, [DEPARTMENT.set("sales")]);
    assert!(set.await.is_ok());
    assert_eq!(export("198.51.100.7").await, 200);
    assert_eq!(export("203.0.113.7").await, 403);
}

#[tokio::test]
async fn a_policy_is_a_function() {
    let (app, _) = app().await;
    let anna = app.user("anna@example.com").await;
    let print = async || {
        app.post("/reports/prints")
            .bearer(&anna.access_token)
            .send()
            .await
    };
    print().await.refused(403, "no_policy_permits");
    role(&app, "auditor").await;
    app.assign(&anna, "auditor").await;
    print().await.expect(200);
}

#[tokio::test]
async fn the_header_names_the_organization_and_the_role_there_decides() {
    let (app, _) = app().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let form = json!({ "name": "Acme", "slug": "acme" });
    let made = app
        .post("/auth/organizations")
        .bearer(&anna.access_token)
        .json(&form);
    let made: Value = made.send().await.expect(201).json();
    let ask = async |who: &Account| {
        let request = app.get("/projects").bearer(&who.access_token);
        request.header("x-organization-id", "acme").send().await
    };
    let projects = ask(&anna).await.expect(200);
    assert_eq!(
        projects.text(),
        format!("the projects of {}", made["id"].as_str().unwrap())
    );
    ask(&ben).await.refused(403, "not_a_member");
    let nowhere = app.get("/projects").bearer(&anna.access_token).send().await;
    nowhere.refused(400, "no_organization");
}
