//! One route, several kinds of credential: `cargo run -p examples --example jwt_or_api_key`.
//!
//! `Via<…>` says which kinds a route takes; without it a route takes signed tokens, session tokens and API keys. Whatever
//! was presented, the handler gets the same verified caller, and two credentials in one request are refused.

use portcullis::{Allow, Api, ApiKey, Authenticated, Json, Jwt, Portcullis, Via, permissions};

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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:app.db").await?;
    portcullis.serve(api(&portcullis), "127.0.0.1:8080").await?;
    Ok(())
}
