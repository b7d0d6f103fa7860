//! Why a ring can't do what it was asked.

use std::time::Duration;

use crate::fault::Fault;
use crate::key::{Algorithm, InvalidKey, SealError};
use crate::problem::{Details, Refusal};

/// Why the ring can't do what it was asked. The ring is as it was.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The store could not do its work.
    #[error("the signing keys can't be read or written: {0}")]
    Store(#[from] Fault),
    /// A key doesn't open.
    #[error("signing key {kid} can't be opened: {why}")]
    Sealed {
        /// The key's `kid`.
        kid: String,
        /// Why it doesn't open, and what to do.
        why: SealError,
    },
    /// A record names an algorithm this program doesn't know.
    #[error(
        "signing key {kid} is for {algorithm:?}, which this version doesn't know; run the version that made it"
    )]
    UnknownAlgorithm {
        /// The key's `kid`.
        kid: String,
        /// The algorithm's name as it is stored.
        algorithm: String,
    },
    /// A key is none.
    #[error("signing key {kid} is refused: {why}")]
    Invalid {
        /// The key's `kid`.
        kid: String,
        /// What is wrong with it, and what to do.
        why: InvalidKey,
    },
    /// No new key could be made.
    #[error("no new signing key could be made: {0}")]
    Generate(InvalidKey),
    /// There is no current key of the algorithm.
    #[error("the store has no current signing key for {0}; restore its keys from a backup")]
    NoSigner(Algorithm),
    /// A key of that name is in the ring.
    #[error("a key named {0} is in the ring already")]
    Known(String),
    /// The next key is so new that somebody may not know it yet.
    #[error(
        "the next key was published a moment ago, so verifiers may not know it yet; wait {} s, or force the rotation if \
         the current key must stop signing now",
        .0.as_secs() + 1
    )]
    TooSoon(Duration),
    /// Too many keys that signed a moment ago are published still: verifiers elsewhere take no set of any length.
    #[error("{0} retired keys are published still: wait until some have ended, or withdraw them")]
    TooManyRetired(usize),
    /// The key signs, so it can't be withdrawn.
    #[error("key {0} signs: rotate first (forced, if it can't wait), then withdraw it")]
    Signs(String),
    /// The ring was made of given keys and has no store behind it.
    #[error("this key ring is fixed: it has no store to change")]
    Fixed,
}

impl Refusal for KeyringError {
    fn details(&self) -> Details {
        match self {
            Self::Store(fault) => fault.details(),
            Self::TooManyRetired(_) => Details::conflict("too_many_retired"),
            Self::TooSoon(_) => Details::conflict("key_too_new"),
            Self::Signs(_) => Details::conflict("key_signs"),
            _ => Details::internal(),
        }
    }
}
