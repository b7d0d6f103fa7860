//! One route, several kinds of credential: `cargo run -p examples --example jwt_or_api_key`.
//!
//! `Via<…>` says which kinds a route takes; without it a route takes signed tokens, session tokens and API keys. Whatever
//! was presented, the handler gets the same verified caller, and two credentials in one request are refused.
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ key=$(curl -s localhost:8080/auth/api-keys -H "Authorization: Bearer $token" -H "$json" -d '{"name": "scanner", "permissions": ["stock:read", "stock:write"]}' | grep -o 'pk_live_[0-9A-Za-z]\{49\}')
//! $ curl -s localhost:8080/stock -H "Authorization: Bearer $token"
//! ["bolts","nuts"]
//! $ curl -s localhost:8080/stock -H "X-API-Key: $key"
//! ["bolts","nuts"]
//! $ curl -s -X POST localhost:8080/stock/count -H "X-API-Key: $key"
//! counted by …
//! $ curl -s -X POST localhost:8080/stock/count -H "Authorization: Bearer $token"
//! {…"code":"credential_not_accepted"…}
//! $ curl -s localhost:8080/stock -H "Authorization: Bearer $token" -H "X-API-Key: $key"
//! {…"code":"multiple_credentials"…}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::{Allow, Api, ApiKey, Authenticated, Json, Jwt, Portcullis, Via, permissions};

permissions! {
    pub StockRead  = "stock:read":  "See what is in stock";
    pub StockWrite = "stock:write": "Count what is in stock";
}

/// Apps bring a signed token, programs a key. A browser's session is refused: its cookie travels by itself.
async fn list(_: Allow<StockRead, Via<(Jwt, ApiKey)>>) -> Json<Vec<&'static str>> {
    Json(vec!["bolts", "nuts"])
}

/// The scanner in the warehouse: by key only.
async fn count(who: Allow<StockWrite, Via<ApiKey>>) -> String {
    format!("counted by {}", who.id())
}

/// People only, by signed token.
async fn profile(who: Allow<Authenticated, Via<Jwt>>) -> String {
    who.id().to_string()
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Stock", "1.0")
        .get("/stock", list)
        .post("/stock/count", count)
        .get("/profile", profile)
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:jwt_or_api_key.db").await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
