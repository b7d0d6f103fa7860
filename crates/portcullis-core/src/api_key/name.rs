//! What an owner calls a key.

use crate::text::{Bounded, reads_plainly};

/// The name of a key: 1 to 64 printable characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

/// Why a key's name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key's name has 1 to 64 printable characters")]
pub struct InvalidKeyName;

impl KeyName {
    /// Parses a name: 1 to 64 characters that can be seen. Space around it is dropped.
    ///
    /// # Errors
    /// [`InvalidKeyName`] if it is empty, longer, or has characters that can't be seen or turn the direction of writing.
    pub fn parse(text: &str) -> Result<Self, InvalidKeyName> {
        // 64 characters of four bytes, and some space around them.
        let text = Bounded::new(text, 512).ok_or(InvalidKeyName)?.trimmed().as_str();
        let fits = (1..=64).contains(&text.chars().count());
        if fits && reads_plainly(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKeyName)
        }
    }

    /// The name as typed, without the space around it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_printable_and_not_empty() {
        for (text, good) in [
            ("", false),
            ("   ", false),
            ("a\nb", false),
            ("\u{7f}", false),
            ("c\u{202e}i", false),
            ("c\u{2028}i", false),
            ("c\u{61c}i", false),
            (&*"é".repeat(65), false),
            (&*"é".repeat(64), true),
            (" ci ", true),
        ] {
            assert_eq!(KeyName::parse(text).is_ok(), good, "{text:?}");
        }
        assert_eq!(KeyName::parse(" ci ").unwrap().as_str(), "ci");
    }
}
