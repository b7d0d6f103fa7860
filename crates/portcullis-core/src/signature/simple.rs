//! The simple form: six lines, signed.
//!
//! ```text
//! POST
//! /orders
//! page=1&size=20
//! <SHA-256 of the body, 64 hexadecimal digits>
//! 1700000000
//! 5f1c0e3a9b
//! ```
//!
//! Method, path and query as they are sent, no newline at the end. The signature is HMAC-SHA256 (or Ed25519) of these bytes, in
//! hexadecimal. The digest of a request without a body is that of no bytes. It is for callers that can't speak RFC 9421; what it
//! leaves out is the host, so a key is for one host.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};

use super::parameters::bounded;
use super::refused::{Part, Unsigned};
use super::verify::Claimed;
use super::{BodyDigest, Fields, Request};
use crate::environment::Timestamp;

/// The names of the headers of the simple form, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleForm {
    /// The id of the key: `x-key-id`.
    pub key_id: Cow<'static, str>,
    /// When it was signed, in whole seconds since 1970: `x-timestamp`.
    pub timestamp: Cow<'static, str>,
    /// What makes it good once: `x-nonce`.
    pub nonce: Cow<'static, str>,
    /// SHA-256 of the body in hexadecimal: `x-content-sha256`. Needed where there is a body.
    pub digest: Cow<'static, str>,
    /// The signature in hexadecimal: `x-signature`.
    pub signature: Cow<'static, str>,
}

impl Default for SimpleForm {
    fn default() -> Self {
        Self {
            key_id: "x-key-id".into(),
            timestamp: "x-timestamp".into(),
            nonce: "x-nonce".into(),
            digest: "x-content-sha256".into(),
            signature: "x-signature".into(),
        }
    }
}

impl SimpleForm {
    /// Whether the request is signed so.
    pub(super) fn is_used(&self, fields: &dyn Fields) -> bool {
        fields.combined(&self.signature).is_some()
    }

    pub(super) fn is_valid(&self) -> bool {
        let names = [
            &self.key_id,
            &self.timestamp,
            &self.nonce,
            &self.digest,
            &self.signature,
        ];
        let different = names
            .iter()
            .enumerate()
            .all(|(index, name)| !names.iter().take(index).any(|known| known == name));
        let written = |name: &str| {
            let belongs = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !name.is_empty() && name.bytes().all(belongs)
        };
        different && names.iter().all(|name| written(name))
    }

    /// What the request claims.
    pub(super) fn read(&self, request: &Request<'_>, has_body: bool) -> Result<Claimed, Unsigned> {
        let field = |name: &str| {
            let value = request.fields.combined(name)?;
            String::from_utf8(value.into_owned()).ok()
        };
        let lacks = |name: &str| Unsigned::lacks(name);
        let key_id = field(&self.key_id).ok_or_else(|| lacks(&self.key_id))?;
        let nonce = field(&self.nonce).ok_or_else(|| lacks(&self.nonce))?;
        let written = field(&self.timestamp).ok_or_else(|| lacks(&self.timestamp))?;
        let created = seconds(&written).ok_or(MALFORMED_TIME)?;
        let said = field(&self.digest);
        let digest = match &said {
            Some(said) => unhex(said)
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(MALFORMED_DIGEST)?,
            None if has_body => return Err(lacks(&self.digest)),
            None => nothing(),
        };
        let signature = field(&self.signature).ok_or_else(|| lacks(&self.signature))?;
        let signature = unhex(&signature).ok_or(MALFORMED_SIGNATURE)?;
        let lines = text(request, &digest, &written, &nonce);
        Ok(Claimed {
            key_id: bounded(Some(key_id), Part::KeyId)?,
            nonce: bounded(Some(nonce), Part::Nonce)?,
            created,
            expires: None,
            alg: None,
            tag: None,
            base: lines.into_bytes(),
            signature,
            digest: Some(BodyDigest::of_sha256(digest)),
        })
    }
}

/// What is signed.
pub(super) fn text(request: &Request<'_>, digest: &[u8; 32], timestamp: &str, nonce: &str) -> String {
    let (method, path) = (request.method, request.path);
    let query = request.query.unwrap_or_default();
    format!("{method}\n{path}\n{query}\n{}\n{timestamp}\n{nonce}", hex(digest))
}

/// SHA-256 of no bytes.
fn nothing() -> [u8; 32] {
    of_body(b"")
}

pub(super) fn of_body(body: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, body).as_ref());
    bytes
}

/// Whole seconds, in one spelling.
fn seconds(text: &str) -> Option<Timestamp> {
    let plain = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || text.starts_with('0') {
        return None;
    }
    text.parse().ok().map(Timestamp::from_seconds)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal digits, large or small.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 128 {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

const MALFORMED_TIME: Unsigned = Unsigned::Malformed(
    "the timestamp",
    "it is the number of whole seconds since 1970, in digits",
);
const MALFORMED_DIGEST: Unsigned =
    Unsigned::Malformed("the body's digest", "it is SHA-256 in 64 hexadecimal digits");
const MALFORMED_SIGNATURE: Unsigned =
    Unsigned::Malformed("the signature", "it is written in hexadecimal digits");
