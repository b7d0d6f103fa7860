//! Requests that partners sign: `cargo run -p examples --example hmac_requests`.
//!
//! A partner has a secret, or an Ed25519 key of their own, and signs each request: method, host, path, query, the body's digest, the
//! time and a nonce. Whoever reads the request on its way can't change it, nor send it again. Partners need no account here: a
//! caller is the name that the program gives the key, with the permissions that it says.
//!
//! Libraries of many languages speak RFC 9421; for callers that can't there is the simple form, six lines and one HMAC:
//!
//! ```console
//! $ body='{"sku": "a-1"}' time=$(date +%s) nonce=$(openssl rand -hex 16) secret='only to try this out, never for real'
//! $ digest=$(printf %s "$body" | openssl dgst -sha256 -r | cut -c1-64)
//! $ signature=$(printf 'POST\n/orders\n\n%s\n%s\n%s' $digest $time $nonce | openssl dgst -sha256 -hmac "$secret" -r | cut -c1-64)
//! $ order() { curl -s localhost:8080/orders -H 'Content-Type: application/json' -d "$1" -H "X-Key-Id: acme-1" -H "X-Timestamp: $time" -H "X-Nonce: $nonce" -H "X-Content-SHA256: $digest" -H "X-Signature: $signature"; }
//! $ order '{"sku": "b-2"}'
//! {…"code":"digest_mismatch"…}
//! $ nonce=$(openssl rand -hex 16)
//! $ signature=$(printf 'POST\n/orders\n\n%s\n%s\n%s' $digest $time $nonce | openssl dgst -sha256 -hmac "$secret" -r | cut -c1-64)
//! $ order "$body"
//! acme ordered a-1
//! $ order "$body"
//! {…"code":"signature_replayed"…}
//! ```
#![allow(clippy::print_stdout, reason = "it speaks to whoever starts it")]

use std::sync::Arc;

use portcullis_identity::core::authz::Permission as _;
use portcullis_identity::core::secret::SecretBytes;
use portcullis_identity::core::signature::{InvalidSigner, KeyList, KnownKey, Settings, SimpleForm};
use portcullis_identity::{Allow, Api, Builder, Json, Portcullis, Signed, permissions};
use schemars::JsonSchema;
use serde::Deserialize;

permissions! {
    pub OrdersWrite = "orders:write": "Order something";
}

/// What a partner orders.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    /// The number of the article.
    sku: String,
}

async fn order(who: Allow<(Signed, OrdersWrite)>, Json(order): Json<Order>) -> String {
    let partner = who.signer().and_then(|signer| signer.caller.as_deref());
    format!("{} ordered {}", partner.unwrap_or_default(), order.sku)
}

/// In a program of yours the keys come from its configuration or its own table: `Keys` is a trait with one function.
///
/// # Errors
/// [`InvalidSigner`] if the secret is too short.
pub fn keys() -> Result<KeyList, InvalidSigner> {
    let secret = SecretBytes::new(b"only to try this out, never for real".to_vec());
    let acme = KnownKey::hmac_sha256("acme", secret)?.may([OrdersWrite::PERMISSION.name]);
    Ok(KeyList::new().with("acme-1", acme))
}

/// Signatures by RFC 9421, and in the simple form.
pub fn settings(builder: Builder, keys: KeyList) -> Builder {
    let mut settings = Settings::default();
    settings.simple = Some(SimpleForm::default());
    builder.signed_requests(Arc::new(keys), settings)
}

/// One route, for partners.
pub fn api(_: &Portcullis) -> Api {
    Api::new("Orders", "1.0").post("/orders", order)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let builder = Portcullis::builder().database("sqlite:hmac_requests.db");
    let portcullis = settings(builder, keys()?).open().await?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    println!("orders are taken at http://{address}/orders");
    portcullis.serve(api(&portcullis), address).await?;
    Ok(())
}
