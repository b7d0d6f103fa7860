//! Roles, declared in code: `reader` and `editor` are there from the first start on, `editor` inherits what `reader` may, and
//! `cargo run -p examples --example rbac -- ACCOUNT ROLE` gives one to an account (its id is in `/auth/me`).
//!
//! A handler asks for what is to be done (`Allow<PostsWrite>`) and leaves it to the roles who may; one
//! that must name a role says so (`Role<Editor>`), alone or among alternatives.
//!
//! Whoever starts a program on the machine that holds the database is its operator: that permit, and the audit log's
//! `operator`, stand for them. Requests never get it; administrators use `/admin/api/v1`.
//!
//! Start it with `cargo run -p examples --example rbac`. In another terminal, in the same folder:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/posts -H "Authorization: Bearer $token"
//! {…"code":"missing_permission"…}
//! $ me=$(curl -s localhost:8080/auth/me -H "Authorization: Bearer $token" | sed 's/.*"id":"\([^"]*\)".*/\1/')
//! $ cargo run -p examples --example rbac -- $me editor
//! … is editor within a second
//! $ sleep 1; curl -s localhost:8080/posts -H "Authorization: Bearer $token"
//! Hello, reader
//! $ curl -s localhost:8080/drafts -H "Authorization: Bearer $token"
//! Hello, editor or auditor
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use anyhow::Context as _;
use portcullis_identity::core::audit;
use portcullis_identity::core::roles::MayGive;
use portcullis_identity::{
    Allow, Any, Api, Builder, DeclaredRole as _, Permit, Portcullis, Role, permissions, roles,
};

permissions! {
    pub PostsRead  = "posts:read":  "Read posts";
    pub PostsWrite = "posts:write": "Create and change posts";
}

roles! {
    pub Reader  = "reader": "May read" { PostsRead };
    pub Editor  = "editor": "May write, and whatever readers may" inherits(Reader) { PostsWrite };
    // One that administrators make, or don't.
    pub Auditor = "auditor";
}

async fn list(_: Allow<PostsRead>) -> &'static str {
    "Hello, reader"
}

async fn create(_: Allow<PostsWrite>) -> &'static str {
    "Hello, editor"
}

async fn drafts(_: Allow<(PostsRead, Any<(Role<Editor>, Role<Auditor>)>)>) -> &'static str {
    "Hello, editor or auditor"
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Blog", "1.0")
        .get("/posts", list)
        .post("/posts", create)
        .get("/drafts", drafts)
        .nest("/auth", portcullis.routes())
}

/// The roles that the code declares, and so the permissions that they give.
pub(crate) fn settings(builder: Builder) -> Builder {
    builder.roles([Reader::ROLE, Editor::ROLE])
}

/// Gives the role to the account with this id.
pub(crate) async fn grant(portcullis: &Portcullis, account: &str, role: &str) -> anyhow::Result<()> {
    let permit = Permit::<MayGive>::dangerous_for_operator();
    let by = audit::Context::operator(portcullis.environment().now());
    let account = account
        .parse()
        .context("the first word must be an account's id")?;
    portcullis.roles().assign(&permit, account, role, by).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = settings(Portcullis::builder().database("sqlite:rbac.db"))
        .open()
        .await?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [] => portcullis.serve(api(&portcullis), "127.0.0.1:8080").await?,
        [address] => portcullis.serve(api(&portcullis), address).await?,
        [account, role] => {
            grant(&portcullis, account, role).await?;
            println!("{account} is {role} within a second");
        }
        _ => anyhow::bail!("usage: rbac [ADDRESS | ACCOUNT ROLE]"),
    }
    Ok(())
}
