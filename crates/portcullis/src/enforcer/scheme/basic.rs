//! `Authorization: Basic …`: an identifier and a password.
//!
//! Source: RFC 7617 §2

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::authn::Pair;
use portcullis_core::defends;
use portcullis_core::secret::{SecretBytes, SecretText};

/// Reads what follows the scheme: base64 in its one spelling, UTF-8, no control characters; the first colon ends
/// the identifier. Anything else is no pair.
pub(crate) fn decode(encoded: &[u8]) -> Option<Pair> {
    defends!("T049");
    if encoded.len() > MAX_LENGTH {
        return None;
    }
    let decoded = SecretBytes::new(STANDARD.decode(encoded).ok()?);
    let text = std::str::from_utf8(decoded.expose()).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let (identifier, password) = text.split_once(':')?;
    let secret = |text: &str| SecretText::new(text.to_owned());
    Some(Pair {
        identifier: secret(identifier),
        password: secret(password),
    })
}

/// Room for the longest address, the longest password that is hashed, and base64's third more.
const MAX_LENGTH: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_core::checks;

    #[track_caller]
    fn check(encoded: &[u8], expected: Option<(&str, &str)>) {
        let pair = decode(encoded);
        let read = pair
            .as_ref()
            .map(|pair| (pair.identifier.expose(), pair.password.expose()));
        assert_eq!(read, expected, "{:?}", String::from_utf8_lossy(encoded));
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        check(b"QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Some(("Aladdin", "open sesame")));
        check(b"dGVzdDoxMjPCow==", Some(("test", "123£")));
    }

    #[test]
    fn the_first_colon_ends_the_identifier() {
        for (text, read) in [
            ("a:b:c", Some(("a", "b:c"))),
            ("a::", Some(("a", ":"))),
            (":b", Some(("", "b"))),
            ("a:", Some(("a", ""))),
            (":", Some(("", ""))),
            ("ab", None),
            ("", None),
        ] {
            check(STANDARD.encode(text).as_bytes(), read);
        }
    }

    // Shows: PW-7
    #[test]
    fn other_spellings_of_the_same_bytes_are_refused() {
        checks!("T049");
        for encoded in [
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ=",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ===",
            "QWxhZGRpbjpvcGVuIHNlc2FtZR==",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ== ",
            " QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "QWxhZGRpbjpvcGVu IHNlc2FtZQ==",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ==,",
            // The other alphabet: a:?> and a:?? differ from it.
            "YTo_Pg==",
            "Aladdin:open",
        ] {
            check(encoded.as_bytes(), None);
        }
        check(b"YTo/Pg==", Some(("a", "?>")));
    }

    #[test]
    fn control_characters_and_bytes_that_are_no_text_are_refused() {
        checks!("T049");
        for bytes in [
            b"a\0:b".as_slice(),
            b"a:b\0",
            b"a:b\n",
            b"a:\x1f",
            b"a:\x7f",
            b"a\r\n:b",
            b"a:\xff",
            b"\xc0\x80:b",
            "a:\u{85}".as_bytes(),
        ] {
            check(STANDARD.encode(bytes).as_bytes(), None);
        }
        check(STANDARD.encode("a: ").as_bytes(), Some(("a", " ")));
    }

    #[test]
    fn a_pair_is_read_up_to_its_longest_and_not_beyond() {
        checks!("T049");
        for (bytes, good) in [(1_536, true), (1_537, false)] {
            let text = format!("a:{}", "b".repeat(bytes - 2));
            assert_eq!(
                decode(STANDARD.encode(text).as_bytes()).is_some(),
                good,
                "{bytes}"
            );
        }
    }
}
