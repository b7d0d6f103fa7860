use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::authz::{Permission as _, PermissionId};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::key::fakes::{FakeClock, START, SeededEntropy, block_on, signing_key};
use crate::key::remote::{Fetch, FetchFailed, Published, Settings};
use crate::key::{Algorithm, SigningKey, jwk};
use crate::session::{Assurance, Method};
use crate::token::jws;
use crate::token::jws::forge::signed;

crate::permissions! {
    Read = "afar:read": "Read";
    Write = "afar:write": "Write";
}

/// Publishes whatever it holds.
struct Issuer {
    keys: Mutex<Option<Vec<Value>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Fetch for Issuer {
    async fn fetch(&self) -> Result<Published, FetchFailed> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keys = keys.ok_or_else(|| FetchFailed("down".into()))?;
        Ok(Published {
            text: json!({ "keys": keys }).to_string().into_bytes(),
            max_age: None,
        })
    }
}

struct World {
    clock: Arc<FakeClock>,
    environment: Environment,
    issuer: Arc<Issuer>,
    remote: RemoteAuthenticator,
}

const LEEWAY: Duration = Duration::from_secs(30);
const MICRO: Duration = Duration::from_micros(1);
const ISSUER: &str = "https://id.example";

impl World {
    /// An issuer that publishes the keys of these seeds.
    fn of(seeds: &[u64]) -> Self {
        for id in [Read::PERMISSION.id, Write::PERMISSION.id] {
            id();
        }
        let clock = FakeClock::at(START);
        let environment = Environment::new(clock.clone(), SeededEntropy::new(3));
        let issuer = Arc::new(Issuer {
            keys: Mutex::new(None),
            asked: AtomicUsize::new(0),
        });
        let keys = RemoteKeys::new(issuer.clone(), environment.clone(), Settings::default());
        let expectation = Expectation {
            issuer: ISSUER.into(),
            audience: "api".into(),
            leeway: LEEWAY,
        };
        let world = Self {
            clock,
            environment,
            issuer,
            remote: RemoteAuthenticator::new(Arc::new(keys), expectation, 100),
        };
        world.publish(seeds);
        world
    }

    fn publish(&self, seeds: &[u64]) {
        let keys = seeds
            .iter()
            .map(|seed| jwk::publish(key(*seed).verifying()).unwrap());
        *self.issuer.keys.lock().unwrap() = Some(keys.collect());
    }

    fn go_down(&self) {
        *self.issuer.keys.lock().unwrap() = None;
    }

    fn asked(&self) -> usize {
        self.issuer.asked.load(Ordering::SeqCst)
    }

    fn present(&self, token: &str) -> Result<Arc<Principal>, AuthenticationError> {
        block_on(self.remote.authenticate(Bearer(token), self.environment.now()))
    }

    /// Why the token is refused.
    fn refusal(&self, token: &str) -> Option<InvalidToken> {
        match self.present(token) {
            Err(AuthenticationError::Refused(Refused::Token(why))) => Some(why),
            Ok(_) => None,
            Err(other) => panic!("{other}"),
        }
    }
}

fn key(seed: u64) -> SigningKey {
    signing_key(Algorithm::ES256, seed)
}

/// The least that RFC 9068 asks for.
fn claims() -> Value {
    let now = START.as_seconds();
    json!({
        "iss": ISSUER, "aud": "api", "sub": "anna", "jti": "t-1", "client_id": "app",
        "iat": now, "exp": now + 900,
    })
}

fn with(changes: &[(&str, Value)]) -> Value {
    let mut claims = claims();
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

fn token(claims: &Value) -> String {
    jws::sign(&key(1), jws::ACCESS_TOKEN, claims.to_string().as_bytes()).unwrap()
}

fn may(principal: &Principal) -> (bool, bool) {
    let id = |name: &str| PermissionId::find(name).unwrap();
    (principal.may(id("afar:read")), principal.may(id("afar:write")))
}

#[test]
fn claims_that_are_not_for_here_are_refused() {
    crate::checks!("T055");
    crate::checks!("T096");
    let world = World::of(&[1]);
    let now = START.as_seconds();
    for (changes, why) in [
        (("iss", json!("https://other.example")), InvalidToken::WrongIssuer),
        (("iss", json!("https://id.example/")), InvalidToken::WrongIssuer),
        (("iss", json!("HTTPS://id.example")), InvalidToken::WrongIssuer),
        (("aud", json!("other")), InvalidToken::WrongAudience),
        (("aud", json!([])), InvalidToken::WrongAudience),
        (("aud", json!(["API", "ap"])), InvalidToken::WrongAudience),
        (("exp", json!(now - 30)), InvalidToken::Expired),
        (("iat", json!(now + 31)), InvalidToken::NotYetValid),
        (("nbf", json!(now + 31)), InvalidToken::NotYetValid),
        (("auth_time", json!(now + 31)), InvalidToken::NotYetValid),
        (("token_use", json!("refresh")), InvalidToken::WrongType),
        (("token_use", json!("id")), InvalidToken::WrongType),
        (("exp", json!("never")), InvalidToken::Malformed),
        (("exp", json!(null)), InvalidToken::Malformed),
        (("sub", json!("")), InvalidToken::Malformed),
        (("sub", json!(1)), InvalidToken::Malformed),
        (("sub", json!("a\nb")), InvalidToken::Malformed),
        (("sub", json!("a".repeat(256))), InvalidToken::Malformed),
        (("jti", json!("")), InvalidToken::Malformed),
        (("roles", json!({"admin": true})), InvalidToken::Malformed),
        (("entitlements", json!([1])), InvalidToken::Malformed),
        (("scope", json!(["afar:read"])), InvalidToken::Malformed),
        (("scope", json!("a  b")), InvalidToken::Malformed),
        (("acr", json!(2)), InvalidToken::Malformed),
        (("x", json!({"a": {"b": 1}})), InvalidToken::Malformed),
        (("cnf", json!({"jkt": "0ZcOCORZNYy"})), InvalidToken::Bound),
        (("cnf", json!({"x5t#S256": "bwcK0esc3A"})), InvalidToken::Bound),
        (("cnf", json!({})), InvalidToken::Bound),
        (("cnf", json!(null)), InvalidToken::Bound),
    ] {
        let mut text = with(std::slice::from_ref(&changes)).to_string();
        if changes.0 == "x" {
            text = text.replace(r#""b":1"#, r#""b":1,"b":2"#);
        }
        let token = jws::sign(&key(1), jws::ACCESS_TOKEN, text.as_bytes()).unwrap();
        assert_eq!(world.refusal(&token), Some(why), "{changes:?}");
    }
    for name in ["iss", "aud", "sub", "jti", "iat", "exp"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert!(world.refusal(&token(&claims)).is_some(), "{name}");
    }
    let twice = claims().to_string().replacen('{', r#"{"sub":"root","#, 1);
    let twice = jws::sign(&key(1), jws::ACCESS_TOKEN, twice.as_bytes()).unwrap();
    assert_eq!(world.refusal(&twice), Some(InvalidToken::Malformed));
    assert_eq!(world.refusal(&token(&claims())), None);
    assert_eq!(
        world.refusal(&token(&with(&[("aud", json!(["x", "api"]))]))),
        None
    );
}

#[test]
fn a_key_is_used_as_its_set_says_and_for_access_tokens_only() {
    crate::checks!("T054");
    let world = World::of(&[1]);
    let (first, body) = (key(1), claims().to_string());
    let kid = first.kid().to_owned();
    let header =
        |alg: &str, kid: &str, more: &str| format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt"{more}}}"#);
    for (header, why) in [
        (header("none", &kid, ""), InvalidToken::UnknownKey),
        (header("HS256", &kid, ""), InvalidToken::UnknownKey),
        (header("RS256", &kid, ""), InvalidToken::UnknownKey),
        (header("EdDSA", &kid, ""), InvalidToken::UnknownKey),
        (header("ES256", &kid, r#","jwk":{}"#), InvalidToken::Malformed),
        (
            header("ES256", &kid, r#","jku":"https://evil.example""#),
            InvalidToken::Malformed,
        ),
        (header("ES256", &kid, r#","crit":["x"]"#), InvalidToken::Critical),
        (
            format!(r#"{{"alg":"ES256","kid":"{kid}","typ":"JWT"}}"#),
            InvalidToken::WrongType,
        ),
        (
            format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#),
            InvalidToken::WrongType,
        ),
        (
            r#"{"alg":"ES256","typ":"at+jwt"}"#.to_owned(),
            InvalidToken::UnknownKey,
        ),
    ] {
        assert_eq!(
            world.refusal(&signed(&first, &header, body.as_bytes())),
            Some(why),
            "{header}"
        );
    }
    // A key of the same name that isn't the issuer's.
    let forged = signed(&key(2), &header("ES256", &kid, ""), body.as_bytes());
    assert_eq!(world.refusal(&forged), Some(InvalidToken::BadSignature));
    assert_eq!(world.asked(), 1, "none of them made anybody ask");
    let spelled = format!(r#"{{"typ":"application/at+jwt","alg":"ES256","kid":"{kid}"}}"#);
    assert_eq!(world.refusal(&signed(&first, &spelled, body.as_bytes())), None);
}

#[test]
fn the_second_name_of_eddsa_is_understood_in_keys_and_tokens() {
    crate::checks!("T001");
    let key = signing_key(Algorithm::EdDSA, 7);
    let body = claims().to_string();
    for published in ["EdDSA", "Ed25519"] {
        let world = World::of(&[]);
        let mut jwk = jwk::publish(key.verifying()).unwrap();
        jwk["alg"] = published.into();
        *world.issuer.keys.lock().unwrap() = Some(vec![jwk]);
        for (named, refusal) in [
            ("EdDSA", None),
            ("Ed25519", None),
            ("ES256", Some(InvalidToken::UnknownKey)),
            ("Ed448", Some(InvalidToken::UnknownKey)),
            ("ed25519", Some(InvalidToken::UnknownKey)),
        ] {
            let header = format!(r#"{{"alg":"{named}","kid":"{}","typ":"at+jwt"}}"#, key.kid());
            let token = signed(&key, &header, body.as_bytes());
            assert_eq!(
                world.refusal(&token),
                refusal,
                "a key for {published}, a token by {named}"
            );
        }
    }
}

#[test]
fn names_that_could_never_be_published_make_nobody_ask() {
    crate::checks!("T053");
    let world = World::of(&[1]);
    world.present(&token(&claims())).unwrap();
    world.clock.advance(Duration::from_secs(60));
    let body = claims().to_string();
    for (alg, kid, typ) in [
        ("ES256", "k".repeat(129), "at+jwt"),
        ("ES256", "../../etc/passwd\\u0000".to_owned(), "at+jwt"),
        ("ES256", "with space".to_owned(), "at+jwt"),
        ("ES256", String::new(), "at+jwt"),
        ("HS256", "unknown".to_owned(), "at+jwt"),
        ("none", "unknown".to_owned(), "at+jwt"),
        ("ES256", "unknown".to_owned(), "JWT"),
    ] {
        let header = format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"{typ}"}}"#);
        let refused = world.refusal(&signed(&key(1), &header, body.as_bytes()));
        assert_eq!(refused, Some(InvalidToken::UnknownKey), "{header}");
    }
    assert_eq!(world.asked(), 1);
    let header = r#"{"alg":"ES256","kid":"unknown","typ":"at+jwt"}"#;
    assert_eq!(
        world.refusal(&signed(&key(1), header, body.as_bytes())),
        Some(InvalidToken::UnknownKey)
    );
    assert_eq!(world.asked(), 2, "this one could be");
}

#[test]
fn a_token_of_a_new_key_passes_at_first_sight_and_one_of_a_withdrawn_key_no_more() {
    let world = World::of(&[1]);
    let old = token(&claims());
    world.present(&old).unwrap();
    world.clock.advance(Duration::from_secs(10));
    world.publish(&[1, 2]);
    let new = jws::sign(&key(2), jws::ACCESS_TOKEN, claims().to_string().as_bytes()).unwrap();
    assert!(world.present(&new).is_ok());
    assert!(world.present(&old).is_ok());
    assert_eq!(world.asked(), 2);
    world.publish(&[2]);
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(world.refusal(&old), Some(InvalidToken::UnknownKey), "it was warm");
    assert!(world.present(&new).is_ok());
}

#[test]
fn without_keys_it_is_a_fault_and_with_old_ones_it_goes_on() {
    let world = World::of(&[1]);
    world.go_down();
    let good = token(&claims());
    assert!(matches!(
        world.present(&good),
        Err(AuthenticationError::Fault(Fault::Keys(_)))
    ));
    world.publish(&[1]);
    world.clock.advance(Duration::from_secs(1));
    world.present(&good).unwrap();
    world.go_down();
    world.clock.advance(Duration::from_secs(400));
    assert!(world.present(&good).is_ok(), "warm");
    assert!(
        world.present(&token(&with(&[("jti", json!("t-2"))]))).is_ok(),
        "never seen"
    );
}

#[test]
fn a_remembered_token_ends_with_itself() {
    let world = World::of(&[1]);
    let good = token(&claims());
    world.present(&good).unwrap();
    world.clock.advance(Duration::from_secs(900) + LEEWAY - MICRO);
    assert!(world.present(&good).is_ok());
    world.clock.advance(MICRO);
    assert_eq!(world.refusal(&good), Some(InvalidToken::Expired));
}

#[test]
fn a_warm_token_asks_nobody() {
    let world = World::of(&[1]);
    let good = token(&claims());
    let first = world.present(&good).unwrap();
    let again = world.present(&good).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    assert_eq!(world.asked(), 1);
}

#[test]
fn what_a_token_may_is_never_more_than_it_says() {
    crate::checks!("T056");
    let world = World::of(&[1]);
    let (read, both) = (json!(["afar:read"]), json!(["afar:read", "afar:write"]));
    for (scope, entitlements, expected) in [
        (None, None, (false, false)),
        (None, Some(&read), (true, false)),
        (None, Some(&both), (true, true)),
        (None, Some(&json!([])), (false, false)),
        (Some(""), Some(&both), (false, false)),
        (Some("afar:read"), None, (true, false)),
        (Some("afar:read"), Some(&both), (true, false)),
        (Some("afar:read afar:write"), Some(&read), (true, false)),
        (Some("afar:write"), Some(&read), (false, false)),
        (Some("openid"), None, (false, false)),
        (Some("openid"), Some(&both), (false, false)),
        (Some("afar:write AFAR:READ"), None, (false, true)),
    ] {
        let mut claims = with(&[("roles", json!(["editor"]))]);
        if let Some(scope) = scope {
            claims["scope"] = scope.into();
        }
        if let Some(entitlements) = entitlements {
            claims["entitlements"] = entitlements.clone();
        }
        let principal = world.present(&token(&claims)).unwrap();
        assert_eq!(may(&principal), expected, "{claims}");
        assert_eq!(principal.has_role("editor"), scope.is_none(), "{claims}");
        assert!(!principal.has_role("admin"));
    }
}

#[test]
fn what_is_not_said_of_the_login_is_not_assumed() {
    crate::checks!("T056");
    let world = World::of(&[1]);
    let plain = world.present(&token(&claims())).unwrap();
    assert_eq!(plain.authenticated_at(), None);
    assert_eq!(plain.assurance(), None);
    assert_eq!(plain.method(), None);
    assert_eq!(plain.session(), None);
    assert_eq!(plain.token(), None, "its id is none of ours");
    let at = START.as_seconds() - 60;
    for (acr, assurance) in [
        ("urn:portcullis:acr:1", Some(Assurance::SingleFactor)),
        ("urn:portcullis:acr:2", Some(Assurance::MultiFactor)),
        ("urn:portcullis:acr:3", None),
        ("2", None),
        ("phr", None),
    ] {
        let said = [
            ("acr", json!(acr)),
            ("auth_time", json!(at)),
            ("amr", json!(["otp", "pwd"])),
        ];
        let principal = world.present(&token(&with(&said))).unwrap();
        assert_eq!(principal.assurance(), assurance, "{acr}");
        assert_eq!(principal.authenticated_at(), Some(Timestamp::from_seconds(at)));
        assert_eq!(principal.method(), Some(Method::Password));
    }
}

#[test]
fn two_subjects_are_never_one_account() {
    crate::checks!("T057");
    let victim = "bob@example.com";
    let made = account_id(victim);
    assert_eq!(account_id(victim), made, "the same each time");
    let uuid = "0198b2f0-7c1d-7000-8000-00000000000a";
    assert_eq!(account_id(uuid).to_string(), uuid, "as Portcullis writes it");
    let subjects = [
        victim.to_owned(),
        // The very id that another subject gets.
        made.to_string(),
        "Bob@example.com".to_owned(),
        uuid.to_owned(),
        uuid.to_uppercase(),
        uuid.replace('-', ""),
        format!("{{{uuid}}}"),
        format!("urn:uuid:{uuid}"),
        format!(" {uuid}"),
    ];
    let ids: std::collections::HashSet<_> = subjects.iter().map(|subject| account_id(subject)).collect();
    assert_eq!(ids.len(), subjects.len());
}

#[test]
fn a_leeway_of_more_than_a_minute_is_a_minute() {
    let world = World::of(&[1]);
    let expectation = Expectation {
        leeway: Duration::from_secs(3_600),
        ..world.remote.expectation.clone()
    };
    let generous = RemoteAuthenticator::new(world.remote.keys().clone(), expectation, 10);
    let good = token(&claims());
    let at = |seconds: u64| START.plus(Duration::from_secs(seconds));
    assert!(block_on(generous.authenticate(Bearer(&good), at(959))).is_ok());
    assert!(block_on(generous.authenticate(Bearer(&good), at(960))).is_err());
}

#[test]
fn a_token_that_never_ends_is_honoured_for_a_day() {
    crate::checks!("T097");
    let world = World::of(&[1]);
    let jti = "018f4b5e-0000-7000-8000-000000000001";
    let eternal = token(&with(&[("exp", json!(253_402_300_799_i64)), ("jti", json!(jti))]));
    let principal = world.present(&eternal).unwrap();
    let (_, ends) = principal.token.unwrap();
    assert_eq!(ends, START.plus(MAX_LIFETIME));
    world.clock.advance(MAX_LIFETIME + LEEWAY - MICRO);
    assert_eq!(world.refusal(&eternal), None);
    world.clock.advance(MICRO);
    assert_eq!(world.refusal(&eternal), Some(InvalidToken::Expired));

    let mut brief = World::of(&[1]);
    brief.remote = brief.remote.with_max_lifetime(Duration::from_secs(60));
    brief.clock.advance(Duration::from_secs(90) - MICRO);
    assert_eq!(brief.refusal(&token(&claims())), None);
    brief.clock.advance(MICRO);
    assert_eq!(brief.refusal(&token(&claims())), Some(InvalidToken::Expired));
}

#[test]
fn remembered_tokens_are_bounded_in_bytes() {
    crate::checks!("T097");
    let world = World::of(&[1]);
    let names: Vec<String> = (0..200).map(|n| format!("big:permission{n}")).collect();
    let large = |n: usize| {
        let changes = [("jti", json!(format!("t-{n}"))), ("entitlements", json!(names))];
        token(&with(&changes))
    };
    let one = weight(&world.present(&large(0)).unwrap());
    assert!(one > 200 * 50, "{one}");
    for n in 1..60 {
        world.present(&large(n)).unwrap();
    }
    // Room for 100 tokens of usual size.
    assert!(world.remote.verified.weight() <= 100 * TYPICAL);
    assert!(
        world.remote.verified.len() < 20,
        "{}",
        world.remote.verified.len()
    );
    // A small one weighs as much as a usual one, so their number is bounded too.
    assert_eq!(weight(&world.present(&token(&claims())).unwrap()), TYPICAL);
}
