//! Limits: a route by the client's address, a route by who calls and what it costs, and the whole API.
//! `cargo run -p examples --example rate_limit`
//!
//! In another terminal:
//!
//! ```console
//! $ curl -s -D - -o /dev/null localhost:8080/hello | grep ratelimit
//! ratelimit-policy: "hello";q=2;w=60, "api";q=600;w=60…
//! ratelimit: "hello";r=1;t=30, "api";r=99;t=1…
//! $ curl -s localhost:8080/hello
//! hello
//! $ curl -s localhost:8080/hello
//! {…"code":"rate_limited"…}
//! $ curl -s -D - -o /dev/null localhost:8080/hello | grep retry-after
//! retry-after: …
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s 'localhost:8080/export?rows=900' -H "Authorization: Bearer $token"
//! 900 rows
//! $ curl -s 'localhost:8080/export?rows=200' -H "Authorization: Bearer $token"
//! {…"code":"rate_limited"…}
//! $ curl -s 'localhost:8080/export?rows=100' -H "Authorization: Bearer $token"
//! 100 rows
//! ```
//!
//! What is refused costs nothing: whoever waits as long as `Retry-After` says is let in. What goes by the address is counted
//! before anybody is authenticated, so guessing at passwords is limited, too. Several nodes count together once
//! `Builder::rate_counts` names a Redis.

use portcullis_identity::rates::Asking;
use portcullis_identity::{Allow, Api, Authenticated, JsonSchema, Portcullis, Public, Query, RateLimit};
use serde::Deserialize;

async fn hello(_: Public) -> &'static str {
    "hello"
}

#[derive(Deserialize, JsonSchema)]
struct Export {
    /// How many rows.
    #[schemars(range(min = 1, max = 1_000))]
    rows: u32,
}

async fn export(_: Allow<Authenticated>, Query(export): Query<Export>) -> String {
    format!("{} rows", export.rows)
}

/// A row counts as one. What the handler refuses anyway counts as one, too.
fn rows(asking: &Asking<'_>) -> u32 {
    let rows = asking.query().and_then(|query| query.strip_prefix("rows="));
    rows.and_then(|rows| rows.parse().ok()).unwrap_or(1)
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Data", "1.0")
        .get("/hello", hello)
        .rate_limit(RateLimit::by_address("2/minute").named("hello"))
        .get("/export", export)
        .rate_limit(RateLimit::by_user("1000/day").cost_of(rows))
        .nest("/auth", portcullis.routes())
        .rate_limit_all(RateLimit::by_address("600/minute; burst 100"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:rate_limit.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
