//! Policies as data: who may export a report depends on role, login age, hour and address, and none of it is in the
//! code: `cargo run -p examples --example abac_policy`.
//!
//! The rules are in `policies/*.cedar` beside this program. They are checked against what the routes name when the
//! program starts, and read again whenever they change.
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis::{Allow, Api, Json, Policy, Portcullis, actions};

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
        .database("sqlite:app.db")
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
