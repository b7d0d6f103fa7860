//! Identifiers: valid and normalised from the moment they exist.
//!
//! Two spellings that people take for the same name are the same identifier: the normalised form is NFKC, lower
//! case. Two names that people can't tell apart are not both given away: [`Username::looks`].
//!
//! What was registered under the looser rules of an earlier version is still found: [`Identifier::parse`] reads it, only
//! nobody registers it any more.

mod email;
mod letters;
mod username;

pub use self::email::{EmailAddress, InvalidEmail, shown as shown_address};
pub use self::letters::InvalidLetters;
pub use self::username::{InvalidUsername, Username, looks_of};
use crate::text::Bounded;

/// What somebody logs in with.
#[derive(Debug, Clone)]
pub enum Identifier {
    /// An e-mail address that is valid by today's rules.
    Email(EmailAddress),
    /// A user name that is valid by today's rules.
    Username(Username),
    /// An address that could be registered once, in the form that was compared then.
    FormerEmail(String),
    /// A user name that could be registered once, in the form that was compared then.
    FormerUsername(String),
}

impl Identifier {
    /// Reads what was typed into a login form, without the space around it; `None` if it can't be anybody's
    /// identifier.
    pub fn parse(text: &str) -> Option<Self> {
        let typed = Bounded::new(text, MOST_TYPED)?.trimmed();
        if typed.as_str().contains(['@', '\u{ff20}', '\u{fe6b}']) {
            let email = EmailAddress::parse(typed.as_str()).map(Self::Email);
            return email.ok().or_else(|| former(typed, 254).map(Self::FormerEmail));
        }
        let name = Username::parse(typed.as_str()).map(Self::Username);
        name.ok().or_else(|| former(typed, 128).map(Self::FormerUsername))
    }

    /// The form that is compared.
    pub fn normalised(&self) -> &str {
        match self {
            Self::Email(email) => email.normalised(),
            Self::Username(name) => name.normalised(),
            Self::FormerEmail(text) | Self::FormerUsername(text) => text,
        }
    }
}

/// The compared form by the rules of before. An ASCII name that is refused today was refused then.
fn former(typed: Bounded<'_>, most: usize) -> Option<String> {
    let typed = Bounded::new(typed.as_str(), most)?;
    let plain = |c: char| !c.is_control() && !c.is_whitespace();
    let old = !typed.as_str().is_ascii() && typed.as_str().chars().all(plain);
    old.then(|| normalise(typed))
}

/// NFKC and lower case, repeated until it stands still: some lower-case forms compose further.
fn normalise(text: Bounded<'_>) -> String {
    let first = text.nfkc().to_lowercase();
    let second = lower(&first);
    if first == second { first } else { lower(&second) }
}

/// Another round for what has been bounded before: NFKC makes at most eighteen characters of one.
fn lower(text: &str) -> String {
    Bounded::new(text, 20 * MOST_TYPED).map_or_else(String::new, |text| text.nfkc().to_lowercase())
}

/// The longest text that is looked at for an identifier: the longest address, and some space around it.
const MOST_TYPED: usize = 512;

#[cfg(test)]
mod tests;
