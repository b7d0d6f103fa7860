//! The signing keys, as administrators move them on.

use std::sync::Arc;

use crate::audit;
use crate::authz::{KeysWrite, Permit};
use crate::key::{Keyring, KeyringError, SigningKey};

/// Rotates, imports and withdraws signing keys.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    ring: Arc<Keyring>,
}

impl SigningKeys {
    /// The keys of `ring`.
    pub fn new(ring: Arc<Keyring>) -> Self {
        Self { ring }
    }

    /// Rotates: the current key retires, the next signs, a new one is next. Answers `false` if another node did it
    /// first; the ring is up to date in both cases.
    ///
    /// # Errors
    /// [`KeyringError::TooSoon`] while a verifier may still keep a copy of the published keys without the next one;
    /// other [`KeyringError`]s.
    pub async fn rotate(&self, permit: &Permit<KeysWrite>, by: audit::Context) -> Result<bool, KeyringError> {
        self.ring.rotate(permit.sign(by)).await
    }

    /// [`SigningKeys::rotate`] even if the next key was published a moment ago, for a current key that must stop signing
    /// now. Verifiers elsewhere ask for a name they don't know, but may refuse the new tokens for some seconds.
    ///
    /// # Errors
    /// [`KeyringError::TooManyRetired`] after eight rotations within the life of a token; other [`KeyringError`]s.
    pub async fn rotate_at_once(
        &self,
        permit: &Permit<KeysWrite>,
        by: audit::Context,
    ) -> Result<bool, KeyringError> {
        self.ring.rotate_at_once(permit.sign(by)).await
    }

    /// Takes a key from elsewhere in. The first of its algorithm founds that algorithm's keys and is current; else
    /// the import is a rotation that makes it the *next* key: published at once, signing after one more rotation. The
    /// next key of before signs from now on, however new it is ([`SigningKeys::rotate_at_once`]). Keys of another algorithm
    /// than the ring's never sign, and retire with the former ones.
    /// Answers `false` if another node changed the ring meanwhile; call again.
    ///
    /// # Errors
    /// [`KeyringError::Known`] if the ring has a key of that name; other [`KeyringError`]s.
    pub async fn import(
        &self,
        permit: &Permit<KeysWrite>,
        key: SigningKey,
        by: audit::Context,
    ) -> Result<bool, KeyringError> {
        self.ring.import(key, permit.sign(by)).await
    }

    /// Takes a key out of the ring at once, because somebody else may have it: nothing it signed verifies here any
    /// more, and it is published no more. A next key is replaced by a new one. Answers `false` if there is no such key.
    ///
    /// **Deployment caveat:** services that verify by the published keys honour it until they fetch them again.
    ///
    /// # Errors
    /// [`KeyringError::Signs`] for a current key, as nothing could sign then; other [`KeyringError`]s.
    pub async fn withdraw(
        &self,
        permit: &Permit<KeysWrite>,
        kid: &str,
        by: audit::Context,
    ) -> Result<bool, KeyringError> {
        self.ring.withdraw(kid, permit.sign(by)).await
    }
}
