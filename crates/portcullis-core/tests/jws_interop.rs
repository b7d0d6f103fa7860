//! Our tokens read by another implementation, and its tokens read by ours, for every algorithm both have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use portcullis_core::key::{Algorithm, HmacSecret, InvalidKey, SigningKey, VerifyingKey, jwk};
use portcullis_core::secret::SecretBytes;
use portcullis_core::token::jws;
use serde_json::{Value, json};

/// A fixed key of each algorithm.
fn ours(algorithm: Algorithm) -> SigningKey {
    match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            let secret = HmacSecret::new(algorithm, SecretBytes::new((0..64).collect())).unwrap();
            SigningKey::of_secret("shared", secret).unwrap()
        }
        Algorithm::RS256 | Algorithm::PS256 => {
            jwk::signing(include_bytes!("vectors/rfc7520_rsa.json"), Some(algorithm)).unwrap()
        }
        Algorithm::ES256 => jwk_of(
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#,
        ),
        Algorithm::ES384 => {
            // The PKCS#8 form of any number below the order is a key; the crypto library computes the point.
            let mut der = P384_PREFIX.to_vec();
            der.extend_from_slice(&[0x17; 48]);
            SigningKey::from_pkcs8(None, algorithm, &der).unwrap()
        }
        Algorithm::EdDSA => jwk_of(
            r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        ),
        other => panic!("{other} signs nothing here"),
    }
}

/// RFC 5958 around RFC 5915 without the public point, for secp384r1.
const P384_PREFIX: [u8; 32] = [
    0x30, 0x4e, 2, 1, 0, 0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22,
    4, 0x37, 0x30, 0x35, 2, 1, 1, 4, 0x30,
];

fn jwk_of(text: &str) -> SigningKey {
    jwk::signing(text.as_bytes(), None).unwrap()
}

fn theirs(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.as_str().parse().unwrap()
}

fn encoding(key: &SigningKey) -> EncodingKey {
    let stored = key.to_stored().unwrap();
    let body = STANDARD.encode(stored.expose());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    match key.algorithm() {
        Algorithm::RS256 | Algorithm::PS256 => EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(),
        _ => EncodingKey::from_secret(stored.expose()),
    }
}

fn decoding(key: &SigningKey) -> DecodingKey {
    match jwk::publish(key.verifying()) {
        Some(jwk) => DecodingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap(),
        None => DecodingKey::from_secret(key.to_stored().unwrap().expose()),
    }
}

fn validation(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(theirs(algorithm));
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation
}

// Shows: TK-1
#[test]
fn they_read_what_we_sign() {
    for algorithm in Algorithm::SIGNING {
        let key = ours(algorithm);
        let claims = json!({"sub": "ada", "text": "£ ñ 語", "n": [1, 2.5, null]});
        let token = jws::sign(&key, jws::ACCESS_TOKEN, claims.to_string().as_bytes()).unwrap();
        let read = jsonwebtoken::decode::<Value>(&token, &decoding(&key), &validation(algorithm)).unwrap();
        assert_eq!(read.claims, claims, "{algorithm}");
        assert_eq!(read.header.kid.as_deref(), Some(key.kid()));
        assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
        let mut forged = token.clone();
        forged.replace_range(token.len() - 8..token.len() - 4, "AAAA");
        assert!(jsonwebtoken::decode::<Value>(&forged, &decoding(&key), &validation(algorithm)).is_err());
    }
}

// Shows: TK-1
#[test]
fn we_read_what_they_sign() {
    for algorithm in Algorithm::SIGNING {
        let key = ours(algorithm);
        let claims = json!({"sub": "ada", "text": "£ ñ 語", "n": [1, 2.5, null]});
        let header = Header {
            kid: Some(key.kid().to_owned()),
            ..Header::new(theirs(algorithm))
        };
        let token = jsonwebtoken::encode(&header, &claims, &encoding(&key)).unwrap();
        let payload = jws::verify(key.verifying(), &token).unwrap_or_else(|why| panic!("{algorithm}: {why}"));
        assert_eq!(
            serde_json::from_slice::<Value>(&payload).unwrap(),
            claims,
            "{algorithm}"
        );
        for other in Algorithm::SIGNING.into_iter().filter(|other| *other != algorithm) {
            assert!(
                jws::verify(ours(other).verifying(), &token).is_err(),
                "{algorithm} with a key for {other}"
            );
        }
    }
}

/// Algorithms that only others sign with.
fn verified_only() -> impl Iterator<Item = Algorithm> {
    let signing = |algorithm: &Algorithm| Algorithm::SIGNING.contains(algorithm);
    Algorithm::ALL
        .into_iter()
        .filter(move |algorithm| !signing(algorithm))
}

/// The RSA key as its issuer publishes it for another algorithm.
fn published_for(algorithm: Algorithm) -> VerifyingKey {
    let mut published = jwk::publish(ours(Algorithm::RS256).verifying()).unwrap();
    published["alg"] = algorithm.as_str().into();
    jwk::verifying(published.to_string().as_bytes(), None).unwrap()
}

#[test]
fn we_read_what_only_others_sign_with() {
    let key = ours(Algorithm::RS256);
    assert_eq!(verified_only().count(), 4);
    for algorithm in verified_only() {
        let header = Header {
            kid: Some(key.kid().to_owned()),
            ..Header::new(theirs(algorithm))
        };
        let token = jsonwebtoken::encode(&header, &json!({"sub": "ada"}), &encoding(&key)).unwrap();
        assert!(
            jws::verify(&published_for(algorithm), &token).is_ok(),
            "{algorithm}"
        );
        let others = verified_only().filter(|other| *other != algorithm);
        for other in others.map(published_for).chain([key.verifying().clone()]) {
            assert!(
                jws::verify(&other, &token).is_err(),
                "{algorithm} with a key for {other:?}"
            );
        }
    }
}

#[test]
fn what_only_others_sign_with_signs_nothing_here() {
    for algorithm in verified_only() {
        let read = jwk::signing(include_bytes!("vectors/rfc7520_rsa.json"), Some(algorithm));
        assert_eq!(read.unwrap_err(), InvalidKey::VerifiedOnly(algorithm));
    }
}
