//! Parts of a program: an API for its customers, one for its own people with a document of its own, and a plain axum router.
//! `cargo run -p examples --example sub_apps`
//!
//! In another terminal:
//!
//! ```console
//! $ curl -s localhost:8080/products
//! ["bread"]
//! $ curl -s localhost:8080/internal/stock
//! {…"code":"authentication_required"…}
//! $ curl -s localhost:8080/internal/openapi.json
//! {…"title":"Warehouse"…"/internal/stock"…}
//! $ curl -s localhost:8080/reports/daily
//! {…"code":"authentication_required"…}
//! $ curl -s localhost:8080/openapi.json
//! {…"/reports/{path}"…"x-portcullis-documents"…}
//! ```

use axum::routing::get;
use portcullis_identity::{Allow, Api, Json, Portcullis, Public, permissions};

permissions! {
    pub StockRead   = "stock:read":   "Read what is in stock";
    pub ReportsRead = "reports:read": "Read reports";
}

async fn list_products(_: Public) -> Json<Vec<&'static str>> {
    Json(vec!["bread"])
}

async fn read_stock(_: Allow<StockRead>) -> Json<u32> {
    Json(7)
}

/// What customers call.
fn shop() -> Api {
    Api::new("Shop", "1.0").get("/products", list_products)
}

/// What the program's own people call: its title, its version, its document and its pages.
fn warehouse() -> Api {
    Api::new("Warehouse", "0.3")
        .about("For the people of the warehouse.")
        .get("/stock", read_stock)
        .group("Stock", "What is there.")
}

/// A router that knows nothing of all this.
fn reports() -> axum::Router {
    axum::Router::new().route("/daily", get(async || "7 loaves"))
}

/// One program: one list of rules, three parts.
pub fn api(portcullis: &Portcullis) -> Api {
    shop()
        .sub("/internal", warehouse())
        .mount::<Allow<ReportsRead>>("/reports", reports())
        .nest("/auth", portcullis.routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:sub_apps.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
