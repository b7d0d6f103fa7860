//! Refresh tokens, as a session has them from its beginning. How one is exchanged for the next is the business of
//! [`token`](crate::token).
//!
//! A refresh token's text names its session before its secret: so a store keeps the tokens of one session side by side and
//! finds them without an index over digests, whose order is that of chance. The session's id is no secret (it is the `sid` of
//! access tokens), and the secret has 256 random bits of its own. Up to schema 14 the text had no id: such a token is exchanged
//! as ever, for one that has.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::environment::{Environment, Timestamp};
use crate::id::SessionId;
use crate::secret::{Digest, Opaque, TokenKind};

/// The kind of token that brings new access tokens.
#[derive(Debug)]
pub enum Refresh {}

impl TokenKind for Refresh {
    const PREFIX: &'static str = "pcr_";
}

/// A refresh token: its session's id and 256 bits, single use, stored as a digest.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    session: Option<SessionId>,
    secret: Opaque<Refresh>,
}

impl RefreshToken {
    /// Mints a session's first token.
    pub fn mint(environment: &Environment, session: SessionId) -> Self {
        Self::of(session, Opaque::mint(environment))
    }

    /// The token of a session that has this secret.
    pub fn of(session: SessionId, secret: Opaque<Refresh>) -> Self {
        Self {
            session: Some(session),
            secret,
        }
    }

    /// The token made of these 32 bytes that doesn't name its session, as all tokens were up to schema 14.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self {
            session: None,
            secret: Opaque::from_bytes(bytes),
        }
    }

    /// Reads a token as a caller presents it; `None` unless it is exactly what [`RefreshToken::expose`] writes.
    ///
    /// Truncated, extended, re-cased and differently encoded forms are refused, so one token has one text.
    pub fn parse(text: &str) -> Option<Self> {
        crate::defends!("T079");
        let encoded = text.strip_prefix(Refresh::PREFIX)?;
        if encoded.len() != NAMED {
            let secret = Opaque::parse(text)?;
            return Some(Self {
                session: None,
                secret,
            });
        }
        let mut bytes = Zeroizing::new([0; 48]);
        let written = URL_SAFE_NO_PAD.decode_slice(encoded, &mut *bytes).ok()?;
        let (id, secret) = bytes.split_first_chunk::<16>()?;
        let (session, secret) = (
            SessionId::from_uuid(Uuid::from_bytes(*id)),
            secret.try_into().ok()?,
        );
        (written == bytes.len()).then(|| Self::of(session, Opaque::from_bytes(secret)))
    }

    /// The token's text, to be handed to its owner once.
    pub fn expose(&self) -> Zeroizing<String> {
        let Some(session) = self.session else {
            return self.secret.expose();
        };
        let mut bytes = Zeroizing::new([0; 48]);
        let (id, secret) = bytes.split_at_mut(16);
        id.copy_from_slice(session.as_uuid().as_bytes());
        secret.copy_from_slice(self.secret.expose_bytes());
        let mut text = Zeroizing::new(String::with_capacity(Refresh::PREFIX.len() + NAMED));
        text.push_str(Refresh::PREFIX);
        URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
        text
    }

    /// The random bytes, for deriving the successor's.
    pub fn expose_bytes(&self) -> &[u8; 32] {
        self.secret.expose_bytes()
    }

    /// What is stored: SHA-256 over the kind's prefix and the random bytes.
    pub fn digest(&self) -> Digest<Refresh> {
        self.secret.digest()
    }

    /// How a store finds its record.
    pub fn presented(&self) -> PresentedRefresh {
        PresentedRefresh {
            session: self.session,
            digest: self.digest(),
        }
    }
}

/// A refresh token as a store looks it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresentedRefresh {
    /// The session that its text names. It is found as that session's, or not at all; without one, only a token is found that
    /// was stored up to schema 14.
    pub session: Option<SessionId>,
    /// The digest of its secret.
    pub digest: Digest<Refresh>,
}

/// The first refresh token of a session.
#[derive(Debug, Clone, Copy)]
pub struct NewRefresh {
    /// The digest of the token: all of it that is stored.
    pub digest: Digest<Refresh>,
    /// From when on it is refused, in UTC; the end of its session ends it, too.
    pub expires_at: Timestamp,
}

/// How many characters an id of 16 and a secret of 32 bytes are in base64url: no bit of the last one is left over.
const NAMED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> RefreshToken {
        let session = SessionId::from_uuid(Uuid::from_u128(7));
        RefreshToken::of(session, Opaque::from_bytes([0xff; 32]))
    }

    // Shows: TK-6
    #[test]
    fn every_text_but_the_exact_one_is_refused() {
        crate::checks!("T079");
        for token in [named(), RefreshToken::from_bytes([0xff; 32])] {
            let text = token.expose().to_string();
            assert_eq!(RefreshToken::parse(&text).unwrap().presented(), token.presented());
            for end in 0..text.len() {
                assert!(RefreshToken::parse(&text[..end]).is_none(), "{end} characters");
                assert!(RefreshToken::parse(&text[end + 1..]).is_none(), "from {end}");
            }
            for forged in [
                format!("{text}A"),
                format!("{text}="),
                format!(" {text}"),
                text.to_uppercase(),
                text.replace("pcr_", "pcs_"),
                text.replace('_', "/"),
            ] {
                assert!(RefreshToken::parse(&forged).is_none(), "{forged}");
            }
        }
    }

    #[test]
    fn a_session_in_the_text_changes_where_a_token_is_looked_up_and_not_its_digest() {
        let (named, bare) = (named(), RefreshToken::from_bytes([0xff; 32]));
        assert_eq!(named.digest(), bare.digest());
        assert_ne!(named.presented(), bare.presented());
        assert_ne!(named.expose(), bare.expose());
        assert_eq!(named.expose().len(), "pcr_".len() + NAMED);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", named());
        assert!(shown.contains("redacted") && !shown.contains("////"), "{shown}");
    }
}
