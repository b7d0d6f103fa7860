//! Actions on single resources: who may, what a refusal shows, sharing, lists. The application keeps its posts in a
//! table of its own.

use std::sync::{Arc, Mutex};

use portcullis_core::authz::{ResourceFacts, ResourceKind};
use portcullis_core::environment::Clock as _;
use portcullis_core::{account, checks};
use portcullis_identity::resource::{
    Actions as _, Column, Columns, Dialect, FieldKind, ResourceField, Tenancy,
};
use portcullis_identity::{
    Allow, Api, ApiError, AuditContext, Authenticated, Authorized, Json, NoContent, OptionalAuth, Portcullis,
    Problem, Public, Resource, State, Visible, permissions, resource_actions,
};
use portcullis_testkit::{Account, Answer, TestApp};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use serde_json::{Value, json};

use crate::fixtures::{complaints, decision_of, events, log_in_with, pairs, text, timeless};

#[derive(Clone)]
struct App(Arc<Mutex<Connection>>);

impl App {
    fn new() -> Self {
        let database = Connection::open_in_memory().unwrap();
        let table = "CREATE TABLE posts (id INTEGER PRIMARY KEY, owner BLOB, title TEXT)";
        database.execute_batch(table).unwrap();
        Self(Arc::new(Mutex::new(database)))
    }

    fn write(&self, owner: Option<account::Id>, title: &str) -> i64 {
        let database = self.0.lock().unwrap();
        let owner = owner.map(|id| id.as_uuid().as_bytes().to_vec());
        let sql = "INSERT INTO posts (owner, title) VALUES (?1, ?2) RETURNING id";
        database
            .query_row(sql, params![owner, title], |row| row.get(0))
            .unwrap()
    }
}

struct Post {
    id: i64,
    owner: Option<account::Id>,
    title: String,
}

impl Post {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let owner: Option<Vec<u8>> = row.get(1)?;
        Ok(Self {
            id: row.get(0)?,
            owner: owner.map(|bytes| account::Id::from_uuid(uuid::Uuid::from_slice(&bytes).unwrap())),
            title: row.get(2)?,
        })
    }
}

permissions! { PostsAdmin = "posts:admin": "Do everything to every post"; }

resource_actions! {
    Post:
    ReadPost = "posts:read": "Read a post": owner, shared, privileged(PostsAdmin);
    EditPost = "posts:edit": "Change a post": owner, shared, privileged(PostsAdmin);
    SharePost = "posts:share": "Share a post": owner, shared, privileged(PostsAdmin);
    ErasePost = "posts:erase": "Erase a post": owner;
}

impl Resource for Post {
    type State = App;
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "Post",
        tenancy: Tenancy::Anywhere,
        fields: &[ResourceField {
            name: "title",
            kind: FieldKind::Text,
            optional: false,
        }],
        actions: Self::NAMES,
    };

    async fn load(app: &App, id: &str) -> Result<Option<Self>, Problem> {
        let database = app.0.lock().unwrap();
        let sql = "SELECT id, owner, title FROM posts WHERE id = ?1 AND CAST(id AS TEXT) = ?1";
        Ok(database.query_row(sql, [id], Self::of).optional().unwrap())
    }

    fn facts(&self) -> ResourceFacts {
        ResourceFacts::new(Self::KIND, &self.id)
            .owned_by(self.owner)
            .with("title", self.title.as_str())
    }
}

const COLUMNS: Columns = Columns {
    id: Column::integer("id"),
    owner: Some(Column::uuid("owner")),
    organization: None,
    fields: &[("title", Column::text("title"))],
};

/// The same post where it is no secret that it exists.
struct OpenPost(Post);

resource_actions! {
    OpenPost:
    EditOpen = "open:edit": "Change an open post": owner;
}

impl Resource for OpenPost {
    type State = App;
    const KIND: &'static ResourceKind = &ResourceKind {
        name: "OpenPost",
        tenancy: Tenancy::Anywhere,
        fields: &[],
        actions: Self::NAMES,
    };
    const PARAMETER: &'static str = "post";
    const HIDDEN: bool = false;

    async fn load(app: &App, id: &str) -> Result<Option<Self>, Problem> {
        Ok(Post::load(app, id).await?.map(Self))
    }

    fn facts(&self) -> ResourceFacts {
        ResourceFacts::new(Self::KIND, &self.0.id).owned_by(self.0.owner)
    }
}

async fn list(
    _: Allow<Authenticated>,
    visible: Visible<Post, ReadPost>,
    State(app): State<App>,
) -> Result<Json<Vec<i64>>, Problem> {
    assert!(visible.is_complete());
    let visible = visible.to_sql(Dialect::Sqlite, &COLUMNS)?;
    let database = app.0.lock().unwrap();
    let sql = format!("SELECT id FROM posts WHERE {} ORDER BY id", visible.sql);
    let mut statement = database.prepare(&sql).unwrap();
    let ids = statement.query_map(params_from_iter(&visible.params), |row| row.get(0));
    Ok(Json(ids.unwrap().map(Result::unwrap).collect()))
}

async fn read(_: Allow<Authenticated>, post: Authorized<Post, ReadPost>) -> String {
    post.title.clone()
}

async fn edit(
    _: Allow<Authenticated>,
    post: Authorized<Post, EditPost>,
    State(app): State<App>,
) -> NoContent {
    let database = app.0.lock().unwrap();
    let sql = "UPDATE posts SET title = 'edited' WHERE id = ?1";
    database.execute(sql, [post.id]).unwrap();
    NoContent
}

/// As `edit`, without changing anything.
async fn check(_: Allow<Authenticated>, _: Authorized<Post, EditPost>) -> NoContent {
    NoContent
}

async fn erase(
    _: Allow<Authenticated>,
    post: Authorized<Post, ErasePost>,
    State(app): State<App>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
) -> Result<NoContent, Problem> {
    portcullis.gate().grants().unshare_all(post.permit(), by).await?;
    let database = app.0.lock().unwrap();
    database
        .execute("DELETE FROM posts WHERE id = ?1", [post.id])
        .unwrap();
    Ok(NoContent)
}

async fn edit_open(_: Allow<Authenticated>, _: Authorized<OpenPost, EditOpen>) -> NoContent {
    NoContent
}

#[derive(Clone)]
struct Both(App, Portcullis);

impl axum::extract::FromRef<Both> for App {
    fn from_ref(both: &Both) -> Self {
        both.0.clone()
    }
}

impl axum::extract::FromRef<Both> for Portcullis {
    fn from_ref(both: &Both) -> Self {
        both.1.clone()
    }
}

fn api(portcullis: &Portcullis, app: &App) -> Api {
    let sharing = Api::<App>::new("", "")
        .nest("/posts/{id}/grants", portcullis.sharing::<Post, SharePost>())
        .with_state(app.clone());
    Api::<Both>::new("Blog", "1.0")
        .get("/posts", list)
        .get("/posts/{id}", read)
        .put("/posts/{id}", edit)
        .delete("/posts/{id}", erase)
        .post("/posts/{id}/check", check)
        .put("/open/{post}", edit_open)
        .with_state(Both(app.clone(), portcullis.clone()))
        .merge(sharing)
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
}

async fn given() -> (TestApp, App) {
    let posts = App::new();
    let app = TestApp::with(|settings| settings, |portcullis| api(portcullis, &posts)).await;
    (app, posts)
}

async fn get(app: &TestApp, who: &Account, path: &str) -> Answer {
    app.get(path).bearer(&who.access_token).send().await
}

async fn put(app: &TestApp, who: &Account, path: &str) -> Answer {
    app.put(path).bearer(&who.access_token).send().await
}

async fn share(app: &TestApp, who: &Account, post: i64, body: &Value) -> Answer {
    let path = format!("/posts/{post}/grants");
    app.put(&path).bearer(&who.access_token).json(body).send().await
}

async fn unshare(app: &TestApp, who: &Account, post: i64, subject: &str, action: &str) -> Answer {
    let path = format!("/posts/{post}/grants?subject={subject}&action={action}");
    app.delete(&path).bearer(&who.access_token).send().await
}

fn to(who: &Account, action: &str) -> Value {
    json!({ "subject": format!("account:{}", who.id), "action": action })
}

async fn listed(app: &TestApp, token: &str) -> Vec<i64> {
    let answer = app.get("/posts").bearer(token).send().await.expect(200);
    serde_json::from_value(answer.json()).unwrap()
}

// Shows: AZ-5
#[tokio::test]
async fn somebody_elses_post_looks_like_one_that_does_not_exist() {
    checks!("T063");
    let (app, posts) = given().await;
    let (anna, eve) = (
        app.user("anna@example.com").await,
        app.user("eve@example.com").await,
    );
    let (own, nobodys) = (
        posts.write(Some(anna.id), "a secret"),
        posts.write(None, "nobody's"),
    );
    let missing = get(&app, &eve, "/posts/999").await.refused(404, "not_found");
    for path in [
        format!("/posts/{own}"),
        format!("/posts/{nobodys}"),
        format!("/posts/{own}%20OR%201=1"),
        format!("/posts/0{own}"),
        "/posts/%27".to_owned(),
        "/posts/%FF".to_owned(),
    ] {
        for answer in [get(&app, &eve, &path).await, put(&app, &eve, &path).await] {
            let answer = answer.refused(404, "not_found");
            assert_eq!(timeless(&answer), timeless(&missing), "{path}");
            let names = |answer: &Answer| answer.headers().keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(&answer), names(&missing), "{path}");
        }
    }
    for path in [format!("/posts/{own}/grants"), "/posts/999/grants".to_owned()] {
        let answer = get(&app, &eve, &path).await.refused(404, "not_found");
        assert_eq!(timeless(&answer), timeless(&missing));
    }
    app.get(&format!("/posts/{own}"))
        .send()
        .await
        .refused(401, "authentication_required");
    assert_eq!(
        get(&app, &anna, &format!("/posts/{own}"))
            .await
            .expect(200)
            .text(),
        "a secret"
    );
    put(&app, &anna, &format!("/posts/{own}")).await.expect(204);

    let denied = events(&app, "access.denied").await;
    assert!(
        denied.iter().any(|event| event.detail.as_deref()
            == Some(&format!("posts:read on Post {own}: not_granted"))
            && event.account == Some(eve.id)),
        "{denied:?}"
    );
}

#[tokio::test]
async fn a_refusal_says_why_where_existence_is_no_secret() {
    let (app, posts) = given().await;
    let (anna, eve) = (
        app.user("anna@example.com").await,
        app.user("eve@example.com").await,
    );
    let own = posts.write(Some(anna.id), "open");
    let refused = put(&app, &eve, &format!("/open/{own}"))
        .await
        .refused(403, "not_granted");
    assert_eq!(refused.code(), "not_granted");
    assert!(refused.text().contains("open:edit"), "{}", refused.text());
    put(&app, &eve, "/open/999").await.refused(404, "not_found");
    put(&app, &anna, &format!("/open/{own}")).await.expect(204);
}

#[tokio::test]
async fn a_grant_counts_at_once_for_its_action_and_is_gone_at_once() {
    let (app, posts) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let (post, other) = (
        posts.write(Some(anna.id), "mine"),
        posts.write(Some(anna.id), "mine too"),
    );
    let path = format!("/posts/{post}");
    share(&app, &anna, post, &to(&ben, "posts:read"))
        .await
        .expect(204);
    get(&app, &ben, &path).await.expect(200);
    put(&app, &ben, &path).await.refused(404, "not_found");
    get(&app, &ben, &format!("/posts/{other}"))
        .await
        .refused(404, "not_found");
    get(&app, &ben, &format!("{path}/grants"))
        .await
        .refused(404, "not_found");
    assert_eq!(listed(&app, &ben.access_token).await, [post]);

    let grants = get(&app, &anna, &format!("{path}/grants"))
        .await
        .expect(200)
        .json();
    let items = grants["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(text(&items[0], "subject"), format!("account:{}", ben.id));
    assert_eq!(text(&items[0], "granted_by"), anna.id.to_string());

    let subject = format!("account:{}", ben.id);
    unshare(&app, &ben, post, &subject, "posts:read")
        .await
        .refused(404, "not_found");
    unshare(&app, &anna, post, &subject, "posts:read")
        .await
        .expect(204);
    get(&app, &ben, &path).await.refused(404, "not_found");
    assert_eq!(listed(&app, &ben.access_token).await, [0; 0]);
    let gone = unshare(&app, &anna, post, &subject, "posts:read")
        .await
        .refused(404, "unknown_grant");
    assert_eq!(gone.code(), "unknown_grant");
    assert_eq!(events(&app, "grant.given").await.len(), 1);
    let taken = events(&app, "grant.taken").await;
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].actor, anna.id.to_string());
}

// Shows: AZ-5
#[tokio::test]
async fn a_grant_ends_at_its_second() {
    let (app, posts) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let post = posts.write(Some(anna.id), "for a minute");
    let end = app.clock.now().plus(std::time::Duration::from_secs(60));
    let mut wish = to(&ben, "posts:read");
    wish["expires_at"] = json!(end.to_string());
    share(&app, &anna, post, &wish).await.expect(204);
    app.clock.advance_secs(59);
    get(&app, &ben, &format!("/posts/{post}")).await.expect(200);
    assert_eq!(listed(&app, &ben.access_token).await, [post]);
    app.clock.advance_secs(1);
    get(&app, &ben, &format!("/posts/{post}"))
        .await
        .refused(404, "not_found");
    assert_eq!(listed(&app, &ben.access_token).await, [0; 0]);
    let past = share(&app, &anna, post, &wish)
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&past), pairs(&[("/expires_at", "in_the_past")]));
}

// Shows: AZ-5
#[tokio::test]
async fn nobody_shares_what_they_may_not_do_nor_for_longer() {
    checks!("T066");
    let (app, posts) = given().await;
    let (anna, eve) = (
        app.user("anna@example.com").await,
        app.user("eve@example.com").await,
    );
    let accomplice = app.user("accomplice@example.com").await;
    let post = posts.write(Some(anna.id), "mine");
    share(&app, &anna, post, &to(&eve, "posts:share"))
        .await
        .expect(204);
    for wish in [to(&accomplice, "posts:edit"), to(&accomplice, "posts:read")] {
        let refused = share(&app, &eve, post, &wish).await.refused(403, "escalation");
        assert_eq!(refused.code(), "escalation");
    }
    put(&app, &eve, &format!("/posts/{post}"))
        .await
        .refused(404, "not_found");

    let end = app.clock.now().plus(std::time::Duration::from_secs(60));
    let until = |who: &Account, end: Option<String>| {
        let mut wish = to(who, "posts:read");
        wish["expires_at"] = json!(end);
        wish
    };
    share(&app, &anna, post, &until(&eve, Some(end.to_string())))
        .await
        .expect(204);
    let later = end.plus(std::time::Duration::from_micros(1));
    for wanted in [None, Some(later.to_string())] {
        let refused = share(&app, &eve, post, &until(&accomplice, wanted))
            .await
            .refused(422, "invalid_fields");
        assert_eq!(complaints(&refused), pairs(&[("/expires_at", "outlives_own")]));
    }
    for who in [&eve, &anna] {
        let refused = share(&app, who, post, &until(who, None))
            .await
            .refused(422, "invalid_fields");
        assert_eq!(complaints(&refused), pairs(&[("/subject", "oneself")]));
    }
    share(&app, &eve, post, &until(&accomplice, Some(end.to_string())))
        .await
        .expect(204);
    get(&app, &accomplice, &format!("/posts/{post}"))
        .await
        .expect(200);
}

/// A guest who may share looks after what the guest may do, and after nobody else's rights.
#[tokio::test]
async fn nobody_takes_back_what_they_may_not_do() {
    checks!("T109");
    let (app, posts) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let eve = app.user("eve@example.com").await;
    let post = posts.write(Some(anna.id), "mine");
    for wish in [
        to(&ben, "posts:edit"),
        to(&ben, "posts:read"),
        to(&eve, "posts:share"),
        to(&eve, "posts:read"),
    ] {
        share(&app, &anna, post, &wish).await.expect(204);
    }
    let bens = format!("account:{}", ben.id);
    let refused = unshare(&app, &eve, post, &bens, "posts:edit")
        .await
        .refused(403, "escalation");
    assert_eq!(refused.code(), "escalation");
    put(&app, &ben, &format!("/posts/{post}")).await.expect(204);
    unshare(&app, &eve, post, &bens, "posts:read").await.expect(204);
    // The owner takes back everything, also what nobody can do any more.
    unshare(&app, &anna, post, &bens, "posts:edit").await.expect(204);
    unshare(&app, &anna, post, &bens, "posts:fold")
        .await
        .refused(404, "unknown_grant");
}

/// A grant to a role of one's own is one to oneself: it would outlive the one that is being passed on.
#[tokio::test]
async fn a_guest_shares_with_no_role_of_their_own() {
    checks!("T100");
    let (app, posts) = given().await;
    let anna = app.user("anna@example.com").await;
    let (ben, eve) = (
        app.user_with("ben@example.com", &[]).await,
        app.user_with("eve@example.com", &[]).await,
    );
    let role = |who: &Account| format!("role:r-{}", who.id.as_uuid().simple());
    let post = posts.write(Some(anna.id), "mine");
    for action in ["posts:share", "posts:read"] {
        share(&app, &anna, post, &to(&eve, action)).await.expect(204);
    }
    let wish = json!({ "subject": role(&eve), "action": "posts:read" });
    let refused = share(&app, &eve, post, &wish)
        .await
        .refused(422, "invalid_fields");
    assert_eq!(complaints(&refused), pairs(&[("/subject", "oneself")]));
    let other = json!({ "subject": role(&ben), "action": "posts:read" });
    share(&app, &eve, post, &other).await.expect(204);
    share(&app, &anna, post, &wish).await.expect(204);
}

#[tokio::test]
async fn sharing_with_or_of_the_unknown_is_a_clear_error() {
    let (app, posts) = given().await;
    let anna = app.user("anna@example.com").await;
    let post = posts.write(Some(anna.id), "mine");
    let nobody = "01890000-0000-7000-8000-000000000000";
    for (subject, action, field, code) in [
        ("anna", "posts:read", "/subject", "invalid_subject"),
        ("account:anna", "posts:read", "/subject", "invalid_subject"),
        ("role:Editor", "posts:read", "/subject", "invalid_subject"),
        ("everybody:all", "posts:read", "/subject", "invalid_subject"),
        (
            &format!("account:{nobody}"),
            "posts:read",
            "/subject",
            "unknown_subject",
        ),
        ("role:ghost", "posts:read", "/subject", "unknown_subject"),
        (
            &format!("organization:{nobody}"),
            "posts:read",
            "/subject",
            "unknown_subject",
        ),
        (
            &format!("account:{}", anna.id),
            "posts:fly",
            "/action",
            "unknown_action",
        ),
        (
            &format!("account:{}", anna.id),
            "posts:erase",
            "/action",
            "unknown_action",
        ),
        (&format!("account:{}", anna.id), "", "/action", "unknown_action"),
    ] {
        let wish = json!({ "subject": subject, "action": action });
        let refused = share(&app, &anna, post, &wish)
            .await
            .refused(422, "invalid_fields");
        assert_eq!(
            complaints(&refused),
            pairs(&[(field, code)]),
            "{subject} {action}"
        );
    }
    let wordy = json!({ "subject": "role:ghost", "action": "posts:read", "expires_in": 3 });
    share(&app, &anna, post, &wordy)
        .await
        .refused(422, "invalid_fields");
    let grants = get(&app, &anna, &format!("/posts/{post}/grants"))
        .await
        .expect(200);
    assert_eq!(grants.json()["items"], json!([]));
}

// Shows: AZ-5
#[tokio::test]
async fn a_narrowed_credential_does_only_what_its_scopes_name_whoever_owns_the_post() {
    checks!("T064");
    let (app, posts) = given().await;
    let all = ["posts:read", "posts:edit", "posts:admin"];
    let anna = app.user_with("anna@example.com", &all).await;
    let post = posts.write(Some(anna.id), "mine");
    let path = format!("/posts/{post}");
    for (scope, reads, edits) in [
        ("posts:read", 200, 403),
        ("posts:edit", 403, 204),
        ("posts:read posts:edit", 200, 204),
        ("posts:admin", 403, 403),
    ] {
        let login = log_in_with(&app, "anna@example.com", &json!({ "scope": scope })).await;
        let token = text(&login.expect(200).json(), "access_token");
        let read = app.get(&path).bearer(&token).send().await.status();
        let edit = app.put(&path).bearer(&token).send().await.status();
        assert_eq!((read, edit), (reads, edits), "{scope}");
        let shown = listed(&app, &token).await;
        assert_eq!(shown.contains(&post), reads == 200, "{scope}");
        let shares = app.put(&format!("{path}/grants")).bearer(&token);
        shares
            .json(&to(&anna, "posts:read"))
            .send()
            .await
            .refused(403, "insufficient_scope");
    }
}

#[tokio::test]
async fn a_key_without_the_action_changes_nothing_of_its_owners() {
    checks!("T064");
    let (app, posts) = given().await;
    let anna = app
        .user_with("anna@example.com", &["posts:read", "posts:edit"])
        .await;
    let path = format!("/posts/{}", posts.write(Some(anna.id), "mine"));
    for (permissions, reads, edits) in [
        (&["posts:read"][..], 200, 403),
        (&["posts:edit"], 403, 204),
        (&["posts:read", "posts:edit"], 200, 204),
    ] {
        let form = json!({ "name": "ci", "permissions": permissions });
        let made = app.post("/auth/api-keys").bearer(&anna.access_token).json(&form);
        let key = text(&made.send().await.expect(201).json(), "key");
        let read = app.get(&path).header("x-api-key", &key).send().await.status();
        let edit = app.put(&path).header("x-api-key", &key).send().await.status();
        assert_eq!((read, edit), (reads, edits), "{permissions:?}");
    }
}

#[tokio::test]
async fn a_role_that_was_shared_with_counts_while_somebody_has_it() {
    let (app, posts) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user_with("ben@example.com", &[]).await,
    );
    let post = posts.write(Some(anna.id), "for the role");
    let role = format!("r-{}", ben.id.as_uuid().simple());
    let wish = json!({ "subject": format!("role:{role}"), "action": "posts:read" });
    get(&app, &ben, &format!("/posts/{post}"))
        .await
        .refused(404, "not_found");
    share(&app, &anna, post, &wish).await.expect(204);
    get(&app, &ben, &format!("/posts/{post}")).await.expect(200);
    let permit = portcullis_core::authz::Permit::dangerous_for_operator();
    let roles = app.portcullis.roles();
    assert!(
        roles
            .unassign(&permit, ben.id, &role, app.by_operator())
            .await
            .is_ok()
    );
    get(&app, &ben, &format!("/posts/{post}"))
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn an_id_that_is_given_again_inherits_no_grants() {
    checks!("T067");
    let (app, posts) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let post = posts.write(Some(anna.id), "the first");
    share(&app, &anna, post, &to(&ben, "posts:read"))
        .await
        .expect(204);
    let erase = app.delete(&format!("/posts/{post}")).bearer(&anna.access_token);
    erase.send().await.expect(204);
    assert_eq!(
        posts.write(Some(anna.id), "the second"),
        post,
        "SQLite gives the id again"
    );
    get(&app, &ben, &format!("/posts/{post}"))
        .await
        .refused(404, "not_found");
}

// Shows: AZ-5
#[tokio::test]
async fn a_list_shows_exactly_what_single_calls_hand_over() {
    checks!("T065");
    let (app, posts) = given().await;
    let anna = app.user("anna@example.com").await;
    let ben = app.user("ben@example.com").await;
    let chief = app.user_with("chief@example.com", &["posts:admin"]).await;
    let all: Vec<i64> = [Some(anna.id), Some(ben.id), None]
        .into_iter()
        .cycle()
        .zip([
            "'; DROP TABLE posts; --",
            "%",
            "\"",
            "\\",
            "ä\u{1F512}",
            "' OR '1'='1",
            "",
            "_",
            "NULL",
        ])
        .map(|(owner, title)| posts.write(owner, title))
        .collect();
    for post in all.iter().step_by(3) {
        share(&app, &anna, *post, &to(&ben, "posts:edit"))
            .await
            .expect(204);
        share(&app, &anna, *post, &to(&ben, "posts:read"))
            .await
            .expect(204);
    }
    unshare(&app, &anna, all[3], &format!("account:{}", ben.id), "posts:read")
        .await
        .expect(204);
    let mut shown = Vec::new();
    for who in [&anna, &ben, &chief] {
        let mut handed_over = Vec::new();
        for post in &all {
            if get(&app, who, &format!("/posts/{post}")).await.status() == 200 {
                handed_over.push(*post);
            }
        }
        assert_eq!(
            listed(&app, &who.access_token).await,
            handed_over,
            "{}",
            who.email
        );
        shown.push(handed_over.len());
    }
    assert_eq!(shown, [3, 5, 9]);
}

const TITLES: [&str; 6] = [
    "mine",
    "frozen",
    "public",
    "public but frozen",
    "Public",
    "FROZEN",
];

// Shows: AZ-5
#[tokio::test]
#[cfg(feature = "policies")]
async fn what_a_policy_permits_for_a_time_is_not_shared_for_good() {
    checks!("T100");
    let folder = tempfile::tempdir().unwrap();
    let policies = r#"
        permit(principal, action in [Action::"posts:read", Action::"posts:share"], resource is Post)
            when { context has login_age_seconds && context.login_age_seconds < 600 };
    "#;
    std::fs::write(folder.path().join("posts.cedar"), policies).unwrap();
    let posts = App::new();
    let settings =
        |builder: portcullis_identity::Builder| builder.policies(folder.path()).resources(&[Post::KIND]);
    let app = TestApp::with(settings, |portcullis| api(portcullis, &posts)).await;
    let (anna, eve) = (
        app.user("anna@example.com").await,
        app.user("eve@example.com").await,
    );
    let accomplice = app.user("accomplice@example.com").await;
    let post = posts.write(Some(anna.id), "mine");
    get(&app, &eve, &format!("/posts/{post}")).await.expect(200);
    for action in ["posts:read", "posts:share"] {
        let refused = share(&app, &eve, post, &to(&accomplice, action))
            .await
            .refused(403, "escalation");
        assert_eq!(refused.code(), "escalation", "{action}");
        let own = share(&app, &eve, post, &to(&eve, action))
            .await
            .refused(422, "invalid_fields");
        assert_eq!(complaints(&own), pairs(&[("/subject", "oneself")]));
    }
    // What was granted can be given on, though a policy permits it as well, and so can what is one's own.
    share(&app, &anna, post, &to(&eve, "posts:read"))
        .await
        .expect(204);
    share(&app, &eve, post, &to(&accomplice, "posts:read"))
        .await
        .expect(204);
}

/// What policies say counts for single calls and lists alike, and what they forbid nothing opens.
#[tokio::test]
async fn a_policy_that_forbids_overrides_owners_grants_and_administrators_in_lists_too() {
    checks!("T065");
    let folder = tempfile::tempdir().unwrap();
    let policies = r#"
        permit(principal, action == Action::"posts:read", resource is Post) when { resource.title like "public*" };
        forbid(principal, action in [Action::"posts:read", Action::"posts:edit"], resource is Post)
            when { resource.title like "*frozen*" };
    "#;
    std::fs::write(folder.path().join("posts.cedar"), policies).unwrap();
    let posts = App::new();
    let settings =
        |builder: portcullis_identity::Builder| builder.policies(folder.path()).resources(&[Post::KIND]);
    let app = TestApp::with(settings, |portcullis| api(portcullis, &posts)).await;
    let anna = app.user("anna@example.com").await;
    let ben = app.user("ben@example.com").await;
    let chief = app.user_with("chief@example.com", &["posts:admin"]).await;
    let all: Vec<i64> = TITLES.map(|title| posts.write(Some(anna.id), title)).into();
    // A frozen post can't be shared, so it is frozen afterwards.
    let rename = |post: i64, title: &str| {
        let database = posts.0.lock().unwrap();
        let sql = "UPDATE posts SET title = ?2 WHERE id = ?1";
        database.execute(sql, params![post, title]).unwrap();
    };
    for post in &all {
        rename(*post, "new");
        share(&app, &chief, *post, &to(&ben, "posts:edit"))
            .await
            .expect(204);
    }
    for (post, title) in all.iter().zip(TITLES) {
        rename(*post, title);
    }
    let frozen = share(&app, &chief, all[1], &to(&ben, "posts:read")).await;
    assert_eq!(frozen.expect(403).code(), "escalation");
    for (who, reads, edits) in [
        (&anna, &[0, 2, 4, 5][..], &[0, 2, 4, 5][..]),
        (&ben, &[2], &[0, 2, 4, 5]),
        (&chief, &[0, 2, 4, 5], &[0, 2, 4, 5]),
    ] {
        for (index, post) in all.iter().enumerate() {
            let status = |allowed: &[usize], good| if allowed.contains(&index) { good } else { 404 };
            let read = get(&app, who, &format!("/posts/{post}")).await.status();
            assert_eq!(read, status(reads, 200), "{} {index}", who.email);
            let open = app
                .post(&format!("/posts/{post}/check"))
                .bearer(&who.access_token);
            assert_eq!(
                open.send().await.status(),
                status(edits, 204),
                "{} {index}",
                who.email
            );
        }
        let shown: Vec<i64> = reads.iter().map(|index| all[*index]).collect();
        assert_eq!(listed(&app, &who.access_token).await, shown, "{}", who.email);
    }
}

#[tokio::test]
async fn the_lock_and_the_docs_say_what_is_asked() {
    let (app, posts) = given().await;
    let api = api(&app.portcullis, &posts);
    let lock = api.authz_lock();
    let squeezed: Vec<String> = lock
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        "GET /posts authenticated listing Post:posts:read via jwt, session, api-key",
        "GET /posts/{id} authenticated on Post:posts:read via jwt, session, api-key",
        "PUT /posts/{id} authenticated on Post:posts:edit via jwt, session, api-key",
        "PUT /posts/{id}/grants authenticated on Post:posts:share via jwt, session, api-key",
        "PUT /open/{post} authenticated on OpenPost:open:edit via jwt, session, api-key",
    ] {
        assert!(squeezed.iter().any(|found| found == line), "{line}\n{lock}");
    }
    let document = api.openapi();
    let edit = &document["paths"]["/posts/{id}"]["put"];
    assert_eq!(edit["x-portcullis-rule"], "authenticated on Post:posts:edit");
    let answers = &edit["responses"];
    assert_eq!(
        answers["404"]["description"],
        "There is no such Post, or you are not allowed posts:edit on it"
    );
    let open = &document["paths"]["/open/{post}"]["put"]["responses"];
    assert!(open["403"].is_object() && open["404"].is_object(), "{open}");
    assert_eq!(edit["parameters"][0]["name"], "id");
    let scopes = &document["components"]["securitySchemes"]["oauth2"]["flows"]["password"]["scopes"];
    assert_eq!(scopes["posts:edit"], "Change a post");
    assert_eq!(scopes["posts:admin"], "Do everything to every post");
}

#[tokio::test]
async fn a_resource_behind_no_rule_or_on_no_path_is_refused_when_the_router_is_built() {
    async fn open(_: Public, _: Authorized<Post, ReadPost>) {}
    async fn visited(_: OptionalAuth, _: Visible<Post, ReadPost>) {}
    async fn nameless(_: Allow<Authenticated>, _: Authorized<Post, ReadPost>) {}
    let app = TestApp::new().await;
    let api = Api::<App>::new("", "")
        .get("/a/{id}", open)
        .get("/b", visited)
        .get("/c/{post}", nameless)
        .with_state(App::new());
    let errors = api.into_router(app.portcullis.gate().clone()).unwrap_err().0;
    let known = |path: &str| ApiError::NobodyKnown {
        method: "GET".into(),
        path: path.into(),
    };
    let unnamed = ApiError::Unnamed {
        method: "GET".into(),
        path: "/c/{post}".into(),
        parameter: "id",
    };
    assert_eq!(errors, [known("/a/{id}"), known("/b"), unnamed]);
}

// Shows: AZ-7
#[tokio::test]
async fn a_hidden_resource_is_explained_though_it_answers_404() {
    checks!("T086");
    let (app, posts) = given().await;
    let (anna, eve) = (
        app.user("anna@example.com").await,
        app.user("eve@example.com").await,
    );
    let post = posts.write(Some(anna.id), "a secret");
    let answer = get(&app, &eve, &format!("/posts/{post}"))
        .await
        .refused(404, "not_found");
    let kept = decision_of(&app, &answer).await.unwrap();
    assert_eq!(
        (&*kept.code, kept.account, &*kept.rule),
        (
            "not_granted",
            Some(eve.id),
            &*format!("posts:read on Post {post}")
        )
    );
    let tree = kept.tree.unwrap();
    let told: Vec<_> = tree.parts.iter().map(|part| (&*part.rule, part.holds)).collect();
    assert_eq!(
        told,
        [
            ("scope(posts:read)", true),
            ("policy(posts:read) doesn't forbid", true),
            (
                "posts:admin or owner or shared or policy(posts:read) permits",
                false
            ),
        ]
    );
    assert!(!tree.holds && tree.code == "not_granted");
    assert_eq!(events(&app, "access.denied").await.len(), 1);
    // One that isn't there is no refusal.
    let answer = get(&app, &eve, "/posts/999").await.refused(404, "not_found");
    assert!(decision_of(&app, &answer).await.is_none());
}

#[tokio::test]
async fn an_attempt_to_share_more_is_explained_and_audited() {
    checks!("T086");
    let (app, posts) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let post = posts.write(Some(anna.id), "shared");
    share(&app, &anna, post, &to(&ben, "posts:share"))
        .await
        .expect(204);
    let cleo = app.user("cleo@example.com").await;
    let answer = share(&app, &ben, post, &to(&cleo, "posts:edit"))
        .await
        .refused(403, "escalation");
    assert_eq!(answer.code(), "escalation");
    let kept = decision_of(&app, &answer).await.unwrap();
    assert_eq!((&*kept.code, kept.account), ("escalation", Some(ben.id)));
    assert_eq!(events(&app, "access.denied").await.len(), 1);
}

// Shows: AZ-7
#[cfg(feature = "policies")]
#[tokio::test]
async fn the_decision_about_a_resource_names_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "@id(\"frozen\") forbid(principal, action == Action::\"posts:read\", resource) \
                  when { resource.title == \"frozen\" };";
    std::fs::write(folder.path().join("a.cedar"), policy).unwrap();
    let posts = App::new();
    let app = TestApp::with(
        |settings| {
            settings
                .policies(folder.path())
                .resources(&[Post::KIND, OpenPost::KIND])
        },
        |portcullis| api(portcullis, &posts),
    )
    .await;
    let anna = app.user("anna@example.com").await;
    let post = posts.write(Some(anna.id), "frozen");
    let answer = get(&app, &anna, &format!("/posts/{post}"))
        .await
        .refused(404, "not_found");
    let kept = decision_of(&app, &answer).await.unwrap();
    assert_eq!(kept.code, "forbidden_by_policy");
    let tree = kept.tree.unwrap();
    assert_eq!(
        (tree.parts[1].holds, &*tree.parts[1].why),
        (false, "forbidden by frozen")
    );
    let ways = tree.parts.last().unwrap();
    assert!(ways.holds && ways.parts[1].why == "the account owns it");
}

#[tokio::test]
async fn without_its_database_nothing_that_was_shared_is_handed_over() {
    checks!("T037");
    let (app, posts) = given().await;
    let (anna, ben) = (
        app.user("anna@example.com").await,
        app.user("ben@example.com").await,
    );
    let post = posts.write(Some(anna.id), "shared");
    share(&app, &anna, post, &to(&ben, "posts:read"))
        .await
        .expect(204);
    app.portcullis.database().close().await;
    for answer in [
        get(&app, &ben, &format!("/posts/{post}")).await,
        get(&app, &ben, "/posts").await,
        get(&app, &anna, &format!("/posts/{post}/grants")).await,
        share(&app, &anna, post, &to(&ben, "posts:edit")).await,
        unshare(&app, &anna, post, &format!("account:{}", ben.id), "posts:read").await,
    ] {
        assert_eq!((answer.status(), &*answer.code()), (503, "unavailable"));
    }
}
