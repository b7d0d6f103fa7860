//! Signed tokens of one service that verifies them itself: `cargo run -p examples --example jwt_hs256`.
//!
//! HS256 signs and verifies with one shared secret. It is the fastest algorithm there is, and right where nobody but
//! the issuer verifies: whoever could verify could also sign, so the secret is never published and no other service
//! can follow it. Portcullis makes the secret at the first start, 256 random bits, and keeps it sealed in the database.
//!
//! In the words of the catalogue: `Portcullis` holds the Key Manager, the Token Generator and the Verifier; `Allow` is
//! the Enforcer, and what a handler gets is the Principal.
//!
//! In another terminal:
//!
//! ```console
//! $ json='Content-Type: application/json'
//! $ curl -s localhost:8080/auth/register -H "$json" -d '{"username": "anna", "password": "correct horse battery"}'
//! {"id":"…"username":"anna"…}
//! $ token=$(curl -s localhost:8080/auth/login -H "$json" -d '{"identifier": "anna", "password": "correct horse battery"}' | grep -o 'eyJ[^"]*')
//! $ curl -s localhost:8080/whoami -H "Authorization: Bearer $token"
//! …-…-…-…-…
//! $ curl -s localhost:8080/whoami -H "Authorization: Bearer ${token}x"
//! {…"code":"invalid_token"…}
//! $ curl -s localhost:8080/.well-known/jwks.json
//! {"keys":[]}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::core::key::Algorithm;
use portcullis_identity::{Allow, Api, Authenticated, Builder, Jwt, Portcullis, Via};

/// Nothing but a signed token opens this route: no session, no cookie.
async fn whoami(who: Allow<Authenticated, Via<Jwt>>) -> String {
    who.id().to_string()
}

/// The one line that chooses the algorithm. A token can't: its header only repeats what its key is for.
pub fn settings(builder: Builder) -> Builder {
    builder.algorithm(Algorithm::HS256)
}

/// Registering and logging in, the token endpoint, and one route of one's own.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("One service", "1.0")
        .get("/whoami", whoami)
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
        .nest("/.well-known", portcullis.well_known_routes())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = settings(Portcullis::builder().database("sqlite:jwt_hs256.db"))
        .open()
        .await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    println!("log in at http://{address}/auth/login");
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
