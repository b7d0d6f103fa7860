//! Texts of callers, before anything is made of them.
//!
//! Two rules for all slices. **A bound comes first:** normalising costs up to eighteen characters for each that came, so
//! only a [`Bounded`] can be normalised, and it exists only after its length in bytes was compared (`T140`);
//! `clippy.toml` bans the other way. **What is shown shows itself:** a text of one line that others read has no
//! character that hides or turns its neighbours (`T141`); what can't be refused, such as a user agent, is shown with
//! [`shown`].

mod printable;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

pub(crate) use self::printable::{hides, is_printable, reads_plainly};
use crate::defends;

/// A text of bounded length: at most as many bytes as its reader said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounded<'t>(&'t str);

impl<'t> Bounded<'t> {
    /// The text if it has at most `most` bytes. Looks at no character of it.
    pub const fn new(text: &'t str, most: usize) -> Option<Self> {
        defends!("T140");
        if text.len() <= most {
            Some(Self(text))
        } else {
            None
        }
    }

    /// The text without the space around it that people type and paste.
    #[must_use]
    pub fn trimmed(self) -> Self {
        Self(self.0.trim())
    }

    /// The text as it was typed; its bytes are counted.
    pub const fn as_str(self) -> &'t str {
        self.0
    }

    /// The text in NFC: one form for the same characters, however they were typed.
    #[expect(clippy::disallowed_methods, reason = "its length is bounded")]
    pub fn nfc(self) -> String {
        self.0.nfc().collect()
    }

    /// The text in NFKC: one form for what differs in width or style only.
    #[expect(clippy::disallowed_methods, reason = "its length is bounded")]
    pub fn nfkc(self) -> String {
        self.0.nfkc().collect()
    }
}

/// The text on one line, with U+FFFD for each character that hides, turns or breaks: for what others read and the
/// caller's program wrote, where a refusal would help nobody.
pub fn shown(text: &str) -> Cow<'_, str> {
    defends!("T141");
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let shown = |c| {
        if is_printable(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    Cow::Owned(text.chars().map(shown).collect())
}

/// As [`shown`], of the first `characters` at most. What is beyond them isn't looked at.
pub fn shown_up_to(text: &str, characters: usize) -> String {
    let end = text
        .char_indices()
        .nth(characters)
        .map_or(text.len(), |(end, _)| end);
    shown(text.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;

    #[test]
    fn a_text_beyond_its_bound_is_no_text() {
        checks!("T140");
        assert!(Bounded::new("abc", 3).is_some());
        assert!(Bounded::new("abcd", 3).is_none());
        // Bytes count, not characters.
        assert!(Bounded::new("\u{fdfa}", 2).is_none());
    }

    #[test]
    fn what_turns_or_hides_is_shown_as_what_it_is() {
        checks!("T141");
        assert_eq!(shown("plain é 🗝"), "plain é 🗝");
        assert_eq!(shown("a\u{202e}b\u{200b}\n"), "a\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(shown_up_to("äöü\u{202e}", 2), "äö");
        assert_eq!(shown_up_to("ä\u{202e}", 9), "ä\u{fffd}");
    }
}
