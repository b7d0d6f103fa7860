//! What organizations are called: by people, in addresses, and in a request.

use std::fmt;

use uuid::Uuid;

use super::Id;
use crate::defends;
use crate::text::{Bounded, reads_plainly};

/// A name in an address: `acme` in `acme.example.com`. Exists only valid, and has one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Slug(Box<str>);

/// Why a slug is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlug {
    /// Not the form of one.
    #[error(
        "a slug has 3 to 40 of a-z 0-9 and single hyphens, begins with a letter and ends with a letter or digit"
    )]
    Form,
    /// A name that means something else in addresses.
    #[error("this slug is reserved; choose another")]
    Reserved,
}

impl Slug {
    /// Parses a slug: lower-case ASCII, so that no two look alike (`T074`); usable as a label of a domain name, never
    /// an internationalised one (`xn--`); never the text of an id.
    ///
    /// # Errors
    /// [`InvalidSlug::Form`] if it isn't spelt like one, [`InvalidSlug::Reserved`] if it means something else in
    /// addresses.
    ///
    /// Source: RFC 1035 §2.3.1, RFC 5890 §2.3.2.1
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        defends!("T074");
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let edges = text.starts_with(|c: char| c.is_ascii_lowercase()) && !text.ends_with('-');
        let good =
            (3..=40).contains(&text.len()) && edges && !text.contains("--") && text.chars().all(allowed);
        if !good || Uuid::try_parse(text).is_ok() {
            return Err(InvalidSlug::Form);
        }
        if RESERVED.contains(&text) {
            return Err(InvalidSlug::Reserved);
        }
        Ok(Self(text.into()))
    }

    /// The slug as it is stored, compared and shown: lower-case ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Labels that a deployment uses for itself, or that people take for it.
const RESERVED: [&str; 23] = [
    "account",
    "accounts",
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "blog",
    "docs",
    "help",
    "login",
    "mail",
    "oauth",
    "portcullis",
    "root",
    "security",
    "static",
    "status",
    "support",
    "system",
    "test",
    "web",
    "www",
];

/// What people call an organization: 1 to 100 characters, no line breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationName(String);

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 100 characters, without control characters and without space at its ends")]
pub struct InvalidDisplayName;

impl OrganizationName {
    /// Parses a name. It stands in e-mails, so it can't break a line or turn the direction of writing.
    ///
    /// # Errors
    /// [`InvalidDisplayName`] unless it has 1 to 100 characters that can be seen, and no space at its ends.
    pub fn parse(text: &str) -> Result<Self, InvalidDisplayName> {
        let name = Bounded::new(text, 1_000).ok_or(InvalidDisplayName)?.nfc();
        let length = name.chars().count();
        if (1..=100).contains(&length) && reads_plainly(&name) && name.trim() == name {
            Ok(Self(name))
        } else {
            Err(InvalidDisplayName)
        }
    }

    /// The name in NFC, as it is stored and shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a request names an organization.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// By its id, which never changes.
    Id(Id),
    /// By its slug, the present one.
    Slug(Slug),
}

/// A text that names no organization, whatever organizations there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an organization is named by its id or its slug, in lower case")]
pub struct InvalidSelector;

impl Selector {
    /// Reads an id or a slug. Each has one spelling; a slug is never an id.
    ///
    /// # Errors
    /// [`InvalidSelector`] if it is neither, or an id in another spelling than the hyphenated one in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidSelector> {
        if let Ok(id) = text.parse::<Id>() {
            // Other spellings of an id would be other texts for the same thing.
            return if id.to_string() == text && id != Id::NONE {
                Ok(Self::Id(id))
            } else {
                Err(InvalidSelector)
            };
        }
        Slug::parse(text).map(Self::Slug).map_err(|_| InvalidSelector)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => f.write_str(slug.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use proptest::prelude::*;

    #[test]
    fn slugs_that_could_be_taken_for_another_are_refused() {
        checks!("T074");
        let long = "a".repeat(41);
        for text in [
            "",
            "ab",
            "Acme",
            "ACME",
            "аcme", // a Cyrillic а
            "ac\u{200b}me",
            "ａｃｍｅ",
            "acme ",
            " acme",
            "acme.",
            "ac.me",
            "ac_me",
            "-acme",
            "acme-",
            "ac--me",
            "xn--cme-7cd",
            "1acme",
            "123",
            "acme\n",
            "acme\0",
            "acmé",
            "../acme",
            "acme%2e",
            "acme,other",
            "a1890000000070008000000000000000",
            long.as_str(),
        ] {
            assert_eq!(Slug::parse(text), Err(InvalidSlug::Form), "{text:?}");
            assert!(Selector::parse(text).is_err(), "{text:?}");
        }
        for text in ["www", "admin", "api", "portcullis"] {
            assert_eq!(Slug::parse(text), Err(InvalidSlug::Reserved), "{text:?}");
        }
        for text in ["abc", "acme", "acme-2", "a-b-c", &long[..40]] {
            assert_eq!(Slug::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        let text = "01890000-0000-7000-8000-00000000abcd";
        assert!(matches!(Selector::parse(text), Ok(Selector::Id(_))));
        for other in [
            text.to_uppercase(),
            text.replace('-', ""),
            format!("{{{text}}}"),
            format!("urn:uuid:{text}"),
            format!("{text} "),
            Id::NONE.to_string(),
        ] {
            assert!(Selector::parse(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn names_at_their_bounds() {
        let bound = "é".repeat(100);
        let beyond = "é".repeat(101);
        for text in [
            "",
            " ",
            " Acme",
            "Acme ",
            "Ac\nme",
            "Ac\r\nBcc: x",
            "Ac\u{202e}me",
            "Ac\u{2028}me",
            "Ac\u{061c}me",
            "Ac\u{00ad}me",
            "Ac\u{180e}me",
            "Ac\u{e0020}me",
            "\u{3164}",
            &beyond,
        ] {
            assert!(OrganizationName::parse(text).is_err(), "{text:?}");
        }
        for text in ["A", "Acme & Söhne GmbH", "株式会社", &bound] {
            assert_eq!(OrganizationName::parse(text).unwrap().as_str(), text);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_back_the_same(text in "\\PC{0,50}|[a-z0-9-]{0,45}") {
            if let Ok(selector) = Selector::parse(&text) {
                prop_assert_eq!(selector.to_string(), text);
            }
        }
    }
}
