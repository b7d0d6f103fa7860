//! The published keys, as the document describes them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

/// A JWK set: written by the keyring, described here.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct JwkSet(pub(super) Value);

impl JsonSchema for JwkSet {
    fn schema_name() -> Cow<'static, str> {
        "JwkSet".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Shape::json_schema(generator)
    }
}

/// The public keys (RFC 7517 §5).
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Shape {
    /// The keys that verify what this server signs now, signed before, or will sign next.
    keys: Vec<Jwk>,
}

/// A public key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only described")]
struct Jwk {
    /// The family: `EC`, `RSA` or `OKP`.
    kty: String,
    /// What tokens name the key by.
    kid: String,
    /// `sig`: it verifies signatures.
    #[serde(rename = "use")]
    usage: String,
    /// The one algorithm it is for.
    alg: String,
    /// The curve, of `EC` and `OKP`.
    crv: Option<String>,
    /// A coordinate, of `EC` and `OKP`.
    x: Option<String>,
    /// The other coordinate, of `EC`.
    y: Option<String>,
    /// The modulus, of `RSA`.
    n: Option<String>,
    /// The exponent, of `RSA`.
    e: Option<String>,
}
