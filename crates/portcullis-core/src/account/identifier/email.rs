//! Addresses, in the one form that is compared and mailed.
//!
//! What was proven by a letter is exactly what was compared: the mailed form is the compared one, but for the ASCII
//! case of the local part, which a mail system may mind (`T144`). A domain is compared and mailed as its A-labels, which every
//! mail system takes, and shown as its U-labels ([`shown`]).

use std::fmt;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::letters::{self, InvalidLetters, passes_for_ascii};
use super::{MOST_TYPED, lower, normalise};
use crate::defends;
use crate::text::{Bounded, hides};

/// A valid e-mail address.
#[derive(Debug, Clone)]
pub struct EmailAddress {
    mailed: String,
    normalised: String,
}

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Not the form of one.
    #[error(
        "not an e-mail address: it needs the form name@example.com, at most 254 characters, without spaces"
    )]
    Form,
    /// Written with a character that stands for others.
    #[error(
        "write the address with plain letters and digits: not with ligatures, circled or otherwise styled ones"
    )]
    Styled,
    /// Written with letters that can't be seen or told apart.
    #[error("in an e-mail address, {0}")]
    Letters(#[from] InvalidLetters),
    /// The local part isn't ASCII but passes for it, so that the address would look like another's (UTS 39 §4).
    #[error("the name before the @ looks like Latin letters but isn't: type it with Latin letters")]
    Imitation,
}

impl EmailAddress {
    /// Parses an address: one `@`, a local part of 1 to 64 bytes, a domain name; no comments, no quoting, no
    /// display name, no control characters, so that a mail header can't be forged with it. Space around it is dropped,
    /// full-width forms are folded. International local parts and domains are taken, written as in a [user
    /// name](super::Username).
    ///
    /// # Errors
    /// [`InvalidEmail`], which says what to type instead.
    ///
    /// Source: RFC 5321 §4.5.3.1, RFC 6531 §3.3, RFC 5891 §5, UTS 46 §4
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        defends!("T011");
        defends!("T144");
        let typed = Bounded::new(text, MOST_TYPED)
            .ok_or(InvalidEmail::Form)?
            .trimmed();
        let typed = Bounded::new(typed.as_str(), MOST_BYTES).ok_or(InvalidEmail::Form)?;
        let folded = folded(typed)?;
        let (local, domain) = folded.split_once('@').ok_or(InvalidEmail::Form)?;
        let compared = compared_local(local)?;
        let domain = compared_domain(domain)?;
        if passes_for_ascii(&compared) && is_latin(&domain) {
            return Err(InvalidEmail::Imitation);
        }
        // The case of letters beyond ASCII is no mail system's to mind.
        let mailed = if local.is_ascii() { local } else { &*compared };
        let address = Self {
            mailed: format!("{mailed}@{domain}"),
            normalised: format!("{compared}@{domain}"),
        };
        if address.normalised.len() > MOST_BYTES || address.mailed.len() > MOST_BYTES {
            return Err(InvalidEmail::Form);
        }
        Ok(address)
    }

    /// The address as it is stored and mailed: as it is compared, but for the case of an ASCII local part.
    pub fn as_str(&self) -> &str {
        &self.mailed
    }

    /// The form that is compared.
    pub fn normalised(&self) -> &str {
        &self.normalised
    }

    /// The address as people read it: with the letters of an international domain.
    pub fn shown(&self) -> String {
        shown(&self.mailed)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.mailed)
    }
}

/// A stored address as people read it. A label that would look like another in Latin letters stays in its ASCII form.
pub fn shown(mailed: &str) -> String {
    defends!("T142");
    let Some((local, domain)) = mailed
        .split_once('@')
        .filter(|(_, domain)| domain.contains("xn--"))
    else {
        return mailed.to_owned();
    };
    let labels: Vec<String> = domain.split('.').map(shown_label).collect();
    format!("{local}@{}", labels.join("."))
}

fn shown_label(label: &str) -> String {
    let (unicode, read) =
        Uts46::new().to_unicode(label.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    if read.is_err() || letters::check(&unicode, |c| c == '-').is_err() || passes_for_ascii(&unicode) {
        return label.to_owned();
    }
    unicode.into_owned()
}

/// NFKC, if that changes no more than width and composition: what else it folds is another address to a mail system.
fn folded(typed: Bounded<'_>) -> Result<String, InvalidEmail> {
    if typed
        .as_str()
        .chars()
        .any(|c| hides(c) && !matches!(c, '\u{200c}' | '\u{200d}'))
    {
        return Err(InvalidLetters::Hidden.into());
    }
    let composed = typed.nfc();
    if composed != typed.as_str() && typed.as_str().chars().any(is_singleton) {
        return Err(InvalidEmail::Styled);
    }
    let styled = |c: char| {
        let mut buffer = [0; 4];
        let one = Bounded::new(c.encode_utf8(&mut buffer), 4);
        one.is_some_and(|one| one.nfkc() != one.nfc()) && !is_wide(c)
    };
    if composed.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(InvalidEmail::Form);
    }
    if composed.chars().any(styled) {
        return Err(InvalidEmail::Styled);
    }
    Ok(typed.nfkc())
}

/// Whether canonical composition replaces the one character by another one: the Kelvin sign by K.
fn is_singleton(c: char) -> bool {
    let mut buffer = [0; 4];
    let Some(one) = Bounded::new(c.encode_utf8(&mut buffer), 4) else {
        return true;
    };
    let composed = one.nfc();
    composed != one.as_str() && composed.chars().count() == 1
}

/// Forms that differ in width only, and the letters of Thai and Lao that Unicode calls compatible to their own parts.
const fn is_wide(c: char) -> bool {
    matches!(
        c,
        '\u{ff01}'..='\u{ffef}' | '\u{fe6b}' | '\u{0e33}' | '\u{0eb3}' | '\u{0edc}' | '\u{0edd}'
    )
}

fn compared_local(local: &str) -> Result<String, InvalidEmail> {
    let compared = normalise(Bounded::new(local, MOST_TYPED).ok_or(InvalidEmail::Form)?);
    let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let ascii = |c: char| "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let known = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || ascii(c);
    if !(1..=64).contains(&compared.len()) || local.len() > 64 || !dots || !compared.chars().all(known) {
        return Err(InvalidEmail::Form);
    }
    letters::check(&compared, ascii)?;
    Ok(compared)
}

/// The A-labels of a domain name of at least two labels.
fn compared_domain(domain: &str) -> Result<String, InvalidEmail> {
    let idna = Uts46::new();
    let ascii = idna
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| InvalidEmail::Form)?
        .into_owned();
    let (unicode, read) = idna.to_unicode(ascii.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    if read.is_err() || ascii.split('.').count() < 2 {
        return Err(InvalidEmail::Form);
    }
    for label in unicode.split('.') {
        letters::check(&lower(label), |c| c == '-')?;
    }
    Ok(ascii)
}

/// Whether the last label of the domain says nothing of the script that the address is in.
fn is_latin(domain: &str) -> bool {
    domain
        .rsplit('.')
        .next()
        .is_some_and(|top| !top.starts_with("xn--"))
}

/// Source: RFC 5321 §4.5.3.1.3
const MOST_BYTES: usize = 254;
