//! Texts of keys that were made elsewhere, and what is kept of them.
//!
//! Whoever moves here from another system brings the keys that its programs use: as texts, or as their SHA-256 where that is
//! all there is. What is stored is one more SHA-256 of that, bound to a purpose: no row says which text it came from, and none
//! is mistaken for a key of ours.
//!
//! **Invariants:** a text that could be one of Portcullis' own credentials is never a foreign key, so that sorting by form
//! stays unambiguous. A text that is taken in is one that a header carries unchanged, and that nobody guesses.
//!
//! **Deliberately absent:** a look at how random a text *is*. Its length and characters say how random it can be; a digest
//! says nothing of that, and whoever imports one answers for it.

use std::collections::HashSet;
use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};

use super::format::is_reserved;
use super::{Format, InvalidApiKey, KeyDigest, Parts};
use crate::defends;

/// A key that was made elsewhere, by the SHA-256 of its text. No text is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct ForeignKey([u8; 32]);

/// Why a text isn't taken in as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidForeign {
    /// A header doesn't carry it, or it is too long.
    #[error(
        "a key is 16 to {} visible ASCII characters without spaces: a header carries nothing else unchanged",
        ForeignKey::LONGEST
    )]
    Characters,
    /// It looks like a credential that Portcullis makes.
    #[error(
        "this looks like a credential of Portcullis (its prefix, or three parts with dots between them, as a signed token \
         has): give its program a key made here instead"
    )]
    LooksLikeOurs,
    /// It can be guessed.
    #[error(
        "a key must be hard to guess: 128 bits by its letters and digits, such as 39 digits, 32 hex digits, 25 of a-z0-9 or 22 of \
         A-Za-z0-9, with 8 different ones, and no piece that is only repeated: give its program a key made here instead"
    )]
    Guessable,
    /// It is no SHA-256.
    #[error("a SHA-256 is 64 hex digits, or 44 characters of base64 (43 without the = at the end)")]
    NoDigest,
}

impl ForeignKey {
    /// The longest text of one.
    pub const LONGEST: usize = 512;

    /// A key by its text, to be imported.
    ///
    /// # Errors
    /// [`InvalidForeign`]: it isn't what a header carries, looks like a credential of ours, or can be guessed.
    pub fn of_text(text: &str, format: &Format) -> Result<Self, InvalidForeign> {
        defends!("T184");
        if !is_carried(text) {
            return Err(InvalidForeign::Characters);
        }
        if looks_like_ours(text, format) {
            return Err(InvalidForeign::LooksLikeOurs);
        }
        if is_guessable(text) {
            return Err(InvalidForeign::Guessable);
        }
        Ok(Self::hash(text))
    }

    /// A key by the SHA-256 of its whole text, in hex or base64. Whether the text is one that is ever looked up, and how hard
    /// it is to guess, nobody can tell by it.
    ///
    /// # Errors
    /// [`InvalidForeign::NoDigest`].
    pub fn of_sha256(text: &str) -> Result<Self, InvalidForeign> {
        let bytes = if text.len() == 64 { hex(text) } else { base64(text) };
        bytes.map(Self).ok_or(InvalidForeign::NoDigest)
    }

    /// What is looked up for a text that a request presents; `None` for one that can't have been imported, by its form.
    pub fn presented(text: &str, format: &Format) -> Option<KeyDigest> {
        let possible = is_carried(text) && !looks_like_ours(text, format);
        possible.then(|| Self::hash(text).digest())
    }

    /// What is stored, and looked up by.
    pub fn digest(&self) -> KeyDigest {
        defends!("T184");
        let mut context = Context::new(&SHA256);
        context.update(PURPOSE);
        context.update(&self.0);
        KeyDigest::from_bytes(bytes_of(context.finish().as_ref()))
    }

    /// What people recognise it by: how its SHA-256 begins, which tells nothing of its text.
    pub fn hint(&self) -> String {
        let [a, b, c, d, ..] = self.0;
        format!("sha256:{a:02x}{b:02x}{c:02x}{d:02x}…")
    }

    fn hash(text: &str) -> Self {
        Self(bytes_of(digest(&SHA256, text.as_bytes()).as_ref()))
    }
}

impl fmt::Debug for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hint())
    }
}

/// Whether a header carries the text unchanged, and it is neither too short nor too long to be a key.
fn is_carried(text: &str) -> bool {
    (SHORTEST..=ForeignKey::LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether it is, or was meant to be, something that Portcullis makes: here or in another deployment.
fn looks_like_ours(text: &str, format: &Format) -> bool {
    let signed = text.bytes().filter(|byte| *byte == b'.').count() == 2;
    // Opaque tokens of every kind, `pcs_` and so on: no key of ours begins so either.
    let opaque = text.split_once('_').is_some_and(|(word, _)| is_reserved(word));
    signed || opaque || format.claims(text) || Parts::of(text) != Err(InvalidApiKey::Form)
}

/// Whether its letters and digits can't be 128 bits. What stands between them counts for nothing: words are held together by
/// it.
fn is_guessable(text: &str) -> bool {
    let counted: Vec<u8> = text
        .bytes()
        .filter(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
        .collect();
    let different: HashSet<&u8> = counted.iter().collect();
    different.len() < DIFFERENT || is_repeated(&counted) || counted.len() * millibits(&counted) < 128_000
}

/// How many thousandths of a bit each character is worth, of the smallest alphabet that has them all.
fn millibits(text: &[u8]) -> usize {
    let all = |of: fn(&u8) -> bool| text.iter().all(of);
    if all(u8::is_ascii_digit) {
        3_321
    } else if all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte))
        || all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte))
    {
        4_000
    } else if all(u8::is_ascii_lowercase) || all(u8::is_ascii_uppercase) {
        4_700
    } else if !text.iter().any(u8::is_ascii_uppercase) || !text.iter().any(u8::is_ascii_lowercase) {
        5_169
    } else if all(u8::is_ascii_alphabetic) {
        5_700
    } else {
        5_954
    }
}

/// Whether it is one piece, again and again.
fn is_repeated(text: &[u8]) -> bool {
    (1..=text.len() / 2).any(|period| {
        let shifted = text.iter().skip(period);
        shifted.zip(text).all(|(one, other)| one == other)
    })
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(pair).ok()?;
        let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        *byte = u8::from_str_radix(digits, 16).ok().filter(|_| plain)?;
    }
    (text.len() == 64).then_some(bytes)
}

/// In either alphabet, with or without the mark at its end.
fn base64(text: &str) -> Option<[u8; 32]> {
    let read = |alphabet| {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, config).decode(text).ok()
    };
    let bytes = read(&alphabet::STANDARD).or_else(|| read(&alphabet::URL_SAFE))?;
    bytes.try_into().ok()
}

fn bytes_of(slice: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(slice).for_each(|(to, from)| *to = *from);
    bytes
}

/// No purpose of another kind of token begins so, and no text of a key of ours follows it.
const PURPOSE: &[u8] = b"imported-api-key:";

/// The shortest text that is looked up.
const SHORTEST: usize = 16;

/// So many different letters and digits has what isn't made by hand.
const DIFFERENT: usize = 8;

#[cfg(test)]
mod tests;
