use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::json;

use super::forge::{b64, header_with, signed, token_of};
use super::*;
use crate::key::fakes::signing_key;
use crate::key::{Algorithm, jwk};

/// Makes another signature of a good one.
type Forge<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;

const ASYMMETRIC: [Algorithm; 5] = [
    Algorithm::RS256,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

#[test]
fn what_is_signed_verifies_for_every_algorithm() {
    for algorithm in Algorithm::SIGNING {
        let key = signing_key(algorithm, 1);
        for typ in [ACCESS_TOKEN, "logout+jwt"] {
            let token = sign(&key, typ, b"payload").unwrap();
            assert_eq!(
                verify(key.verifying(), &token).unwrap(),
                b"payload",
                "{algorithm}"
            );
            let header = Header::parse(token.split('.').next().unwrap()).unwrap();
            assert!(header.is_type(typ));
            assert_eq!(header.kid.as_deref(), Some(key.kid()));
            let other = signing_key(algorithm, 2);
            if other.verifying().kid() != key.verifying().kid() {
                assert_eq!(verify(other.verifying(), &token), Err(InvalidToken::BadSignature));
            }
        }
    }
}

// Shows: TK-1
#[test]
fn a_token_never_chooses_its_algorithm() {
    crate::checks!("T001");
    for algorithm in Algorithm::SIGNING {
        let key = signing_key(algorithm, 1);
        for claimed in [
            "none", "None", "NONE", "nOnE", "", "HS1", "ES512", "ES256K", "RSA1_5", "hs256",
        ]
        .into_iter()
        .chain(Algorithm::SIGNING.map(Algorithm::as_str))
        .filter(|name| *name != algorithm.as_str())
        {
            let header = header_with(&key, "alg", claimed.into());
            // Well signed with the key's own algorithm, and not signed at all.
            for token in [
                signed(&key, &header, b"{}"),
                format!("{}.{}.AA", b64(&header), b64("{}")),
            ] {
                assert_eq!(
                    verify(key.verifying(), &token),
                    Err(InvalidToken::UnknownKey),
                    "{algorithm} {claimed}"
                );
            }
            let unsigned = format!("{}.{}.", b64(&header), b64("{}"));
            assert_eq!(verify(key.verifying(), &unsigned), Err(InvalidToken::Malformed));
        }
        for wrong in [
            json!(null),
            json!(1),
            json!(true),
            json!(["none"]),
            json!({"a": 1}),
        ] {
            let header = header_with(&key, "alg", wrong.clone());
            let token = signed(&key, &header, b"{}");
            assert_eq!(
                verify(key.verifying(), &token),
                Err(InvalidToken::Malformed),
                "{wrong}"
            );
        }
    }
}

// Shows: TK-1
#[test]
fn a_public_key_is_never_a_shared_secret() {
    crate::checks!("T001");
    for algorithm in ASYMMETRIC {
        let key = signing_key(algorithm, 1);
        let jwk = jwk::publish(key.verifying()).unwrap();
        let raw: Vec<Vec<u8>> = jwk
            .as_object()
            .unwrap()
            .values()
            .filter_map(|value| URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).ok())
            .collect();
        let forms = [
            jwk.to_string().into_bytes(),
            serde_json::to_vec_pretty(&jwk).unwrap(),
            jwk::publish_set([key.verifying()]).to_string().into_bytes(),
            key.kid().as_bytes().to_vec(),
            Vec::new(),
        ];
        for secret in forms.into_iter().chain(raw) {
            for (name, digest) in [
                ("HS256", hmac::HMAC_SHA256),
                ("HS384", hmac::HMAC_SHA384),
                ("HS512", hmac::HMAC_SHA512),
            ] {
                let mac = hmac::Key::new(digest, &secret);
                for claimed in [name, algorithm.as_str()] {
                    let header = header_with(&key, "alg", claimed.into());
                    let token = token_of(&header, b"{}", |input| hmac::sign(&mac, input).as_ref().to_vec());
                    assert!(
                        verify(key.verifying(), &token).is_err(),
                        "{algorithm} as {claimed}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_token_never_brings_or_names_its_own_key() {
    crate::checks!("T002");
    let (ours, theirs) = (signing_key(Algorithm::ES256, 1), signing_key(Algorithm::ES256, 2));
    let brought = jwk::publish(theirs.verifying()).unwrap();
    for (name, value) in [
        ("jwk", brought),
        ("jku", json!("https://attacker.example/jwks.json")),
        ("x5u", json!("https://attacker.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("jwk", json!(null)),
    ] {
        for key in [&ours, &theirs] {
            let header = if value.is_null() {
                format!(
                    r#"{{"alg":"ES256","kid":"{}","typ":"at+jwt","jwk":null}}"#,
                    ours.kid()
                )
            } else {
                header_with(&ours, name, value.clone())
            };
            let token = signed(key, &header, b"{}");
            assert_eq!(
                verify(ours.verifying(), &token),
                Err(InvalidToken::Malformed),
                "{name}"
            );
        }
    }
}

#[test]
fn headers_we_do_not_understand_are_refused() {
    let key = signing_key(Algorithm::EdDSA, 1);
    for (name, value, why) in [
        ("crit", json!(["exp"]), InvalidToken::Critical),
        ("crit", json!(["b64"]), InvalidToken::Critical),
        ("crit", json!([]), InvalidToken::Critical),
        ("crit", json!("exp"), InvalidToken::Critical),
        ("b64", json!(false), InvalidToken::Malformed),
        ("b64", json!(true), InvalidToken::Malformed),
        ("zip", json!("DEF"), InvalidToken::Malformed),
        ("typ", json!(7), InvalidToken::Malformed),
        ("kid", json!(["a"]), InvalidToken::Malformed),
        ("cty", json!({}), InvalidToken::Malformed),
    ] {
        let token = signed(&key, &header_with(&key, name, value.clone()), b"{}");
        assert_eq!(verify(key.verifying(), &token), Err(why), "{name}: {value}");
    }
    // Unknown members that change nothing are ignored, as the RFC says.
    for (name, value) in [
        ("x5t", json!("abc")),
        ("new", json!({"deep": [1]})),
        ("kid", json!(null)),
    ] {
        let token = signed(&key, &header_with(&key, name, value), b"{}");
        assert!(verify(key.verifying(), &token).is_ok(), "{name}");
    }
}

#[test]
fn headers_that_are_no_plain_json_object_are_refused() {
    crate::checks!("T004");
    let key = signing_key(Algorithm::HS256, 1);
    let nested = format!("{}1{}", "[".repeat(3_000), "]".repeat(3_000));
    for header in [
        "",
        "{}",
        "[]",
        "null",
        r#""HS256""#,
        r#"{"alg":"HS256""#,
        r#"{"alg":"HS256"}x"#,
        r#"{"alg":"HS256"}{"alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","x":{"a":1,"a":2}}"#,
        "{\"alg\":\"HS256\",\"kid\":\"\u{0}\n\"}",
        "\u{feff}{\"alg\":\"HS256\"}",
        &format!(r#"{{"alg":"HS256","x":{nested}}}"#),
    ] {
        let token = signed(&key, header, b"{}");
        assert_eq!(
            verify(key.verifying(), &token),
            Err(InvalidToken::Malformed),
            "{header:.60}"
        );
    }
    let invalid_utf8 = format!("{}.{}.AA", b64(b"{\"alg\":\"HS256\",\"x\":\"\xff\"}"), b64("{}"));
    assert_eq!(
        verify(key.verifying(), &invalid_utf8),
        Err(InvalidToken::Malformed)
    );
}

#[test]
fn only_the_compact_form_is_a_token() {
    let key = signing_key(Algorithm::HS256, 1);
    let good = sign(&key, ACCESS_TOKEN, b"{}").unwrap();
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let json_form = json!({"payload": payload, "protected": header, "signature": signature}).to_string();
    for refused in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!(".{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{payload}.{signature}.{signature}"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{header}=.{payload}.{signature}"),
        format!("Bearer {good}"),
        good.replace('.', "%2E"),
        json_form,
        format!("\u{feff}{good}"),
    ] {
        assert!(verify(key.verifying(), &refused).is_err(), "{refused}");
    }
}

#[test]
fn other_spellings_of_the_same_bytes_are_refused() {
    let key = signing_key(Algorithm::HS256, 1);
    let good = sign(&key, ACCESS_TOKEN, b"{}").unwrap();
    // 32 bytes leave four bits of the last character unused: fifteen other characters decode to the same tag.
    let (rest, last) = good.split_at(good.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for other in alphabet.chars().filter(|c| !last.starts_with(*c)) {
        assert!(
            verify(key.verifying(), &format!("{rest}{other}")).is_err(),
            "{other}"
        );
    }
    for (from, to) in [('-', '+'), ('_', '/')] {
        if good.contains(from) {
            assert!(verify(key.verifying(), &good.replace(from, &to.to_string())).is_err());
        }
    }
}

#[test]
fn signatures_of_other_forms_are_refused() {
    crate::checks!("T006");
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let key = signing_key(algorithm, 1);
        let header = header_with(&key, "x", json!(null));
        let length = if algorithm == Algorithm::ES384 { 96 } else { 64 };
        let half = length / 2;
        let of = |forge: Forge<'_>| {
            let token = token_of(&header, b"{}", |input| forge(key.sign(input).unwrap()));
            verify(key.verifying(), &token)
        };
        assert!(of(&|good| good).is_ok());
        let forgeries: [(&str, Forge<'_>); 14] = [
            ("all zero", &|_| vec![0; length]),
            ("all ones", &|_| vec![0xff; length]),
            ("r is zero", &|good| {
                [vec![0; half], good[half..].to_vec()].concat()
            }),
            ("s is zero", &|good| {
                [good[..half].to_vec(), vec![0; half]].concat()
            }),
            ("r is one, s is one", &|_| {
                let mut one = vec![0; half];
                one[half - 1] = 1;
                one.repeat(2)
            }),
            ("swapped", &|good| [&good[half..], &good[..half]].concat()),
            ("truncated", &|good| good[..length - 1].to_vec()),
            ("half", &|good| good[..half].to_vec()),
            ("one byte", &|good| good[..1].to_vec()),
            ("extended", &|good| [&good[..], &[0]].concat()),
            ("padded before", &|good| [&[0], &good[..]].concat()),
            ("each half padded", &|good| {
                [&[0], &good[..half], &[0], &good[half..]].concat()
            }),
            ("in DER", &|good| der(&good[..half], &good[half..])),
            ("too long to be one", &|_| vec![1; 2_000]),
        ];
        for (name, forge) in forgeries {
            assert!(of(forge).is_err(), "{algorithm}: {name}");
        }
    }
}

#[test]
fn a_huge_token_is_refused_before_anything_is_decoded() {
    crate::checks!("T005");
    let key = signing_key(Algorithm::HS256, 1);
    for bomb in [
        ".".repeat(1 << 20),
        "A".repeat(1 << 20),
        format!(
            "{}.{}.{}",
            "A".repeat(1 << 19),
            "A".repeat(1 << 19),
            "A".repeat(43)
        ),
    ] {
        assert_eq!(verify(key.verifying(), &bomb), Err(InvalidToken::Malformed));
    }
    // Both sides of the limit.
    let at = |length: usize| {
        let empty = signed(&key, &header_with(&key, "x", json!("")), b"{}");
        let mut fill = length - empty.len();
        loop {
            let token = signed(&key, &header_with(&key, "x", json!("a".repeat(fill))), b"{}");
            if token.len() <= length {
                return token;
            }
            fill -= 1;
        }
    };
    let longest = at(MAX_LENGTH);
    assert!(verify(key.verifying(), &longest).is_ok());
    assert!(longest.len() > MAX_LENGTH - 4);
    let over = signed(
        &key,
        &header_with(&key, "x", json!("a".repeat(MAX_LENGTH))),
        b"{}",
    );
    assert_eq!(verify(key.verifying(), &over), Err(InvalidToken::Malformed));
}

#[test]
fn types_are_compared_as_media_types() {
    crate::checks!("T003");
    let of = |typ: &str| {
        let encoded = b64(json!({"alg": "HS256", "typ": typ}).to_string());
        Header::parse(&encoded).unwrap().is_type(ACCESS_TOKEN)
    };
    for accepted in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(of(accepted), "{accepted}");
    }
    for refused in [
        "JWT",
        "jwt",
        "at+jwtx",
        "xat+jwt",
        "application/",
        "",
        "text/at+jwt",
        "application/application/at+jwt",
        "at jwt",
        "apPlication/ät",
    ] {
        assert!(!of(refused), "{refused}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_or_verifies(text in "\\PC{0,200}") {
        let key = signing_key(Algorithm::HS256, 1);
        prop_assert!(verify(key.verifying(), &text).is_err());
    }

    #[test]
    fn no_three_parts_panic_or_verify(header in ".{0,80}", payload in proptest::collection::vec(any::<u8>(), 0..80), signature in proptest::collection::vec(any::<u8>(), 0..100)) {
        let key = signing_key(Algorithm::ES256, 1);
        let token = format!("{}.{}.{}", b64(&header), b64(&payload), b64(&signature));
        prop_assert!(verify(key.verifying(), &token).is_err());
        let right_header = header_with(&key, "x", json!(null));
        let token = format!("{}.{}.{}", b64(right_header), b64(&payload), b64(&signature));
        prop_assert!(verify(key.verifying(), &token).is_err());
    }
}

/// An ECDSA signature as X.509 has it.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let mut value: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        if value.first().is_none_or(|byte| *byte >= 0x80) {
            value.insert(0, 0);
        }
        [&[2, u8::try_from(value.len()).unwrap()], &value[..]].concat()
    };
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}
