//! The master key: a ring of named 32-byte keys that lives outside the store.
//!
//! Text form, for a secrets file: one `id = base64url` a line, the current key first, `#` begins a comment. To
//! rotate: put a new line on top, restart every node, reseal what is stored, take the old line away once nothing
//! is sealed under it any more.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::secret::{SecretBytes, SecretText};

/// The ring of master keys, current first. It is never empty and names no key twice.
#[derive(Clone)]
pub struct MasterKey {
    current: Named,
    older: Vec<Named>,
}

#[derive(Clone)]
struct Named {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

/// Why the text of a master key is refused. Lines count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMasterKey {
    /// There is no key in it.
    #[error("there is no master key: expected a line such as `mk-1 = <32 bytes in base64url>`")]
    Empty,
    /// A line isn't `id = base64url`.
    #[error("line {0} isn't `id = base64url`")]
    Line(usize),
    /// An id that isn't 1 to 32 of `a-z 0-9 _ -`.
    #[error("the id in line {0} must have 1 to 32 of a-z 0-9 _ -")]
    Id(usize),
    /// Key bytes that aren't 32 bytes in base64url without padding, or all the same byte.
    #[error("the key in line {0} isn't 32 random bytes in base64url without padding")]
    Key(usize),
    /// An id that was named before.
    #[error("the id in line {0} was used before; ids are never used again")]
    Repeated(usize),
}

impl MasterKey {
    /// A ring of one new key.
    pub fn generate(environment: &Environment) -> Self {
        Self {
            current: Named::generate(environment),
            older: Vec::new(),
        }
    }

    /// The same ring with a new current key on top.
    #[must_use]
    pub fn rotated(&self, environment: &Environment) -> Self {
        let mut current = Named::generate(environment);
        while self.ids().any(|id| id == current.id) {
            current = Named::generate(environment);
        }
        let older = self.all().cloned().collect();
        Self { current, older }
    }

    /// The same ring without an old key. Removing the current key, or one it doesn't have, changes nothing.
    #[must_use]
    pub fn without(&self, id: &str) -> Self {
        let mut ring = self.clone();
        ring.older.retain(|named| named.id != id);
        ring
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`InvalidMasterKey`] names the line. It never quotes it.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let mut ring: Vec<Named> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let named = Named::parse(number, line)?;
            if ring.iter().any(|known| known.id == named.id) {
                return Err(InvalidMasterKey::Repeated(number));
            }
            ring.push(named);
        }
        let mut ring = ring.into_iter();
        let current = ring.next().ok_or(InvalidMasterKey::Empty)?;
        Ok(Self {
            current,
            older: ring.collect(),
        })
    }

    /// The text form, current key first: what [`MasterKey::parse`] reads.
    pub fn to_text(&self) -> SecretText {
        let mut text = String::with_capacity(80 * (self.older.len() + 1));
        for named in self.all() {
            text.push_str(&named.id);
            text.push_str(" = ");
            URL_SAFE_NO_PAD.encode_string(*named.key, &mut text);
            text.push('\n');
        }
        SecretText::new(text)
    }

    /// The id of the key that seals.
    pub fn current_id(&self) -> &str {
        &self.current.id
    }

    /// The ids of all keys, current first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.all().map(|named| named.id.as_str())
    }

    /// The key of this id, expanded for one use.
    pub(super) fn expand(&self, id: &str, domain: &str, label: &str) -> Option<SecretBytes> {
        self.all()
            .find(|named| named.id == id)
            .map(|named| named.expand(domain, label))
    }

    /// All keys, expanded for one use, current first.
    pub(super) fn expand_all(&self, domain: &str, label: &str) -> Vec<SecretBytes> {
        self.all().map(|named| named.expand(domain, label)).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Named> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(")?;
        f.debug_list().entries(self.ids()).finish()?;
        f.write_str(", …redacted…)")
    }
}

impl Named {
    fn generate(environment: &Environment) -> Self {
        let [a, b, c, d] = environment.bytes();
        Self {
            id: format!("mk-{a:02x}{b:02x}{c:02x}{d:02x}"),
            key: Zeroizing::new(environment.bytes()),
        }
    }

    fn parse(number: usize, line: &str) -> Result<Self, InvalidMasterKey> {
        let (id, encoded) = line.split_once('=').ok_or(InvalidMasterKey::Line(number))?;
        let id = id.trim();
        if !valid_id(id) {
            return Err(InvalidMasterKey::Id(number));
        }
        let decoded = URL_SAFE_NO_PAD.decode(encoded.trim()).map(Zeroizing::new).ok();
        let key: [u8; 32] = decoded
            .and_then(|bytes| bytes.as_slice().try_into().ok())
            .filter(|bytes: &[u8; 32]| bytes.iter().any(|byte| Some(byte) != bytes.first()))
            .ok_or(InvalidMasterKey::Key(number))?;
        Ok(Self {
            id: id.to_owned(),
            key: Zeroizing::new(key),
        })
    }

    fn expand(&self, domain: &str, label: &str) -> SecretBytes {
        SecretBytes::new(hkdf(SALT, &*self.key, &[domain.as_bytes(), b":", label.as_bytes()]).to_vec())
    }
}

fn valid_id(id: &str) -> bool {
    (1..=32).contains(&id.len())
        && id
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// HKDF-SHA-256 with one block of output.
///
/// Source: RFC 5869 §2
fn hkdf(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), secret);
    let mut expanded = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref()));
    for part in info {
        expanded.update(part);
    }
    expanded.update(&[1]);
    let mut key = Zeroizing::new([0; 32]);
    for (to, from) in key.iter_mut().zip(expanded.sign().as_ref()) {
        *to = *from;
    }
    key
}

const SALT: &[u8] = b"portcullis master key v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::fakes;

    #[test]
    fn refused_texts_name_the_line_and_never_the_key() {
        let key = URL_SAFE_NO_PAD.encode([7, 8].repeat(16));
        for (text, why) in [
            (String::new(), InvalidMasterKey::Empty),
            ("# nothing\n\n".into(), InvalidMasterKey::Empty),
            (format!("# one\nmk-1 {key}"), InvalidMasterKey::Line(2)),
            (format!("MK = {key}"), InvalidMasterKey::Id(1)),
            (format!(" = {key}"), InvalidMasterKey::Id(1)),
            (format!("{} = {key}", "a".repeat(33)), InvalidMasterKey::Id(1)),
            ("mk-1 = short".into(), InvalidMasterKey::Key(1)),
            (format!("mk-1 = {key}="), InvalidMasterKey::Key(1)),
            (format!("mk-1 = {key}A"), InvalidMasterKey::Key(1)),
            (
                format!("mk-1 = {}", URL_SAFE_NO_PAD.encode([0; 32])),
                InvalidMasterKey::Key(1),
            ),
            (
                format!("mk-1 = {key}\nmk-1 = {key}"),
                InvalidMasterKey::Repeated(2),
            ),
        ] {
            let said = MasterKey::parse(&text).unwrap_err();
            assert_eq!(said, why, "{text}");
            assert!(!said.to_string().contains(&key));
        }
    }

    #[test]
    fn the_text_form_round_trips_and_debug_shows_no_key() {
        let environment = fakes::environment(1);
        let ring = MasterKey::generate(&environment).rotated(&environment);
        let read = MasterKey::parse(ring.to_text().expose()).unwrap();
        assert_eq!(read.to_text().expose(), ring.to_text().expose());
        assert_eq!(read.current_id(), ring.current_id());
        let shown = format!("{ring:?}");
        for line in ring.to_text().expose().lines() {
            let (id, key) = line.split_once(" = ").unwrap();
            assert!(shown.contains(id) && !shown.contains(key), "{shown}");
        }
    }

    #[test]
    fn the_current_key_is_never_taken_away() {
        let environment = fakes::environment(2);
        let first = MasterKey::generate(&environment);
        let both = first.rotated(&environment);
        assert_eq!(both.without(both.current_id()).ids().count(), 2);
        assert_eq!(
            both.without(first.current_id()).ids().collect::<Vec<_>>(),
            [both.current_id()]
        );
    }

    #[test]
    fn hkdf_gives_the_vectors_of_the_rfc() {
        // RFC 5869 §A.1 and §A.3; the first block of each.
        let salt: Vec<u8> = (0..=12).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        assert_eq!(
            hex(&*hkdf(&salt, &[0x0b; 22], &[&info])),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        );
        assert_eq!(
            hex(&*hkdf(&[], &[0x0b; 22], &[])),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
        );
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
