//! Tokens no issuer of ours would make, well signed: what an attacker with a key, or a careless issuer, sends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::key::SigningKey;

/// The bytes in base64url without padding (RFC 4648 §5).
pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of exactly this header and payload, signed by `sign`.
pub(crate) fn token_of(header: &str, payload: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let input = format!("{}.{}", b64(header), b64(payload));
    format!("{input}.{}", b64(sign(input.as_bytes())))
}

/// A token of exactly this header and payload, signed by `key`.
pub(crate) fn signed(key: &SigningKey, header: &str, payload: &[u8]) -> String {
    token_of(header, payload, |input| key.sign(input).unwrap())
}

/// The header of the key's access tokens, with one member set to something else; `null` removes it.
pub(crate) fn header_with(key: &SigningKey, name: &str, value: Value) -> String {
    let mut header = serde_json::json!({
        "alg": key.algorithm().as_str(), "kid": key.kid(), "typ": super::ACCESS_TOKEN,
    });
    let members = header.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    header.to_string()
}
