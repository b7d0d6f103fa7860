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

use portcullis::cookie::{SameSite, Settings};
use portcullis::core::access::Authenticated;
use portcullis::{Allow, Api, Builder, CookieSession, Json, Path, Portcullis, Problem, Public, Session, Via};
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
    let builder = Portcullis::builder()
        .database("sqlite:app.db")
        .public_url("http://localhost:8080".parse()?);
    let portcullis = settings(builder).open().await?;
    portcullis.serve(api(&portcullis), "127.0.0.1:8080").await?;
    Ok(())
}
