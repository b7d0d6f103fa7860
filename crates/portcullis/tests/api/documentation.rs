//! The OpenAPI document and the pages that show it.

use portcullis::core::checks;
use portcullis::docs::Docs;
use portcullis::{
    Allow, Any, Api, Authenticated, Created, Form, FreshLogin, Json, Jwt, NoContent, OptionalAuth, Path,
    Public, Query, Result, Role, Session, Via, permissions, roles,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Bench;

permissions! {
    PostsRead = "posts:read": "Read posts";
    PostsWrite = "posts:write": "Create and change posts";
    PostsAdmin = "posts:admin": "Do anything to posts";
}
roles! { Admin = "admin"; }

/// A post.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Post {
    /// What it is called.
    title: String,
    tags: Option<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
struct Page {
    /// How many.
    #[expect(dead_code, reason = "only described")]
    limit: Option<u32>,
}

async fn list_posts(_: Allow<PostsRead>, Query(_): Query<Page>) -> Json<Vec<Post>> {
    Json(Vec::new())
}
async fn create_post(_: Allow<(PostsRead, PostsWrite)>, Json(post): Json<Post>) -> Result<Created<Post>> {
    Ok(Created(post))
}
async fn delete_post(
    _: Allow<Any<(PostsAdmin, (PostsWrite, FreshLogin<300>))>, Via<Jwt>>,
    Path(_): Path<Uuid>,
) -> Result<NoContent> {
    Ok(NoContent)
}
async fn file(_: Allow<Role<Admin>>, Path((_, _)): Path<(u32, String)>) {}
async fn log_out(_: Allow<Authenticated, Via<Session>>) -> NoContent {
    NoContent
}
async fn token(_: Public, Form(_): Form<Page>) {}
async fn front(_: OptionalAuth<Via<Jwt>>) {}

fn blog() -> Api {
    Api::new("Blog", "1.0")
        .about("A *blog*.")
        .get("/posts", list_posts)
        .post("/posts", create_post)
        .description("Needs both.")
        .delete("/posts/{id}", delete_post)
        .group("posts", "What people write")
        .get("/files/{volume}/{*path}", file)
        .summary("A file")
        .post("/session/end", log_out)
        .tag("session")
        .post("/oauth/token", token)
        .get("/", front)
}

// Shows: KIT-1
#[test]
fn the_document_shows_what_is_enforced() {
    checks!("T018");
    insta::assert_json_snapshot!(blog().openapi());
}

// Shows: KIT-1
#[test]
fn and_stands_in_one_object_and_or_as_alternatives() {
    checks!("T018");
    let document = blog().openapi();
    let security = |path: &str, method: &str| document["paths"][path][method]["security"].clone();
    let (r, w, a) = ("posts:read", "posts:write", "posts:admin");
    assert_eq!(
        security("/posts", "post"),
        json!([
            { "oauth2": [r, w] }, { "bearer": [r, w] }, { "session": [r, w] }, { "sessionCookie": [r, w] },
            { "apiKey": [r, w] }
        ])
    );
    assert_eq!(
        security("/posts/{id}", "delete"),
        json!([{ "oauth2": [a] }, { "bearer": [a] }, { "oauth2": [w] }, { "bearer": [w] }])
    );
    assert_eq!(
        security("/session/end", "post"),
        json!([{ "session": [] }, { "sessionCookie": [] }])
    );
    assert_eq!(security("/oauth/token", "post"), json!([]));
    assert_eq!(
        security("/", "get"),
        json!([{}, { "oauth2": [] }, { "bearer": [] }])
    );
    assert_eq!(
        document["paths"]["/posts/{id}"]["delete"]["x-portcullis-rule"],
        "posts:admin or (posts:write and fresh-login(300))"
    );
}

// Shows: AZ-3
#[test]
fn every_scope_that_is_asked_for_is_declared_and_every_reference_leads_somewhere() {
    let document = blog().openapi();
    let scopes = &document["components"]["securitySchemes"]["oauth2"]["flows"]["password"]["scopes"];
    assert_eq!(
        *scopes,
        json!({
            "posts:read": "Read posts",
            "posts:write": "Create and change posts",
            "posts:admin": "Do anything to posts",
        })
    );
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "$ref" {
                    references.push(value.as_str().unwrap().to_owned());
                }
                collect(value, references);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[test]
fn describing_twice_gives_the_same_document() {
    assert_eq!(blog().openapi(), blog().openapi());
}

// Shows: KIT-1
#[tokio::test]
async fn the_pages_load_nothing_from_elsewhere_and_run_only_their_own_scripts() {
    let bench = Bench::default();
    let client = bench.client(blog());
    assert_eq!(client.get("/openapi.json", &[]).await.json(), blog().openapi());
    for path in ["/docs", "/redoc", "/scalar"] {
        let page = client.get(path, &[]).await;
        assert_eq!(
            (page.status.as_u16(), page.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'sha256-"),
            "{policy}"
        );
        let script_rule = policy
            .split(';')
            .find(|rule| rule.contains("script-src"))
            .unwrap();
        assert!(!script_rule.contains("unsafe"), "{policy}");
        assert!(!policy.contains("http"), "{policy}");
        assert!(policy.contains("connect-src 'self'"), "{policy}");
        assert!(policy.contains("base-uri 'none'"), "{policy}");
        assert!(
            page.text.contains("/openapi.json") && page.text.contains("Blog"),
            "{path}"
        );
        // One hash for every script, our own and the viewer's large one included.
        let hashes = script_rule.matches("'sha256-").count();
        assert_eq!(
            hashes,
            if path == "/redoc" { 2 } else { 3 },
            "{path}: {script_rule}"
        );
        let head = page.text.split("<script").next().unwrap();
        assert!(
            !head.contains("<link") && !page.text.contains("<script src"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_title_is_text_and_never_markup() {
    let bench = Bench::default();
    let client = bench.client(Api::new("</title><script>alert(1)</script>", "1").get("/", front));
    for path in ["/docs", "/redoc", "/scalar"] {
        assert!(
            !client.get(path, &[]).await.text.contains("<script>alert(1)"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_docs_can_move_and_be_left_out() {
    let bench = Bench::default();
    let mut docs = Docs::default();
    docs.swagger = Some("/api/docs".into());
    docs.redoc = None;
    let client = bench.client(blog().docs(docs));
    assert_eq!(client.get("/api/docs", &[]).await.status, 200);
    assert_eq!(client.get("/redoc", &[]).await.status, 404);
    let client = bench.client(blog().docs(Docs::off()));
    for path in ["/docs", "/redoc", "/scalar", "/openapi.json"] {
        assert_eq!(client.get(path, &[]).await.status, 404, "{path}");
    }
    assert!(!blog().docs(Docs::off()).authz_lock().contains("openapi"));
}

#[tokio::test]
async fn one_scheme_leaves_out_what_it_does_not_open() {
    checks!("T018");
    let bench = Bench::default();
    let client = bench.client(blog());
    let refused = client.get("/openapi.json?scheme=none", &[]).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (400, "unknown_scheme")
    );
    let twice = client.get("/openapi.json?scheme=apiKey&scheme=bearer", &[]).await;
    assert_eq!(twice.status, 422);
    let document = client.get("/openapi.json?scheme=apiKey", &[]).await.json();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/posts", "/files/{volume}/{path}", "/oauth/token", "/"]);
    assert_eq!(
        document["paths"]["/posts"]["get"]["security"],
        json!([{ "apiKey": ["posts:read"] }])
    );
    assert_eq!(document["paths"]["/"]["get"]["security"], json!([{}]));
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["apiKey"]);
    assert_eq!(
        document["tags"],
        json!([{ "name": "posts", "description": "What people write" }])
    );
}

mod first {
    use super::*;

    /// One code.
    #[derive(Serialize, JsonSchema)]
    pub(super) struct Code {
        number: u32,
    }
    pub(super) async fn show(_: Public) -> Json<Code> {
        Json(Code { number: 1 })
    }
}

mod second {
    use super::*;

    /// Another code.
    #[derive(Serialize, JsonSchema)]
    pub(super) struct Code {
        text: String,
    }
    /// What refers to one is not at fault.
    #[derive(Serialize, JsonSchema)]
    pub(super) struct Holder {
        code: Code,
    }
    pub(super) async fn show(_: Public) -> Json<Holder> {
        Json(Holder {
            code: Code { text: String::new() },
        })
    }
}

#[test]
fn two_types_or_operations_of_one_name_are_refused() {
    let bench = Bench::default();
    let build = |api: Api| {
        api.into_router(bench.gate.clone())
            .map_err(|errors| errors.to_string())
    };
    let one = || Api::new("Codes", "1").get("/first", first::show);
    let both = || one().get("/second", second::show);
    let refused = build(both()).unwrap_err();
    assert!(
        refused.contains("two types are called Code in") && refused.lines().count() == 1,
        "{refused}"
    );
    assert!(build(one()).is_ok());
    // Nobody reads a document that isn't served.
    assert!(build(both().docs(Docs::off())).is_ok());
    let refused = build(
        one()
            .operation_id("show")
            .get("/other", first::show)
            .operation_id("show"),
    )
    .unwrap_err();
    assert!(refused.contains("operation id show"), "{refused}");
}

#[test]
fn a_path_that_another_was_named_after_by_hand_is_named_by_its_handler() {
    async fn me(_: Public) {}
    async fn other(_: Public) {}
    let theirs = || Api::new("", "").get("/me", me).operation_id("getMe");
    let document: Value = Api::<()>::new("Blog", "1")
        .get("/me", me)
        .nest("/auth", theirs())
        .openapi();
    assert_eq!(document["paths"]["/auth/me"]["get"]["operationId"], "getMe");
    assert_eq!(document["paths"]["/me"]["get"]["operationId"], "me");
    let document: Value = Api::<()>::new("Blog", "1")
        .get("/me", other)
        .get("/you", other)
        .openapi();
    assert_eq!(document["paths"]["/me"]["get"]["operationId"], "getMe");
}

#[test]
fn operations_are_named_by_hand_by_their_handler_or_by_their_path() {
    let document = blog().operation_id("frontPage").openapi();
    for (path, method, id) in [
        ("/posts", "get", "listPosts"),
        ("/posts/{id}", "delete", "deletePost"),
        ("/files/{volume}/{path}", "get", "getFilesVolumePath"),
        ("/session/end", "post", "logOut"),
        ("/oauth/token", "post", "postOauthToken"),
        ("/", "get", "frontPage"),
    ] {
        assert_eq!(document["paths"][path][method]["operationId"], id, "{path}");
    }
    let twice: Value = Api::<()>::new("Blog", "1")
        .get("/a", list_posts)
        .get("/b/{c}", list_posts)
        .openapi();
    assert_eq!(twice["paths"]["/a"]["get"]["operationId"], "getA");
    assert_eq!(twice["paths"]["/b/{c}"]["get"]["operationId"], "getBC");
}

/// The place of a file.
#[derive(JsonSchema)]
#[schemars(inline, transparent, description = "The volume's name.", extend("maxLength" = 8))]
struct Volume(#[expect(dead_code, reason = "only described")] String);

async fn plain(_: Public, Path(_): Path<String>) {}
async fn typed(_: Public, Path(_): Path<Uuid>) {}

#[test]
fn a_path_parameter_is_what_was_said_of_it_where_the_handler_reads_plain_text() {
    let api = Api::<()>::new("Files", "1")
        .get("/plain/{volume}", plain)
        .get("/typed/{volume}", typed);
    let document = api
        .parameter::<Volume>("volume")
        .get("/later/{volume}", plain)
        .openapi();
    let parameter = |path: &str| document["paths"][path]["get"]["parameters"][0].clone();
    assert_eq!(
        parameter("/plain/{volume}"),
        json!({
            "in": "path", "name": "volume", "required": true,
            "schema": { "type": "string", "maxLength": 8 },
            "description": "The volume's name.",
        })
    );
    assert_eq!(
        parameter("/typed/{volume}")["schema"],
        json!({ "type": "string", "format": "uuid" })
    );
    assert_eq!(
        parameter("/later/{volume}")["schema"],
        json!({ "type": "string" })
    );
}
