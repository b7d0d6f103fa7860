//! A browser's session in a cookie, and data of somebody who hasn't logged in yet: `cargo run -p examples --example
//! opaque_session`.
//!
//! `POST /auth/login` with `"delivery": "cookie"` sets two cookies: the session's, which no script reads, and beside it the CSRF
//! token. A page sends that token back with every change:
//!
//! ```text
//! const csrf = document.cookie.match(/__Host-shop-csrf=([^;]+)/)[1];
//! await fetch("/orders", { method: "POST", headers: { "X-CSRF-Token": csrf } });
//! ```
//! The session is 256 random bits; the database holds their digest. Ending it, here or from another device, counts
//! from the next request on.
//!
//! In another terminal, with curl as the browser on a page of this program's:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ browse() { curl -s -c jar -b jar -H 'Sec-Fetch-Site: same-origin' "$@"; }
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ browse -X PUT localhost:8080/basket/7
//! [7]
//! $ browse -X PUT localhost:8080/basket/42
//! [7,42]
//! $ browse localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery", "delivery": "cookie"}'
//! {…"session_id":"…"…}
//! $ browse -X POST localhost:8080/orders
//! {…"code":"csrf_token_missing"…}
//! $ csrf=$(grep __Host-shop-csrf jar | cut -f 7)
//! $ browse -X POST localhost:8080/orders -H "X-CSRF-Token: $csrf"
//! … ordered 2 articles
//! ```

use portcullis_identity::cookie::{SameSite, Settings};
use portcullis_identity::core::authz::Authenticated;
use portcullis_identity::{
    Allow, Api, Builder, CookieSession, Json, Path, Portcullis, Problem, Public, Session, Via,
};
use serde::{Deserialize, Serialize};

/// What somebody has put aside, logged in or not. It is sealed into a cookie of its own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Basket {
    articles: Vec<u32>,
}

async fn put(
    _: Public,
    mut basket: CookieSession<Basket>,
    Path(article): Path<u32>,
) -> Result<Json<Vec<u32>>, Problem> {
    let mut articles = basket.get().articles.clone();
    articles.push(article);
    // Refused, and nothing lost, once the cookie is full.
    basket.insert(Basket { articles })?;
    Ok(Json(basket.get().articles.clone()))
}

/// Ordering is for people with a session, and empties the basket.
async fn order(
    who: Allow<Authenticated, Via<Session>>,
    mut basket: CookieSession<Basket>,
) -> Result<String, Problem> {
    let count = basket.get().articles.len();
    basket.clear()?;
    Ok(format!("{} ordered {count} articles", who.id()))
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Shop", "1.0")
        .put("/basket/{article}", put)
        .post("/orders", order)
        .nest("/auth", portcullis.routes())
}

/// Cookies called `__Host-shop…`, and none of them with requests that other sites cause.
pub fn settings(builder: Builder) -> Builder {
    let mut cookies = Settings::default();
    "shop".clone_into(&mut cookies.name);
    cookies.same_site = SameSite::Strict;
    builder.cookies(cookies)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("localhost:8080".to_owned());
    let builder = Portcullis::builder()
        .database("sqlite:opaque_session.db")
        .public_url(format!("http://{address}").parse()?);
    let portcullis = settings(builder).open().await?;
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
