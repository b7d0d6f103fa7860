//! The header of a token: read strictly, believed in nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::InvalidToken;
use crate::key::{Algorithm, VerifyingKey, strict};

/// What a token says of itself. It selects a key by name and must agree with that key; it decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `alg`; `None` for one that no key of ours could have, `none` among them.
    pub algorithm: Option<Algorithm>,
    /// `kid`: the name of the key it says to be signed with (RFC 7515 §4.1.4); `None` if it names none.
    pub kid: Option<String>,
    /// `typ`: what kind of token it says to be (RFC 7515 §4.1.9); `None` if it doesn't say.
    pub typ: Option<String>,
    /// `cty`: there is another token inside.
    pub content_type: Option<String>,
}

impl Header {
    /// Reads an encoded header.
    ///
    /// # Errors
    /// [`InvalidToken::Critical`] for any `crit`: there is no extension we know. [`InvalidToken::Malformed`] for
    /// anything but a JSON object that names each member once, and for a header that brings or points to a key, a
    /// compression or another encoding of the payload.
    ///
    /// Source: RFC 7515 §4, RFC 7797 §3
    pub fn parse(encoded: &str) -> Result<Self, InvalidToken> {
        let bytes = URL_SAFE_NO_PAD
            .decode(encoded)
            .map_err(|_| InvalidToken::Malformed)?;
        let members = strict::object(&bytes).ok_or(InvalidToken::Malformed)?;
        if members.contains_key("crit") {
            return Err(InvalidToken::Critical);
        }
        if REFUSED.iter().any(|name| members.contains_key(*name)) {
            crate::defends!("T002");
            return Err(InvalidToken::Malformed);
        }
        let algorithm = text(&members, "alg")?.ok_or(InvalidToken::Malformed)?;
        Ok(Self {
            algorithm: Algorithm::parse_foreign(&algorithm),
            kid: text(&members, "kid")?,
            typ: text(&members, "typ")?,
            content_type: text(&members, "cty")?,
        })
    }

    /// Whether the header's algorithm is the key's.
    ///
    /// # Errors
    /// [`InvalidToken::UnknownKey`] if it isn't.
    ///
    /// Source: RFC 8725 §3.1
    pub fn agrees(&self, key: &VerifyingKey) -> Result<(), InvalidToken> {
        crate::defends!("T001");
        if self.algorithm == Some(key.algorithm()) {
            Ok(())
        } else {
            Err(InvalidToken::UnknownKey)
        }
    }

    /// Whether the header's type is `wanted`, in any case and with or without `application/`.
    ///
    /// Source: RFC 7515 §4.1.9, RFC 8725 §3.11
    pub fn is_type(&self, wanted: &str) -> bool {
        let Some(typ) = &self.typ else { return false };
        let short = match typ.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
            _ => typ,
        };
        short.eq_ignore_ascii_case(wanted)
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Result<Option<String>, InvalidToken> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(InvalidToken::Malformed),
    }
}

const PREFIX: &str = "application/";

/// Members that bring a key, lead to one, or change what the payload is.
const REFUSED: [&str; 6] = ["jwk", "jku", "x5u", "x5c", "b64", "zip"];
