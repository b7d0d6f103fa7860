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
//! $ curl -s -X PATCH localhost:8080/admin/api/v1/accounts/$anna/attributes -H "Authorization: Bearer $token" -H "$json" -d '{"plan": "pro"}'
//! {…"plan":"pro"…}
//! $ curl -s -D - -o /dev/null localhost:8080/quote -H "Authorization: Bearer $token" | grep ratelimit-policy
//! ratelimit-policy: "plan-minute";q=1000;w=60, "plan-day";q=100000;w=86400…
//! $ curl -s -X PUT localhost:8080/tiers -H "Authorization: Bearer $token" -H "$json" -d '{"free": "10/minute", "pro": "5000/minute"}'
//! {"free":"10/minute","pro":"5000/minute"}
//! $ curl -s -D - -o /dev/null localhost:8080/quote -H "Authorization: Bearer $token" | grep ratelimit-policy
//! ratelimit-policy: "plan";q=5000;w=60…
//! $ curl -s -X PUT localhost:8080/tiers -H "Authorization: Bearer $token" -H "$json" -d '{"free": "10/min", "pro": "lots"}'
//! {…"code":"invalid_tiers","detail":"tier \"free\": …}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use std::collections::BTreeMap;

use portcullis_identity::core::throttle::{InvalidTiers, Limits, Tiers};
use portcullis_identity::rates::Allowance;
use portcullis_identity::{
    Allow, Api, Attribute, Authenticated, Builder, Json, Portcullis, Problem, RateLimit, Result, State,
    permissions,
};

permissions! {
    pub TiersWrite = "tiers:write": "Change what plans allow";
}

/// Which plan an account is on: `free` if there is nothing, or nothing that there is.
pub const PLAN: Attribute<String> = Attribute::new("plan");

async fn quote(_: Allow<Authenticated>) -> &'static str {
    "42"
}

/// All tiers, all at once: they hold for the next request.
async fn change(
    _: Allow<TiersWrite>,
    State(tiers): State<Tiers>,
    Json(new): Json<BTreeMap<String, String>>,
) -> Result<Json<BTreeMap<String, String>>> {
    let wrong = |error: InvalidTiers| Problem::bad_request("invalid_tiers", error.to_string());
    tiers.replace("free", new).map_err(wrong)?;
    let text = |(name, limits): (String, Limits)| (name, limits.to_string());
    Ok(Json(tiers.all().into_iter().map(text).collect()))
}

/// What plans allow, until somebody changes it.
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
        .put("/tiers", change)
        .with_state(tiers.clone())
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

/// What the program knows of an account by itself.
pub fn settings(builder: Builder) -> Builder {
    builder.attribute(PLAN)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = settings(Portcullis::builder().database("sqlite:tiers.db"))
        .open()
        .await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis, &tiers()?), address).await?;
    Ok(())
}
