//! Sessions and what they may do: `cargo run -p examples --example session_access_control`.
//!
//! A session carries no rights of its own: every request asks what its account may do *now*. A role that is given or
//! taken counts from the next request of every open session on, a login narrowed by scopes stays narrow, and what is
//! dangerous asks for a login of the last minutes.
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ session=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery", "delivery": "session"}' | grep -o 'pcs_[^"]*')
//! $ curl -s localhost:8080/documents -H "X-Session-Token: $session"
//! ["charter","minutes"]
//! $ curl -s -X DELETE localhost:8080/documents -H "X-Session-Token: $session"
//! {…"code":"missing_role"…}
//! $ me=$(curl -s localhost:8080/auth/me -H "X-Session-Token: $session" | sed 's/.*"id":"\([^"]*\)".*/\1/')
//! $ curl -s localhost:8080/admin/api/v1/roles -H "X-Session-Token: $session" -H "$json" -d '{"name": "keeper"}'
//! $ curl -s -X PUT localhost:8080/admin/api/v1/accounts/$me/roles/keeper -H "X-Session-Token: $session"
//! $ curl -s -X DELETE localhost:8080/documents -H "X-Session-Token: $session"
//! gone
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::{
    Allow, Api, Authenticated, FreshLogin, Json, Path, Portcullis, Role, Session, Via, permissions, roles,
};

permissions! {
    pub DocsRead  = "docs:read":  "Read documents";
    pub DocsWrite = "docs:write": "Change documents";
}
roles! {
    /// Who may delete everything.
    pub Keeper = "keeper";
}

async fn list(_: Allow<DocsRead, Via<Session>>) -> Json<Vec<&'static str>> {
    Json(vec!["charter", "minutes"])
}

/// Two things are needed, and both are in the signature.
async fn edit(_: Allow<(DocsRead, DocsWrite), Via<Session>>, Path(name): Path<String>) -> String {
    format!("changed {name}")
}

/// A role, and the person's password once more if the login is older than five minutes.
async fn burn(_: Allow<(Role<Keeper>, FreshLogin<300>), Via<Session>>) -> &'static str {
    "gone"
}

/// What this session may do, for a page that shows the right buttons. The server decides anyway.
async fn mine(who: Allow<Authenticated, Via<Session>>) -> Json<Vec<String>> {
    Json(who.permissions().into_iter().map(ToOwned::to_owned).collect())
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Archive", "1.0")
        .get("/documents", list)
        .put("/documents/{name}", edit)
        .delete("/documents", burn)
        .get("/mine", mine)
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:session_access_control.db").await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
