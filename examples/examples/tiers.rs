//! Tiers: what a plan allows, as data that is changed while the program runs; who is in which stands in an attribute of the account.
//! `cargo run -p examples --example tiers`
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ anna=$(curl -s localhost:8080/auth/me -H "Authorization: Bearer $token" | grep -o '"id":"[^"]*' | head -n 1 | cut -d '"' -f 4)
//! $ curl -s -D - -o /dev/null localhost:8080/quote -H "Authorization: Bearer $token" | grep ratelimit-policy
//! ratelimit-policy: "plan-minute";q=60;w=60, "plan-day";q=1000;w=86400…
//! $ curl -s -o /dev/null -w '%{http_code}' -X PATCH localhost:8080/admin/api/v1/accounts/$anna/attributes -H "Authorization: Bearer $token" -H "$json" -d '{"plan": "pro"}'
//! 204
//! $ curl -s -D - -o /dev/null localhost:8080/quote -H "Authorization: Bearer $token" | grep ratelimit-policy
//! ratelimit-policy: "plan-minute";q=1000;w=60, "plan-day";q=100000;w=86400…
//! $ curl -s -X PUT localhost:8080/admin/api/v1/tiers -H "Authorization: Bearer $token" -H "$json" -d '{"default": "free", "tiers": {"free": "10/minute", "pro": "5000/minute"}}'
//! {"default":"free","tiers":{"free":"10/minute","pro":"5000/minute"}}
//! $ curl -s -D - -o /dev/null localhost:8080/quote -H "Authorization: Bearer $token" | grep ratelimit-policy
//! ratelimit-policy: "plan";q=5000;w=60…
//! $ curl -s -X PUT localhost:8080/admin/api/v1/tiers -H "Authorization: Bearer $token" -H "$json" -d '{"default": "free", "tiers": {"free": "10/min"}}'
//! {…"code":"invalid_fields"…"field":"/tiers","code":"invalid_tiers"…}
//! ```
//!
//! What is set holds on every node within a second, and after a restart. A program that keeps its plans elsewhere leaves
//! `Builder::tiers` away and calls `Tiers::replace` when they change.
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::core::throttle::{InvalidTiers, Tiers};
use portcullis_identity::rates::Allowance;
use portcullis_identity::{Allow, Api, Attribute, Authenticated, Builder, Portcullis, RateLimit};

/// Which plan an account is on: `free` if there is nothing, or nothing that there is.
pub const PLAN: Attribute<String> = Attribute::new("plan");

async fn quote(_: Allow<Authenticated>) -> &'static str {
    "42"
}

/// What plans allow, until an administrator changes it.
///
/// # Errors
/// All that is wrong with them.
pub fn tiers() -> Result<Tiers, InvalidTiers> {
    Tiers::new(
        "free",
        [
            ("free", "60/minute, 1000/day"),
            ("basic", "300/minute, 10000/day"),
            ("pro", "1000/minute, 100000/day"),
        ],
    )
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis, tiers: &Tiers) -> Api {
    Api::new("Quotes", "1.0")
        .get("/quote", quote)
        .rate_limit(RateLimit::by_user(Allowance::tier_in(tiers, PLAN)).named("plan"))
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

/// What the program knows of an account by itself, and what its plans allow.
pub fn settings(builder: Builder, tiers: &Tiers) -> Builder {
    builder.attribute(PLAN).tiers(tiers)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let tiers = tiers()?;
    let builder = settings(Portcullis::builder().database("sqlite:tiers.db"), &tiers);
    let portcullis = builder.open().await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis, &tiers), address).await?;
    Ok(())
}
