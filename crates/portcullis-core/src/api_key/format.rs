//! How a key is written: `pk_live_` and 49 characters.
//!
//! ```text
//! pk _ live _ 43 characters: 256 random bits _ 6 characters: CRC-32 of all before
//! ```
//! A scanner that finds `[a-z][a-z0-9]*_[a-z][a-z0-9]*_[0-9A-Za-z]{49}` knows by the checksum, without asking anybody,
//! whether it found a key. The checksum guards against typing errors and false alarms, not against anybody: it is
//! no secret how it is made.
//!
//! **Invariants:** one key has one text. Prefix and environment are part of what is hashed, so a key of another
//! environment is unknown here whatever its text is changed to (`T038`).

use std::fmt;

use zeroize::Zeroizing;

use super::base62::{CHECKSUM, RANDOM, checksum, encode, is_random_part};
use crate::defends;
use crate::environment::Environment;
use crate::secret::{Digest, bound_digest};

/// The purpose that the digest of a key is bound to.
#[derive(Debug)]
pub enum Presented {}

/// What is stored of a key's text and looked up: SHA-256 over its purpose and all of its text.
pub type KeyDigest = Digest<Presented>;

/// Why a text is none of our keys. Told apart in code; outside all of them are one 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    /// It hasn't the form of a key.
    #[error("it hasn't the form of an API key: prefix_environment_ and 49 letters and digits")]
    Form,
    /// The form is right and the checksum isn't: a typing error, or a forgery.
    #[error("its checksum is wrong: it was mistyped, cut or made up")]
    Checksum,
    /// A right key of somebody else's.
    #[error("its prefix is another's")]
    Prefix,
    /// A right key of another environment, such as one for tests.
    #[error("it belongs to another environment")]
    Environment,
}

/// Why a prefix or an environment can't be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFormat {
    /// Not a short word.
    #[error("prefix and environment are 1 to 16 of a-z 0-9 and begin with a letter, such as pk and live")]
    Word,
    /// Portcullis' other tokens begin so.
    #[error("a prefix that begins with pc is taken: Portcullis' own tokens begin so")]
    Reserved,
}

/// How the keys of a deployment begin: `pk_live_` unless said otherwise. Whoever changes it makes every key made
/// before worthless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    prefix: String,
    environment: String,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            prefix: "pk".to_owned(),
            environment: "live".to_owned(),
        }
    }
}

impl Format {
    /// Keys that begin with `prefix_environment_`.
    ///
    /// # Errors
    /// [`InvalidFormat::Word`] unless both are 1 to 16 of a-z 0-9 and begin with a letter; [`InvalidFormat::Reserved`]
    /// for a prefix that begins with `pc`.
    pub fn new(prefix: &str, environment: &str) -> Result<Self, InvalidFormat> {
        if !is_word(prefix) || !is_word(environment) {
            return Err(InvalidFormat::Word);
        }
        if is_reserved(prefix) {
            return Err(InvalidFormat::Reserved);
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            environment: environment.to_owned(),
        })
    }

    /// What keys begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The environment they are for.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Whether a text is meant to be such a key, good or bad: it begins with the prefix.
    pub fn claims(&self, text: &str) -> bool {
        text.strip_prefix(self.prefix.as_str())
            .is_some_and(|rest| rest.starts_with('_'))
    }

    /// Mints a new key.
    pub fn mint(&self, environment: &Environment) -> Secret {
        let bytes = Zeroizing::new(environment.bytes::<32>());
        let random = Zeroizing::new(encode(&bytes));
        let mut text = Zeroizing::new(String::with_capacity(
            self.prefix.len() + self.environment.len() + 2 + RANDOM + CHECKSUM,
        ));
        for part in [&self.prefix, "_", &self.environment, "_"] {
            text.push_str(part);
        }
        text.extend(random.iter().copied().map(char::from));
        let sum = checksum(&[text.as_bytes()]);
        text.extend(sum.into_iter().map(char::from));
        Secret(text)
    }

    /// Reads a key as a caller presents it: what is looked up, and nothing that could be shown.
    ///
    /// # Errors
    /// [`InvalidApiKey`]: the form, the checksum, the prefix or the environment is another.
    pub fn read(&self, text: &str) -> Result<KeyDigest, InvalidApiKey> {
        defends!("T038");
        let parts = Parts::of(text)?;
        if parts.prefix != self.prefix {
            return Err(InvalidApiKey::Prefix);
        }
        if parts.environment != self.environment {
            return Err(InvalidApiKey::Environment);
        }
        Ok(digest(text))
    }
}

/// A text that is an API key by its form and checksum, of whatever deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'t> {
    /// What it begins with.
    pub prefix: &'t str,
    /// The environment it is for.
    pub environment: &'t str,
}

impl<'t> Parts<'t> {
    /// Recognises a key offline.
    ///
    /// # Errors
    /// [`InvalidApiKey::Form`] if it isn't built like a key, [`InvalidApiKey::Checksum`] if it was mistyped, cut or made up.
    pub fn of(text: &'t str) -> Result<Self, InvalidApiKey> {
        let (prefix, rest) = text.split_once('_').ok_or(InvalidApiKey::Form)?;
        let (environment, tail) = rest.split_once('_').ok_or(InvalidApiKey::Form)?;
        let (random, sum) = tail
            .as_bytes()
            .split_at_checked(RANDOM)
            .ok_or(InvalidApiKey::Form)?;
        let formed =
            is_word(prefix) && is_word(environment) && is_random_part(random) && sum.len() == CHECKSUM;
        if !formed || !sum.iter().all(u8::is_ascii_alphanumeric) {
            return Err(InvalidApiKey::Form);
        }
        let summed: [&[u8]; 5] = [prefix.as_bytes(), b"_", environment.as_bytes(), b"_", random];
        if checksum(&summed) != *sum {
            return Err(InvalidApiKey::Checksum);
        }
        Ok(Self { prefix, environment })
    }
}

/// A key's text, to be handed to its owner once.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The whole text in plain, as its owner presents it; nothing may log or store it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digest that is stored in the text's place, and looked up by.
    pub fn digest(&self) -> KeyDigest {
        digest(&self.0)
    }

    /// What people recognise the key by: how it begins and its last four characters, which belong to the checksum.
    pub fn hint(&self) -> String {
        let (before, _) = self
            .0
            .split_at_checked(self.0.len().saturating_sub(RANDOM + CHECKSUM))
            .unwrap_or_default();
        let (_, last) = self
            .0
            .split_at_checked(self.0.len().saturating_sub(4))
            .unwrap_or_default();
        format!("{before}…{last}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…redacted…")
    }
}

fn digest(text: &str) -> KeyDigest {
    defends!("T015");
    KeyDigest::from_bytes(bound_digest(PURPOSE, text.as_bytes()))
}

/// Whether a word is what Portcullis' own opaque tokens begin with, now or one day.
pub(super) fn is_reserved(word: &str) -> bool {
    is_word(word) && word.starts_with("pc")
}

fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    let rest = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    matches!(bytes, [b'a'..=b'z', ..]) && bytes.len() <= 16 && bytes.iter().all(rest)
}

/// No prefix of another kind of token begins so.
const PURPOSE: &[u8] = b"api-key:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::checks;
    use crate::key::fakes::environment;

    fn live() -> Format {
        Format::default()
    }

    fn test() -> Format {
        Format::new("pk", "test").unwrap()
    }

    /// The same text with the right checksum.
    fn resummed(text: &str) -> String {
        let body = &text[..text.len() - CHECKSUM];
        let sum = checksum(&[body.as_bytes()]);
        format!("{body}{}", std::str::from_utf8(&sum).unwrap())
    }

    #[test]
    fn every_text_but_the_exact_one_is_refused() {
        checks!("T038");
        let secret = live().mint(&environment(1));
        let text = secret.expose();
        assert_eq!(live().read(text), Ok(secret.digest()));
        for end in 0..text.len() {
            assert_eq!(
                live().read(&text[..end]),
                Err(InvalidApiKey::Form),
                "{end} characters"
            );
        }
        for start in 1..text.len() {
            assert!(live().read(&text[start..]).is_err(), "without the first {start}");
        }
        for (forged, error) in [
            (format!("{text}0"), InvalidApiKey::Form),
            (format!(" {text}"), InvalidApiKey::Form),
            (format!("{text}\n"), InvalidApiKey::Form),
            (text.to_uppercase(), InvalidApiKey::Form),
            (text.replacen('_', "-", 1), InvalidApiKey::Form),
            (text.replacen("live", "Live", 1), InvalidApiKey::Form),
            (text.replacen("live", "", 1), InvalidApiKey::Form),
            (text.replacen("pk_live", "pk_live_x", 1), InvalidApiKey::Form),
            (format!("pk_live_{}", "é".repeat(24)), InvalidApiKey::Form),
            (
                resummed(&format!("pk_live_{}000000", "z".repeat(43))),
                InvalidApiKey::Form,
            ),
            (text.replacen("live", "test", 1), InvalidApiKey::Checksum),
            (text.replacen("pk", "sk", 1), InvalidApiKey::Checksum),
            (resummed(&text.replacen("pk", "sk", 1)), InvalidApiKey::Prefix),
            (
                resummed(&text.replacen("live", "test", 1)),
                InvalidApiKey::Environment,
            ),
        ] {
            assert_eq!(live().read(&forged), Err(error), "{forged}");
        }
    }

    // Shows: AK-1
    #[test]
    fn every_single_slip_is_noticed() {
        let secret = live().mint(&environment(2));
        for place in "pk_live_".len()..secret.expose().len() {
            for other in ["0", "A", "z"] {
                let mut typed = secret.expose().to_owned();
                typed.replace_range(place..=place, other);
                let expected = typed != secret.expose();
                assert_eq!(live().read(&typed).is_err(), expected, "{place} {other}");
            }
        }
    }

    // Shows: AK-1
    #[test]
    fn a_key_of_another_environment_is_never_the_same_record() {
        checks!("T038");
        let secret = test().mint(&environment(3));
        assert_eq!(live().read(secret.expose()), Err(InvalidApiKey::Environment));
        let renamed = resummed(&secret.expose().replacen("test", "live", 1));
        assert_ne!(live().read(&renamed).unwrap(), secret.digest());
    }

    #[test]
    fn a_digest_is_of_no_other_purpose() {
        checks!("T014");
        let secret = live().mint(&environment(4));
        let plain = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.expose().as_bytes());
        assert_ne!(secret.digest().as_bytes(), plain.as_ref());
    }

    #[test]
    fn prefixes_and_environments_are_short_words_and_never_ours() {
        for (prefix, environment, expected) in [
            ("pk", "live", Ok(())),
            ("acme1", "eu2", Ok(())),
            ("a", "b", Ok(())),
            ("", "live", Err(InvalidFormat::Word)),
            ("pk", "", Err(InvalidFormat::Word)),
            ("Pk", "live", Err(InvalidFormat::Word)),
            ("1pk", "live", Err(InvalidFormat::Word)),
            ("p_k", "live", Err(InvalidFormat::Word)),
            ("pk", "li-ve", Err(InvalidFormat::Word)),
            ("pk", "abcdefghijklmnopq", Err(InvalidFormat::Word)),
            ("pcs", "live", Err(InvalidFormat::Reserved)),
            ("pcsetup", "live", Err(InvalidFormat::Reserved)),
        ] {
            assert_eq!(
                Format::new(prefix, environment).map(drop),
                expected,
                "{prefix} {environment}"
            );
        }
    }

    #[test]
    fn the_hint_shows_no_random_character() {
        let secret = live().mint(&environment(5));
        let (text, hint) = (secret.expose(), secret.hint());
        assert_eq!(hint, format!("pk_live_…{}", &text[text.len() - 4..]));
        assert_eq!(format!("{secret:?}"), "…redacted…");
    }

    #[test]
    fn a_text_claims_to_be_a_key_by_its_prefix() {
        for (text, claims) in [
            ("pk_", true),
            ("pk_test_x", true),
            ("pk", false),
            ("pkx_", false),
            ("", false),
        ] {
            assert_eq!(live().claims(text), claims, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_takes_no_arbitrary_text(text in "\\PC{0,80}") {
            prop_assert!(live().read(&text).is_err());
        }

        #[test]
        fn whatever_is_minted_is_read(seed: u64) {
            let secret = test().mint(&environment(seed));
            prop_assert_eq!(test().read(secret.expose()), Ok(secret.digest()));
            prop_assert_eq!(Parts::of(secret.expose()), Ok(Parts { prefix: "pk", environment: "test" }));
        }
    }
}
