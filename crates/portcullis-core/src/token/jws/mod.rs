//! JWS in its compact form: `header.payload.signature`, nothing else.
//!
//! Flow of a verification: length, two dots, header, the key's algorithm against the header's, signature; only then
//! is the payload decoded. Whoever calls brings the key: nothing in a token chooses one.
//!
//! **Deliberately absent:** `alg: none`, the JSON serialisation, detached payloads, compression, nested tokens, keys
//! inside or behind headers.

#[cfg(test)]
pub(crate) mod forge;
mod header;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use self::header::Header;
use super::InvalidToken;
pub use crate::key::ACCESS_TOKEN;
use crate::key::{SigningFailed, SigningKey, VerifyingKey, encoded_header};

/// The longest token that is looked at, in bytes: others issue longer ones than is wise.
pub const MAX_LENGTH: usize = 16 * 1024;

/// The longest token that is issued, in bytes. With `Authorization: Bearer ` before it the line has 8,000 bytes: common
/// proxies and servers refuse a header line above 8 KiB, name and all (nginx with 400, gunicorn with 431).
pub const LONGEST_ISSUED: usize = 8_000 - "Authorization: Bearer ".len();

/// Signs `payload` as a token of type `typ`. The header has `alg`, `kid` and `typ`.
///
/// # Errors
/// [`SigningFailed`] if the crypto library fails.
///
/// Source: RFC 7515 §5.1
pub fn sign(key: &SigningKey, typ: &str, payload: &[u8]) -> Result<String, SigningFailed> {
    let made;
    let header = if typ == ACCESS_TOKEN {
        key.verifying().access_header()
    } else {
        made = encoded_header(key.algorithm(), Some(key.kid()), typ);
        &made
    };
    // Room for the longest common signature (RSA with 3,072 bits) as well.
    let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 2 + 514);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// How long the access token of a payload of so many bytes is, signed by `key`.
pub(super) fn access_token_length(key: &SigningKey, payload: usize) -> usize {
    let header = key.verifying().access_header().len();
    header + 2 + encoded_length(payload) + encoded_length(key.signature_length())
}

/// How many characters so many bytes take in base64url without padding.
///
/// Source: RFC 4648 §5
pub(super) const fn encoded_length(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Verifies `token` with exactly this key and gives its payload. Whose key it is, the type and the claims are the
/// caller's to check; for access tokens [`Verifier`](super::Verifier) does.
///
/// # Errors
/// [`InvalidToken::Malformed`], [`InvalidToken::Critical`], [`InvalidToken::UnknownKey`] if the header's algorithm
/// isn't the key's, [`InvalidToken::BadSignature`].
///
/// Source: RFC 7515 §5.2
pub fn verify(key: &VerifyingKey, token: &str) -> Result<Vec<u8>, InvalidToken> {
    let parts = Parts::split(token)?;
    let header = Header::parse(parts.header)?;
    header.agrees(key)?;
    parts.check(key)?;
    parts.payload()
}

/// The three parts of a token, still encoded.
pub(super) struct Parts<'t> {
    pub(super) header: &'t str,
    payload: &'t str,
    signature: &'t str,
    /// Header and payload with the dot between them: what is signed.
    signed: &'t str,
}

impl<'t> Parts<'t> {
    /// Takes a token apart. The length is looked at first: what comes after costs time in proportion to it.
    pub(super) fn split(token: &'t str) -> Result<Self, InvalidToken> {
        crate::defends!("T005");
        if token.len() > MAX_LENGTH {
            return Err(InvalidToken::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidToken::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(InvalidToken::Malformed)?;
        // Looked at byte by byte, without stopping: that compiles to a few wide instructions, where a search for one doesn't.
        let dotted = payload.bytes().fold(false, |found, byte| found | (byte == b'.'));
        if dotted || header.is_empty() || signature.is_empty() {
            return Err(InvalidToken::Malformed);
        }
        Ok(Self {
            header,
            payload,
            signature,
            signed,
        })
    }

    /// Checks the signature of header and payload with this key. The header must agree with the key already.
    pub(super) fn check(&self, key: &VerifyingKey) -> Result<(), InvalidToken> {
        let mut buffer = [0; SIGNATURE_BUFFER];
        let length = URL_SAFE_NO_PAD
            .decode_slice(self.signature, &mut buffer)
            .map_err(|_| InvalidToken::Malformed)?;
        let signature = buffer.get(..length).ok_or(InvalidToken::Malformed)?;
        if key.matches(self.signed.as_bytes(), signature) {
            Ok(())
        } else {
            Err(InvalidToken::BadSignature)
        }
    }

    /// Decodes the payload. Call it after [`Parts::check`] only.
    pub(super) fn payload(&self) -> Result<Vec<u8>, InvalidToken> {
        URL_SAFE_NO_PAD
            .decode(self.payload)
            .map_err(|_| InvalidToken::Malformed)
    }
}

/// The longest signature is that of an RSA key of 8,192 bits, 1,024 bytes; decoding wants room for whole quanta.
const SIGNATURE_BUFFER: usize = 1_032;

#[cfg(test)]
mod tests;
