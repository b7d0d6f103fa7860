use serde_json::json;

use super::*;
use crate::key::fakes::signing_key;
use crate::key::{Algorithm, SigningKey, jwk};
use crate::token::claims::tests::{payload, payload_with, sample};
use crate::token::jws::forge::{b64, header_with, signed};
use crate::token::jws::{self};

const LEEWAY: Duration = Duration::from_secs(30);
const MICRO: Duration = Duration::from_micros(1);

fn expectation() -> Expectation {
    Expectation {
        issuer: "https://issuer.example".into(),
        audience: "api".into(),
        leeway: LEEWAY,
    }
}

fn verifier(algorithm: Algorithm) -> Verifier {
    Verifier::new(
        Arc::new(Keyring::of_keys(signing_key(algorithm, 1), Vec::new())),
        expectation(),
    )
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn good(key: &SigningKey) -> String {
    jws::sign(key, ACCESS_TOKEN, &claims::serialise(&sample()).unwrap()).unwrap()
}

/// The verdict on a token of ours with one claim changed, at second 1,500.
fn with_claim(name: &str, value: serde_json::Value) -> Result<AccessClaims, InvalidToken> {
    let key = signing_key(Algorithm::HS256, 1);
    let token = jws::sign(&key, ACCESS_TOKEN, &payload_with(name, value)).unwrap();
    verifier(Algorithm::HS256).verify(&token, at(1_500))
}

#[test]
fn a_token_of_ours_verifies_for_every_algorithm() {
    for algorithm in Algorithm::SIGNING {
        let token = good(&signing_key(algorithm, 1));
        assert_eq!(
            verifier(algorithm).verify(&token, at(1_500)).unwrap(),
            sample(),
            "{algorithm}"
        );
    }
}

#[test]
fn another_spelling_of_the_header_is_as_good() {
    let key = signing_key(Algorithm::EdDSA, 1);
    let body = payload().to_string();
    let kid = key.kid();
    for header in [
        format!(r#"{{"typ":"application/AT+JWT","kid":"{kid}","alg":"EdDSA"}}"#),
        format!("{{ \"typ\" : \"at+jwt\",\r\n \"kid\":\"{kid}\", \"alg\":\"EdDSA\", \"x\":1}}"),
    ] {
        let token = signed(&key, &header, body.as_bytes());
        assert_eq!(
            verifier(Algorithm::EdDSA).verify(&token, at(1_500)).unwrap(),
            sample(),
            "{header}"
        );
    }
}

// Shows: TK-2
#[test]
fn both_sides_of_expiry() {
    let (verifier, token) = (
        verifier(Algorithm::HS256),
        good(&signing_key(Algorithm::HS256, 1)),
    );
    let end = at(1_900).plus(LEEWAY);
    assert!(verifier.verify(&token, end.minus(MICRO)).is_ok());
    assert_eq!(verifier.verify(&token, end), Err(InvalidToken::Expired));
    assert_eq!(verifier.verify(&token, at(i64::MAX)), Err(InvalidToken::Expired));
}

// Shows: TK-2
#[test]
fn both_sides_of_not_before_and_issued_at() {
    let (verifier, token) = (
        verifier(Algorithm::HS256),
        good(&signing_key(Algorithm::HS256, 1)),
    );
    let start = at(1_000).minus(LEEWAY);
    assert!(verifier.verify(&token, start).is_ok());
    assert_eq!(
        verifier.verify(&token, start.minus(MICRO)),
        Err(InvalidToken::NotYetValid)
    );
    assert_eq!(
        verifier.verify(&token, at(i64::MIN)),
        Err(InvalidToken::NotYetValid)
    );
    for name in ["nbf", "iat"] {
        assert!(with_claim(name, json!(1_530)).is_ok());
        assert_eq!(
            with_claim(name, json!(1_531)),
            Err(InvalidToken::NotYetValid),
            "{name}"
        );
    }
}

#[test]
fn leeway_is_never_more_than_a_minute() {
    let keyring = Arc::new(Keyring::of_keys(signing_key(Algorithm::HS256, 1), Vec::new()));
    let token = good(&signing_key(Algorithm::HS256, 1));
    let generous = Verifier::new(
        keyring.clone(),
        Expectation {
            leeway: Duration::MAX,
            ..expectation()
        },
    );
    assert_eq!(generous.leeway(), Duration::from_secs(60));
    assert!(generous.verify(&token, at(1_960).minus(MICRO)).is_ok());
    assert_eq!(generous.verify(&token, at(1_960)), Err(InvalidToken::Expired));
    let strict = Verifier::new(
        keyring,
        Expectation {
            leeway: Duration::ZERO,
            ..expectation()
        },
    );
    assert_eq!(strict.leeway(), Duration::ZERO);
    assert!(strict.verify(&token, at(1_900).minus(MICRO)).is_ok());
    assert_eq!(strict.verify(&token, at(1_900)), Err(InvalidToken::Expired));
    assert!(strict.verify(&token, at(1_000)).is_ok());
    assert_eq!(
        strict.verify(&token, at(1_000).minus(MICRO)),
        Err(InvalidToken::NotYetValid)
    );
}

// Shows: TK-2
#[test]
fn another_issuer_is_refused() {
    for issuer in [
        "",
        "https://issuer.example/",
        "https://issuer.example ",
        "https://ISSUER.example",
        "issuer",
    ] {
        assert_eq!(
            with_claim("iss", json!(issuer)),
            Err(InvalidToken::WrongIssuer),
            "{issuer}"
        );
    }
}

// Shows: TK-2
#[test]
fn another_audience_is_refused() {
    for audience in [
        json!(""),
        json!("ap"),
        json!("apis"),
        json!("API"),
        json!("api other"),
        json!([]),
        json!(["other"]),
        json!(["other", "ap"]),
    ] {
        assert_eq!(
            with_claim("aud", audience.clone()),
            Err(InvalidToken::WrongAudience),
            "{audience}"
        );
    }
    assert!(with_claim("aud", json!(["other", "api"])).is_ok());
}

// Shows: TK-2
#[test]
fn another_type_of_token_is_refused() {
    crate::checks!("T003");
    let key = signing_key(Algorithm::ES256, 1);
    let verifier = verifier(Algorithm::ES256);
    let body = payload().to_string();
    for typ in [
        "JWT",
        "jwt",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "refresh+jwt",
        "",
    ] {
        let token = jws::sign(&key, typ, body.as_bytes()).unwrap();
        assert_eq!(
            verifier.verify(&token, at(1_500)),
            Err(InvalidToken::WrongType),
            "{typ}"
        );
    }
    for (name, value) in [("typ", json!(null)), ("cty", json!("JWT"))] {
        let token = signed(&key, &header_with(&key, name, value), body.as_bytes());
        assert_eq!(
            verifier.verify(&token, at(1_500)),
            Err(InvalidToken::WrongType),
            "{name}"
        );
    }
    assert_eq!(
        with_claim("token_use", json!("refresh")),
        Err(InvalidToken::WrongType)
    );
    assert_eq!(with_claim("token_use", json!("id")), Err(InvalidToken::WrongType));
}

#[test]
fn a_key_is_found_by_its_exact_name_only() {
    crate::checks!("T002");
    let key = signing_key(Algorithm::EdDSA, 1);
    let verifier = verifier(Algorithm::EdDSA);
    let body = payload().to_string();
    let long = "k".repeat(10_000);
    for kid in [
        json!("../../../../dev/null"),
        json!("/proc/self/environ"),
        json!("' OR 1=1 --"),
        json!("https://attacker.example/key"),
        json!(""),
        json!(key.kid().to_uppercase()),
        json!(format!("{} ", key.kid())),
        json!(&key.kid()[1..]),
        json!(format!("{}\u{0}", key.kid())),
        json!(long),
        json!(null),
    ] {
        let token = signed(&key, &header_with(&key, "kid", kid.clone()), body.as_bytes());
        assert_eq!(
            verifier.verify(&token, at(1_500)),
            Err(InvalidToken::UnknownKey),
            "{kid}"
        );
    }
}

#[test]
fn a_key_of_another_ring_is_unknown_and_under_our_name_wrong() {
    crate::checks!("T002");
    for algorithm in Algorithm::SIGNING {
        let (ours, theirs) = (signing_key(algorithm, 1), signing_key(algorithm, 2));
        if ours.verifying().access_header() == theirs.verifying().access_header() {
            continue; // There is one RSA key for tests.
        }
        let verifier = verifier(algorithm);
        assert_eq!(
            verifier.verify(&good(&theirs), at(1_500)),
            Err(InvalidToken::UnknownKey),
            "{algorithm}"
        );
        let header = header_with(&theirs, "kid", ours.kid().into());
        let token = signed(&theirs, &header, payload().to_string().as_bytes());
        assert_eq!(
            verifier.verify(&token, at(1_500)),
            Err(InvalidToken::BadSignature),
            "{algorithm}"
        );
    }
}

#[test]
fn the_algorithm_of_another_key_of_the_ring_is_refused() {
    crate::checks!("T001");
    let (first, second) = (signing_key(Algorithm::ES256, 1), signing_key(Algorithm::HS256, 2));
    let keyring = Keyring::of_keys(
        signing_key(Algorithm::ES256, 1),
        vec![signing_key(Algorithm::HS256, 2)],
    );
    let verifier = Verifier::new(Arc::new(keyring), expectation());
    let body = payload().to_string();
    for (signer, named) in [(&first, &second), (&second, &first)] {
        for alg in [signer.algorithm(), named.algorithm()] {
            let header = format!(r#"{{"alg":"{alg}","kid":"{}","typ":"at+jwt"}}"#, named.kid());
            let refused = verifier
                .verify(&signed(signer, &header, body.as_bytes()), at(1_500))
                .unwrap_err();
            assert!(
                matches!(refused, InvalidToken::UnknownKey | InvalidToken::BadSignature),
                "{refused}"
            );
        }
    }
    for unsigned in ["none", "None", "NONE", "nOnE"] {
        let header = header_with(&first, "alg", unsigned.into());
        for signature in ["", "AA", &b64([0; 64])] {
            let token = format!("{}.{}.{signature}", b64(&header), b64(&body));
            assert!(verifier.verify(&token, at(1_500)).is_err(), "{unsigned}");
        }
    }
}

#[test]
fn claims_are_not_looked_at_before_the_signature() {
    let key = signing_key(Algorithm::HS256, 1);
    let verifier = verifier(Algorithm::HS256);
    let token = good(&key);
    let (_, signature) = token.rsplit_once('.').unwrap();
    let header = token.split('.').next().unwrap();
    for payload in [
        payload_with("exp", json!(1)),
        payload_with("iss", json!("x")),
        b"not json".to_vec(),
    ] {
        let forged = format!("{header}.{}.{signature}", b64(payload));
        assert_eq!(
            verifier.verify(&forged, at(1_500)),
            Err(InvalidToken::BadSignature)
        );
    }
    let not_base64 = format!("{header}.%%%.{signature}");
    assert_eq!(
        verifier.verify(&not_base64, at(1_500)),
        Err(InvalidToken::BadSignature)
    );
}

#[test]
fn the_first_failing_check_is_reported() {
    let key = signing_key(Algorithm::HS256, 1);
    let verifier = verifier(Algorithm::HS256);
    let all_wrong = json!({"iss": "x", "aud": "x", "exp": 1, "nbf": 5_000, "iat": 5_000});
    let mut claims = payload();
    for (name, value) in all_wrong.as_object().unwrap() {
        claims[name] = value.clone();
    }
    for (repair, why) in [
        (None, InvalidToken::WrongIssuer),
        (Some("iss"), InvalidToken::WrongAudience),
        (Some("aud"), InvalidToken::NotYetValid),
        (Some("nbf"), InvalidToken::NotYetValid),
        (Some("iat"), InvalidToken::Expired),
    ] {
        if let Some(name) = repair {
            // What is issued here has no `nbf`: one that has come does as well.
            claims[name] = payload().get(name).cloned().unwrap_or(json!(1_000));
        }
        let token = jws::sign(&key, ACCESS_TOKEN, claims.to_string().as_bytes()).unwrap();
        assert_eq!(verifier.verify(&token, at(1_500)), Err(why));
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    crate::checks!("T006");
    for algorithm in [Algorithm::HS256, Algorithm::EdDSA] {
        let (verifier, token) = (verifier(algorithm), good(&signing_key(algorithm, 1)));
        for index in 0..token.len() {
            assert!(
                verifier.verify(&token[..index], at(1_500)).is_err(),
                "prefix of {index}"
            );
            assert!(
                verifier.verify(&token[index + 1..], at(1_500)).is_err(),
                "suffix from {index}"
            );
            for bit in 0..7 {
                let mut bytes = token.as_bytes().to_vec();
                bytes[index] ^= 1 << bit;
                let forged = String::from_utf8(bytes).unwrap();
                assert!(
                    verifier.verify(&forged, at(1_500)).is_err(),
                    "bit {bit} of {index}"
                );
            }
        }
    }
}

#[test]
fn a_megabyte_of_dots_is_refused_at_once() {
    crate::checks!("T005");
    let verifier = verifier(Algorithm::HS256);
    for bomb in [
        ".".repeat(1 << 20),
        "a".repeat(1 << 20),
        format!("{}.", "eyJhbGciOiJIUzI1NiJ9".repeat(50_000)),
    ] {
        assert_eq!(verifier.verify(&bomb, at(1_500)), Err(InvalidToken::Malformed));
    }
}

#[test]
fn a_key_brought_along_is_refused_even_under_our_name() {
    crate::checks!("T002");
    let (ours, theirs) = (signing_key(Algorithm::ES256, 1), signing_key(Algorithm::ES256, 2));
    let header = header_with(&ours, "jwk", jwk::publish(theirs.verifying()).unwrap());
    let token = signed(&theirs, &header, payload().to_string().as_bytes());
    assert_eq!(
        verifier(Algorithm::ES256).verify(&token, at(1_500)),
        Err(InvalidToken::Malformed)
    );
}

proptest::proptest! {
    #[test]
    fn no_text_panics_or_verifies(text in "\\PC{0,200}", seconds in proptest::num::i64::ANY) {
        proptest::prop_assert!(verifier(Algorithm::HS256).verify(&text, at(seconds)).is_err());
    }
}
