//! Scopes: a login may ask for less than its account may do, and what it is given can do no more.
//! `cargo run -p examples --example scopes`
//!
//! Every permission is a scope. Asked for at the login (`"scope": "posts:read"`, or `scope=posts:read` at the token
//! endpoint), scopes narrow the token for good: refreshing keeps them, and a role of the account doesn't count with it.
//! Nor does it manage the account: whoever is given a token for `posts:read` ends no session but their own and makes no
//! API key. Routes of your own that have no permission and mean the account as a whole ask for it so: `Allow<Unscoped>`.
//! What the account may not do is never granted; the answer says which scopes were.
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery", "scope": "posts:read"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/mine -H "Authorization: Bearer $token"
//! ["posts:read"]
//! $ curl -s localhost:8080/posts -H "Authorization: Bearer $token"
//! ["Hello, reader"]
//! $ curl -s -X POST localhost:8080/posts -H "Authorization: Bearer $token"
//! {…"code":"insufficient_scope"…}
//! $ curl -s -X POST localhost:8080/auth/logout/all -H "Authorization: Bearer $token"
//! {…"code":"insufficient_scope"…}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::{
    Allow, Any, Api, Authenticated, Json, Permission as _, Portcullis, Unscoped, permissions,
};

permissions! {
    pub PostsRead  = "posts:read":  "Read posts";
    pub PostsWrite = "posts:write": "Create and change posts";
}

async fn list(_: Allow<PostsRead>) -> Json<Vec<&'static str>> {
    Json(vec!["Hello, reader"])
}

async fn create(_: Allow<PostsWrite>) -> &'static str {
    "created"
}

/// Both: a token narrowed to one of them is not enough.
async fn replace(_: Allow<(PostsRead, PostsWrite)>) -> &'static str {
    "replaced"
}

/// One of them is enough.
async fn count(_: Allow<Any<(PostsRead, PostsWrite)>>) -> Json<u64> {
    Json(1)
}

/// What the presented token may do: what the account may, narrowed by the token's scopes.
async fn mine(who: Allow<Authenticated>) -> Json<Vec<String>> {
    Json(who.permissions().into_iter().map(str::to_owned).collect())
}

/// Closing the account is no matter of any permission, and of no narrowed token either.
async fn close(_: Allow<Unscoped>) -> &'static str {
    "closed"
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Blog", "1.0")
        .get("/posts", list)
        .post("/posts", create)
        .put("/posts", replace)
        .get("/posts/count", count)
        .get("/mine", mine)
        .delete("/mine", close)
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:scopes.db").await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    for scope in [PostsRead::PERMISSION, PostsWrite::PERMISSION] {
        println!("scope {}: {}", scope.name, scope.description);
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
