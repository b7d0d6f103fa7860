//! The digest of a body: what a signature that covers it says about the bytes that follow.
//!
//! Source: RFC 9530 §2

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, SHA512, digest};
use subtle::ConstantTimeEq as _;

use super::field::{self, Bare, Value};
use crate::defends;

/// The hashes that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// `sha-256`.
    Sha256,
    /// `sha-512`.
    Sha512,
}

impl DigestAlgorithm {
    /// Its name in the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
        }
    }

    fn hash(self) -> &'static aws_lc_rs::digest::Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        }
    }
}

/// Why a `Content-Digest` can't be compared with anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDigest {
    /// It isn't written as RFC 9530 says, or its digests have the wrong length.
    #[error("Content-Digest must read sha-256=:…: or sha-512=:…:, each with the digest in base64")]
    Malformed,
    /// It holds neither of the hashes that are compared.
    #[error("Content-Digest needs sha-256 or sha-512")]
    Unknown,
}

/// What a body is said to hash to: by one hash, or by both.
#[derive(Clone, PartialEq, Eq)]
pub struct BodyDigest {
    sha256: Option<[u8; 32]>,
    sha512: Option<Box<[u8; 64]>>,
}

impl BodyDigest {
    /// Reads the field. Hashes that aren't known are left out, as the RFC wants; of those that are, each must be good.
    ///
    /// # Errors
    /// [`InvalidDigest`]: it isn't written so, or holds no hash that is known.
    pub fn parse(field: &str) -> Result<Self, InvalidDigest> {
        let members = field::dictionary(field).ok_or(InvalidDigest::Malformed)?;
        let (mut sha256, mut sha512) = (None, None);
        for member in members {
            let Value::One(Bare::Bytes(bytes)) = member.value else {
                return Err(InvalidDigest::Malformed);
            };
            match member.name {
                "sha-256" => sha256 = Some(bytes.try_into().map_err(|_| InvalidDigest::Malformed)?),
                "sha-512" => {
                    let digest: [u8; 64] = bytes.try_into().map_err(|_| InvalidDigest::Malformed)?;
                    sha512 = Some(Box::new(digest));
                }
                _ => {}
            }
        }
        if sha256.is_none() && sha512.is_none() {
            return Err(InvalidDigest::Unknown);
        }
        Ok(Self { sha256, sha512 })
    }

    /// The digest that is said to be this, by SHA-256.
    pub(super) const fn of_sha256(digest: [u8; 32]) -> Self {
        Self {
            sha256: Some(digest),
            sha512: None,
        }
    }

    /// The field of a body, with one digest, as it is sent.
    pub fn field_of(algorithm: DigestAlgorithm, body: &[u8]) -> String {
        let digest = digest(algorithm.hash(), body);
        format!("{}={}", algorithm.as_str(), field::bytes(digest.as_ref()))
    }

    /// Begins to hash a body that comes in parts.
    pub fn hashing(&self) -> Hashing {
        Hashing {
            sha256: self.sha256.map(|digest| (Context::new(&SHA256), digest)),
            sha512: self.sha512.clone().map(|digest| (Context::new(&SHA512), digest)),
        }
    }

    /// Whether it is the digest of this body, by every hash that is known.
    pub fn matches(&self, body: &[u8]) -> bool {
        let mut hashing = self.hashing();
        hashing.update(body);
        hashing.matches()
    }
}

impl fmt::Debug for BodyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hashes = [
            self.sha256.as_ref().map(|_| DigestAlgorithm::Sha256.as_str()),
            self.sha512.as_ref().map(|_| DigestAlgorithm::Sha512.as_str()),
        ];
        f.debug_set().entries(hashes.iter().flatten()).finish()
    }
}

/// A body that is hashed while it comes.
pub struct Hashing {
    sha256: Option<(Context, [u8; 32])>,
    sha512: Option<(Context, Box<[u8; 64]>)>,
}

impl Hashing {
    /// Takes the next part of the body in.
    pub fn update(&mut self, part: &[u8]) {
        if let Some((context, _)) = &mut self.sha256 {
            context.update(part);
        }
        if let Some((context, _)) = &mut self.sha512 {
            context.update(part);
        }
    }

    /// Whether what came is what was said. Compared in constant time.
    pub fn matches(self) -> bool {
        defends!("T256");
        let first = self
            .sha256
            .is_none_or(|(context, said)| context.finish().as_ref().ct_eq(&said).into());
        let second = self
            .sha512
            .is_none_or(|(context, said)| context.finish().as_ref().ct_eq(&said[..]).into());
        first && second
    }
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;

    const BODY: &[u8] = b"{\"hello\": \"world\"}";

    /// Source: RFC 9530 appendix B.1, RFC 9421 appendix B.2
    #[test]
    fn the_published_digests_are_those_of_their_body() {
        let both = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:, sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
        let digest = BodyDigest::parse(both).unwrap();
        assert!(digest.matches(BODY));
        for (algorithm, field) in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512]
            .into_iter()
            .zip(both.split(", "))
        {
            assert_eq!(BodyDigest::field_of(algorithm, BODY), field);
            assert!(BodyDigest::parse(field).unwrap().matches(BODY));
        }
        let mut parts = digest.hashing();
        BODY.chunks(5).for_each(|part| parts.update(part));
        assert!(parts.matches());
    }

    #[test]
    fn every_other_body_is_refused() {
        checks!("T256");
        let field = BodyDigest::field_of(DigestAlgorithm::Sha256, BODY);
        let digest = BodyDigest::parse(&field).unwrap();
        for at in 0..BODY.len() {
            let mut other = BODY.to_vec();
            other[at] ^= 1;
            assert!(!digest.matches(&other), "{at}");
        }
        assert!(!digest.matches(&BODY[..BODY.len() - 1]));
        assert!(!digest.matches(b""));
    }

    #[test]
    fn a_good_digest_excuses_no_wrong_one() {
        checks!("T256");
        let good = BodyDigest::field_of(DigestAlgorithm::Sha256, BODY);
        let wrong = BodyDigest::field_of(DigestAlgorithm::Sha512, b"other");
        assert!(
            !BodyDigest::parse(&format!("{good}, {wrong}"))
                .unwrap()
                .matches(BODY)
        );
        assert!(
            !BodyDigest::parse(&format!("{wrong}, {good}"))
                .unwrap()
                .matches(BODY)
        );
    }

    #[test]
    fn unknown_hashes_are_left_out_and_alone_are_none() {
        let good = BodyDigest::field_of(DigestAlgorithm::Sha256, BODY);
        assert!(
            BodyDigest::parse(&format!("md5=:AAAA:, {good}"))
                .unwrap()
                .matches(BODY)
        );
        assert_eq!(BodyDigest::parse("md5=:AAAA:"), Err(InvalidDigest::Unknown));
        for malformed in [
            "",
            "sha-256",
            "sha-256=AAAA",
            "sha-256=:AAAA:",
            "sha-512=:AAAA:",
            "sha-256=\"x\"",
            "md5=1",
        ] {
            assert_eq!(
                BodyDigest::parse(malformed),
                Err(InvalidDigest::Malformed),
                "{malformed}"
            );
        }
        assert_eq!(
            BodyDigest::parse(&format!("{good}, {good}")),
            Err(InvalidDigest::Malformed)
        );
    }
}
