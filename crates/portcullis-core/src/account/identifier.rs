//! Identifiers: valid and normalised from the moment they exist.
//!
//! Two spellings that people take for the same name are the same identifier: the normalised form is NFKC, lower
//! case. What the user typed is kept for display and for sending mail.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

use crate::defends;

/// A valid e-mail address.
#[derive(Debug, Clone)]
pub struct EmailAddress {
    typed: String,
    normalised: String,
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: it needs the form name@example.com, at most 254 characters, without spaces")]
pub struct InvalidEmail;

impl EmailAddress {
    /// Parses an address: one `@`, a local part of 1 to 64 characters, a domain name; no comments, no quoting, no
    /// display name, no control characters, so that a mail header can't be forged with it.
    ///
    /// # Errors
    /// [`InvalidEmail`].
    ///
    /// Source: RFC 5321 §4.5.3.1, RFC 6531 §3.3
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        defends!("T011");
        let normalised = normalise(text);
        let (local, domain) = normalised.split_once('@').ok_or(InvalidEmail)?;
        let good = normalised.len() <= 254 && text.len() <= 254 && valid_local(local) && valid_domain(domain);
        // What is shown and mailed must be the address that was compared, but for its case and width.
        let plain = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
        if good && plain {
            Ok(Self {
                typed: text.to_owned(),
                normalised,
            })
        } else {
            Err(InvalidEmail)
        }
    }

    /// The address as it was typed, for display and mail.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The form that is compared.
    pub fn normalised(&self) -> &str {
        &self.normalised
    }
}

fn valid_local(local: &str) -> bool {
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let allowed = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    (1..=64).contains(&local.len()) && dots && local.chars().all(allowed)
}

fn valid_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    (1..=253).contains(&domain.len()) && domain.split('.').count() >= 2 && domain.split('.').all(label)
}

/// A valid user name.
#[derive(Debug, Clone)]
pub struct Username {
    typed: String,
    normalised: String,
}

/// Why a user name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user name has 3 to 32 letters, digits, dots, hyphens or underscores, begins and ends with a letter or digit, and \
     is no id"
)]
pub struct InvalidUsername;

impl Username {
    /// Parses a user name. It can't look like an e-mail address, so an identifier is one or the other; nor like an id, so
    /// that a name given to a command never means another account.
    ///
    /// # Errors
    /// [`InvalidUsername`].
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        let normalised = normalise(text);
        let length = normalised.chars().count();
        let edges =
            normalised.starts_with(char::is_alphanumeric) && normalised.ends_with(char::is_alphanumeric);
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        let plain = edges && normalised.chars().all(allowed) && Uuid::try_parse(&normalised).is_err();
        if (3..=32).contains(&length) && text.len() <= 128 && plain {
            Ok(Self {
                typed: text.to_owned(),
                normalised,
            })
        } else {
            Err(InvalidUsername)
        }
    }

    /// The name as it was typed.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The form that is compared.
    pub fn normalised(&self) -> &str {
        &self.normalised
    }
}

/// NFKC and lower case, repeated until it stands still: some lower-case forms compose further.
fn normalise(text: &str) -> String {
    let once = |text: &str| text.nfkc().collect::<String>().to_lowercase();
    let first = once(text);
    let second = once(&first);
    if first == second { first } else { once(&second) }
}

/// What somebody logs in with.
#[derive(Debug, Clone)]
pub enum Identifier {
    /// An e-mail address.
    Email(EmailAddress),
    /// A user name.
    Username(Username),
}

impl Identifier {
    /// Reads what was typed into a login form; `None` if it can't be anybody's identifier.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains('@') || text.contains('\u{ff20}') || text.contains('\u{fe6b}') {
            EmailAddress::parse(text).ok().map(Self::Email)
        } else {
            Username::parse(text).ok().map(Self::Username)
        }
    }

    /// The form that is compared.
    pub fn normalised(&self) -> &str {
        match self {
            Self::Email(email) => email.normalised(),
            Self::Username(name) => name.normalised(),
        }
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use proptest::prelude::*;

    #[test]
    fn eight_spellings_are_one_address() {
        for spelling in [
            "anna@example.com",
            "Anna@Example.com",
            "ANNA@EXAMPLE.COM",
            "anna@EXAMPLE.com",
            "ａｎｎａ@example.com",
            "anna＠example.com",
            "anna@ｅｘａｍｐｌｅ.com",
            "Ａnna@example．com",
        ] {
            assert_eq!(
                EmailAddress::parse(spelling).unwrap().normalised(),
                "anna@example.com",
                "{spelling}"
            );
        }
    }

    #[test]
    fn addresses_that_could_forge_a_header_or_reach_two_people_are_refused() {
        checks!("T011");
        for text in [
            "",
            "@",
            "a@",
            "@b.c",
            "a",
            "a@b",
            "a@b@c.d",
            "a b@c.d",
            "a@c.d ",
            " a@c.d",
            "a@c.d\r\nBcc: x@y.z",
            "a@c.d,x@y.z",
            "a@c.d;x@y.z",
            "<a@c.d>",
            "A <a@c.d>",
            "\"a\"@c.d",
            "a(x)@c.d",
            "a@[127.0.0.1]",
            "a..b@c.d",
            ".a@c.d",
            "a.@c.d",
            "a@-c.d",
            "a@c-.d",
            "a@c..d",
            "a@.c.d",
            "a@c.d.",
            "a\u{0}@c.d",
            "a\u{202e}@c.d",
            "a\u{200b}@c.d",
            "a@c.\td",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
        let long_local = format!("{}@example.com", "a".repeat(65));
        assert!(EmailAddress::parse(&long_local).is_err());
        assert!(EmailAddress::parse(&long_local[1..]).is_ok());
    }

    #[test]
    fn user_names_at_their_bounds() {
        for (text, good) in [
            ("ab", false),
            ("abc", true),
            ("a.b-c_d", true),
            ("_abc", false),
            ("abc.", false),
            ("a@b.c", false),
            ("a b c", false),
            ("abc\n", false),
            ("søren", true),
            // An id in its short form.
            ("01890000000070008000000000000001", false),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false),
            ("0189000000007000800000000000000", true),
        ] {
            assert_eq!(Username::parse(text).is_ok(), good, "{text:?}");
        }
        assert!(Username::parse(&"x".repeat(32)).is_ok());
        assert!(Username::parse(&"x".repeat(33)).is_err());
        assert_eq!(Username::parse("ＡnnA").unwrap().normalised(), "anna");
    }

    proptest! {
        #[test]
        fn normalising_is_stable_and_parsing_never_panics(text in "\\PC{0,40}") {
            prop_assert_eq!(normalise(&normalise(&text)), normalise(&text));
            if let Ok(email) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(email.normalised()).unwrap();
                prop_assert_eq!(again.normalised(), email.normalised());
            }
            let _ = Identifier::parse(&text);
        }
    }
}
