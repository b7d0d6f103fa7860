//! An axum application that exists already, behind one rule: its router is mounted whole, and new routes beside it
//! say their own. `cargo run -p examples --example existing_axum`.
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/greeting -H "Authorization: Bearer $token"
//! Hello, …
//! $ curl -s localhost:8080/reports/daily -H "Authorization: Bearer $token"
//! {…"code":"missing_role"…}
//! $ me=$(curl -s localhost:8080/auth/me -H "Authorization: Bearer $token" | sed 's/.*"id":"\([^"]*\)".*/\1/')
//! $ curl -s localhost:8080/admin/api/v1/roles -H "Authorization: Bearer $token" -H "$json" -d '{"name": "auditor"}'
//! $ curl -s -X PUT localhost:8080/admin/api/v1/accounts/$me/roles/auditor -H "Authorization: Bearer $token"
//! $ curl -s localhost:8080/reports/daily -H "Authorization: Bearer $token"
//! all is well
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use portcullis_identity::{Allow, Api, Authenticated, Portcullis, Public, Role, roles};

roles! {
    /// Who may see the reports.
    pub Auditor = "auditor";
}

/// What was there before.
fn reports() -> axum::Router {
    axum::Router::new()
        .route("/daily", get(async || "all is well"))
        .route("/weekly", get(async || "all was well"))
}

/// State works as in axum: the handler takes it after its rule.
async fn greet(who: Allow<Authenticated>, State(greeting): State<Arc<str>>) -> String {
    format!("{greeting}, {}", who.id())
}

async fn status(_: Public) -> &'static str {
    "up"
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    let greeting: Arc<str> = "Hello".into();
    Api::new("Office", "1.0")
        .get("/greeting", greet)
        .with_state(greeting)
        .get("/status", status)
        .mount::<Allow<Role<Auditor>>>("/reports", reports())
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:existing_axum.db").await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
