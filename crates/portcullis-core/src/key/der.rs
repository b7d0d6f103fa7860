//! The little DER and PEM that importing keys needs.
//!
//! Private keys are parsed by the crypto library; what is read here is public: the frame of a
//! `SubjectPublicKeyInfo` and the two numbers of an `RSAPublicKey`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::InvalidKey;
use super::algorithm::Family;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// The key bytes inside a `SubjectPublicKeyInfo` of exactly this family.
///
/// Source: RFC 5280 §4.1.2.7, RFC 3279 §2.3, RFC 8410 §4
pub(super) fn key_of_spki(family: Family, der: &[u8]) -> Option<&[u8]> {
    let (outer, []) = element(SEQUENCE, der)? else {
        return None;
    };
    let (algorithm, rest) = element(SEQUENCE, outer)?;
    let (bits, []) = element(BIT_STRING, rest)? else {
        return None;
    };
    // The first byte counts unused bits; a key has none.
    let [0, key @ ..] = bits else { return None };
    (algorithm == identifier(family)?).then_some(key)
}

/// Modulus and exponent of an `RSAPublicKey`, without leading zeros.
///
/// Source: RFC 8017 §A.1.1
pub(super) fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, []) = element(SEQUENCE, der)? else {
        return None;
    };
    let (modulus, rest) = element(INTEGER, body)?;
    let (exponent, []) = element(INTEGER, rest)? else {
        return None;
    };
    Some((unsigned(modulus)?, unsigned(exponent)?))
}

/// An `ECPrivateKey` of this scalar, without the public point: the crypto library computes that.
///
/// Source: RFC 5915 §3
pub(super) fn ec_private_key(scalar: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let length = u8::try_from(scalar.len()).ok().filter(|n| *n <= 66)?;
    let mut der = Zeroizing::new(Vec::with_capacity(scalar.len() + 7));
    der.extend_from_slice(&[SEQUENCE, length + 5, INTEGER, 1, 1, 0x04, length]);
    der.extend_from_slice(scalar);
    Some(der)
}

/// The one block of a PEM text with this label.
///
/// Source: RFC 7468 §3
///
/// # Errors
/// [`InvalidKey::Pem`] says what to do about it.
pub(super) fn pem(label: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
    let text = text.trim();
    let found = text
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.split_once("-----"))
        .ok_or(InvalidKey::Pem("the text doesn't begin with -----BEGIN"))?;
    let (found_label, rest) = found;
    if found_label != label {
        return Err(InvalidKey::Pem(wrong_label(found_label)));
    }
    let body = rest
        .strip_suffix("-----")
        .and_then(|rest| rest.strip_suffix(label))
        .and_then(|rest| rest.strip_suffix("-----END "))
        .ok_or(InvalidKey::Pem(
            "the text doesn't end with the matching -----END line, or holds more than one key",
        ))?;
    if body.contains("-----") {
        return Err(InvalidKey::Pem("the text holds more than one key: give one"));
    }
    let joined: Zeroizing<String> = Zeroizing::new(
        body.chars()
            .filter(|c| !matches!(c, '\r' | '\n' | ' ' | '\t'))
            .collect(),
    );
    STANDARD
        .decode(joined.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| InvalidKey::Pem("the lines between BEGIN and END aren't base64"))
}

fn wrong_label(found: &str) -> &'static str {
    match found {
        "ENCRYPTED PRIVATE KEY" => "the key is encrypted: decrypt it first (openssl pkcs8 -in KEY -out NEW)",
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
            "an old format: convert it to PKCS#8 first (openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW)"
        }
        "RSA PUBLIC KEY" => "an old format: convert it first (openssl rsa -RSAPublicKey_in -in KEY -pubout)",
        "CERTIFICATE" => "a certificate: extract its key first (openssl x509 -in CERT -noout -pubkey)",
        "PUBLIC KEY" => "a public key where a private key is needed",
        "PRIVATE KEY" => "a private key where a public key is needed",
        _ => "not a key this program reads: use PRIVATE KEY (PKCS#8) or PUBLIC KEY (SPKI)",
    }
}

/// The content of the `AlgorithmIdentifier` of a family; a shared secret has none.
const fn identifier(family: Family) -> Option<&'static [u8]> {
    Some(match family {
        Family::Hmac => return None,
        // rsaEncryption, NULL
        Family::Rsa => &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0],
        // id-ecPublicKey, prime256v1
        Family::P256 => &[
            0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
        ],
        // id-ecPublicKey, secp384r1
        Family::P384 => &[
            0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x06, 5, 0x2b, 0x81, 4, 0, 0x22,
        ],
        // id-Ed25519
        Family::Ed25519 => &[0x06, 3, 0x2b, 0x65, 0x70],
    })
}

/// The content of the first element, which must have this tag, and what follows it. Lengths are the shortest form.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [found, rest @ ..] = der else { return None };
    if *found != tag {
        return None;
    }
    let (length, rest) = match rest {
        [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, byte @ 0x80..=0xff, rest @ ..] => (usize::from(*byte), rest),
        [0x82, high @ 1..=0xff, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The magnitude of a positive INTEGER in its shortest form.
fn unsigned(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => Some(rest),
        [1..=0x7f, ..] => Some(content),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_form() {
        for refused in [
            &[0x02_u8][..],
            &[0x02, 0x81, 1, 5],
            &[0x02, 0x82, 0, 1, 5],
            &[0x02, 0x80, 5],
            &[0x02, 2, 5],
            &[0x30, 1, 5],
            &[0x02, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(element(INTEGER, refused).is_none(), "{refused:02x?}");
        }
        assert_eq!(element(INTEGER, &[0x02, 1, 5, 9]), Some((&[5][..], &[9][..])));
    }

    #[test]
    fn numbers_have_one_form() {
        for refused in [&[][..], &[0], &[0, 1], &[0x80], &[0, 0, 0x80]] {
            assert!(unsigned(refused).is_none(), "{refused:02x?}");
        }
        assert_eq!(unsigned(&[0, 0x80]), Some(&[0x80][..]));
        assert_eq!(unsigned(&[1, 0]), Some(&[1, 0][..]));
    }

    #[test]
    fn pem_says_what_to_do() {
        for (text, hint) in [
            ("", "BEGIN"),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----",
                "decrypt",
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----",
                "PKCS#8",
            ),
            (
                "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----",
                "public key where",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PUBLIC KEY-----",
                "END",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\n%%\n-----END PRIVATE KEY-----",
                "base64",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----",
                "more than one key",
            ),
        ] {
            let said = pem("PRIVATE KEY", text).unwrap_err().to_string();
            assert!(said.contains(hint), "{said}");
        }
        let good = pem(
            "PRIVATE KEY",
            " -----BEGIN PRIVATE KEY-----\r\nAAEC\r\nAw==\r\n-----END PRIVATE KEY-----\n",
        );
        assert_eq!(*good.unwrap(), [0, 1, 2, 3]);
    }
}
