//! The first program of `docs/use-it.md`: accounts, logins, and a route for those who are logged in.
//! `cargo run -p examples --example first`
//!
//! In another terminal:
//!
//! ```console
//! $ curl -s localhost:8080/hello
//! {…"code":"authentication_required"…}
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/hello -H "Authorization: Bearer $token"
//! Hello, anna
//! ```

use portcullis_identity::{Allow, Api, Authenticated, Portcullis};

async fn hello(who: Allow<Authenticated>) -> String {
    let name = who.account().username.as_deref().unwrap_or("you");
    format!("Hello, {name}")
}

/// Every route, behind what the first parameter of its handler asks for.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Notes", "1.0")
        .get("/hello", hello)
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let portcullis = Portcullis::open("sqlite:first.db").await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
