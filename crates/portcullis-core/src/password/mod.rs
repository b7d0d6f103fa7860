//! Passwords: what one must look like, how it is hashed, sealed and verified.

/// A password's Argon2id hash, sealed with the pepper: what the store keeps. Useless without the key outside it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedHash(Vec<u8>);

impl SealedHash {
    /// The stored bytes.
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
