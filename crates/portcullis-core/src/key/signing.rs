//! A key that signs: one algorithm, its private part parsed once and held.
//!
//! Parsing an RSA key costs ten times what parsing any other does (410 µs), so a key is parsed when it is opened,
//! never when it is used.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize, Zeroizing};

use super::algorithm::Family;
use super::verifying::{HmacSecret, PublicPart, VerifyingKey, minimum_secret};
use super::{Algorithm, InvalidKey, der};
use crate::environment::Environment;
use crate::secret::SecretBytes;

enum Private {
    Hmac {
        key: Box<hmac::Key>,
        secret: SecretBytes,
    },
    Rsa {
        key: RsaKeyPair,
        padding: &'static dyn RsaEncoding,
    },
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The crypto library could not sign. The token was not made; nothing else happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing key can't sign; check the key, or rotate to another")]
pub struct SigningFailed;

/// A key that signs with one algorithm.
pub struct SigningKey {
    private: Private,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// Makes a new key. All bits come from `environment`, but those of an RSA key: the crypto library searches its
    /// primes by itself, which takes a good part of a second.
    ///
    /// # Errors
    /// [`InvalidKey::Generate`] if the crypto library fails, [`InvalidKey::VerifiedOnly`] for an algorithm that signs
    /// nothing here.
    pub fn generate(algorithm: Algorithm, environment: &Environment) -> Result<Self, InvalidKey> {
        // Before an RSA key's primes are searched for nothing.
        if !Algorithm::SIGNING.contains(&algorithm) {
            return Err(InvalidKey::VerifiedOnly(algorithm));
        }
        match algorithm.family() {
            Family::Hmac => {
                let mut drawn = Zeroizing::new(environment.bytes::<64>());
                let length = minimum_secret(algorithm).ok_or(InvalidKey::Generate)?;
                let bytes = SecretBytes::new(drawn.iter().take(length).copied().collect());
                drawn.zeroize();
                let kid = URL_SAFE_NO_PAD.encode(environment.bytes::<16>());
                Self::of_secret(&kid, HmacSecret::new(algorithm, bytes)?)
            }
            Family::Rsa => {
                let key = RsaKeyPair::generate(rsa::KeySize::Rsa3072).map_err(|_| InvalidKey::Generate)?;
                Self::of_rsa(None, algorithm, key)
            }
            Family::P256 => Self::generate_ec::<32>(algorithm, environment),
            Family::P384 => Self::generate_ec::<48>(algorithm, environment),
            Family::Ed25519 => {
                let seed = Zeroizing::new(environment.bytes::<32>());
                let key = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| InvalidKey::Generate)?;
                Self::of_ed25519(None, key)
            }
        }
    }

    fn generate_ec<const N: usize>(
        algorithm: Algorithm,
        environment: &Environment,
    ) -> Result<Self, InvalidKey> {
        // A number outside 1…n-1 is drawn with a chance below 2⁻³²; drawing again keeps the choice even.
        for _ in 0..8 {
            let scalar = Zeroizing::new(environment.bytes::<N>());
            if let Ok(key) = Self::of_scalar(None, algorithm, &*scalar) {
                return Ok(key);
            }
        }
        Err(InvalidKey::Generate)
    }

    /// The signing side of a shared secret.
    ///
    /// # Errors
    /// [`InvalidKey::Kid`] for a name that can't stand in a header.
    pub fn of_secret(kid: &str, secret: HmacSecret) -> Result<Self, InvalidKey> {
        let verifying = VerifyingKey::of_secret(kid, &secret)?;
        let key = secret.key();
        let secret = secret.into_bytes();
        Ok(Self {
            private: Private::Hmac { key, secret },
            verifying,
        })
    }

    /// Reads a DER PKCS#8 private key. Without a name the key is named by its RFC 7638 thumbprint.
    ///
    /// # Errors
    /// [`InvalidKey`] for a key of another family or a weak one.
    ///
    /// Source: RFC 5208 §5
    pub fn from_pkcs8(kid: Option<&str>, algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, InvalidKey> {
        let wrong = |_| InvalidKey::Family(algorithm);
        match algorithm.family() {
            Family::Hmac => Err(InvalidKey::Family(algorithm)),
            Family::Rsa => Self::of_rsa(kid, algorithm, RsaKeyPair::from_pkcs8(pkcs8).map_err(wrong)?),
            Family::P256 | Family::P384 => {
                let pair = EcdsaKeyPair::from_pkcs8(curve(algorithm)?, pkcs8).map_err(wrong)?;
                Self::of_ec(kid, algorithm, pair)
            }
            Family::Ed25519 => Self::of_ed25519(kid, Ed25519KeyPair::from_pkcs8(pkcs8).map_err(wrong)?),
        }
    }

    /// Reads a PEM `PRIVATE KEY`.
    ///
    /// # Errors
    /// [`InvalidKey`], as [`SigningKey::from_pkcs8`], and [`InvalidKey::Pem`].
    pub fn from_pem(algorithm: Algorithm, text: &str) -> Result<Self, InvalidKey> {
        Self::from_pkcs8(None, algorithm, &der::pem("PRIVATE KEY", text)?)
    }

    /// Reads what [`SigningKey::to_stored`] wrote.
    ///
    /// # Errors
    /// [`InvalidKey`], as for an import.
    pub fn from_stored(kid: &str, algorithm: Algorithm, stored: SecretBytes) -> Result<Self, InvalidKey> {
        if algorithm.is_symmetric() {
            return Self::of_secret(kid, HmacSecret::new(algorithm, stored)?);
        }
        Self::from_pkcs8(Some(kid), algorithm, stored.expose())
    }

    /// The private part, to be sealed and stored: PKCS#8, or the raw bytes of a shared secret.
    ///
    /// # Errors
    /// [`InvalidKey::Generate`] if the crypto library fails.
    pub fn to_stored(&self) -> Result<SecretBytes, InvalidKey> {
        let der: Result<Pkcs8V1Der<'static>, _> = match &self.private {
            Private::Hmac { secret, .. } => return Ok(secret.clone()),
            Private::Rsa { key, .. } => key.as_der(),
            Private::Ec(key) => return document(key.to_pkcs8v1()),
            Private::Ed25519(key) => key.as_der(),
        };
        der.map(|der| SecretBytes::new(der.as_ref().to_vec()))
            .map_err(|_| InvalidKey::Generate)
    }

    /// How many bytes its signatures have.
    ///
    /// Source: RFC 7518 §3.2 to §3.5, RFC 8032 §5.1.6
    pub(crate) fn signature_length(&self) -> usize {
        match (&self.private, self.algorithm()) {
            (Private::Rsa { key, .. }, _) => key.public_modulus_len(),
            (_, Algorithm::HS256) => 32,
            (_, Algorithm::HS384) => 48,
            (_, Algorithm::ES384) => 96,
            // HS512, ES256 and EdDSA.
            _ => 64,
        }
    }

    /// Signs `message` with the one algorithm of the key; the signature is in the form that JWS wants (RFC 7518 §3).
    ///
    /// # Errors
    /// [`SigningFailed`] if the crypto library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        match &self.private {
            Private::Hmac { key, .. } => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Private::Rsa { key, padding } => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*padding, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| SigningFailed)?;
                Ok(signature)
            }
            Private::Ec(key) => key
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SigningFailed),
            Private::Ed25519(key) => key
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| SigningFailed),
        }
    }

    /// The name that stands in the header of what it signs: its `kid` (RFC 7515 §4.1.4).
    pub fn kid(&self) -> &str {
        self.verifying.kid()
    }

    /// The one algorithm it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// The other half: what others verify with.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    pub(super) fn of_rsa(
        kid: Option<&str>,
        algorithm: Algorithm,
        key: RsaKeyPair,
    ) -> Result<Self, InvalidKey> {
        let padding: &'static dyn RsaEncoding = match algorithm {
            Algorithm::RS256 => &RSA_PKCS1_SHA256,
            Algorithm::PS256 => &RSA_PSS_SHA256,
            other if other.family() == Family::Rsa => return Err(InvalidKey::VerifiedOnly(other)),
            _ => return Err(InvalidKey::Family(algorithm)),
        };
        let public = PublicPart::read(algorithm, key.public_key().as_ref())?;
        let verifying = VerifyingKey::from_public(kid, algorithm, public)?;
        Ok(Self {
            private: Private::Rsa { key, padding },
            verifying,
        })
    }

    pub(super) fn of_scalar(
        kid: Option<&str>,
        algorithm: Algorithm,
        scalar: &[u8],
    ) -> Result<Self, InvalidKey> {
        let der = der::ec_private_key(scalar).ok_or(InvalidKey::Malformed)?;
        let pair =
            EcdsaKeyPair::from_private_key_der(curve(algorithm)?, &der).map_err(|_| InvalidKey::Malformed)?;
        Self::of_ec(kid, algorithm, pair)
    }

    fn of_ec(kid: Option<&str>, algorithm: Algorithm, key: EcdsaKeyPair) -> Result<Self, InvalidKey> {
        let public = PublicPart::read(algorithm, key.public_key().as_ref())?;
        let verifying = VerifyingKey::from_public(kid, algorithm, public)?;
        Ok(Self {
            private: Private::Ec(key),
            verifying,
        })
    }

    pub(super) fn of_ed25519(kid: Option<&str>, key: Ed25519KeyPair) -> Result<Self, InvalidKey> {
        let public = PublicPart::read(Algorithm::EdDSA, key.public_key().as_ref())?;
        let verifying = VerifyingKey::from_public(kid, Algorithm::EdDSA, public)?;
        Ok(Self {
            private: Private::Ed25519(key),
            verifying,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {}, …redacted…)", self.algorithm(), self.kid())
    }
}

fn curve(algorithm: Algorithm) -> Result<&'static EcdsaSigningAlgorithm, InvalidKey> {
    match algorithm {
        Algorithm::ES256 => Ok(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::ES384 => Ok(&ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => Err(InvalidKey::Family(algorithm)),
    }
}

fn document(
    document: Result<aws_lc_rs::pkcs8::Document, aws_lc_rs::error::Unspecified>,
) -> Result<SecretBytes, InvalidKey> {
    document
        .map(|der| SecretBytes::new(der.as_ref().to_vec()))
        .map_err(|_| InvalidKey::Generate)
}
