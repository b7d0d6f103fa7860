//! Passwords: what one must look like, how it is hashed, sealed and verified.
//!
//! Flow: [`PasswordPolicy`] checks the text, the [`Hasher`] sends it to a bounded pool of low-priority threads, Argon2id
//! hashes it, and the hash is sealed with the pepper: an AEAD key that lives outside the database. A dump of the
//! database alone gives nothing to guess against (`T015`), and a hash copied to another account's row doesn't
//! open, because the account's id is bound to it.
//!
//! Invariants: an unknown user costs one hash too (`T012`); a full pool answers at once that it is full (`T013`).
//!
//! **Deliberately absent:** a fast path that skips the hash, and silent truncation of long passwords (`T034`).

mod argon;
mod compute;
mod hasher;
mod policy;
mod pool;
mod rule;

pub use self::argon::{Cost, InvalidCost};
#[doc(hidden)]
pub use self::compute::is_unoptimised;
pub use self::hasher::{HashError, Hasher, PasswordVerdict, Settings};
pub use self::policy::{Broken, Password, PasswordPolicy};
pub use self::rule::{PasswordContext, PasswordRule};

/// A password's Argon2id hash, sealed with the pepper: what the store keeps. Useless without the key outside it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedHash(Vec<u8>);

impl SealedHash {
    /// The sealed bytes, as the store keeps them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What the store gives back.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for SealedHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…sealed…")
    }
}
