//! The algorithms a key can be made for.

use std::fmt;

/// A JWS algorithm. It belongs to a key; a token only repeats it.
///
/// Source: RFC 7518 §3.1, RFC 8037 §3.1
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// HMAC with SHA-256, a shared secret.
    HS256,
    /// HMAC with SHA-384, a shared secret.
    HS384,
    /// HMAC with SHA-512, a shared secret.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256; verified and signed with.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384; verified, never signed with.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512; verified, never signed with.
    RS512,
    /// RSASSA-PSS with SHA-256; verified and signed with.
    PS256,
    /// RSASSA-PSS with SHA-384; verified, never signed with.
    PS384,
    /// RSASSA-PSS with SHA-512; verified, never signed with.
    PS512,
    /// ECDSA on P-256 with SHA-256: that of new signing keys, unless another is chosen.
    #[default]
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// EdDSA on Ed25519 (RFC 8037 §3.1).
    EdDSA,
}

/// What a key of an algorithm is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// A shared secret (`oct`).
    Hmac,
    /// An RSA key (`RSA`).
    Rsa,
    /// A point on P-256 (`EC`).
    P256,
    /// A point on P-384 (`EC`).
    P384,
    /// A point on Ed25519 (`OKP`).
    Ed25519,
}

impl Algorithm {
    /// Every algorithm that is verified.
    pub const ALL: [Self; 12] = [
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// Every algorithm that keys of ours sign with. The others are what issuers elsewhere use: one way to sign with an RSA
    /// key is enough.
    pub const SIGNING: [Self; 8] = [
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::PS256,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The name that stands in `alg` (RFC 7518 §3.1, RFC 8037 §3.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Reads the exact JWA name. `none` is no algorithm, in any spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }

    /// Reads the name as others write it: EdDSA on Ed25519 has a second one, `Ed25519`. Here it is never written.
    ///
    /// Source: RFC 9864 §2.2
    pub fn parse_foreign(text: &str) -> Option<Self> {
        match text {
            "Ed25519" => Some(Self::EdDSA),
            other => Self::parse(other),
        }
    }

    /// What its keys are made of.
    pub const fn family(self) -> Family {
        match self {
            Self::HS256 | Self::HS384 | Self::HS512 => Family::Hmac,
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => Family::Rsa,
            Self::ES256 => Family::P256,
            Self::ES384 => Family::P384,
            Self::EdDSA => Family::Ed25519,
        }
    }

    /// Whether signer and verifier share one secret, so that the key must never be published.
    pub const fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Hmac)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_names_are_read() {
        crate::checks!("T001");
        for forged in [
            "none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS1", "RS1", "ps384", "ES512", "ES256K",
            "EDDSA", "ed25519", "Ed448",
        ] {
            assert_eq!(Algorithm::parse(forged), None, "{forged:?}");
            assert_eq!(Algorithm::parse_foreign(forged), None, "{forged:?}");
        }
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.as_str()), Some(algorithm));
            assert_eq!(Algorithm::parse_foreign(algorithm.as_str()), Some(algorithm));
        }
        assert_eq!(Algorithm::parse("Ed25519"), None);
        assert_eq!(Algorithm::parse_foreign("Ed25519"), Some(Algorithm::EdDSA));
    }
}
