//! What is signed for a purpose is good for that purpose alone.

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::checks;
use crate::key::fakes::{FakeClock, START, SeededEntropy, signing_key};
use crate::key::{Algorithm, SigningKey};
use crate::token::claims::tests::payload;
use crate::token::jws::forge::{b64, signed};
use crate::token::jws::{ACCESS_TOKEN, sign};
use crate::token::{MAX_LEEWAY, Verifier};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct File {
    file: String,
}

const DOWNLOAD: Purpose<File> = Purpose::new("download");
const UPLOAD: Purpose<File> = Purpose::new("upload");
const MINUTE: Duration = Duration::from_secs(60);
const MICRO: Duration = Duration::from_micros(1);

fn file() -> File {
    File {
        file: "report.pdf".into(),
    }
}

/// Tokens of both purposes with one key, and the clock that they go by.
struct Desk {
    clock: Arc<FakeClock>,
    keyring: Arc<Keyring>,
    key: SigningKey,
}

impl Desk {
    fn new(algorithm: Algorithm) -> Self {
        Self {
            clock: FakeClock::at(START),
            keyring: Arc::new(Keyring::of_keys(signing_key(algorithm, 1), Vec::new())),
            key: signing_key(algorithm, 1),
        }
    }

    fn of<C>(&self, purpose: Purpose<C>) -> PurposeTokens<C> {
        let environment = Environment::new(self.clock.clone(), SeededEntropy::new(7));
        PurposeTokens::new(
            purpose,
            Arc::clone(&self.keyring),
            environment,
            &Settings::default(),
        )
    }

    /// A token with this header type and these claims beside the good ones; `null` removes one.
    fn forged(&self, typ: &str, changes: &Value) -> String {
        let mut claims = json!({
            "iss": "portcullis", "aud": "urn:portcullis:purpose:download", "iat": START.as_seconds(),
            "exp": START.as_seconds() + 60, "jti": "018bcfe5-6800-7000-8000-000000000001", "file": "report.pdf",
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
        sign(&self.key, typ, claims.to_string().as_bytes()).unwrap()
    }
}

#[test]
fn what_was_signed_is_read_for_every_algorithm() {
    for algorithm in Algorithm::SIGNING {
        let desk = Desk::new(algorithm);
        let subject = account::Id::from_uuid(uuid::Uuid::from_u128(9));
        let token = desk.of(DOWNLOAD).sign(&file(), Some(subject), MINUTE).unwrap();
        let read = desk.of(DOWNLOAD).verify(&token).unwrap();
        assert_eq!(
            (read.claims, read.subject),
            (file(), Some(subject)),
            "{algorithm}"
        );
        assert_eq!((read.issued_at, read.expires_at), (START, START.plus(MINUTE)));
        let nobody = desk.of(DOWNLOAD).sign(&file(), None, MINUTE).unwrap();
        let other = desk.of(DOWNLOAD).verify(&nobody).unwrap();
        assert_eq!(other.subject, None);
    }
}

#[test]
fn an_access_token_is_none_of_a_purpose_and_the_reverse() {
    checks!("T217");
    for algorithm in [Algorithm::HS256, Algorithm::EdDSA] {
        let desk = Desk::new(algorithm);
        let access = sign(&desk.key, ACCESS_TOKEN, payload().to_string().as_bytes()).unwrap();
        assert_eq!(desk.of(DOWNLOAD).verify(&access), Err(InvalidToken::WrongType));
        // Nor with everything else that a token of the purpose says.
        let disguised = desk.forged(ACCESS_TOKEN, &json!({}));
        assert_eq!(desk.of(DOWNLOAD).verify(&disguised), Err(InvalidToken::WrongType));
        let token = desk.of(DOWNLOAD).sign(&file(), None, MINUTE).unwrap();
        let verifier = Verifier::new(Arc::clone(&desk.keyring), Settings::default().expectation());
        assert_eq!(verifier.verify(&token, START), Err(InvalidToken::WrongType));
        assert_eq!(
            verifier.verify_for_anybody(&token, START),
            Err(InvalidToken::WrongType)
        );
    }
}

// Shows: TK-6
#[test]
fn purposes_are_not_mixed_up() {
    checks!("T217");
    let desk = Desk::new(Algorithm::EdDSA);
    let token = desk.of(DOWNLOAD).sign(&file(), None, MINUTE).unwrap();
    assert_eq!(desk.of(UPLOAD).verify(&token), Err(InvalidToken::WrongType));
    // The type of one, the audience of the other.
    let mixed = desk.forged("upload+jwt", &json!({}));
    assert_eq!(desk.of(UPLOAD).verify(&mixed), Err(InvalidToken::WrongAudience));
    let both = json!({ "aud": ["urn:portcullis:purpose:download", "portcullis"] });
    assert_eq!(
        desk.of(DOWNLOAD).verify(&desk.forged("download+jwt", &both)),
        Err(InvalidToken::WrongAudience)
    );
}

#[test]
fn a_token_ends_at_its_second() {
    let desk = Desk::new(Algorithm::EdDSA);
    desk.clock.advance(Duration::from_millis(900));
    let token = desk
        .of(DOWNLOAD)
        .sign(&file(), None, MINUTE + Duration::from_millis(900))
        .unwrap();
    desk.clock.advance(MINUTE - Duration::from_millis(900) - MICRO);
    assert!(desk.of(DOWNLOAD).verify(&token).is_ok());
    desk.clock.advance(MICRO);
    assert_eq!(desk.of(DOWNLOAD).verify(&token), Err(InvalidToken::Expired));
}

#[test]
fn a_token_of_a_clock_that_is_ahead_waits() {
    let desk = Desk::new(Algorithm::EdDSA);
    for (ahead, expected) in [(60, Ok(())), (61, Err(InvalidToken::NotYetValid))] {
        let at = START.as_seconds() + ahead;
        let token = desk.forged("download+jwt", &json!({ "iat": at, "exp": at + 60 }));
        assert_eq!(desk.of(DOWNLOAD).verify(&token).map(drop), expected, "{ahead}");
    }
}

#[test]
fn whatever_is_wrong_with_a_token_refuses_it() {
    checks!("T217");
    let desk = Desk::new(Algorithm::EdDSA);
    let tokens = desk.of(DOWNLOAD);
    let good = tokens.sign(&file(), None, MINUTE).unwrap();
    assert!(tokens.verify(&good).is_ok());
    let [header, body, signature] = <[&str; 3]>::try_from(good.split('.').collect::<Vec<_>>()).unwrap();
    let other = b64(json!({ "file": "secret.pdf" }).to_string());
    assert_eq!(
        tokens.verify(&format!("{header}.{other}.{signature}")),
        Err(InvalidToken::BadSignature)
    );
    let kid = desk.key.kid();
    for alg in ["none", "HS256", "ES256"] {
        let header = b64(json!({ "alg": alg, "kid": kid, "typ": "download+jwt" }).to_string());
        for signature in ["", signature] {
            assert!(
                tokens.verify(&format!("{header}.{body}.{signature}")).is_err(),
                "{alg}"
            );
        }
    }
    let stranger = signing_key(Algorithm::EdDSA, 2);
    let foreign = sign(&stranger, "download+jwt", b"{}").unwrap();
    assert_eq!(tokens.verify(&foreign), Err(InvalidToken::UnknownKey));
    for header in [
        json!({ "alg": "EdDSA", "kid": kid }),
        json!({ "alg": "EdDSA", "kid": kid, "typ": "JWT" }),
        json!({ "alg": "EdDSA", "kid": kid, "typ": "download+jwt", "cty": "JWT" }),
    ] {
        let token = signed(&desk.key, &header.to_string(), b"{}");
        assert_eq!(tokens.verify(&token), Err(InvalidToken::WrongType), "{header}");
    }
    let malformed = InvalidToken::Malformed;
    for (change, expected) in [
        (
            json!({ "iss": "https://elsewhere.example" }),
            InvalidToken::WrongIssuer,
        ),
        (json!({ "iss": null }), InvalidToken::WrongIssuer),
        (json!({ "aud": null }), InvalidToken::WrongAudience),
        (json!({ "exp": null }), malformed),
        (json!({ "exp": "1700000060" }), malformed),
        (json!({ "exp": u64::MAX }), malformed),
        (json!({ "iat": null }), malformed),
        (json!({ "jti": null }), malformed),
        (json!({ "jti": "one" }), malformed),
        (json!({ "sub": "anna" }), malformed),
        (json!({ "file": null }), malformed),
        (json!({ "file": 7 }), malformed),
    ] {
        assert_eq!(
            tokens.verify(&desk.forged("download+jwt", &change)),
            Err(expected),
            "{change}"
        );
    }
    let twice = format!("{{\"file\":\"a\",{}", &desk_payload()[1..]);
    let twice = sign(&desk.key, "download+jwt", twice.as_bytes()).unwrap();
    assert_eq!(tokens.verify(&twice), Err(malformed));
}

fn desk_payload() -> String {
    json!({
        "iss": "portcullis", "aud": "urn:portcullis:purpose:download", "iat": START.as_seconds(),
        "exp": START.as_seconds() + 60, "jti": "018bcfe5-6800-7000-8000-000000000001", "file": "b",
    })
    .to_string()
}

#[test]
fn claims_never_say_what_the_issuer_says() {
    checks!("T218");
    let desk = Desk::new(Algorithm::EdDSA);
    let purpose: Purpose<Value> = Purpose::new("anything");
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "scope",
        "token_use",
        "sid",
        "client_id",
    ] {
        let signed = desk
            .of(purpose)
            .sign(&json!({ "file": "a", name: 1 }), None, MINUTE);
        assert_eq!(signed, Err(SignError::Reserved(name.into())));
    }
    for no_object in [json!([1]), json!("text"), json!(null)] {
        let signed = desk.of(purpose).sign(&no_object, None, MINUTE);
        assert!(matches!(signed, Err(SignError::NotAnObject(_))), "{no_object}");
    }
    let long = json!({ "file": "a".repeat(4_000) });
    assert_eq!(
        desk.of(purpose).sign(&long, None, MINUTE),
        Err(SignError::TooLong)
    );
}

#[test]
fn a_token_is_good_for_a_second_at_least_and_no_longer_than_its_key_is_kept() {
    let desk = Desk::new(Algorithm::EdDSA);
    let longest = Settings::default().purpose_lifetime;
    let sign = |lifetime| desk.of(DOWNLOAD).sign(&file(), None, lifetime).map(drop);
    let refused = Err(SignError::Lifetime { longest });
    assert_eq!(sign(Duration::from_millis(999)), refused);
    assert_eq!(sign(Duration::from_secs(1)), Ok(()));
    assert_eq!(sign(longest), Ok(()));
    assert_eq!(sign(longest + Duration::from_secs(1)), refused);
    let settings = |purpose_lifetime| Settings {
        purpose_lifetime,
        ..Settings::default()
    };
    let day = Duration::from_secs(86_400);
    assert_eq!(settings(day).key_overlap(), day + MAX_LEEWAY);
    assert_eq!(
        settings(Duration::ZERO).key_overlap(),
        Settings::default().access_lifetime + MAX_LEEWAY
    );
    assert_eq!(settings(100 * day).longest_purpose(), 30 * day);
}
