//! Keys for programs: `cargo run -p examples --example api_keys`.
//!
//! A key may do what is in its own list *and* what its owner may do at that moment: whoever loses a permission loses it
//! for all their keys, at once. Its text (`pk_live_…`) is in that one answer and nowhere else.
//!
//! The handlers don't know any of this. They name the permission; a key is one more way to bring it.
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ key=$(curl -s localhost:8080/auth/api-keys -H "Authorization: Bearer $token" -H "$json" -d '{"name": "ci", "permissions": ["reports:read", "reports:delete"]}' | grep -o 'pk_test_[0-9A-Za-z]\{49\}')
//! $ curl -s localhost:8080/reports -H "X-API-Key: $key"
//! a report for the program with the key …
//! $ curl -s -X DELETE localhost:8080/reports -H "X-API-Key: $key"
//! {…"code":"credential_not_accepted"…}
//! $ curl -s -X DELETE localhost:8080/reports -H "Authorization: Bearer $token"
//! gone
//! $ curl -s -X POST localhost:8080/heartbeat -H "X-API-Key: $key"
//! still here
//! ```

// This file shows: AK-1

#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::core::api_key::Format;
use portcullis_identity::{
    Allow, Api, ApiKey, Authenticated, Builder, FreshLogin, Portcullis, Via, permissions,
};

permissions! {
    pub ReportsRead   = "reports:read":   "Read reports";
    pub ReportsDelete = "reports:delete": "Delete reports";
}

/// People read in the browser, programs by key: this route takes both.
async fn read(who: Allow<ReportsRead>) -> String {
    match who.api_key() {
        Some(key) => format!("a report for the program with the key {key}"),
        None => format!("a report for {}", who.id()),
    }
}

/// A key never stands for a login, so no stolen key deletes anything, whatever its list says.
async fn delete(_: Allow<(ReportsDelete, FreshLogin<300>)>) -> &'static str {
    "gone"
}

/// For programs alone.
async fn heartbeat(_: Allow<Authenticated, Via<ApiKey>>) -> &'static str {
    "still here"
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Reports", "1.0")
        .get("/reports", read)
        .delete("/reports", delete)
        .post("/heartbeat", heartbeat)
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

/// Keys of this environment begin with `pk_test_`: one of them that ends up in production is refused there.
pub(crate) fn settings(builder: Builder) -> anyhow::Result<Builder> {
    Ok(builder.api_key_format(Format::new("pk", "test")?))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = settings(Portcullis::builder().database("sqlite:api_keys.db"))?
        .open()
        .await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
