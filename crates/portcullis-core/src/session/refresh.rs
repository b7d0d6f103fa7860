//! Refresh tokens, as a session has them from its beginning. How one is exchanged for the next is the business of
//! [`token`](crate::token).

use crate::environment::Timestamp;
use crate::secret::{Digest, Opaque, TokenKind};

/// The kind of token that brings new access tokens.
#[derive(Debug)]
pub enum Refresh {}

impl TokenKind for Refresh {
    const PREFIX: &'static str = "pcr_";
}

/// A refresh token: 256 bits, single use, stored as a digest.
pub type RefreshToken = Opaque<Refresh>;

/// The first refresh token of a session.
#[derive(Debug, Clone, Copy)]
pub struct NewRefresh {
    /// The digest of the token: all of it that is stored.
    pub digest: Digest<Refresh>,
    /// From when on it is refused, in UTC; the end of its session ends it, too.
    pub expires_at: Timestamp,
}
