//! Identifier and password: register, log in, and use what the login gave. `cargo run -p examples --example password`.
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "too short"}'
//! {…"code":"password_too_short"…}
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/diary -H "Authorization: Bearer $token"
//! Dear anna, nothing happened today.
//! ```
//! Portcullis hashes, compares and slows down; this program only says how long a password must be, and what a
//! logged-in person sees.

use portcullis_identity::core::password::PasswordPolicy;
use portcullis_identity::{Allow, Api, Authenticated, Builder, Portcullis};

/// Whoever has logged in sees their own diary: the identity comes from the credential, never from the request.
async fn diary(who: Allow<Authenticated>) -> String {
    let name = who.account().username.as_deref().unwrap_or("you");
    format!("Dear {name}, nothing happened today.")
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Diary", "1.0")
        .get("/diary", diary)
        .nest("/auth", portcullis.routes())
}

/// Longer passwords than the 8 characters that are asked for unless said otherwise.
pub fn settings(builder: Builder) -> Builder {
    let mut policy = PasswordPolicy::default();
    policy.min_characters = 15;
    builder.password_policy(policy)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let builder = Portcullis::builder().database("sqlite:password.db");
    let portcullis = settings(builder).open().await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
