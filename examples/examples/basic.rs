//! HTTP Basic, for a program that can do nothing else: `cargo run -p examples --example basic`.
//!
//! A route takes a password with every request only if its signature says so: `Via<Basic>`, or `Via<(Jwt, Basic)>` for a mix.
//! The first request costs a hash, like a login; those after it don't, until the password or the account changes.
//! Browsers remember such a password and attach it by themselves, so changes from other sites' pages are refused.
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ curl -s -u anna:'correct horse battery' localhost:8080/metrics
//! requests 42
//! $ curl -s -u anna:guessed localhost:8080/metrics
//! {…"code":"invalid_token"…}
//! $ curl -s -u anna:'correct horse battery' localhost:8080/whoami
//! … by basic
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::{Allow, Api, Authenticated, Basic, FreshLogin, Jwt, Portcullis, Via, permissions};

permissions! {
    /// Who may read what the machine does.
    pub MetricsRead = "metrics:read": "Read metrics";
}

/// By password alone.
async fn metrics(_: Allow<MetricsRead, Via<Basic>>) -> &'static str {
    "requests 42\n"
}

/// By token or by password: the handler doesn't care.
async fn whoami(who: Allow<Authenticated, Via<(Jwt, Basic)>>) -> String {
    format!("{} by {}", who.id(), who.kind().as_str())
}

/// A stored password acts without anybody there: it is never a fresh login, and only a token gets in.
async fn reset(_: Allow<(MetricsRead, FreshLogin<300>), Via<(Jwt, Basic)>>) -> &'static str {
    "requests 0\n"
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Metrics", "1.0")
        .get("/metrics", metrics)
        .get("/whoami", whoami)
        .delete("/metrics", reset)
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::open("sqlite:basic.db").await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
