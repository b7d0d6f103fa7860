//! Embed first, detach later: one application that runs beside its accounts, or without them.
//!
//! ```text
//! cargo run -p examples --example remote_issuer 127.0.0.1:8080                          accounts and posts together
//! cargo run -p examples --example remote_issuer 127.0.0.1:8081 http://127.0.0.1:8080    posts alone, by the first one's tokens
//! ```
//! The handlers and `blog()` are the same in both. What changes is one line in `main`: who verifies.
//!
//! Detached there is no database: an access token is verified by the issuer's published keys, and its own claims say
//! what its account may do. So nothing but signed tokens is honoured, and what the issuer revokes is refused here when
//! the token ends, after fifteen and a half minutes at most.
//!
//! The issuer knows the detached application as a *resource*, and whoever logs in to use it names it: `{"identifier": …,
//! "password": …, "resource": "https://blog.example.com"}`. Such a token opens this application alone. The issuer and
//! every other application refuse it, so whoever runs one can't be somebody else at another.
//!
//! With both running, `SETUP` being the token that the first one prints:
//!
//! ```text
//! $ json='Content-Type: application/json' login='"identifier": "root", "password": "correct horse battery"'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d "{\"token\": \"$SETUP\", \"username\": \"root\", \"password\": \"correct horse battery\"}"
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d "{$login, \"resource\": \"https://blog.example.com\"}" | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8081/posts -H "Authorization: Bearer $token"
//! ["Hello, world"]
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::{
    Allow, Any, Api, FreshLogin, Json, Path, Portcullis, Public, Remote, Role, permissions, roles,
};

permissions! {
    pub PostsRead  = "posts:read":  "Read posts";
    pub PostsWrite = "posts:write": "Create and change posts";
}

roles! {
    pub Editor = "editor";
}

async fn list(_: Allow<PostsRead>) -> Json<Vec<&'static str>> {
    Json(vec!["Hello, world"])
}

async fn edit(who: Allow<(PostsWrite, FreshLogin<300>)>, Path(id): Path<u64>) -> String {
    format!("{} changed post {id}", who.id())
}

async fn publish(_: Allow<Any<(Role<Editor>, PostsWrite)>>, Path(id): Path<u64>) -> String {
    format!("post {id} is public")
}

async fn status(_: Public) -> &'static str {
    "up"
}

/// What the issuer calls the detached blog, and the `aud` of tokens for it.
pub const BLOG: &str = "https://blog.example.com";

/// Another application: tokens for the blog are nothing to it.
pub const SHOP: &str = "https://shop.example.com";

/// The application. It doesn't know which of the two it runs behind.
pub fn blog() -> Api {
    Api::new("Blog", "1.0")
        .get("/posts", list)
        .put("/posts/{id}", edit)
        .post("/posts/{id}/public", publish)
        .get("/status", status)
}

/// The application beside its accounts. The documents below `/.well-known` are what others find the keys by.
pub fn with_accounts(portcullis: &Portcullis) -> Api {
    blog()
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
        .nest("/.well-known", portcullis.well_known_routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

/// Embedded: the database is this process's own.
async fn embedded(address: String) -> anyhow::Result<()> {
    // The public address is the tokens' issuer.
    let public = format!("http://{address}").parse()?;
    let portcullis = Portcullis::builder()
        .database("sqlite:remote_issuer.db")
        .public_url(public)
        .resource(BLOG)
        .resource(SHOP)
        .open()
        .await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    portcullis.serve(with_accounts(&portcullis), address).await?;
    Ok(())
}

/// Detached: somebody else has the accounts.
async fn detached(issuer: &str, resource: &str, address: String) -> anyhow::Result<()> {
    // An issuer elsewhere is reached by https and needs no leave.
    let remote = Remote::builder(issuer)
        .audience(resource)
        .dangerous_allow_loopback()
        .open()
        .await?;
    println!("honours the tokens of {issuer}");
    let api = blog().nest("/health", remote.health_routes());
    remote.serve(api, address).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:8080".to_owned());
    match arguments.next() {
        None => embedded(address).await,
        Some(issuer) => {
            let resource = arguments.next().unwrap_or(BLOG.to_owned());
            detached(&issuer, &resource, address).await
        }
    }
}
