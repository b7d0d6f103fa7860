//! Sessions and what they may do: `cargo run -p examples --example session_access_control`.
//!
//! A session carries no rights of its own: every request asks what its account may do *now*. A role that is given or
//! taken counts from the next request of every open session on, a login narrowed by scopes stays narrow, and what is
//! dangerous asks for a login of the last minutes.

use portcullis::{
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
    let portcullis = Portcullis::open("sqlite:app.db").await?;
    portcullis.serve(api(&portcullis), "127.0.0.1:8080").await?;
    Ok(())
}
