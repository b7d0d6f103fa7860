//! The realm: what a challenge calls the place that a caller wants into. Browsers show it when they ask for a password.

use std::fmt;
use std::sync::Arc;

/// What a challenge calls the place that a caller wants into, such as `Blog`. Exists only with characters that stand in
/// quotes as they are.
///
/// Source: RFC 9110 §11.5
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Realm(Arc<str>);

/// A text that is no realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a realm is 1 to {LONGEST} printable ASCII characters without quotes and backslashes")]
pub struct InvalidRealm;

impl Realm {
    /// Reads the realm that challenges name: 1 to 100 printable ASCII characters.
    ///
    /// # Errors
    /// [`InvalidRealm`] if it is empty, longer, or has quotes, backslashes or other characters.
    pub fn parse(text: &str) -> Result<Self, InvalidRealm> {
        let stands = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(stands) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidRealm)
        }
    }

    /// The text as it stands in `WWW-Authenticate`, between quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Realm {
    /// The realm `portcullis`.
    fn default() -> Self {
        Self("portcullis".into())
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A realm is read by people in one look.
const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    // Shows: PW-7
    #[test]
    fn a_realm_never_breaks_out_of_its_quotes() {
        let longest = "a".repeat(LONGEST);
        for text in [
            "",
            "a\", error=\"x",
            "a\\",
            "a\r\nset-cookie: x",
            "a\tb",
            "a\u{7f}",
            "ä",
            &format!("{longest}a"),
        ] {
            assert_eq!(Realm::parse(text), Err(InvalidRealm), "{text:?}");
        }
        for text in ["a", "Blog, internal", "it's ~100 %", &longest] {
            assert_eq!(Realm::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(Realm::parse("portcullis"), Ok(Realm::default()));
    }
}
