//! Keys: the ring that signs, the public set that others verify with, and the sealer that keeps secrets at rest.
//!
//! A key knows its algorithm; a token never chooses one. Private keys rest in the store sealed under the master
//! key, which lives outside it.

pub mod algorithm;
mod der;
#[cfg(test)]
pub(crate) mod fakes;
mod header;
pub mod jwk;
pub mod keyring;
mod master;
pub mod remote;
mod roca;
pub mod sealer;
mod signing;
pub(crate) mod strict;
mod verifying;

pub use self::algorithm::Algorithm;
pub use self::header::ACCESS_TOKEN;
pub(crate) use self::header::encoded_header;
pub use self::keyring::{Keyring, KeyringError};
pub use self::master::{InvalidMasterKey, MasterKey};
pub use self::remote::{Fetch, RemoteKeys};
pub use self::sealer::{SealError, Sealed, Sealer};
pub use self::signing::{SigningFailed, SigningKey};
pub(crate) use self::verifying::valid_kid;
pub use self::verifying::{HmacSecret, VerifyingKey};
use crate::audit;
use crate::environment::Timestamp;
use crate::port::port;

/// Where a key stands in its life. A key only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Published, not signing yet: verifiers get to know it.
    Next,
    /// Published, and the one that signs.
    Current,
    /// Signs no more; still verifies what it signed.
    Retired,
}

impl Phase {
    /// The word that is stored, and shown to people; [`Phase::parse`] reads it.
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

/// Why a key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not a JSON object of the right members, or a member is named twice.
    #[error("the key isn't a JWK: it must be a JSON object that names each member once")]
    Json,
    /// Not a PEM text of the right kind; the reason says what to do.
    #[error("the key can't be read: {0}")]
    Pem(&'static str),
    /// A key type, curve or algorithm this program doesn't know.
    #[error("the key is of an unknown type; use RSA, EC P-256, EC P-384, Ed25519 or a shared secret")]
    Unknown,
    /// The key type leaves a choice of algorithms and neither key nor caller makes it.
    #[error("the key doesn't say its algorithm; name one")]
    AlgorithmNeeded,
    /// The key is none of this algorithm.
    #[error("the key isn't one for {0}; check the algorithm, and that the file holds the right key")]
    Family(Algorithm),
    /// `use` or `key_ops` forbids the use.
    #[error("the key isn't meant for signatures: see its use and key_ops")]
    Use,
    /// Where a public key belongs stands a private key or a shared secret.
    #[error("this is a private key; give the public one only")]
    Private,
    /// Bytes that everybody may know are offered as a shared secret.
    #[error("a public key is no shared secret; generate random bytes")]
    PublicAsSecret,
    /// Too short, or a number or point that protects nothing.
    #[error(
        "the key is too weak for {0}: RSA needs 2,048 bits, a shared secret as many as the hash, and no point of small order is a key"
    )]
    Weak(Algorithm),
    /// An RSA key of a family of chips and cards whose private half follows from the public one (CVE-2017-15361).
    #[error(
        "the key was made by a chip whose RSA keys can be broken (ROCA, CVE-2017-15361); make another, on other hardware"
    )]
    Roca,
    /// An algorithm that is only verified, where others sign with it.
    #[error("{0} is verified where other issuers use it, and signs nothing here; use RS256 or PS256")]
    VerifiedOnly(Algorithm),
    /// A name that is missing, used twice, or can't stand in a header.
    #[error("the key's kid must be unique and have 1 to 128 visible ASCII characters")]
    Kid,
    /// The numbers of the key don't belong together.
    #[error("the key's numbers are damaged or don't belong together")]
    Malformed,
    /// The crypto library could not make or write the key.
    #[error("the crypto library could not make the key; try again")]
    Generate,
}

/// A signing key as the store keeps it: the private part is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key's `kid`: its RFC 7638 thumbprint, for a shared secret a random name, for an import the name it came with.
    pub kid: String,
    /// The JWA name of its algorithm.
    pub algorithm: String,
    /// PKCS#8 (or the raw secret of an HMAC key), sealed under the master key and bound to algorithm and `kid`.
    pub sealed: Vec<u8>,
    /// Where the key stands in its life.
    pub phase: Phase,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a retired key is deleted; every token it signed has expired by then.
    pub delete_at: Option<Timestamp>,
}

port! {
    /// Where signing keys are kept. Every verb that changes the ring invalidates [`Keys`](crate::invalidation::Invalidation::Keys).
    pub trait Store => key_port;

    /// All keys, oldest first.
    read fn load() -> Vec<KeyRecord>;

    /// Adds the ring's first keys if there is none of that algorithm yet but retired ones (two nodes may start at
    /// once); answers the ring as it is then.
    write fn initialize(records: Vec<KeyRecord>, by: audit::Context) -> Vec<KeyRecord>;

    /// Rotates: the current key of the algorithm retires (until `delete_retired_at`), the next becomes current,
    /// `next` is added as next. Answers `false`, and changes nothing, unless `expected_current` still is the
    /// current key's `kid`: two nodes never rotate twice.
    write fn rotate(
        expected_current: String,
        next: KeyRecord,
        delete_retired_at: Timestamp,
        by: audit::Context,
    ) -> bool;

    /// Retires all keys of other algorithms than this one that aren't retired yet, the next ones too, until
    /// `delete_at` ([`audit::Action::KeyRetired`] for each). Answers how many.
    write fn retire_others(algorithm: String, delete_at: Timestamp, by: audit::Context) -> u64;

    /// Deletes a key that doesn't sign ([`audit::Action::KeyWithdrawn`]); where it was the next one, `replacement`
    /// takes its place. Answers `false`, and changes nothing, if there is no such key, or it is current, or it is next
    /// and there is no replacement.
    write fn withdraw(kid: String, replacement: Option<KeyRecord>, by: audit::Context) -> bool;

    /// Deletes retired keys whose time has come. Answers how many.
    write fn delete_retired(now: Timestamp) -> u64;

    /// Replaces the sealed bytes of a key if they still are `old`: for a new master key.
    write fn reseal(kid: String, old: Vec<u8>, new: Vec<u8>) -> bool;
}
