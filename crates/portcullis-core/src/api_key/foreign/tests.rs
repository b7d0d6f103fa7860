use proptest::prelude::*;

use super::*;
use crate::checks;
use crate::key::fakes::environment;
use crate::opaque::OPAQUE;

const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015";
const GOOD: &str = "sk_test_4eC39HqLyjWDarjtT1zdp7dc";

fn of(text: &str) -> Result<ForeignKey, InvalidForeign> {
    ForeignKey::of_text(text, &Format::default())
}

// Shows: AK-1
#[test]
fn what_can_be_guessed_is_no_key_on_both_sides_of_the_bound() {
    checks!("T184");
    let digits = "314159265358979323846264338327950288419";
    let lower = "q3v8x1m6k9w2r5t7y4u0p8s6d";
    let mixed = "q3V8x1M6k9W2r5T7y4U0p8";
    for (text, good) in [
        (HEX, true),
        (&HEX[..31], false),
        (&HEX.to_uppercase(), true),
        (digits, true),
        (&digits[..38], false),
        (lower, true),
        (&lower[..24], false),
        (mixed, true),
        (&mixed[..21], false),
        (GOOD, true),
        // The marks in a UUID and between words count for nothing.
        ("9f86d081-884c-4d65-9a2f-eaa0c55ad015", true),
        ("correct-horse-battery-staple", false),
        ("my.secret.key.of.the.server", false),
        ("0123456701234567012345670123456701234567", false),
        ("abcdefgh-abcdefgh-abcdefgh-abcdefgh", false),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ("abababababababababcdcdcdcdcdcdcdcdcdcdcd", false),
    ] {
        let expected = if good {
            Ok(())
        } else {
            Err(InvalidForeign::Guessable)
        };
        assert_eq!(of(text).map(drop), expected, "{text}");
    }
}

#[test]
fn what_a_header_does_not_carry_is_no_key() {
    checks!("T184");
    let long = GOOD.repeat(16);
    for text in [
        "",
        &GOOD[..15],
        &format!("{GOOD} "),
        &format!(" {GOOD}"),
        &format!("{GOOD}\n"),
        &format!("{GOOD}\r\nX-Evil: 1"),
        &format!("{GOOD}\0"),
        &format!("{GOOD}é"),
        &format!("{GOOD}\u{7f}"),
        &format!("{long}x"),
    ] {
        assert_eq!(of(text), Err(InvalidForeign::Characters), "{text:?}");
        assert_eq!(ForeignKey::presented(text, &Format::default()), None, "{text:?}");
    }
    assert_eq!(long.len(), ForeignKey::LONGEST);
    assert!(ForeignKey::presented(&long, &Format::default()).is_some());
}

#[test]
fn what_looks_like_ours_is_no_foreign_key() {
    checks!("T184");
    let here = Format::default();
    let minted = here.mint(&environment(1));
    let elsewhere = Format::new("acme", "test").unwrap().mint(&environment(2));
    let mut texts = vec![
        minted.expose().to_owned(),
        minted.expose().replacen("live", "test", 1),
        format!("pk_live_{HEX}"),
        format!("pk_{HEX}"),
        elsewhere.expose().to_owned(),
        format!("{}x", &elsewhere.expose()[..elsewhere.expose().len() - 1]),
        format!("eyJhbGciOiJFUzI1NiJ9.{HEX}.{HEX}"),
        format!("SG.{HEX}.{HEX}"),
    ];
    texts.extend(OPAQUE.iter().map(|kind| kind.write([7; 32]).to_string()));
    for text in texts {
        assert_eq!(of(&text), Err(InvalidForeign::LooksLikeOurs), "{text}");
        assert_eq!(ForeignKey::presented(&text, &here), None, "{text}");
    }
}

// Shows: AK-1
#[test]
fn a_digest_in_either_form_is_the_key_of_its_text() {
    let key = of(GOOD).unwrap();
    let sha256 = digest(&SHA256, GOOD.as_bytes());
    let hex: String = sha256.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let standard = base64::engine::general_purpose::STANDARD.encode(sha256.as_ref());
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha256.as_ref());
    for text in [
        &*hex,
        &hex.to_uppercase(),
        &standard,
        &url,
        standard.trim_end_matches('='),
    ] {
        assert_eq!(ForeignKey::of_sha256(text).as_ref(), Ok(&key), "{text}");
    }
    assert_eq!(
        ForeignKey::presented(GOOD, &Format::default()),
        Some(key.digest())
    );
    for text in [
        "",
        &hex[1..],
        &format!("{hex}0"),
        &hex.replacen(char::is_alphanumeric, "g", 1),
        &hex.replacen(char::is_alphanumeric, "+", 1),
        &format!(" {}", &hex[1..]),
        &standard[1..],
        &format!("{standard}="),
        &format!("sha256:{hex}"),
        &"é".repeat(32),
    ] {
        assert_eq!(
            ForeignKey::of_sha256(text),
            Err(InvalidForeign::NoDigest),
            "{text:?}"
        );
    }
}

#[test]
fn what_is_kept_is_bound_to_its_purpose_and_shows_no_text() {
    checks!("T015");
    let key = of(GOOD).unwrap();
    let plain = digest(&SHA256, GOOD.as_bytes());
    assert_ne!(key.digest().as_bytes(), plain.as_ref());
    let shown = format!("{key:?} {}", key.hint());
    assert!(
        !GOOD
            .as_bytes()
            .windows(4)
            .any(|piece| shown.contains(std::str::from_utf8(piece).unwrap()))
    );
}

proptest! {
    /// What was imported is looked up, and what is a key of ours never is.
    #[test]
    fn a_text_is_of_one_kind(text in "\\PC{0,80}", seed: u64) {
        let format = Format::default();
        if let Ok(key) = ForeignKey::of_text(&text, &format) {
            prop_assert_eq!(ForeignKey::presented(&text, &format), Some(key.digest()));
            prop_assert!(format.read(&text).is_err());
        }
        prop_assert_eq!(ForeignKey::presented(format.mint(&environment(seed)).expose(), &format), None);
    }
}
