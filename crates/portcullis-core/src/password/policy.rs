//! What a password must look like.

use super::rule::{PasswordContext, PasswordRule};
use crate::defends;
use crate::problem::{Details, Field};
use crate::secret::SecretText;
use crate::text::Bounded;

/// The rules for new passwords, as data.
///
/// Length is what counts (NIST SP 800-63B-4 §3.1.1): no character classes are asked for, nothing expires.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// Fewest characters: 8 by default.
    pub min_characters: usize,
    /// Most characters: 256 by default; never more than [`Password::MAX_BYTES`] bytes.
    pub max_characters: usize,
    rules: Vec<PasswordRule>,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_characters: 8,
            max_characters: 256,
            rules: Vec::new(),
        }
    }
}

/// A rule that a new password breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It has fewer characters than the least, which is this.
    #[error("use at least {0} characters")]
    TooShort(usize),
    /// It has more characters than the most, which is this.
    #[error("use at most {0} characters")]
    TooLong(usize),
    /// The password is, or contains, what the account is called.
    #[error("don't use your e-mail address or user name in the password")]
    ContainsIdentifier,
    /// One character over and over.
    #[error("don't repeat a single character")]
    SingleCharacter,
    /// A rule of the program's own ([`PasswordRule`]), in its words.
    #[error("{0}")]
    Own(String),
}

impl Broken {
    /// A stable, machine-readable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort(_) => "password_too_short",
            Self::TooLong(_) => "password_too_long",
            Self::ContainsIdentifier => "password_contains_identifier",
            Self::SingleCharacter => "password_single_character",
            Self::Own(_) => "password_rule",
        }
    }
}

impl Broken {
    /// 422 with every rule that the password in the field at `pointer` breaks.
    pub fn details(pointer: &'static str, broken: &[Self]) -> Details {
        let fields = broken.iter().map(|rule| Field {
            pointer,
            code: rule.code(),
            text: rule.to_string(),
        });
        Details::invalid(fields.collect())
    }

    /// All of them in one line.
    pub(crate) fn in_words(broken: &[Self]) -> String {
        let rules: Vec<String> = broken.iter().map(ToString::to_string).collect();
        rules.join("; ")
    }
}

impl PasswordPolicy {
    /// The same policy with a rule of the program's own beside its rules and those that were added before.
    #[must_use]
    pub fn with_rule(mut self, rule: PasswordRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Every rule that `password` breaks for an account with these normalised identifiers. What is checked is what is
    /// hashed: the password in its canonical form.
    pub fn broken_by(&self, password: &SecretText, identifiers: &[&str]) -> Vec<Broken> {
        defends!("T145");
        let Some(password) = Password::new(password) else {
            return vec![Broken::TooLong(self.max_characters)];
        };
        let text = password.0.expose();
        let characters = text.chars().count();
        let mut broken = Vec::new();
        if characters < self.min_characters {
            broken.push(Broken::TooShort(self.min_characters));
        }
        if characters > self.max_characters {
            broken.push(Broken::TooLong(self.max_characters));
            // The other rules would read all of it.
            return broken;
        }
        let lower = folded(text);
        if identifiers
            .iter()
            .flat_map(|identifier| names_in(identifier))
            .any(|name| lower.expose().contains(name))
        {
            broken.push(Broken::ContainsIdentifier);
        }
        let mut all = text.chars();
        if let Some(first) = all.next()
            && characters > 1
            && all.all(|character| character == first)
        {
            broken.push(Broken::SingleCharacter);
        }
        let context = PasswordContext { identifiers };
        broken.extend(
            self.rules
                .iter()
                .filter_map(|rule| rule.breaks(&password.0, context)),
        );
        broken
    }
}

/// What hides in other widths and cases.
fn folded(text: &str) -> SecretText {
    let folded = Bounded::new(text, 3 * Password::MAX_BYTES).map(Bounded::nfkc);
    SecretText::new(folded.unwrap_or_default().to_lowercase())
}

/// The names somebody would guess from an identifier: itself, and the part before the `@`. Very short ones would
/// forbid too much.
fn names_in(identifier: &str) -> impl Iterator<Item = &str> {
    let local = identifier.split_once('@').map(|(local, _)| local);
    [Some(identifier), local]
        .into_iter()
        .flatten()
        .filter(|name| name.chars().count() >= 4)
}

/// A password on its way to the hasher: of bearable length, in one canonical form. The default is the empty one.
#[derive(Debug, Clone)]
pub struct Password(SecretText);

impl Default for Password {
    fn default() -> Self {
        Self(SecretText::new(String::new()))
    }
}

impl Password {
    /// The longest password that is hashed: 1,024 bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Puts a password into NFC, so that two keyboards that type the same characters type the same password.
    /// `None` if it is longer than [`Password::MAX_BYTES`]: it is refused whole, never cut.
    ///
    /// Source: RFC 8265 §4.2
    pub fn new(text: &SecretText) -> Option<Self> {
        defends!("T034");
        let text = Bounded::new(text.expose(), Self::MAX_BYTES)?;
        Some(Self(SecretText::new(text.nfc())))
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;

    fn broken(text: &str) -> Vec<&'static str> {
        let policy = PasswordPolicy::default();
        let identifiers = ["anna.k@example.com", "annak", "bo"];
        policy
            .broken_by(&SecretText::new(text.into()), &identifiers)
            .iter()
            .map(Broken::code)
            .collect()
    }

    // Shows: PW-4
    #[test]
    fn every_broken_rule_is_named() {
        for (text, expected) in [
            ("", vec!["password_too_short"]),
            ("abcdefg", vec!["password_too_short"]),
            ("abcdefgh", vec![]),
            ("äöüßéèàç", vec![]),
            (
                "annak",
                vec!["password_too_short", "password_contains_identifier"],
            ),
            ("xxANNAKxx", vec!["password_contains_identifier"]),
            ("my-anna.k-password", vec!["password_contains_identifier"]),
            ("borrowed trousers", vec![]),
            ("aaaaaaaaaaaa", vec!["password_single_character"]),
            ("aaaa", vec!["password_too_short", "password_single_character"]),
        ] {
            assert_eq!(broken(text), expected, "{text:?}");
        }
        // NFC makes four characters of these eight.
        checks!("T145");
        assert_eq!(
            broken(&"e\u{301}".repeat(4)),
            ["password_too_short", "password_single_character"]
        );
        assert!(broken(&"e\u{301}f".repeat(4)).is_empty());
        assert!(broken(&"ab".repeat(128)).is_empty());
        assert_eq!(broken(&("ab".repeat(128) + "c")), ["password_too_long"]);
        assert_eq!(
            broken(&"🦀🐢".repeat(128)),
            Vec::<&str>::new(),
            "256 characters of four bytes"
        );
    }

    // Shows: PW-4
    #[test]
    fn two_keyboards_type_one_password_and_long_ones_are_refused_whole() {
        let composed = Password::new(&SecretText::new("caf\u{e9} noir".into())).unwrap();
        let decomposed = Password::new(&SecretText::new("cafe\u{301} noir".into())).unwrap();
        assert_eq!(composed.expose(), decomposed.expose());
        assert!(Password::new(&SecretText::new("a".repeat(1024))).is_some());
        assert!(Password::new(&SecretText::new("a".repeat(1025))).is_none());
    }
}
