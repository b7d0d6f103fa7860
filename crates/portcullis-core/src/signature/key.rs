//! The keys of callers, and where a program keeps them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;

use crate::defends;
use crate::fault::Fault;
use crate::key::{Algorithm, HmacSecret, InvalidKey, VerifyingKey, jwk};
use crate::secret::SecretBytes;

/// Knows the keys that callers sign with.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The key of this id; `None` if there is none, or none any more. Asked for every signed request, and again while a long
    /// body comes: what is slow to find is worth remembering.
    async fn find(&self, key_id: &str) -> Result<Option<KnownKey>, Fault>;
}

/// Why a key can't be one that requests are signed with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSigner {
    /// Another algorithm.
    #[error("requests are signed with HS256 (hmac-sha256) or EdDSA (ed25519): {0} isn't offered")]
    Algorithm(Algorithm),
    /// The key itself is none.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// The caller has no name, or one that is too long.
    #[error("a caller's name has 1 to {MAX_NAME} bytes")]
    Name,
}

/// A caller's key: what it verifies with, whose it is, and what they may do.
#[derive(Clone)]
pub struct KnownKey {
    key: VerifyingKey,
    caller: Arc<str>,
    permissions: Arc<[String]>,
}

impl KnownKey {
    /// The key of the caller with this name: several keys may be one caller's, while one takes the place of another.
    ///
    /// # Errors
    /// [`InvalidSigner`]: the key is of another algorithm than HS256 and `EdDSA`, or the name is none.
    pub fn new(caller: &str, key: VerifyingKey) -> Result<Self, InvalidSigner> {
        if !matches!(key.algorithm(), Algorithm::HS256 | Algorithm::EdDSA) {
            return Err(InvalidSigner::Algorithm(key.algorithm()));
        }
        if caller.is_empty() || caller.len() > MAX_NAME {
            return Err(InvalidSigner::Name);
        }
        Ok(Self {
            key,
            caller: caller.into(),
            permissions: Arc::new([]),
        })
    }

    /// A secret that is shared with the caller: at least 32 bytes.
    ///
    /// # Errors
    /// [`InvalidSigner`], as [`KnownKey::new`], and for a secret that is shorter or the text of a public key.
    pub fn hmac_sha256(caller: &str, secret: SecretBytes) -> Result<Self, InvalidSigner> {
        let secret = HmacSecret::new(Algorithm::HS256, secret)?;
        Self::new(caller, VerifyingKey::of_secret(KID, &secret)?)
    }

    /// A caller's public key, as a PEM `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`InvalidSigner`], as [`KnownKey::new`], and for a text that is no such key.
    pub fn ed25519(caller: &str, pem: &str) -> Result<Self, InvalidSigner> {
        Self::new(caller, VerifyingKey::from_pem(Algorithm::EdDSA, pem)?)
    }

    /// The same, whose caller has the permissions of these names (`OrdersWrite::PERMISSION.name`). Without, a caller is known, and
    /// may do nothing that asks for a permission.
    #[must_use]
    pub fn may<'n>(mut self, permissions: impl IntoIterator<Item = &'n str>) -> Self {
        self.permissions = permissions.into_iter().map(ToOwned::to_owned).collect();
        self
    }

    /// Whose key it is.
    pub fn caller(&self) -> &Arc<str> {
        &self.caller
    }

    pub(super) fn permissions(&self) -> &Arc<[String]> {
        &self.permissions
    }

    /// How RFC 9421 calls its algorithm.
    ///
    /// Source: RFC 9421 §6.2.2
    pub(super) fn alg(&self) -> &'static str {
        alg(self.key.algorithm())
    }
}

impl fmt::Debug for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownKey({} of {})", self.alg(), self.caller)
    }
}

/// Whether the signature over `message` is that of the key, where one is known. What the caller waits for is told by the length
/// of the signature alone: an unknown key costs the same work, and so does one of the other algorithm.
pub(super) fn is_good(known: Option<&KnownKey>, message: &[u8], signature: &[u8]) -> bool {
    defends!("T258");
    let Some(work) = Work::of(signature) else {
        return false;
    };
    let known = known.filter(|known| known.key.algorithm() == work.algorithm());
    match (known, work.nobodys()) {
        (Some(known), _) => known.key.matches(message, signature),
        (None, Some(nobodys)) => {
            nobodys.matches(message, signature);
            false
        }
        (None, None) => false,
    }
}

/// What checking a signature takes.
#[derive(Clone, Copy)]
enum Work {
    Hmac,
    Ed25519,
}

impl Work {
    fn of(signature: &[u8]) -> Option<Self> {
        match signature.len() {
            32 => Some(Self::Hmac),
            64 => Some(Self::Ed25519),
            _ => None,
        }
    }

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::Hmac => Algorithm::HS256,
            Self::Ed25519 => Algorithm::EdDSA,
        }
    }

    /// A key that is nobody's: it is worked with, and what it says counts for nothing.
    fn nobodys(self) -> Option<&'static VerifyingKey> {
        static HMAC: LazyLock<Option<VerifyingKey>> = LazyLock::new(|| {
            let secret = HmacSecret::new(Algorithm::HS256, SecretBytes::new(vec![0x5a; 32])).ok()?;
            VerifyingKey::of_secret(KID, &secret).ok()
        });
        static ED25519: LazyLock<Option<VerifyingKey>> =
            LazyLock::new(|| jwk::verifying(NOBODYS_JWK, Some(Algorithm::EdDSA)).ok());
        match self {
            Self::Hmac => HMAC.as_ref(),
            Self::Ed25519 => ED25519.as_ref(),
        }
    }
}

pub(super) const fn alg(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "ed25519",
        _ => "hmac-sha256",
    }
}

/// Keys that a program has in hand: from its configuration, or in a test.
#[derive(Debug, Clone, Default)]
pub struct KeyList(HashMap<String, KnownKey>);

impl KeyList {
    /// No key.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this key under this id; one of the same id is replaced.
    #[must_use]
    pub fn with(mut self, key_id: &str, key: KnownKey) -> Self {
        self.0.insert(key_id.to_owned(), key);
        self
    }
}

#[async_trait]
impl Keys for KeyList {
    async fn find(&self, key_id: &str) -> Result<Option<KnownKey>, Fault> {
        Ok(self.0.get(key_id).cloned())
    }
}

/// What the keys are called where names don't matter.
const KID: &str = "signature";

/// How long a caller's name may be, in bytes.
const MAX_NAME: usize = 128;

/// Source: RFC 8037 appendix A.2
const NOBODYS_JWK: &[u8] =
    br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_for_nobody_can_be_done() {
        assert!(Work::Hmac.nobodys().is_some());
        assert!(Work::Ed25519.nobodys().is_some());
    }

    #[test]
    fn a_key_of_another_kind_or_strength_is_refused() {
        let short = KnownKey::hmac_sha256("acme", SecretBytes::new(vec![7; 31]));
        assert!(
            matches!(short, Err(InvalidSigner::Key(InvalidKey::Weak(_)))),
            "{short:?}"
        );
        let secret = || SecretBytes::new(vec![7; 64]);
        let long = HmacSecret::new(Algorithm::HS512, secret()).unwrap();
        let long = KnownKey::new("acme", VerifyingKey::of_secret("k", &long).unwrap());
        assert_eq!(long.unwrap_err(), InvalidSigner::Algorithm(Algorithm::HS512));
        assert_eq!(
            KnownKey::hmac_sha256("", secret()).unwrap_err(),
            InvalidSigner::Name
        );
        assert!(KnownKey::ed25519("acme", "no key").is_err());
    }
}
