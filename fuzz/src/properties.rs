//! What must hold for every input of a parser that reads a credential or a policy: it never panics, and one credential
//! has one text.
//!
//! Used by the fuzz targets and, with less patience, by the tests of the crate `portcullis`.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, HeaderValue};
use portcullis::cookie::Cookies;
use portcullis::fuzzing::{self, Keys, credential};
use portcullis_core::api_key::{Format, Parts};
use portcullis_core::authz::policy::{Declarations, Schema, Set, Source};
use portcullis_core::authz::resource::{FieldKind, ResourceField, Tenancy};
use portcullis_core::authz::{CredentialKind, ResourceKind};
use portcullis_core::environment::{Clock, Entropy, Environment, Timestamp};
use portcullis_core::key::{Algorithm, HmacSecret, Keyring, SigningKey, VerifyingKey, jwk};
use portcullis_core::opaque::OPAQUE;
use portcullis_core::organization::Selector;
use portcullis_core::secret::SecretBytes;
use portcullis_core::session;
use portcullis_core::token::{self, Verifier, jws};

const COOKIE_NAME: &str = "__Host-portcullis";

/// The value of an `Authorization` header, or of several, each on its line.
pub fn authorization(bytes: &[u8]) {
    let request = request(&AUTHORIZATION, bytes);
    let Some((kind, text)) = credential(&request, COOKIE_NAME) else {
        return;
    };
    let value = only(&request, &AUTHORIZATION);
    if kind == CredentialKind::Basic {
        let (scheme, encoded) = value.split_at("Basic ".len());
        assert!(scheme.eq_ignore_ascii_case(b"Basic "), "{scheme:?}");
        return basic(encoded);
    }
    let Some(text) = text else {
        assert_eq!(kind, CredentialKind::ApiKey);
        return;
    };
    let (scheme, rest) = value.split_at(value.len() - text.len());
    assert_eq!(rest, text.as_bytes(), "what is read stands at the end, as it is");
    assert!(scheme.eq_ignore_ascii_case(b"Bearer "), "{kind:?} {scheme:?}");
}

/// What follows `Basic `, and what stands in it.
pub fn basic(bytes: &[u8]) {
    if let Some((identifier, password)) = fuzzing::basic(bytes) {
        assert!(!identifier.contains(':'), "the first colon ends the identifier");
        let again = STANDARD.encode(format!("{identifier}:{password}"));
        assert_eq!(again.as_bytes(), bytes, "one pair has one text");
    }
    let encoded = STANDARD.encode(bytes);
    let text = std::str::from_utf8(bytes).ok();
    let good = text.filter(|text| encoded.len() <= 2_048 && !text.chars().any(char::is_control));
    let pair = good
        .and_then(|text| text.split_once(':'))
        .map(|(identifier, password)| (identifier.to_owned(), password.to_owned()));
    assert_eq!(fuzzing::basic(encoded.as_bytes()), pair);
}

/// The token that a page sends with a change: nobody without the key makes one, and it is one session's.
pub fn csrf(bytes: &[u8]) {
    assert!(!KEYS.is_csrf_token(&session(0), bytes), "forged: {bytes:?}");
    let token = KEYS.csrf_token(&session(0));
    assert!(KEYS.is_csrf_token(&session(0), token.as_bytes()));
    for changed in changes(token.as_bytes(), bytes) {
        assert!(
            !KEYS.is_csrf_token(&session(0), &changed),
            "one token has one text"
        );
    }
    let other = bytes.first().copied().unwrap_or(1).max(1);
    assert!(
        !KEYS.is_csrf_token(&session(other), token.as_bytes()),
        "another session's"
    );
}

/// The cookie of a `CookieSession`: nobody without the key makes one, and what is in it comes back.
pub fn cookie_session(bytes: &[u8]) {
    assert_eq!(KEYS.opened_cookie(bytes, NOW), None, "forged: {bytes:?}");
    let Some(cookie) = KEYS.sealed_cookie(bytes, NOW) else {
        assert!(bytes.len() > 2_900, "{} bytes must fit", bytes.len());
        return;
    };
    assert_eq!(KEYS.opened_cookie(cookie.as_bytes(), NOW).as_deref(), Some(bytes));
    for changed in changes(cookie.as_bytes(), bytes) {
        assert_eq!(KEYS.opened_cookie(&changed, NOW), None, "one cookie has one text");
    }
    let late = NOW.plus(Cookies::default().data_lifetime());
    assert_eq!(KEYS.opened_cookie(cookie.as_bytes(), late), None, "it is over");
}

/// The text of a policy file: it is read, or every flaw has its place.
pub fn policies(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let source = Source {
        name: "fuzz.cedar".to_owned(),
        text: text.to_owned(),
    };
    let flaws = match Set::load(&SCHEMA, &[source]) {
        Ok(set) => set.notes().to_vec(),
        Err(report) => {
            assert!(!report.0.is_empty(), "refused without a reason");
            report.0
        }
    };
    let lines: Vec<&str> = text.split('\n').collect();
    for flaw in flaws {
        let line = flaw.line.checked_sub(1).and_then(|index| lines.get(index));
        let line = line.unwrap_or_else(|| panic!("no such line: {flaw}"));
        assert!(
            (1..=line.chars().count() + 1).contains(&flaw.column),
            "no such place: {flaw}"
        );
        assert!(!flaw.message.is_empty(), "{flaw}");
    }
}

/// The text with one character changed, shortened and prolonged; where and by what, the bytes say.
fn changes(text: &[u8], bytes: &[u8]) -> Vec<Vec<u8>> {
    let [at, character] = [0, 1].map(|index| bytes.get(index).copied().unwrap_or_default());
    let at = usize::from(at) % text.len();
    let mut changed = text.to_vec();
    if let Some(place) = changed.get_mut(at)
        && *place != character
    {
        *place = character;
    } else {
        changed.push(character);
    }
    let shortened = text.iter().take(at).copied().collect();
    vec![changed, shortened, [text, b"A"].concat(), [b" ", text].concat()]
}

/// The value of a `Cookie` header, or of several, each on its line.
pub fn cookies(bytes: &[u8]) {
    let request = request(&COOKIE, bytes);
    let Some((kind, text)) = credential(&request, COOKIE_NAME) else {
        return;
    };
    assert_eq!(kind, CredentialKind::Session);
    let written = format!("{COOKIE_NAME}={}", text.expect("a session token has a text"));
    // As a pair of its own: the same text inside of another pair's name or value is no cookie.
    let headers = request.headers.get_all(COOKIE).iter();
    let pairs = headers.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let same = pairs.filter(|pair| pair.trim_ascii() == written.as_bytes());
    assert_eq!(same.count(), 1, "{written}");
}

/// The value of an `X-Session-Token` header, or of several, each on its line.
pub fn session_header(bytes: &[u8]) {
    let name = HeaderName::from_static("x-session-token");
    let request = request(&name, bytes);
    if let Some((kind, text)) = credential(&request, COOKIE_NAME) {
        assert_eq!(kind, CredentialKind::Session);
        assert_eq!(text.as_deref().map(str::as_bytes), Some(only(&request, &name)));
    }
}

/// An API key: in its header, and by itself.
pub fn api_key(bytes: &[u8]) {
    let name = HeaderName::from_static("x-api-key");
    let request = request(&name, bytes);
    if let Some((kind, text)) = credential(&request, COOKIE_NAME) {
        assert_eq!((kind, text), (CredentialKind::ApiKey, None));
        only(&request, &name);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let format = Format::default();
    if format.read(text).is_ok() {
        assert!(format.claims(text));
        let parts = Parts::of(text).expect("a key that was read has the form of one");
        assert_eq!(
            (parts.prefix, parts.environment),
            (format.prefix(), format.environment())
        );
        for other in [format!("{text} "), format!(" {text}"), text.to_uppercase()] {
            assert!(format.read(&other).is_err(), "one key has one text");
        }
    }
}

/// What a request says about the organization it is for.
pub fn organization(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Selector::parse(text) {
        Ok(Selector::Id(id)) => assert_eq!(id.to_string(), text, "one organization has one id"),
        Ok(Selector::Slug(slug)) => assert_eq!(slug.as_str(), text, "one organization has one name"),
        Err(_) => {}
    }
}

/// The text of an opaque token of any kind.
pub fn tokens(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let read: Vec<_> = OPAQUE.iter().filter_map(|kind| kind.read(text)).collect();
    assert!(read.len() <= 1, "{text} opens more than one door");
    for written in read {
        assert_eq!(&*written, text, "one token has one text");
    }
}

/// A token in its compact form: nobody without the key makes a good one.
pub fn jwt(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    assert!(VERIFIER.verify(text, NOW).is_err(), "forged: {text}");
    assert!(jws::verify(KEY.verifying(), text).is_err(), "forged: {text}");
    let header = text.split('.').next().unwrap_or_default();
    if let Ok(header) = jws::Header::parse(header) {
        assert!(header.agrees(KEY.verifying()).is_err() || header.algorithm == Some(Algorithm::HS256));
    }
}

/// What a well-signed token claims.
pub fn claims(bytes: &[u8]) {
    let token = jws::sign(&KEY, jws::ACCESS_TOKEN, bytes).expect("HMAC never fails");
    let Ok(claims) = VERIFIER.verify(&token, NOW) else {
        return;
    };
    let latest = claims.expires_at.plus(VERIFIER.leeway());
    assert!(NOW < latest, "expired at {}", claims.expires_at);
    let members: serde_json::Value = serde_json::from_slice(bytes).expect("claims are JSON");
    assert_eq!(
        members["sub"],
        claims.account.to_string(),
        "one account has one name"
    );
    assert_eq!(members["jti"], claims.id.to_string(), "one token has one name");
}

/// A key as JSON.
pub fn jwk(bytes: &[u8]) {
    for algorithm in [None, Some(Algorithm::RS256), Some(Algorithm::ES256)] {
        if let Ok(key) = jwk::verifying(bytes, algorithm) {
            published(&key);
        }
        if let Ok(key) = jwk::signing(bytes, algorithm) {
            let message = b"signed with a key that was read";
            let signature = key.sign(message).expect("a key that was read signs");
            assert!(key.verifying().matches(message, &signature));
            published(key.verifying());
        }
    }
}

/// A set of keys as others publish it.
pub fn jwks(bytes: &[u8]) {
    let Ok(keys) = jwk::set(bytes, Some(Algorithm::RS256)) else {
        return;
    };
    keys.iter().for_each(published);
    for (index, key) in keys.iter().enumerate() {
        let named = keys.iter().filter(|other| other.kid() == key.kid()).count();
        assert_eq!(named, 1, "key {index} shares its name");
        assert!(!key.algorithm().is_symmetric(), "a shared secret was published");
    }
}

/// A key in PEM.
pub fn pem(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        if let Ok(key) = VerifyingKey::from_pem(algorithm, text) {
            published(&key);
        }
        if let Ok(key) = SigningKey::from_pem(algorithm, text) {
            published(key.verifying());
        }
    }
}

/// A key that was read comes back the same from what is published of it, and nothing private is.
fn published(key: &VerifyingKey) {
    let Some(jwk) = jwk::publish(key) else {
        assert!(key.algorithm().is_symmetric());
        return;
    };
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(jwk.get(private).is_none(), "{private} was published");
    }
    let again = jwk::verifying(jwk.to_string().as_bytes(), None).expect("what is published can be read");
    assert_eq!((again.kid(), again.algorithm()), (key.kid(), key.algorithm()));
    assert_eq!(jwk::thumbprint(&again), jwk::thumbprint(key));
}

fn request(name: &HeaderName, bytes: &[u8]) -> http::request::Parts {
    let (mut request, ()) = http::Request::new(()).into_parts();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            request.headers.append(name, value);
        }
    }
    request
}

fn only<'r>(request: &'r http::request::Parts, name: &HeaderName) -> &'r [u8] {
    let mut values = request.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.as_bytes(),
        _ => panic!("a credential was read out of several headers"),
    }
}

/// The present moment of every property: 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn signing_key() -> SigningKey {
    let secret = HmacSecret::new(Algorithm::HS256, SecretBytes::new(vec![0x5a; 32])).expect("32 bytes");
    SigningKey::of_secret("fuzz", secret).expect("a good name")
}

static KEY: LazyLock<SigningKey> = LazyLock::new(signing_key);

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let keyring = Keyring::of_keys(signing_key(), Vec::new());
    Verifier::new(Arc::new(keyring), token::Settings::default().expectation())
});

/// The clock stands, and what is drawn is known: an input breaks what must hold every time or never.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl Entropy for Still {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0xa5);
    }
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::new(Environment::new(Arc::new(Still), Arc::new(Still))));

fn session(number: u8) -> session::Token {
    session::Token::from_bytes([number; 32])
}

const fn field(name: &'static str, kind: FieldKind, optional: bool) -> ResourceField {
    ResourceField { name, kind, optional }
}

static POST: ResourceKind = ResourceKind {
    name: "Post",
    tenancy: Tenancy::Anywhere,
    fields: &[
        field("title", FieldKind::Text, false),
        field("draft", FieldKind::Bool, false),
        field("size", FieldKind::Long, true),
        field("tags", FieldKind::TextSet, false),
    ],
    actions: &["posts:read", "posts:edit"],
};

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    let mut declarations = Declarations::new();
    declarations.action("reports:read");
    declarations.kind(&POST);
    Schema::of(declarations).expect("good declarations")
});
