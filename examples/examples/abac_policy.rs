//! Policies as data: who may export a report depends on role, login age, hour and address, and none of it is in the
//! code: `cargo run -p examples --example abac_policy`.
//!
//! The rules are in `policies/*.cedar` beside this program. They are checked against what the routes name when the
//! program starts, and read again whenever they change.
//!
//! Its first start prints a set-up token, which makes the first administrator. In another terminal, with that token in
//! `$SETUP`:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/setup -H "$json" -d '{"token": "'$SETUP'", "username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/reports -H "Authorization: Bearer $token"
//! {…"code":"no_policy_permits"…}
//! $ me=$(curl -s localhost:8080/auth/me -H "Authorization: Bearer $token" | sed 's/.*"id":"\([^"]*\)".*/\1/')
//! $ curl -s localhost:8080/admin/api/v1/roles -H "Authorization: Bearer $token" -H "$json" -d '{"name": "auditor"}'
//! $ curl -s -X PUT localhost:8080/admin/api/v1/accounts/$me/roles/auditor -H "Authorization: Bearer $token"
//! $ curl -s localhost:8080/reports -H "Authorization: Bearer $token"
//! ["January","February"]
//! ```
//! Exporting (`/reports/export`) works between 8 and 18 o'clock UTC, in the first ten minutes after the login.
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::{Allow, Api, Json, Policy, Portcullis, actions};

// The code names what is done. Who may do it, when and from where, is for the policies to say.
actions! {
    pub ReadReports   = "reports:read";
    pub ExportReports = "reports:export";
}

async fn read(_: Allow<Policy<ReadReports>>) -> Json<Vec<&'static str>> {
    Json(vec!["January", "February"])
}

async fn export(who: Allow<Policy<ExportReports>>) -> String {
    format!("all reports, for {}", who.id())
}

/// The routes, and the administrators' ones: `GET /admin/api/v1/policies` shows what is in force.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Reports", "1.0")
        .get("/reports", read)
        .get("/reports/export", export)
        .nest("/auth", portcullis.routes())
        .nest("/admin/api/v1", portcullis.admin_routes())
}

/// The folder of the policies.
pub const POLICIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/policies");

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = Portcullis::builder()
        .database("sqlite:abac_policy.db")
        .policies(POLICIES)
        .open()
        .await?;
    if let Some(token) = portcullis.registrar().offer_setup().await? {
        println!("no administrator yet; set-up token: {}", *token.expose());
    }
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
