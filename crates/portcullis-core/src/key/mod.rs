//! Keys: the ring that signs, the public set that others verify with, and the sealer that keeps secrets at rest.
//!
//! A key knows its algorithm; a token never chooses one. Private keys rest in the store sealed under the master
//! key, which lives outside it.

pub mod algorithm;
pub mod jwk;
pub mod keyring;
pub mod sealer;

use async_trait::async_trait;

pub use self::algorithm::Algorithm;
pub use self::keyring::Keyring;
pub use self::sealer::{MasterKey, Sealed, Sealer};
use crate::audit;
use crate::environment::Timestamp;
use crate::fault::Fault;

/// Where a key stands in its life. A key only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Published, not signing yet: verifiers get to know it.
    Next,
    /// Signs.
    Current,
    /// Signs no more; still verifies what it signed.
    Retired,
}

impl Phase {
    /// The stored form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Next, Self::Current, Self::Retired]
            .into_iter()
            .find(|p| p.as_str() == text)
    }
}

/// A signing key as the store keeps it: the private part is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key's `kid`: its RFC 7638 thumbprint, or for a shared secret a random name.
    pub kid: String,
    /// The JWA name of its algorithm.
    pub algorithm: String,
    /// PKCS#8 (or the raw secret of an HMAC key), sealed under the master key with the `kid` as associated data.
    pub sealed: Vec<u8>,
    /// Where it stands.
    pub phase: Phase,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a retired key is deleted; every token it signed has expired by then.
    pub delete_at: Option<Timestamp>,
}

/// Where signing keys are kept. Every verb that changes the ring invalidates [`Keys`](crate::invalidation::Invalidation::Keys).
#[async_trait]
pub trait Store: Send + Sync {
    /// All keys, oldest first.
    async fn load(&self) -> Result<Vec<Record>, Fault>;

    /// Adds the ring's first keys if there is none of that algorithm yet (two nodes may start at once); answers
    /// the ring as it is then.
    async fn found(&self, records: Vec<Record>, by: audit::Context) -> Result<Vec<Record>, Fault>;

    /// Rotates: the current key of the algorithm retires (until `delete_retired_at`), the next becomes current,
    /// `next` is added as next. Answers `false`, and changes nothing, unless `expected_current` still is the
    /// current key's `kid`: two nodes never rotate twice.
    async fn rotate(
        &self,
        expected_current: String,
        next: Record,
        delete_retired_at: Timestamp,
        by: audit::Context,
    ) -> Result<bool, Fault>;

    /// Deletes retired keys whose time has come. Answers how many.
    async fn delete_retired(&self, now: Timestamp) -> Result<u64, Fault>;

    /// Replaces the sealed bytes of a key if they still are `old`: for a new master key.
    async fn reseal(&self, kid: String, old: Vec<u8>, new: Vec<u8>) -> Result<bool, Fault>;
}
