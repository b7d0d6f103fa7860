//! Values nobody may see: random bearer tokens, their digests, passwords on their way to the hasher.
//!
//! A secret has a redacted `Debug`, no `Display` and no `Serialize`, is wiped when dropped, and leaves its type
//! only through a method named `expose`. What is stored is a [`Digest`], and digests of two kinds of token are
//! different types *and* different values: a token of one purpose can't stand in for another even where the
//! characters after the prefix agree (`T014`).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize, Zeroizing};

use crate::environment::Environment;

/// A kind of opaque token: its visible prefix, and the purpose its digest is bound to.
pub trait TokenKind: Send + Sync + 'static {
    /// What the token's text begins with, such as `pcs_`. Unique among all kinds.
    const PREFIX: &'static str;
}

/// An opaque bearer token of kind `K`: the kind's prefix and 256 random bits in base64url.
pub struct Opaque<K> {
    bytes: Zeroizing<[u8; 32]>,
    kind: PhantomData<fn() -> K>,
}

impl<K: TokenKind> Opaque<K> {
    /// Mints a new token.
    pub fn mint(environment: &Environment) -> Self {
        Self::from_bytes(environment.bytes())
    }

    /// The token made of these 32 bytes, for tokens that are derived instead of drawn.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self {
            bytes: Zeroizing::new(bytes),
            kind: PhantomData,
        }
    }

    /// Reads a token as a caller presents it; `None` unless it is exactly what [`Opaque::expose`] writes.
    ///
    /// Truncated, extended, re-cased and differently encoded forms are refused, so one token has one text.
    pub fn parse(text: &str) -> Option<Self> {
        crate::defends!("T079");
        let encoded = text.strip_prefix(K::PREFIX)?;
        if encoded.len() != 43 {
            return None;
        }
        let mut bytes = Zeroizing::new([0; 32]);
        let written = URL_SAFE_NO_PAD.decode_slice(encoded, &mut *bytes).ok()?;
        (written == 32).then_some(Self {
            bytes,
            kind: PhantomData,
        })
    }

    /// The token's text, to be handed to its owner once.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(K::PREFIX.len() + 43));
        text.push_str(K::PREFIX);
        URL_SAFE_NO_PAD.encode_string(*self.bytes, &mut text);
        text
    }

    /// The random bytes, for deriving another secret from them.
    pub fn expose_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// What is stored and looked up: SHA-256 over the kind's prefix and the random bytes.
    pub fn digest(&self) -> Digest<K> {
        Digest::from_bytes(bound_digest(K::PREFIX.as_bytes(), &*self.bytes))
    }
}

/// SHA-256 over what a secret is bound to and the secret itself.
///
/// The library's hash in parts makes its state on the heap and wipes all of it, which costs more than the hash of a few bytes:
/// such short ones are hashed in one call.
pub(crate) fn bound_digest(purpose: &[u8], secret: &[u8]) -> [u8; 32] {
    let mut joined = Zeroizing::new([0; 80]);
    let length = purpose.len().saturating_add(secret.len());
    let digest = match joined.get_mut(..length) {
        Some(whole) => {
            let bytes = purpose.iter().chain(secret);
            whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            digest::digest(&digest::SHA256, whole)
        }
        None => {
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(purpose);
            context.update(secret);
            context.finish()
        }
    };
    let mut bytes = [0; 32];
    bytes
        .iter_mut()
        .zip(digest.as_ref())
        .for_each(|(to, from)| *to = *from);
    bytes
}

impl<K: TokenKind> fmt::Debug for Opaque<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…redacted…", K::PREFIX)
    }
}

impl<K> Clone for Opaque<K> {
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            kind: PhantomData,
        }
    }
}

/// The stored form of an [`Opaque`] token: it finds the token's record and can't be turned back into the token.
pub struct Digest<K> {
    bytes: [u8; 32],
    kind: PhantomData<fn() -> K>,
}

impl<K> Digest<K> {
    /// The digest's bytes, for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The digest that a slice computed by itself, bound to a purpose of its own.
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self {
            bytes,
            kind: PhantomData,
        }
    }

    /// The digest a store gives back; `None` if it isn't 32 bytes long.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            bytes: bytes.try_into().ok()?,
            kind: PhantomData,
        })
    }
}

impl<K> Clone for Digest<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Digest<K> {}
impl<K> PartialEq for Digest<K> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}
impl<K> Eq for Digest<K> {}
impl<K> Hash for Digest<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}
impl<K> fmt::Debug for Digest<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.bytes;
        write!(f, "{a:02x}{b:02x}{c:02x}…")
    }
}

/// Text nobody may see: a password, a mail credential.
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes `text` in; it is wiped when dropped.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text in plain: whoever takes it must not log or store it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Clone for SecretText {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…redacted…")
    }
}

impl<'de> serde::Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Key bytes nobody may see.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes `bytes` in; they are wiped when dropped.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        let kept = Zeroizing::new(bytes.clone());
        bytes.zeroize();
        Self(kept)
    }

    /// The bytes in plain: whoever takes them must not log or store them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Clone for SecretBytes {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…redacted…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum A {}
    impl TokenKind for A {
        const PREFIX: &'static str = "pca_";
    }
    enum B {}
    impl TokenKind for B {
        const PREFIX: &'static str = "pcb_";
    }

    // Shows: TK-6
    #[test]
    fn every_text_but_the_exact_one_is_refused() {
        let token = Opaque::<A>::from_bytes([0xff; 32]);
        let text = token.expose().to_string();
        assert_eq!(Opaque::<A>::parse(&text).unwrap().digest(), token.digest());
        for end in 0..text.len() {
            assert!(
                Opaque::<A>::parse(&text[..end]).is_none(),
                "prefix of {end} characters"
            );
        }
        for start in 1..text.len() {
            assert!(
                Opaque::<A>::parse(&text[start..]).is_none(),
                "suffix from {start}"
            );
        }
        for forged in [
            format!("{text}A"),
            format!("{text}="),
            format!(" {text}"),
            text.to_uppercase(),
            text.replace("pca_", "pcb_"),
            text.replace('_', "/"),
            // The last of 43 characters carries four bits: other spellings of the same bytes are refused.
            format!("{}9", &text[..text.len() - 1]),
        ] {
            assert!(Opaque::<A>::parse(&forged).is_none(), "{forged}");
        }
    }

    // Shows: TK-6
    #[test]
    fn one_purpose_never_has_the_digest_of_another() {
        let bytes = [7; 32];
        assert_ne!(
            Opaque::<A>::from_bytes(bytes).digest().as_bytes(),
            Opaque::<B>::from_bytes(bytes).digest().as_bytes()
        );
    }

    #[test]
    fn debug_shows_nothing() {
        let token = Opaque::<A>::from_bytes([0xab; 32]);
        assert_eq!(format!("{token:?}"), "pca_…redacted…");
        assert_eq!(format!("{:?}", SecretText::new("hunter2".into())), "…redacted…");
        assert_eq!(format!("{:?}", SecretBytes::new(vec![1, 2])), "…redacted…");
    }
}
