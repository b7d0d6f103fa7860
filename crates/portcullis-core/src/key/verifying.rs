//! A key that verifies: one algorithm, parsed once, ready to use.
//!
//! **Invariants:** the algorithm is part of the key and decides what its bytes may be. A shared secret is made
//! from a [`HmacSecret`] only, a public key from public parts only, and there is no way from one to the other: a
//! token that says `HS256` can't be checked with the bytes of an RSA key (`T001`).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::{hmac, signature};

use super::algorithm::Family;
use super::header::{ACCESS_TOKEN, encoded_header};
use super::{Algorithm, InvalidKey, der, roca};
use crate::secret::SecretBytes;

/// What a verifying key is made of, as far as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicPart {
    /// Nothing: the key is a shared secret.
    Secret,
    /// Modulus and exponent, big endian, without leading zeros.
    Rsa { n: Box<[u8]>, e: Box<[u8]> },
    /// An uncompressed point, `0x04 ‖ x ‖ y`.
    Ec { point: Box<[u8]> },
    /// An Ed25519 public key.
    Ed25519 { x: Box<[u8]> },
}

enum Check {
    Hmac(Box<hmac::Key>),
    Signature(signature::ParsedPublicKey),
}

/// A shared secret that is long enough for its algorithm.
pub struct HmacSecret {
    algorithm: Algorithm,
    bytes: SecretBytes,
}

impl HmacSecret {
    /// Takes a shared secret in.
    ///
    /// # Errors
    /// [`InvalidKey::Family`] unless the algorithm is an HMAC, [`InvalidKey::Weak`] for a secret shorter than the
    /// hash, [`InvalidKey::PublicAsSecret`] for the text of a public key: everybody knows it.
    ///
    /// Source: RFC 7518 §3.2, RFC 8725 §3.5
    pub fn new(algorithm: Algorithm, bytes: SecretBytes) -> Result<Self, InvalidKey> {
        if bytes.expose().len() < minimum_secret(algorithm).ok_or(InvalidKey::Family(algorithm))? {
            return Err(InvalidKey::Weak(algorithm));
        }
        if looks_public(bytes.expose()) {
            crate::defends!("T001");
            return Err(InvalidKey::PublicAsSecret);
        }
        Ok(Self { algorithm, bytes })
    }

    pub(super) fn into_bytes(self) -> SecretBytes {
        self.bytes
    }

    pub(super) fn key(&self) -> Box<hmac::Key> {
        let digest = match self.algorithm {
            Algorithm::HS384 => hmac::HMAC_SHA384,
            Algorithm::HS512 => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        Box::new(hmac::Key::new(digest, self.bytes.expose()))
    }
}

impl fmt::Debug for HmacSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacSecret({}, …redacted…)", self.algorithm)
    }
}

/// How many bytes a secret of the algorithm needs at least: as many as its hash has.
pub(super) const fn minimum_secret(algorithm: Algorithm) -> Option<usize> {
    match algorithm {
        Algorithm::HS256 => Some(32),
        Algorithm::HS384 => Some(48),
        Algorithm::HS512 => Some(64),
        _ => None,
    }
}

/// A key that verifies signatures of one algorithm. Cheap to clone, shared between threads.
#[derive(Clone)]
pub struct VerifyingKey {
    inner: Arc<Inner>,
}

struct Inner {
    kid: Box<str>,
    algorithm: Algorithm,
    check: Check,
    public: PublicPart,
    /// The encoded header of the access tokens this key signs: a token that begins with exactly these bytes needs
    /// no header parsing.
    access_header: Box<str>,
}

impl VerifyingKey {
    /// The verifying side of a shared secret.
    ///
    /// # Errors
    /// [`InvalidKey::Kid`] for a name that can't stand in a header.
    pub fn of_secret(kid: &str, secret: &HmacSecret) -> Result<Self, InvalidKey> {
        Self::build(
            kid,
            secret.algorithm,
            Check::Hmac(secret.key()),
            PublicPart::Secret,
        )
    }

    /// Reads a DER `SubjectPublicKeyInfo` whose key is named by its RFC 7638 thumbprint.
    ///
    /// # Errors
    /// [`InvalidKey`] for a key of another family, a weak one, or a point that isn't on its curve.
    pub fn from_spki(algorithm: Algorithm, spki: &[u8]) -> Result<Self, InvalidKey> {
        let key = der::key_of_spki(algorithm.family(), spki).ok_or(InvalidKey::Family(algorithm))?;
        Self::from_public(None, algorithm, PublicPart::read(algorithm, key)?)
    }

    /// Reads a PEM `PUBLIC KEY`.
    ///
    /// # Errors
    /// [`InvalidKey`], as [`VerifyingKey::from_spki`], and [`InvalidKey::Pem`].
    pub fn from_pem(algorithm: Algorithm, text: &str) -> Result<Self, InvalidKey> {
        Self::from_spki(algorithm, &der::pem("PUBLIC KEY", text)?)
    }

    /// From public parts; without a name the key is named by its thumbprint.
    pub(super) fn from_public(
        kid: Option<&str>,
        algorithm: Algorithm,
        public: PublicPart,
    ) -> Result<Self, InvalidKey> {
        let check = Check::Signature(public.parse(algorithm)?);
        let thumbprint;
        let kid = match kid {
            Some(kid) => kid,
            None => {
                thumbprint = super::jwk::thumbprint_of(&public).ok_or(InvalidKey::Family(algorithm))?;
                &thumbprint
            }
        };
        Self::build(kid, algorithm, check, public)
    }

    fn build(kid: &str, algorithm: Algorithm, check: Check, public: PublicPart) -> Result<Self, InvalidKey> {
        if !valid_kid(kid) {
            return Err(InvalidKey::Kid);
        }
        Ok(Self {
            inner: Arc::new(Inner {
                access_header: encoded_header(algorithm, Some(kid), ACCESS_TOKEN).into(),
                kid: kid.into(),
                algorithm,
                check,
                public,
            }),
        })
    }

    /// The name that tokens select the key by: its `kid` (RFC 7515 §4.1.4).
    pub fn kid(&self) -> &str {
        &self.inner.kid
    }

    /// The one algorithm it verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.inner.algorithm
    }

    /// Whether `signature` is this key's over `message`. A shared secret's tag is compared in constant time.
    pub fn matches(&self, message: &[u8], signature: &[u8]) -> bool {
        crate::defends!("T006");
        match &self.inner.check {
            Check::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Check::Signature(key) => key.verify_sig(message, signature).is_ok(),
        }
    }

    pub(super) fn public(&self) -> &PublicPart {
        &self.inner.public
    }

    pub(crate) fn access_header(&self) -> &str {
        &self.inner.access_header
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} {})", self.algorithm(), self.kid())
    }
}

impl PublicPart {
    /// Reads what stands in a `SubjectPublicKeyInfo`, or what the crypto library says of a key pair.
    pub(super) fn read(algorithm: Algorithm, key: &[u8]) -> Result<Self, InvalidKey> {
        Ok(match algorithm.family() {
            Family::Hmac => return Err(InvalidKey::Family(algorithm)),
            Family::Rsa => {
                let (n, e) = der::rsa_numbers(key).ok_or(InvalidKey::Malformed)?;
                Self::Rsa {
                    n: n.into(),
                    e: e.into(),
                }
            }
            Family::P256 | Family::P384 => Self::Ec { point: key.into() },
            Family::Ed25519 => Self::Ed25519 { x: key.into() },
        })
    }

    fn parse(&self, algorithm: Algorithm) -> Result<signature::ParsedPublicKey, InvalidKey> {
        match (self, algorithm) {
            (Self::Rsa { n, e }, _) => rsa(n, e, algorithm),
            (Self::Ec { point }, Algorithm::ES256) => ec(point, 65, &signature::ECDSA_P256_SHA256_FIXED),
            (Self::Ec { point }, Algorithm::ES384) => ec(point, 97, &signature::ECDSA_P384_SHA384_FIXED),
            (Self::Ed25519 { x }, Algorithm::EdDSA) => ed25519(x),
            _ => Err(InvalidKey::Family(algorithm)),
        }
    }
}

fn rsa(n: &[u8], e: &[u8], algorithm: Algorithm) -> Result<signature::ParsedPublicKey, InvalidKey> {
    let parameters = match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        other => return Err(InvalidKey::Family(other)),
    };
    let weak = Err(InvalidKey::Weak(algorithm));
    // At least 2,048 bits, at most 8,192: 256 bytes with the top bit set.
    match n {
        [0x80..=0xff, ..] if n.len() == 256 => {}
        [1..=0xff, ..] if (257..=1024).contains(&n.len()) => {}
        _ => return weak,
    }
    match e {
        [3..=255] | [_, .., _] if e.len() <= 4 && e.last().is_some_and(|low| low % 2 == 1) => {}
        _ => return weak,
    }
    if roca::has_its_mark(n) {
        crate::defends!("T190");
        return Err(InvalidKey::Roca);
    }
    signature::RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(parameters)
        .map_err(|_| InvalidKey::Malformed)
}

fn ec(
    point: &[u8],
    length: usize,
    parameters: &'static signature::EcdsaVerificationAlgorithm,
) -> Result<signature::ParsedPublicKey, InvalidKey> {
    // Uncompressed only: one key has one form. The crypto library checks that the point is on the curve.
    if point.len() != length || point.first() != Some(&4) {
        return Err(InvalidKey::Malformed);
    }
    signature::ParsedPublicKey::new(parameters, point).map_err(|_| InvalidKey::Malformed)
}

fn ed25519(x: &[u8]) -> Result<signature::ParsedPublicKey, InvalidKey> {
    let x: [u8; 32] = x.try_into().map_err(|_| InvalidKey::Malformed)?;
    if has_small_order(x) {
        crate::defends!("T006");
        return Err(InvalidKey::Weak(Algorithm::EdDSA));
    }
    signature::ParsedPublicKey::new(&signature::ED25519, x).map_err(|_| InvalidKey::Malformed)
}

/// Whether a point generates at most eight others: under such a "key" one signature fits many messages.
fn has_small_order(mut x: [u8; 32]) -> bool {
    // The sign is not part of the question.
    if let Some(last) = x.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&x)
}

/// The kid of a key: 1 to 128 visible ASCII characters that need no escape in JSON.
pub(crate) fn valid_kid(kid: &str) -> bool {
    (1..=128).contains(&kid.len())
        && kid
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}

/// Whether bytes offered as a shared secret are a text form of a public key.
fn looks_public(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"-----BEGIN ") || text.starts_with(b"ssh-") || text.starts_with(b"ecdsa-sha2-") {
        return true;
    }
    if text.starts_with(b"{") {
        return super::strict::object(text)
            .is_some_and(|jwk| jwk.contains_key("kty") || jwk.contains_key("keys"));
    }
    [Family::Rsa, Family::P256, Family::P384, Family::Ed25519]
        .into_iter()
        .any(|family| der::key_of_spki(family, bytes).is_some())
        || der::rsa_numbers(bytes).is_some()
}

/// The y coordinates of all points of order 1, 2, 4 and 8, and those encodings of them that aren't reduced.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    near_p(0xec),
    near_p(0xed),
    near_p(0xee),
];

/// `2²⁵⁵ - 256 + low`: the numbers around the field's prime, `2²⁵⁵ - 19`.
const fn near_p(low: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    let [first, .., last] = &mut bytes;
    *first = low;
    *last = 0x7f;
    bytes
}

#[cfg(test)]
mod tests;
