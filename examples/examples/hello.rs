//! A whole API with accounts, logins, roles and documentation: `cargo run -p examples --example hello`.
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/posts -H "Authorization: Bearer $token"
//! ["Hello, world"]
//! $ curl -s -X PUT localhost:8080/posts/7 -H "Authorization: Bearer $token"
//! … changed post 7
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::{Allow, Api, FreshLogin, Json, Path, Portcullis, Public, permissions};

permissions! {
    pub PostsRead  = "posts:read":  "Read posts";
    pub PostsWrite = "posts:write": "Create and change posts";
}

async fn list(_: Allow<PostsRead>) -> Json<Vec<&'static str>> {
    Json(vec!["Hello, world"])
}

async fn edit(who: Allow<(PostsWrite, FreshLogin<300>)>, Path(id): Path<u64>) -> String {
    format!("{} changed post {id}", who.id())
}

async fn status(_: Public) -> &'static str {
    "up"
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Blog", "1.0")
        .get("/posts", list)
        .put("/posts/{id}", edit)
        .get("/status", status)
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:hello.db").await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
