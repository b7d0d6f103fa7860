use super::*;
use crate::key::fakes;

const RSA_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
const P256_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const P256_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
const P256_D: &str = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

fn read(jwk: &Value, algorithm: Option<Algorithm>) -> Result<VerifyingKey, InvalidKey> {
    verifying(jwk.to_string().as_bytes(), algorithm)
}

fn rsa() -> Value {
    json!({"kty": "RSA", "n": RSA_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
}

fn p256() -> Value {
    json!({"kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_Y})
}

fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk.as_object_mut().unwrap().insert(name.into(), value.into());
    jwk
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let rsa = read(&rsa(), None).unwrap();
    assert_eq!(rsa.kid(), "2011-04-29");
    assert_eq!(
        thumbprint(&rsa).unwrap(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    let ed = read(&json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X}), None).unwrap();
    assert_eq!(ed.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn what_is_published_is_read_again_and_holds_nothing_private() {
    for algorithm in Algorithm::SIGNING {
        let key = fakes::signing_key(algorithm, 1);
        let Some(jwk) = publish(key.verifying()) else {
            assert!(algorithm.is_symmetric(), "{algorithm} isn't published");
            assert_eq!(thumbprint(key.verifying()), None);
            continue;
        };
        assert!(!algorithm.is_symmetric());
        for name in PRIVATE_MEMBERS {
            assert!(jwk.get(name).is_none(), "{algorithm} shows {name}");
        }
        assert_eq!(
            (&jwk["use"], &jwk["alg"]),
            (&json!("sig"), &json!(algorithm.as_str()))
        );
        let read = read(&jwk, None).unwrap();
        assert_eq!((read.kid(), read.algorithm()), (key.kid(), algorithm));
        let signature = key.sign(b"message").unwrap();
        assert!(read.matches(b"message", &signature));
        assert!(!read.matches(b"massage", &signature));
    }
}

#[test]
fn a_key_not_meant_for_signatures_is_refused() {
    for (jwk, why) in [
        (with(p256(), "use", "enc"), InvalidKey::Use),
        (with(p256(), "use", "SIG"), InvalidKey::Use),
        (with(p256(), "use", json!(["sig"])), InvalidKey::Json),
        (with(p256(), "key_ops", json!(["sign"])), InvalidKey::Use),
        (with(p256(), "key_ops", json!([])), InvalidKey::Use),
        (
            with(p256(), "key_ops", json!(["verify", "verify"])),
            InvalidKey::Use,
        ),
        (
            with(p256(), "key_ops", json!(["verify", "deriveKey"])),
            InvalidKey::Use,
        ),
        (with(p256(), "key_ops", "verify"), InvalidKey::Json),
        (with(p256(), "key_ops", json!([1])), InvalidKey::Json),
        (with(p256(), "alg", "ES384"), InvalidKey::Family(Algorithm::ES384)),
        (with(p256(), "alg", "HS256"), InvalidKey::Family(Algorithm::HS256)),
        (with(p256(), "alg", "ES512"), InvalidKey::Unknown),
        (with(p256(), "alg", "none"), InvalidKey::Unknown),
        (with(rsa(), "alg", "ES256"), InvalidKey::Family(Algorithm::ES256)),
        (with(rsa(), "alg", "HS256"), InvalidKey::Family(Algorithm::HS256)),
    ] {
        assert_eq!(read(&jwk, None).unwrap_err(), why, "{jwk}");
    }
    for allowed in [
        with(p256(), "use", "sig"),
        with(p256(), "key_ops", json!(["verify"])),
        with(p256(), "key_ops", json!(["sign", "verify"])),
        with(p256(), "x5t", "ignored"),
    ] {
        assert!(read(&allowed, None).is_ok(), "{allowed}");
    }
}

#[test]
fn the_algorithm_is_never_guessed() {
    let mut open = rsa();
    open.as_object_mut().unwrap().remove("alg");
    assert_eq!(read(&open, None).unwrap_err(), InvalidKey::AlgorithmNeeded);
    assert_eq!(
        read(&open, Some(Algorithm::PS256)).unwrap().algorithm(),
        Algorithm::PS256
    );
    for other in [Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA] {
        assert_eq!(read(&open, Some(other)).unwrap_err(), InvalidKey::Family(other));
    }
    // The caller and the key must agree.
    assert!(read(&rsa(), Some(Algorithm::PS256)).is_err());
    assert!(read(&p256(), Some(Algorithm::ES384)).is_err());
}

#[test]
fn malformed_keys_are_refused() {
    let short = &P256_X[..42];
    for jwk in [
        with(p256(), "x", short),
        with(p256(), "x", format!("AA{P256_X}")),
        with(p256(), "x", format!("{P256_X}=")),
        with(p256(), "y", P256_X),
        with(p256(), "y", 1),
        with(p256(), "crv", "P-384"),
        with(p256(), "crv", "secp256k1"),
        with(p256(), "kty", "OKP"),
        with(p256(), "kty", "ec"),
        with(p256(), "kid", 7),
        with(p256(), "kid", "a b"),
        with(p256(), "d", P256_D),
        with(rsa(), "n", format!("AA{RSA_N}")),
        with(rsa(), "n", &RSA_N[..170]),
        with(rsa(), "e", "AQ"),
        with(rsa(), "e", "AAEAAQ"),
        with(rsa(), "d", "AQAB"),
        with(rsa(), "crv", "P-256"),
        json!({"kty": "OKP", "crv": "Ed25519", "x": &ED_X[..40]}),
        json!({"kty": "OKP", "crv": "X25519", "x": ED_X}),
        json!({"kty": "oct", "alg": "HS256", "k": ED_X}),
        json!({}),
        json!([]),
    ] {
        assert!(read(&jwk, None).is_err(), "{jwk}");
    }
    let twice = format!(r#"{{"kty":"EC","crv":"P-256","x":"{P256_X}","y":"{P256_Y}","kty":"EC"}}"#);
    assert_eq!(verifying(twice.as_bytes(), None).unwrap_err(), InvalidKey::Json);
}

#[test]
fn private_keys_must_belong_to_their_public_part() {
    let sign = |jwk: &Value| signing(jwk.to_string().as_bytes(), None);
    let ec = with(p256(), "d", P256_D);
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X, "d": ED_D});
    assert!(sign(&ec).is_ok());
    assert_eq!(
        sign(&ed).unwrap().kid(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
    for jwk in [
        p256(),
        with(ec.clone(), "d", ED_D),
        with(ec.clone(), "d", format!("AAAA{P256_D}")),
        with(ec.clone(), "d", &*URL_SAFE_NO_PAD.encode([0; 32])),
        with(ec.clone(), "d", &*URL_SAFE_NO_PAD.encode([0xff; 32])),
        with(ec, "key_ops", json!(["verify"])),
        with(ed.clone(), "x", P256_X),
        with(ed, "d", "AQAB"),
        with(rsa(), "d", "AQAB"),
    ] {
        assert!(sign(&jwk).is_err(), "{jwk}");
    }
}

#[test]
fn shared_secrets_need_a_name_an_algorithm_and_length() {
    let sign = |jwk: Value, algorithm| signing(jwk.to_string().as_bytes(), algorithm);
    let k = URL_SAFE_NO_PAD.encode([7; 32]);
    let named = json!({"kty": "oct", "k": k, "kid": "shared"});
    assert_eq!(
        sign(named.clone(), None).unwrap_err(),
        InvalidKey::AlgorithmNeeded
    );
    assert_eq!(
        sign(named.clone(), Some(Algorithm::HS256)).unwrap().algorithm(),
        Algorithm::HS256
    );
    assert_eq!(
        sign(named.clone(), Some(Algorithm::HS384)).unwrap_err(),
        InvalidKey::Weak(Algorithm::HS384)
    );
    assert_eq!(
        sign(named, Some(Algorithm::ES256)).unwrap_err(),
        InvalidKey::Family(Algorithm::ES256)
    );
    assert_eq!(
        sign(json!({"kty": "oct", "k": k, "alg": "HS256"}), None).unwrap_err(),
        InvalidKey::Kid
    );
}

#[test]
fn a_set_passes_over_what_it_does_not_know_and_refuses_doubles() {
    let read = |keys: Value| {
        set(
            json!({ "keys": keys }).to_string().as_bytes(),
            Some(Algorithm::RS256),
        )
    };
    let mut open_rsa = with(rsa(), "kid", "open");
    open_rsa.as_object_mut().unwrap().remove("alg");
    let keys = read(json!([
        rsa(),
        with(p256(), "kid", "ec"),
        open_rsa,
        {"kty": "FUTURE", "kid": "x"},
        with(p256(), "use", "enc"),
        {"kty": "oct", "alg": "HS256", "kid": "s", "k": ED_X},
        with(p256(), "d", P256_D),
    ]))
    .unwrap();
    let named: Vec<_> = keys.iter().map(|key| (key.kid(), key.algorithm())).collect();
    assert_eq!(
        named,
        [
            ("2011-04-29", Algorithm::RS256),
            ("ec", Algorithm::ES256),
            ("open", Algorithm::RS256)
        ]
    );
    assert_eq!(
        read(json!([rsa(), with(p256(), "kid", "2011-04-29")])).unwrap_err(),
        InvalidKey::Kid
    );
    assert_eq!(read(json!(["key"])).unwrap_err(), InvalidKey::Json);
    assert_eq!(set(b"{}", None).unwrap_err(), InvalidKey::Json);
    assert_eq!(
        set(br#"{"keys":[],"keys":[]}"#, None).unwrap_err(),
        InvalidKey::Json
    );
}

#[test]
fn stored_keys_come_back_for_every_algorithm() {
    for algorithm in Algorithm::SIGNING {
        let key = fakes::signing_key(algorithm, 3);
        let again = SigningKey::from_stored(key.kid(), algorithm, key.to_stored().unwrap()).unwrap();
        assert_eq!(again.kid(), key.kid());
        assert!(
            key.verifying().matches(b"m", &again.sign(b"m").unwrap()),
            "{algorithm}"
        );
        assert!(!format!("{again:?}").contains("secret:"), "{again:?}");
        // Read as a key of another family it is refused, whatever the record says.
        for other in Algorithm::SIGNING
            .into_iter()
            .filter(|other| other.family() != algorithm.family())
        {
            // A secret has no form of its own: what keeps a record from being read as one is its seal.
            let read = SigningKey::from_stored(key.kid(), other, key.to_stored().unwrap());
            assert!(read.is_err() || other.is_symmetric(), "{algorithm} as {other}");
        }
    }
}

// Shows: TK-3
#[test]
fn pem_keys_are_imported() {
    use base64::engine::general_purpose::STANDARD;
    for algorithm in [
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
        Algorithm::RS256,
        Algorithm::PS256,
    ] {
        let key = fakes::signing_key(algorithm, 4);
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(key.to_stored().unwrap().expose())
        );
        let read = SigningKey::from_pem(algorithm, &pem).unwrap();
        assert_eq!(
            thumbprint(read.verifying()),
            thumbprint(key.verifying()),
            "{algorithm}"
        );
        for other in Algorithm::SIGNING
            .into_iter()
            .filter(|other| other.family() != algorithm.family())
        {
            assert_eq!(
                SigningKey::from_pem(other, &pem).unwrap_err(),
                InvalidKey::Family(other)
            );
        }
        assert!(matches!(
            VerifyingKey::from_pem(algorithm, &pem),
            Err(InvalidKey::Pem(_))
        ));
    }
}

#[test]
fn a_generated_rsa_key_has_3072_bits() {
    let key = SigningKey::generate(Algorithm::PS256, &fakes::environment(5)).unwrap();
    assert_eq!(key.sign(b"m").unwrap().len(), 384);
    assert_eq!(Some(key.kid().to_owned()), thumbprint(key.verifying()));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic_and_none_are_a_key(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120), text in "\\PC{0,120}") {
        for algorithm in Algorithm::SIGNING {
            proptest::prop_assert!(VerifyingKey::from_spki(algorithm, &bytes).is_err());
            proptest::prop_assert!(SigningKey::from_pkcs8(None, algorithm, &bytes).is_err());
            proptest::prop_assert!(VerifyingKey::from_pem(algorithm, &text).is_err());
            proptest::prop_assert!(SigningKey::from_pem(algorithm, &text).is_err());
            proptest::prop_assert!(verifying(text.as_bytes(), Some(algorithm)).is_err());
        }
        let _ = set(text.as_bytes(), None);
    }

    #[test]
    fn no_member_of_a_jwk_panics(name in "(kty|crv|x|y|n|e|d|k|use|key_ops|alg|kid)", value in "\\PC{0,40}") {
        for jwk in [p256(), rsa()] {
            let _ = read(&with(jwk, &name, value.as_str()), None);
        }
    }
}
