//! Names that people choose.

use uuid::Uuid;

use super::letters::{self, InvalidLetters, look};
use super::{MOST_TYPED, normalise};
use crate::defends;
use crate::text::Bounded;

/// A valid user name.
#[derive(Debug, Clone)]
pub struct Username {
    typed: String,
    normalised: String,
}

/// Why a user name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsername {
    /// Not the form of one.
    #[error(
        "a user name has 3 to 32 letters, digits, dots, hyphens or underscores, begins and ends with a letter or digit, \
         and is no id; letters are those of any one script, with their marks"
    )]
    Form,
    /// Written with letters that can't be seen or told apart.
    #[error("in a user name, {0}")]
    Letters(#[from] InvalidLetters),
}

impl Username {
    /// Parses a user name: 3 to 32 characters in one script, where a letter is one of any living script together with
    /// its marks. Space around it is dropped, inside it is refused. It can't look like an e-mail address, so an
    /// identifier is one or the other; nor like an id, so that a name given to a command never means another account.
    ///
    /// # Errors
    /// [`InvalidUsername`], which says what to type instead.
    ///
    /// Source: RFC 8265 §3.3, UTS 39 §5.2
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        defends!("T142");
        let typed = Bounded::new(text, MOST_TYPED)
            .ok_or(InvalidUsername::Form)?
            .trimmed();
        let typed = Bounded::new(typed.as_str(), MOST_BYTES).ok_or(InvalidUsername::Form)?;
        let normalised = normalise(typed);
        letters::check(&normalised, between).map_err(|fault| match fault {
            _ if normalised.is_ascii() => InvalidUsername::Form,
            fault => fault.into(),
        })?;
        let edges = normalised.starts_with(letters::begins) && normalised.ends_with(letters::ends);
        let length = normalised.chars().count();
        if !edges || !(3..=32).contains(&length) || Uuid::try_parse(&normalised).is_ok() {
            return Err(InvalidUsername::Form);
        }
        Ok(Self {
            typed: typed.as_str().to_owned(),
            normalised,
        })
    }

    /// The name as it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The form that is compared.
    pub fn normalised(&self) -> &str {
        &self.normalised
    }

    /// What the name looks like, as it is compared and as it is shown: one account has each look.
    ///
    /// Source: UTS 39 §4
    pub fn looks(&self) -> Vec<String> {
        looks(&self.typed, &self.normalised)
    }

    /// Whether people take the name for the server itself, or for its staff. An operator may give it, nobody takes it.
    pub fn is_reserved(&self) -> bool {
        defends!("T143");
        let looks = self.looks();
        RESERVED.iter().any(|name| looks.contains(&look(name)))
    }
}

/// The looks of a name that an account has already, whatever may be registered today.
pub fn looks_of(typed: &str) -> Vec<String> {
    Bounded::new(typed, MOST_TYPED).map_or_else(Vec::new, |text| looks(typed, &normalise(text)))
}

fn looks(typed: &str, normalised: &str) -> Vec<String> {
    let shown = Bounded::new(typed, MOST_TYPED)
        .map(Bounded::nfkc)
        .unwrap_or_default();
    let mut looks = vec![look(normalised), look(&shown)];
    looks.sort();
    looks.dedup();
    looks
}

const fn between(c: char) -> bool {
    matches!(c, '.' | '-' | '_')
}

/// 32 characters of four bytes.
const MOST_BYTES: usize = 128;

/// Names that are nobody's to take.
const RESERVED: [&str; 14] = [
    "administrator",
    "administrators",
    "anonymous",
    "hostmaster",
    "moderator",
    "nobody",
    "operator",
    "portcullis",
    "postmaster",
    "security",
    "superuser",
    "support",
    "system",
    "webmaster",
];
