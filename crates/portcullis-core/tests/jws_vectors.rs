//! The examples of the RFCs, read and verified through the public interface.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis_core::checks;
use portcullis_core::key::{Algorithm, SigningKey, VerifyingKey, jwk};
use portcullis_core::token::{InvalidToken, jws};
use serde_json::Value;

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn signed() -> Vec<Value> {
    vectors(include_str!("vectors/jws.json"))
}

fn key_of(vector: &Value) -> VerifyingKey {
    let algorithm = Algorithm::parse(vector["algorithm"].as_str().unwrap()).unwrap();
    let text = vector["key"].to_string();
    if algorithm.is_symmetric() {
        let key = jwk::signing(text.as_bytes(), Some(algorithm)).unwrap();
        return key.verifying().clone();
    }
    jwk::verifying(text.as_bytes(), Some(algorithm)).unwrap()
}

/// The RSA key of RFC 7520 §3.4.
fn bilbo(algorithm: Algorithm) -> SigningKey {
    jwk::signing(include_bytes!("vectors/rfc7520_rsa.json"), Some(algorithm)).unwrap()
}

// Shows: TK-1
#[test]
fn every_example_verifies_with_its_key() {
    for vector in signed() {
        let payload = jws::verify(&key_of(&vector), vector["token"].as_str().unwrap());
        let payload = String::from_utf8(payload.unwrap_or_else(|why| panic!("{}: {why}", vector["source"])));
        assert_eq!(
            payload.unwrap(),
            vector["payload"].as_str().unwrap(),
            "{}",
            vector["source"]
        );
    }
}

#[test]
fn no_example_verifies_with_another_key() {
    checks!("T001");
    let all = signed();
    for (i, vector) in all.iter().enumerate() {
        for (j, other) in all.iter().enumerate().filter(|(j, _)| i != *j) {
            let refused = jws::verify(&key_of(other), vector["token"].as_str().unwrap()).unwrap_err();
            let expected = if vector["algorithm"] == other["algorithm"] {
                InvalidToken::BadSignature
            } else {
                InvalidToken::UnknownKey
            };
            assert_eq!(refused, expected, "example {i} with the key of {j}");
        }
    }
}

#[test]
fn examples_of_algorithms_we_do_not_offer_are_refused() {
    checks!("T001");
    for vector in vectors(include_str!("vectors/not_offered.json")) {
        for key in signed()
            .iter()
            .map(key_of)
            .chain([bilbo(Algorithm::PS256).verifying().clone()])
        {
            let refused = jws::verify(&key, vector["token"].as_str().unwrap()).unwrap_err();
            assert!(
                matches!(refused, InvalidToken::UnknownKey | InvalidToken::Malformed),
                "{}: {refused}",
                vector["source"]
            );
        }
    }
}

#[test]
fn deterministic_signatures_are_those_of_the_rfcs() {
    // RFC 7520 §4.1: RSASSA-PKCS1-v1_5 has one signature per message.
    let example = &signed()[3];
    let (input, signature) = example["token"].as_str().unwrap().rsplit_once('.').unwrap();
    let made = bilbo(Algorithm::RS256).sign(input.as_bytes()).unwrap();
    assert_eq!(base64url(&made), signature);
    // RFC 8037 §A.4.
    let seed = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let (input, signature) = signed()[5]["token"]
        .as_str()
        .unwrap()
        .rsplit_once('.')
        .map(|(i, s)| (i.to_owned(), s.to_owned()))
        .unwrap();
    let made = jwk::signing(seed.as_bytes(), None)
        .unwrap()
        .sign(input.as_bytes())
        .unwrap();
    assert_eq!(base64url(&made), signature);
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    checks!("T006");
    for vector in signed() {
        let (key, token) = (key_of(&vector), vector["token"].as_str().unwrap());
        for end in 0..token.len() {
            assert!(
                jws::verify(&key, &token[..end]).is_err(),
                "{}: prefix of {end}",
                vector["source"]
            );
        }
        for start in 1..token.len() {
            assert!(
                jws::verify(&key, &token[start..]).is_err(),
                "{}: suffix from {start}",
                vector["source"]
            );
        }
        for index in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.as_bytes().to_vec();
                bytes[index] ^= 1 << bit;
                let forged = String::from_utf8(bytes).unwrap();
                assert!(
                    jws::verify(&key, &forged).is_err(),
                    "{}: bit {bit} of {index}",
                    vector["source"]
                );
            }
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
