//! The header of what a key signs. A key keeps that of its access tokens encoded: it is the same for all of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Algorithm;

/// The type of an access token.
///
/// Source: RFC 9068 §2.1
pub const ACCESS_TOKEN: &str = "at+jwt";

/// The encoded header of a token.
pub(crate) fn encoded_header(algorithm: Algorithm, kid: Option<&str>, typ: &str) -> String {
    let mut header = Map::new();
    header.insert("alg".into(), algorithm.as_str().into());
    if let Some(kid) = kid {
        header.insert("kid".into(), kid.into());
    }
    header.insert("typ".into(), typ.into());
    URL_SAFE_NO_PAD.encode(Value::Object(header).to_string())
}
