//! The sealer: what rests in the store and must be read again is encrypted under the master key.
//!
//! ```text
//! sealed = version(1) ‖ length of id ‖ id ‖ nonce(12) ‖ AES-256-GCM-SIV(key, nonce, plaintext)
//! key    = HKDF-SHA-256(master key, "seal:" ‖ purpose)
//! ```
//! Everything before the nonce, and what the caller says the secret belongs to, is authenticated with it: a sealed
//! key moved to another record, or a password hash offered as a key, doesn't open. GCM-SIV because the nonce is
//! random: should one ever repeat, nothing but the equality of two plaintexts is given away.
//!
//! The id inside tells which key of the ring opens it, so a ring can be rotated while everything stays readable.
//!
//! **Deliberately absent:** sealing without a purpose, a password as a master key.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize;

use super::master::MasterKey;
use crate::environment::Environment;
use crate::secret::SecretBytes;

/// A sealed secret, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…sealed…")
    }
}

/// Why a secret can't be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Not what a sealer wrote.
    #[error(
        "the sealed secret is damaged, or from a newer version: restore it from a backup, or run that version"
    )]
    Malformed,
    /// Sealed under a key that isn't in the ring.
    #[error(
        "the secret is sealed under master key {0}, which isn't in the secrets file: it belongs to another secrets file; \
         take that one, or add its line again"
    )]
    UnknownKey(String),
    /// It doesn't open: another key of the same id, another purpose, another record, or changed bytes.
    #[error("the sealed secret doesn't open: it was changed or moved, or the secrets file is another one's")]
    Refused,
    /// The crypto library could not seal.
    #[error("the crypto library could not seal the secret")]
    Failed,
}

/// Role: cryptographer of secrets at rest.
pub struct Sealer {
    ring: MasterKey,
    environment: Environment,
}

impl Sealer {
    /// A sealer under `ring`, with nonces from `environment`.
    pub fn new(ring: MasterKey, environment: Environment) -> Self {
        Self { ring, environment }
    }

    /// Seals `plaintext` under the current key. `purpose` is a constant of the calling slice, `associated` what the
    /// secret belongs to (a `kid`, an account's id); both are needed again to open it.
    ///
    /// # Errors
    /// [`SealError::Failed`] if the crypto library can't seal.
    pub fn seal(&self, purpose: &str, associated: &[u8], plaintext: &[u8]) -> Result<Sealed, SealError> {
        crate::defends!("T015");
        let id = self.ring.current_id();
        let key = self.key(id, purpose)?;
        let mut out = Vec::with_capacity(2 + id.len() + NONCE + plaintext.len() + TAG);
        out.push(VERSION);
        out.push(u8::try_from(id.len()).map_err(|_| SealError::Failed)?);
        out.extend_from_slice(id.as_bytes());
        let aad = Aad::from([&out[..], associated].concat());
        let nonce: [u8; NONCE] = self.environment.bytes();
        out.extend_from_slice(&nonce);
        let body = out.len();
        out.extend_from_slice(plaintext);
        let (_, in_out) = out.split_at_mut(body);
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad, in_out)
            .map_err(|_| SealError::Failed)?;
        out.extend_from_slice(tag.as_ref());
        Ok(Sealed(out))
    }

    /// Opens what [`Sealer::seal`] wrote for the same purpose and owner, under whichever key of the ring.
    ///
    /// # Errors
    /// [`SealError`]; nothing of the secret is given out then.
    pub fn open(&self, purpose: &str, associated: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealError> {
        let (id, rest) = split(sealed)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Malformed)?;
        let header = sealed.get(..2 + id.len()).ok_or(SealError::Malformed)?;
        let aad = Aad::from([header, associated].concat());
        let mut body = body.to_vec();
        let opened =
            self.key(id, purpose)?
                .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut body);
        let opened = opened.map(|plaintext| SecretBytes::new(plaintext.to_vec()));
        body.zeroize();
        opened.map_err(|_| SealError::Refused)
    }

    /// Whether the secret should be sealed anew: it is sealed under another key than the current one.
    pub fn needs_reseal(&self, sealed: &[u8]) -> bool {
        split(sealed).is_ok_and(|(id, _)| id != self.ring.current_id())
    }

    /// A key for another use than sealing, one for every key of the ring, current first. Each `label` gives keys
    /// of its own, unrelated to all others.
    pub fn derive(&self, label: &str) -> Vec<SecretBytes> {
        self.ring.expand_all("derive", label)
    }

    /// The id of the key that seals, for reports.
    pub fn current_id(&self) -> &str {
        self.ring.current_id()
    }

    fn key(&self, id: &str, purpose: &str) -> Result<LessSafeKey, SealError> {
        crate::defends!("T014");
        let key = self
            .ring
            .expand(id, "seal", purpose)
            .ok_or_else(|| SealError::UnknownKey(id.to_owned()))?;
        UnboundKey::new(&AES_256_GCM_SIV, key.expose())
            .map(LessSafeKey::new)
            .map_err(|_| SealError::Failed)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sealer").field(&self.ring).finish()
    }
}

/// The id of the key, and what follows it.
fn split(sealed: &[u8]) -> Result<(&str, &[u8]), SealError> {
    let [VERSION, length, rest @ ..] = sealed else {
        return Err(SealError::Malformed);
    };
    let (id, rest) = rest
        .split_at_checked(usize::from(*length))
        .ok_or(SealError::Malformed)?;
    let id = std::str::from_utf8(id)
        .ok()
        .filter(|id| id.bytes().all(|b| b.is_ascii_graphic()));
    Ok((id.ok_or(SealError::Malformed)?, rest))
}

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

#[cfg(test)]
mod tests;
