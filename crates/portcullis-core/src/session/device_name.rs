//! What a user calls a device.

use crate::text::{Bounded, reads_plainly};

/// The name a user gives a device: 1 to 64 printable characters.
#[derive(Debug, Clone)]
pub struct DeviceName(String);

/// Why a device's name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device's name has 1 to 64 printable characters")]
pub struct InvalidDeviceName;

impl DeviceName {
    /// Parses a name: 1 to 64 characters that can be seen. Space around it is dropped.
    ///
    /// # Errors
    /// [`InvalidDeviceName`] if it is empty, longer, or has characters that can't be seen.
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceName> {
        // 64 characters of four bytes, and some space around them.
        let text = Bounded::new(text, 512)
            .ok_or(InvalidDeviceName)?
            .trimmed()
            .as_str();
        let fits = (1..=64).contains(&text.chars().count());
        if fits && reads_plainly(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDeviceName)
        }
    }

    /// The name as typed, without the space around it.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_printable_and_not_empty() {
        for (text, good) in [
            ("", false),
            ("a\nb", false),
            ("a\u{202e}b", false),
            ("a\u{2028}b", false),
            ("a\u{61c}b", false),
            (&*"é".repeat(65), false),
            (&*"é".repeat(64), true),
            (" phone ", true),
        ] {
            assert_eq!(DeviceName::parse(text).is_ok(), good, "{text:?}");
        }
    }
}
