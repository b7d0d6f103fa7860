//! Signed tokens that other services verify by a published key: `cargo run -p examples --example jwt_rs256`.
//!
//! RS256 signs with a private RSA key and verifies with its public half, so whoever knows the public half can verify
//! and nobody else can sign. The public keys stand at `/.well-known/jwks.json`, each under its name (`kid`); a token's
//! header says which one it was signed with. `ES256` and `EdDSA` do the same with short keys and are made and used in
//! a fraction of the time: choose RS256 for services that know nothing else.
//!
//! Keys roll over without a failed request: the next key is published long before it signs, and a retired one stays
//! published until the last token it signed has ended. `rotate_keys` makes the step by hand.
//!
//! In the words of the catalogue: the Key Manager rotates and publishes, the Cryptographer signs, and the Verifier is
//! here and in every other service. `remote_issuer` is such another service.
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
//! $ curl -s localhost:8080/.well-known/jwks.json
//! {"keys":[{…"kty":"RSA"…},{…"kty":"RSA"…}]}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use portcullis_identity::core::audit::Context;
use portcullis_identity::core::authz::KeysWrite;
use portcullis_identity::core::key::Algorithm;
use portcullis_identity::{Allow, Api, Authenticated, Builder, Jwt, Permit, Portcullis, Via};

/// Nothing but a signed token opens this route.
async fn whoami(who: Allow<Authenticated, Via<Jwt>>) -> String {
    who.id().to_string()
}

/// The one line that chooses the algorithm.
pub fn settings(builder: Builder) -> Builder {
    builder.algorithm(Algorithm::RS256)
}

/// Accounts, the token endpoint, the published keys, and one route of one's own.
pub fn api(portcullis: &Portcullis) -> Api {
    Api::new("Issuer", "1.0")
        .get("/whoami", whoami)
        .nest("/auth", portcullis.routes())
        .nest("/oauth", portcullis.oauth_routes())
        .nest("/.well-known", portcullis.well_known_routes())
}

/// The current key retires, the next one signs, and a new next one is published. Serving does it every 90 days.
///
/// # Errors
/// When the keys can't be written, or the next key was published less than five minutes ago: others may keep a copy of
/// the published keys for so long (`rotate_at_once` doesn't wait).
pub async fn rotate_keys(portcullis: &Portcullis) -> anyhow::Result<bool> {
    let by = Context::operator(portcullis.environment().now());
    let permit = Permit::<KeysWrite>::dangerous_for_operator();
    Ok(portcullis.signing_keys().rotate(&permit, by).await?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let portcullis = settings(Portcullis::builder().database("sqlite:jwt_rs256.db"))
        .open()
        .await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    println!("keys at http://{address}/.well-known/jwks.json");
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
