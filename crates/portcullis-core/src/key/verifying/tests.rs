use super::*;
use crate::key::{SigningKey, fakes};

#[test]
fn no_text_of_a_public_key_is_a_shared_secret() {
    crate::checks!("T001");
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let key = SigningKey::generate(algorithm, &fakes::environment(1)).unwrap();
        let spki = spki_of(key.verifying());
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(&spki)
        );
        let jwk = crate::key::jwk::publish(key.verifying()).unwrap();
        let set = crate::key::jwk::publish_set([key.verifying()]);
        assert_eq!(VerifyingKey::from_pem(algorithm, &pem).unwrap().kid(), key.kid());
        for offered in [
            spki,
            pem.clone().into_bytes(),
            format!("\n{pem}").into_bytes(),
            jwk.to_string().into_bytes(),
            serde_json::to_vec_pretty(&jwk).unwrap(),
            set.to_string().into_bytes(),
            format!("ssh-ed25519 {}", "A".repeat(64)).into_bytes(),
        ] {
            let refused = HmacSecret::new(Algorithm::HS256, SecretBytes::new(offered.clone()));
            let why = refused.unwrap_err();
            // A short DER form is refused for its length already.
            let length = offered.len();
            assert!(
                why == InvalidKey::PublicAsSecret || length < 32,
                "{algorithm} {length}: {why}"
            );
        }
    }
}

#[test]
fn an_asymmetric_algorithm_takes_no_secret() {
    crate::checks!("T001");
    for algorithm in Algorithm::SIGNING.into_iter().filter(|a| !a.is_symmetric()) {
        let refused = HmacSecret::new(algorithm, SecretBytes::new(vec![7; 64]));
        assert_eq!(refused.unwrap_err(), InvalidKey::Family(algorithm));
    }
}

#[test]
fn a_secret_is_as_long_as_its_hash() {
    for (algorithm, length) in [
        (Algorithm::HS256, 32),
        (Algorithm::HS384, 48),
        (Algorithm::HS512, 64),
    ] {
        let of = |length| HmacSecret::new(algorithm, SecretBytes::new(vec![7; length]));
        assert_eq!(of(length - 1).unwrap_err(), InvalidKey::Weak(algorithm));
        assert!(of(length).is_ok());
    }
}

#[test]
fn points_of_small_order_are_no_keys() {
    crate::checks!("T006");
    for mut x in SMALL_ORDER {
        for sign in [0, 0x80] {
            x[31] = (x[31] & 0x7f) | sign;
            assert!(
                VerifyingKey::from_public(None, Algorithm::EdDSA, PublicPart::Ed25519 { x: x.into() })
                    .is_err(),
                "{x:02x?}"
            );
        }
    }
}

#[test]
fn points_off_the_curve_and_other_forms_are_no_keys() {
    crate::checks!("T006");
    let key = SigningKey::generate(Algorithm::ES256, &fakes::environment(2)).unwrap();
    let PublicPart::Ec { point } = key.verifying().public() else {
        panic!("an EC key")
    };
    let of = |point: Vec<u8>| {
        VerifyingKey::from_public(None, Algorithm::ES256, PublicPart::Ec { point: point.into() })
    };
    assert!(of(point.to_vec()).is_ok());
    let mut off = point.to_vec();
    off[64] ^= 1;
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let infinity = [&[4][..], &[0; 64]].concat();
    let hybrid = [&[6 + (point[64] & 1)], &point[1..]].concat();
    for refused in [
        off,
        compressed,
        infinity,
        hybrid,
        vec![0],
        vec![],
        point[..64].to_vec(),
    ] {
        assert!(of(refused.clone()).is_err(), "{refused:02x?}");
    }
    let other_curve = PublicPart::Ec { point: point.clone() };
    assert!(VerifyingKey::from_public(None, Algorithm::ES384, other_curve.clone()).is_err());
    for algorithm in [
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::EdDSA,
        Algorithm::HS256,
    ] {
        let refused = VerifyingKey::from_public(None, algorithm, other_curve.clone());
        assert_eq!(refused.unwrap_err(), InvalidKey::Family(algorithm));
    }
}

#[test]
fn rsa_keys_have_2048_bits_and_an_odd_exponent() {
    let modulus = |bytes: usize, first: u8| {
        let mut n = vec![0xa5; bytes];
        n[0] = first;
        n
    };
    let of = |n: Vec<u8>, e: &[u8]| {
        VerifyingKey::from_public(
            None,
            Algorithm::RS256,
            PublicPart::Rsa {
                n: n.into(),
                e: e.into(),
            },
        )
    };
    assert!(of(modulus(256, 0x80), &[1, 0, 1]).is_ok());
    assert!(of(modulus(257, 1), &[3]).is_ok());
    for (n, e) in [
        (modulus(128, 0x80), &[1, 0, 1][..]),
        (modulus(256, 0x7f), &[1, 0, 1]),
        (modulus(257, 0), &[1, 0, 1]),
        (modulus(1025, 1), &[1, 0, 1]),
        (vec![], &[1, 0, 1]),
        (modulus(256, 0x80), &[1]),
        (modulus(256, 0x80), &[2]),
        (modulus(256, 0x80), &[1, 0, 0]),
        (modulus(256, 0x80), &[]),
        (modulus(256, 0x80), &[1, 0, 0, 0, 1]),
    ] {
        assert_eq!(of(n, e).unwrap_err(), InvalidKey::Weak(Algorithm::RS256), "{e:?}");
    }
}

#[test]
fn a_kid_can_stand_in_a_header() {
    for (kid, valid) in [
        ("k", true),
        ("bilbo.baggins@hobbiton.example", true),
        ("../../etc/passwd", true),
        ("", false),
        ("a b", false),
        ("a\"b", false),
        ("a\\b", false),
        ("ключ", false),
        ("a\n", false),
    ] {
        assert_eq!(valid_kid(kid), valid, "{kid:?}");
    }
    assert!(valid_kid(&"k".repeat(128)));
    assert!(!valid_kid(&"k".repeat(129)));
}

/// The DER form of a key, built by hand from what RFC 8410 and RFC 5480 say.
fn spki_of(key: &VerifyingKey) -> Vec<u8> {
    let (identifier, bytes): (&[u8], Vec<u8>) = match key.public() {
        PublicPart::Ed25519 { x } => (&[6, 3, 0x2b, 0x65, 0x70], x.to_vec()),
        PublicPart::Ec { point } if point.len() == 65 => (
            &[
                6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
            ],
            point.to_vec(),
        ),
        PublicPart::Ec { point } => (
            &[
                6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22,
            ],
            point.to_vec(),
        ),
        other => panic!("no SPKI for {other:?}"),
    };
    let algorithm = [&[0x30, u8::try_from(identifier.len()).unwrap()], identifier].concat();
    let bits = [&[3, u8::try_from(bytes.len() + 1).unwrap(), 0], &bytes[..]].concat();
    let body = [algorithm, bits].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}
