//! An axum application that exists already, behind one rule: its router is mounted whole, and new routes beside it
//! say their own. `cargo run -p examples --example existing_axum`.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use portcullis::{Allow, Api, Authenticated, Portcullis, Public, Role, roles};

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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:app.db").await?;
    portcullis.serve(api(&portcullis), "127.0.0.1:8080").await?;
    Ok(())
}
