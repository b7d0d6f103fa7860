//! The verifier, by the published vectors and by what attackers would send.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;

use super::*;
use crate::checks;
use crate::environment::{Clock, Entropy, Environment, Timestamp};
use crate::fault::Fault;
use crate::key::{Algorithm, HmacSecret, SigningKey};
use crate::secret::SecretBytes;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const BODY: &[u8] = b"{\"hello\": \"world\"}";

/// A request that a test can change.
#[derive(Clone)]
struct Message {
    method: &'static str,
    authority: String,
    path: String,
    query: Option<String>,
    fields: BTreeMap<String, String>,
}

impl Fields for BTreeMap<String, String> {
    fn combined(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.get(name).map(|value| Cow::Borrowed(value.as_bytes()))
    }
}

impl Message {
    fn post() -> Self {
        let fields = [("content-type", "application/json"), ("x-request", "7")];
        Self {
            method: "POST",
            authority: "example.com".into(),
            path: "/foo".into(),
            query: Some("a=1&b=x+y%20z&a=2".into()),
            fields: fields.map(|(name, value)| (name.into(), value.into())).into(),
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: self.method,
            authority: &self.authority,
            path: &self.path,
            query: self.query.as_deref(),
            fields: &self.fields,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    fn signed_by(mut self, signer: &RequestSigner, body: Option<&[u8]>, environment: &Environment) -> Self {
        let written = signer.sign(&self.request(), body, environment).unwrap();
        if let Some(digest) = written.content_digest {
            self = self.with("content-digest", &digest);
        }
        self.with("signature-input", &written.signature_input)
            .with("signature", &written.signature)
    }

    /// Signed with a secret over exactly this, by hand.
    fn signed_over(mut self, parameters: &str) -> Self {
        let names = parameters.split(')').next().unwrap().trim_start_matches('(');
        let names = names.split(' ').filter(|name| !name.is_empty());
        let covered: Vec<Component> = names
            .map(|name| Component::parse(name.trim_matches('"')).unwrap())
            .collect();
        let base = base::base(&self.request(), &covered, parameters).unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), &base);
        self = self.with("signature-input", &format!("s={parameters}"));
        self.with("signature", &format!("s={}", field::bytes(tag.as_ref())))
    }
}

struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Another number each time.
struct Counting(std::sync::atomic::AtomicU64);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        let next = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        out.iter_mut()
            .zip(next.to_be_bytes().into_iter().cycle())
            .for_each(|(to, from)| *to = from);
    }
}

fn environment() -> Environment {
    Environment::new(Arc::new(Fixed(NOW)), Arc::new(Counting(1.into())))
}

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

fn hmac_signer() -> RequestSigner {
    let secret = HmacSecret::new(Algorithm::HS256, SecretBytes::new(SECRET.to_vec())).unwrap();
    RequestSigner::new(SigningKey::of_secret("acme-1", secret).unwrap()).unwrap()
}

const ED25519_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n\
    -----END PRIVATE KEY-----\n";
const ED25519_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n\
    -----END PUBLIC KEY-----\n";

fn keys() -> KeyList {
    let acme = KnownKey::hmac_sha256("acme", SecretBytes::new(SECRET.to_vec())).unwrap();
    let acme = acme.may(["orders:write"]);
    let other = KnownKey::hmac_sha256("other", SecretBytes::new(vec![9; 32])).unwrap();
    let edward = KnownKey::ed25519("edward", ED25519_PUBLIC).unwrap();
    KeyList::new()
        .with("acme-1", acme)
        .with("other-1", other)
        .with("edward", edward)
}

fn verifier_with(settings: Settings) -> SignatureVerifier {
    SignatureVerifier::new(Arc::new(keys()), Arc::new(MemoryNonces::new()), settings).unwrap()
}

fn verifier() -> SignatureVerifier {
    verifier_with(Settings::default())
}

fn verify(
    verifier: &SignatureVerifier,
    message: &Message,
    body: bool,
    at: Timestamp,
) -> Result<Proven, SignatureError> {
    verifier
        .verify(&message.request(), body, at)
        .now_or_never()
        .unwrap()
}

#[track_caller]
fn refused(message: &Message, body: bool, at: Timestamp, expected: &Unsigned) {
    let refused = verify(&verifier(), message, body, at);
    assert_eq!(refused.unwrap_err(), SignatureError::Refused(expected.clone()));
}

fn parameters(covered: &str) -> String {
    format!(r#"({covered});created=1700000000;keyid="acme-1";nonce="n1""#)
}

const ALL: &str = r#""@method" "@authority" "@path" "@query" "content-digest""#;

fn with_digest() -> Message {
    let digest = BodyDigest::field_of(DigestAlgorithm::Sha256, BODY);
    Message::post().with("content-digest", &digest)
}

/// Source: RFC 9421 appendix B.2
fn published() -> Message {
    let digest =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    let mut message = Message::post();
    message.query = Some("param=Value&Pet=dog".into());
    message
        .with("date", "Tue, 20 Apr 2021 02:07:55 GMT")
        .with("content-digest", digest)
        .with("content-length", "18")
}

fn published_base(message: &Message, parameters: &str) -> Vec<u8> {
    let members = format!("sig={parameters}");
    let members = field::dictionary(&members).unwrap();
    let field::Value::Texts(names) = &members[0].value else {
        panic!("{parameters}");
    };
    let covered: Vec<_> = names.iter().map(|name| Component::parse(name).unwrap()).collect();
    base::base(&message.request(), &covered, parameters).unwrap()
}

/// Source: RFC 9421 appendix B.2.1, B.2.3 (the algorithm isn't offered: they prove what is signed)
#[test]
fn the_published_signature_bases_are_made_byte_for_byte() {
    let full = r#"("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#;
    let full = published_base(&published(), full);
    let minimal = r#"();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#;
    let minimal = published_base(&published(), minimal);
    assert!(
        String::from_utf8(full.clone())
            .unwrap()
            .contains("\n\"@query\": ?param=Value&Pet=dog\n")
    );
    let key = signature::UnparsedPublicKey::new(
        &signature::RSA_PSS_2048_8192_SHA512,
        STANDARD.decode(RSA_PSS).unwrap(),
    );
    key.verify(&full, &STANDARD.decode(B23).unwrap()).unwrap();
    key.verify(&minimal, &STANDARD.decode(B21).unwrap()).unwrap();
}

/// Source: RFC 9421 appendix B.2.5
#[test]
fn the_published_hmac_is_that_of_its_request() {
    let parameters = r#"("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
    let base = published_base(&published(), parameters);
    let secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
    let key = KnownKey::hmac_sha256("rfc", SecretBytes::new(STANDARD.decode(secret).unwrap())).unwrap();
    let tag = STANDARD
        .decode("pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=")
        .unwrap();
    assert!(key::is_good(Some(&key), &base, &tag));
    assert!(!key::is_good(None, &base, &tag));
}

/// Source: RFC 9421 appendix B.2.6
#[test]
fn the_published_ed25519_signature_is_that_of_its_request() {
    let parameters = r#"("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
    let base = published_base(&published(), parameters);
    let key = KnownKey::ed25519("rfc", ED25519_PUBLIC).unwrap();
    let written = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    let written = STANDARD.decode(written).unwrap();
    assert!(key::is_good(Some(&key), &base, &written));
    assert!(!key::is_good(None, &base, &written));
}

/// What npm's http-message-signatures 1.0.6 and PyPI's http-message-signatures 3.0.0 agree on.
#[test]
fn what_other_libraries_sign_is_what_we_sign() {
    let message = with_digest();
    let parameters = r#"("@method" "@authority" "@path" "@query" "content-digest" "content-type");created=1700000000;expires=1700000300;keyid="test-key";alg="hmac-sha256";nonce="b3k2pp5k7z-50gnwp.yemd""#;
    let base = published_base(&message, parameters);
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, b"correct horse battery staple"),
        &base,
    );
    assert_eq!(
        STANDARD.encode(tag),
        "OFJqJ+vWJwVndlpUuE1JHwxcalwfXPavET8Lnm70jQQ="
    );
}

#[test]
fn what_we_sign_is_good_with_either_algorithm() {
    let edward = SigningKey::from_pem(Algorithm::EdDSA, ED25519_PRIVATE).unwrap();
    let thumbprint = edward.kid().to_owned();
    let edward = RequestSigner::new(edward)
        .unwrap()
        .tagged("orders")
        .lasting(Duration::from_secs(60));
    let keys = keys().with(&thumbprint, KnownKey::ed25519("edward", ED25519_PUBLIC).unwrap());
    let verifier =
        SignatureVerifier::new(Arc::new(keys), Arc::new(MemoryNonces::new()), Settings::default()).unwrap();
    let environment = environment();
    for (signer, caller, tag) in [(hmac_signer(), "acme", None), (edward, "edward", Some("orders"))] {
        let signer = signer.covering(Component::parse("x-request").unwrap());
        let message = Message::post().signed_by(&signer, Some(BODY), &environment);
        let proven = verify(&verifier, &message, true, NOW).unwrap();
        assert_eq!(proven.signer().caller.as_deref(), Some(caller));
        assert_eq!(proven.signer().tag.as_deref(), tag);
        assert_eq!(proven.signer().created, Some(NOW));
        assert!(proven.digest().unwrap().matches(BODY));
        assert!(!proven.digest().unwrap().matches(b"{}"));
        let other = message.with("x-request", "8");
        assert_eq!(
            verify(&verifier, &other, true, NOW).unwrap_err(),
            Unsigned::Bad.into()
        );
    }
    let rsa = RequestSigner::new(SigningKey::from_pem(Algorithm::EdDSA, ED25519_PRIVATE).unwrap()).unwrap();
    let lacking = rsa.covering(Component::parse("x-none").unwrap());
    let absent = lacking.sign(&Message::post().request(), None, &environment);
    assert_eq!(absent.unwrap_err(), SignRequestError::Absent("x-none".into()));
}

#[test]
fn a_change_of_anything_that_is_covered_is_refused() {
    checks!("T257");
    let good = with_digest().signed_over(&parameters(&format!(r#"{ALL} "content-type" "x-request""#)));
    assert!(verify(&verifier(), &good, true, NOW).is_ok());
    let changes: [(&str, fn(&mut Message)); 9] = [
        ("method", |m| m.method = "PUT"),
        ("authority", |m| m.authority = "example.org".into()),
        ("path", |m| m.path = "/foo/".into()),
        ("order", |m| m.query = Some("b=x+y%20z&a=1&a=2".into())),
        ("encoding", |m| m.query = Some("a=1&b=x%20y%20z&a=2".into())),
        ("no query", |m| m.query = None),
        ("field", |m| *m = m.clone().with("x-request", "7, 8")),
        ("digest", |m| {
            *m = m.clone().with(
                "content-digest",
                &BodyDigest::field_of(DigestAlgorithm::Sha256, b"x"),
            );
        }),
        ("parameters", |m| {
            let input = m.fields["signature-input"].replace("n1", "n2");
            *m = m.clone().with("signature-input", &input);
        }),
    ];
    for (what, change) in changes {
        let mut changed = good.clone();
        change(&mut changed);
        let error = verify(&verifier(), &changed, true, NOW).unwrap_err();
        assert_eq!(error, Unsigned::Bad.into(), "{what}");
    }
}

#[test]
fn every_bit_of_the_signature_counts() {
    let good = with_digest().signed_over(&parameters(ALL));
    let written = good.fields["signature"].clone();
    let bytes = STANDARD
        .decode(written.trim_start_matches("s=:").trim_end_matches(':'))
        .unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let changed = good
            .clone()
            .with("signature", &format!("s={}", field::bytes(&other)));
        refused(&changed, true, NOW, &Unsigned::Bad);
    }
    for length in [0, 31, 33, 64, 96] {
        let other = good
            .clone()
            .with("signature", &format!("s={}", field::bytes(&vec![0; length])));
        refused(&other, true, NOW, &Unsigned::Bad);
    }
}

#[test]
fn a_signature_that_covers_too_little_is_refused_and_told_what_is_missing() {
    checks!("T257");
    for missing in ["@method", "@authority", "@path", "@query", "content-digest"] {
        let quoted = format!("\"{missing}\"");
        let covered: Vec<&str> = ALL.split(' ').filter(|name| *name != quoted).collect();
        let message = with_digest().signed_over(&parameters(&covered.join(" ")));
        refused(&message, true, NOW, &Unsigned::lacks(missing));
    }
    // What npm's library covers unless told otherwise.
    refused(
        &with_digest().signed_over(&parameters("")),
        true,
        NOW,
        &Unsigned::lacks("@method"),
    );
    for (lacking, parameters) in [
        ("created", format!(r#"({ALL});keyid="acme-1";nonce="n""#)),
        ("keyid", format!(r#"({ALL});created=1700000000;nonce="n""#)),
        ("nonce", format!(r#"({ALL});created=1700000000;keyid="acme-1""#)),
    ] {
        refused(
            &with_digest().signed_over(&parameters),
            true,
            NOW,
            &Unsigned::lacks(lacking),
        );
    }
}

#[test]
fn without_a_body_no_digest_is_needed_and_a_wrong_one_is_refused() {
    checks!("T256");
    let covered = r#""@method" "@authority" "@path" "@query""#;
    let mut get = Message::post();
    get.method = "GET";
    let plain = get.clone().signed_over(&parameters(covered));
    let proven = verify(&verifier(), &plain, false, NOW).unwrap();
    assert!(proven.digest().is_none());
    // Somebody took the body out of a signed request.
    let stripped = with_digest().signed_over(&parameters(ALL));
    refused(&stripped, false, NOW, &Unsigned::OtherBody);
    let empty = BodyDigest::field_of(DigestAlgorithm::Sha512, b"");
    let empty = Message::post()
        .with("content-digest", &empty)
        .signed_over(&parameters(ALL));
    assert!(verify(&verifier(), &empty, false, NOW).is_ok());
}

#[test]
fn a_digest_that_cannot_be_compared_is_refused() {
    checks!("T256");
    for (field, error) in [
        ("md5=:AAAA:", InvalidDigest::Unknown),
        ("sha-256=:AAAA:", InvalidDigest::Malformed),
        ("x", InvalidDigest::Malformed),
    ] {
        let message = Message::post()
            .with("content-digest", field)
            .signed_over(&parameters(ALL));
        refused(&message, true, NOW, &Unsigned::Digest(error));
    }
    let mut gone = with_digest().signed_over(&parameters(ALL));
    gone.fields.remove("content-digest");
    refused(&gone, true, NOW, &Unsigned::Absent("content-digest".into()));
}

#[test]
fn what_is_not_offered_or_said_twice_is_refused() {
    checks!("T262");
    let good = with_digest().signed_over(&parameters(ALL));
    let input = |covered: &str| {
        good.clone()
            .with("signature-input", &format!("s={}", parameters(covered)))
    };
    for name in [
        "@target-uri",
        "@scheme",
        "@request-target",
        "@status",
        "Content-Type",
    ] {
        let message = input(&format!(r#"{ALL} "{name}""#));
        refused(&message, true, NOW, &Unsigned::UnknownComponent(name.into()));
    }
    refused(
        &input(&format!(r#"{ALL} "@path""#)),
        true,
        NOW,
        &Unsigned::Twice("@path".into()),
    );
    for malformed in [
        input(&format!(r#"{ALL} "@query-param";name="a""#)),
        input(&format!(r#"{ALL} "content-type";sf"#)),
        good.clone().with("signature-input", ""),
        good.clone().with("signature-input", "s=1"),
        good.clone()
            .with("signature-input", &format!("s={};nonce=\"n2\"", parameters(ALL))),
        good.clone()
            .with("signature-input", &format!("s={0}, s={0}", parameters(ALL))),
        good.clone().with(
            "signature-input",
            &format!(
                "s={}",
                parameters(ALL).replace("=17", "=\"17\"").replace("00;", "00\";")
            ),
        ),
    ] {
        refused(&malformed, true, NOW, &Unsigned::MALFORMED);
    }
}

#[test]
fn a_signature_that_is_not_told_apart_is_refused() {
    checks!("T262");
    let good = with_digest().signed_over(&parameters(ALL));
    let several = format!("s={}, t={0}", parameters(ALL)).replace("{0}", &parameters(ALL));
    refused(
        &good.clone().with("signature-input", &several),
        true,
        NOW,
        &Unsigned::Several,
    );
    for (name, value) in [
        ("signature", "s=1"),
        ("signature", "t=:AAAA:"),
        ("signature", "s"),
        ("signature", "s=:AAAA:, s=:AAAA:"),
    ] {
        let error = verify(&verifier(), &good.clone().with(name, value), true, NOW).unwrap_err();
        assert!(
            matches!(
                error,
                SignatureError::Refused(Unsigned::Malformed("Signature", _))
            ),
            "{value}: {error}"
        );
    }
    let long = format!("s={}", parameters(ALL)) + &";x=1".repeat(2_000);
    let error = verify(
        &verifier(),
        &good.clone().with("signature-input", &long),
        true,
        NOW,
    )
    .unwrap_err();
    assert!(
        matches!(
            error,
            SignatureError::Refused(Unsigned::Malformed("signature-input", _))
        ),
        "{error}"
    );
    let mut half = good.clone();
    half.fields.remove("signature");
    refused(&half, true, NOW, &Unsigned::lacks("signature"));
    half = good;
    half.fields.remove("signature-input");
    refused(&half, true, NOW, &Unsigned::lacks("signature-input"));
}

#[test]
fn of_several_signatures_the_one_with_the_tag_counts() {
    checks!("T262");
    let settings = || Settings {
        tag: Some("orders".into()),
        ..Settings::default()
    };
    let ours = with_digest().signed_over(&format!("{};tag=\"orders\"", parameters(ALL)));
    let input = format!(
        "cdn=(\"@authority\");created=1, {}",
        ours.fields["signature-input"]
    );
    let both = ours.clone().with("signature-input", &input);
    assert!(verify(&verifier_with(settings()), &both, true, NOW).is_ok());
    assert_eq!(
        verify(&verifier(), &both, true, NOW).unwrap_err(),
        Unsigned::Several.into()
    );
    let twice = format!(
        "{}, t={};tag=\"orders\"",
        ours.fields["signature-input"],
        parameters(ALL)
    );
    let twice = verify(
        &verifier_with(settings()),
        &ours.clone().with("signature-input", &twice),
        true,
        NOW,
    );
    assert_eq!(twice.unwrap_err(), Unsigned::Several.into());
    let other = with_digest().signed_over(&parameters(ALL));
    let other = verify(&verifier_with(settings()), &other, true, NOW);
    assert_eq!(other.unwrap_err(), Unsigned::lacks("the tag orders").into());
}

#[test]
fn a_signature_is_good_from_the_leeway_before_to_the_leeway_after() {
    checks!("T259");
    let message = with_digest().signed_over(&parameters(ALL));
    let micro = Duration::from_micros(1);
    let seconds = Duration::from_secs;
    let first = NOW.minus(seconds(30));
    assert!(verify(&verifier(), &message, true, first).is_ok());
    refused(&message, true, first.minus(micro), &Unsigned::Early);
    let end = NOW.plus(seconds(330));
    assert!(verify(&verifier(), &message, true, end.minus(micro)).is_ok());
    refused(&message, true, end, &Unsigned::Expired);
    let short = with_digest().signed_over(&format!("{};expires=1700000060", parameters(ALL)));
    let end = NOW.plus(seconds(90));
    assert!(verify(&verifier(), &short, true, end.minus(micro)).is_ok());
    refused(&short, true, end, &Unsigned::Expired);
    // What the signer says prolongs nothing.
    let long = with_digest().signed_over(&format!("{};expires=1800000000", parameters(ALL)));
    refused(&long, true, NOW.plus(seconds(330)), &Unsigned::Expired);
    let never = with_digest().signed_over(&parameters(ALL).replace("1700000000", "-999999999999999"));
    refused(&never, true, NOW, &Unsigned::Expired);
}

#[test]
fn a_signature_is_good_once_for_as_long_as_it_would_be_good() {
    checks!("T255");
    let verifier = verifier();
    let message = with_digest().signed_over(&parameters(ALL));
    let seconds = Duration::from_secs;
    let first = NOW.minus(seconds(30));
    assert!(verify(&verifier, &message, true, first).is_ok());
    for at in [first, NOW, NOW.plus(seconds(330)).minus(Duration::from_micros(1))] {
        assert_eq!(
            verify(&verifier, &message, true, at).unwrap_err(),
            Unsigned::Replayed.into()
        );
    }
    assert_eq!(
        verify(&verifier, &message, true, NOW.plus(seconds(330))).unwrap_err(),
        Unsigned::Expired.into()
    );
    // The nonce of one key is none of another's, and a bad signature uses none up.
    let bad = with_digest().signed_over(&parameters(ALL).replace("n1", "n2"));
    let broken = bad.clone().with("signature", &message.fields["signature"]);
    assert_eq!(
        verify(&verifier, &broken, true, NOW).unwrap_err(),
        Unsigned::Bad.into()
    );
    assert!(verify(&verifier, &bad, true, NOW).is_ok());
}

#[test]
fn a_nonce_and_a_key_id_are_bounded() {
    for (part, name, value) in [(Part::Nonce, "nonce", "n1"), (Part::KeyId, "keyid", "acme-1")] {
        let with = |text: &str| {
            let (from, to) = (format!("{name}=\"{value}\""), format!("{name}=\"{text}\""));
            with_digest().signed_over(&parameters(ALL).replace(&from, &to))
        };
        refused(&with(&"x".repeat(129)), true, NOW, &Unsigned::Length(part));
        refused(&with(""), true, NOW, &Unsigned::Length(part));
    }
    let longest = with_digest().signed_over(&parameters(ALL).replace("n1", &"x".repeat(128)));
    assert!(verify(&verifier(), &longest, true, NOW).is_ok());
}

#[test]
fn an_unknown_key_is_answered_as_a_bad_signature_is() {
    checks!("T258");
    let unknown = with_digest().signed_over(&parameters(ALL).replace("acme-1", "nobody"));
    let others = with_digest().signed_over(&parameters(ALL).replace("acme-1", "other-1"));
    refused(&unknown, true, NOW, &Unsigned::Bad);
    refused(&others, true, NOW, &Unsigned::Bad);
}

#[test]
fn the_key_says_which_algorithm_it_is_for() {
    checks!("T263");
    // A public key is no secret, whatever the message says.
    let tag = |alg: &str| with_digest().signed_over(&format!("{};alg=\"{alg}\"", parameters(ALL)));
    assert!(verify(&verifier(), &tag("hmac-sha256"), true, NOW).is_ok());
    for alg in ["ed25519", "HMAC-SHA256", "rsa-pss-sha512", "none", ""] {
        refused(&tag(alg), true, NOW, &Unsigned::Bad);
    }
    let edward = with_digest().signed_over(&parameters(ALL).replace("acme-1", "edward"));
    refused(&edward, true, NOW, &Unsigned::Bad);
}

#[test]
fn while_nobody_can_tell_whether_it_was_used_nobody_is_let_in() {
    checks!("T264");
    struct Away;
    #[async_trait]
    impl Nonces for Away {
        async fn take(&self, _: Nonce, _: Timestamp) -> Result<bool, Fault> {
            Err(Fault::Busy("away".into()))
        }
    }
    #[async_trait]
    impl Keys for Away {
        async fn find(&self, _: &str) -> Result<Option<KnownKey>, Fault> {
            Err(Fault::Busy("away".into()))
        }
    }
    let message = with_digest().signed_over(&parameters(ALL));
    let fault = SignatureError::Fault(Fault::Busy("away".into()));
    let nonces = SignatureVerifier::new(Arc::new(keys()), Arc::new(Away), Settings::default()).unwrap();
    assert_eq!(verify(&nonces, &message, true, NOW).unwrap_err(), fault);
    let keys =
        SignatureVerifier::new(Arc::new(Away), Arc::new(MemoryNonces::new()), Settings::default()).unwrap();
    assert_eq!(verify(&keys, &message, true, NOW).unwrap_err(), fault);
}

#[test]
fn a_key_that_is_taken_away_is_noticed_while_the_body_comes() {
    use std::sync::Mutex;
    struct Changing(Mutex<KeyList>);
    #[async_trait]
    impl Keys for Changing {
        async fn find(&self, key_id: &str) -> Result<Option<KnownKey>, Fault> {
            let keys = self.0.lock().unwrap().clone();
            keys.find(key_id).await
        }
    }
    let changing = Arc::new(Changing(Mutex::new(keys())));
    let keys = Arc::clone(&changing);
    let verifier = SignatureVerifier::new(keys, Arc::new(MemoryNonces::new()), Settings::default()).unwrap();
    let message = with_digest().signed_over(&parameters(ALL));
    let proven = verify(&verifier, &message, true, NOW).unwrap();
    let later = NOW.plus(Duration::from_secs(1));
    assert!(proven.holds(later.minus(Duration::from_micros(1))) && !proven.holds(later));
    let again = |proven: &Proven| verifier.again(proven, later).now_or_never().unwrap();
    let still = again(&proven).unwrap();
    assert!(still.holds(later));
    let others = KnownKey::hmac_sha256("other", SecretBytes::new(SECRET.to_vec())).unwrap();
    *changing.0.lock().unwrap() = KeyList::new().with("acme-1", others);
    assert_eq!(again(&proven).unwrap_err(), Unsigned::Bad.into());
    *changing.0.lock().unwrap() = KeyList::new();
    assert_eq!(again(&proven).unwrap_err(), Unsigned::Bad.into());
}

/// A request in the simple form, signed over what it says or over another text.
fn simple(change: impl Fn(&str) -> String) -> Message {
    let message = Message::post();
    let digest = simple::of_body(BODY);
    let text = simple::text(&message.request(), &digest, "1700000000", "n1");
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, SECRET),
        change(&text).as_bytes(),
    );
    message
        .with("x-key-id", "acme-1")
        .with("x-timestamp", "1700000000")
        .with("x-nonce", "n1")
        .with("x-content-sha256", &simple::hex(&digest))
        .with("x-signature", &simple::hex(tag.as_ref()))
}

fn simply(message: &Message, body: bool) -> Result<Proven, SignatureError> {
    let settings = Settings {
        simple: Some(SimpleForm::default()),
        ..Settings::default()
    };
    verify(&verifier_with(settings), message, body, NOW)
}

#[test]
fn the_simple_form_is_six_lines_that_are_signed() {
    let text = simple::text(
        &Message::post().request(),
        &simple::of_body(BODY),
        "1700000000",
        "n1",
    );
    let lines = "POST\n/foo\na=1&b=x+y%20z&a=2\n5f8f04f6a3a892aaabbddb6cf273894493773960d4a325b105fee46eef4304f1\n1700000000\nn1";
    assert_eq!(text, lines);
    let good = simple(ToOwned::to_owned);
    let proven = simply(&good, true).unwrap();
    assert_eq!(proven.signer().key_id.as_deref(), Some("acme-1"));
    assert!(proven.digest().unwrap().matches(BODY));
    // Not unless it is asked for.
    refused(&good, true, NOW, &Unsigned::lacks("signature-input"));
}

#[test]
fn each_line_of_the_simple_form_counts() {
    checks!("T257");
    let good = simple(ToOwned::to_owned);
    let lines = simple::text(&good.request(), &simple::of_body(BODY), "1700000000", "n1");
    for line in 0..6 {
        let without = |text: &str| {
            let lines: Vec<&str> = text
                .lines()
                .enumerate()
                .filter(|(at, _)| *at != line)
                .map(|(_, line)| line)
                .collect();
            lines.join("\n")
        };
        assert_ne!(without(&lines), lines);
        assert_eq!(
            simply(&simple(without), true).unwrap_err(),
            Unsigned::Bad.into(),
            "{line}"
        );
    }
    for name in ["x-key-id", "x-timestamp", "x-nonce", "x-content-sha256"] {
        let mut lacking = good.clone();
        lacking.fields.remove(name);
        assert_eq!(simply(&lacking, true).unwrap_err(), Unsigned::lacks(name).into());
    }
    for (name, value) in [
        ("x-timestamp", "1700000001"),
        ("x-nonce", "n2"),
        ("x-key-id", "other-1"),
        ("x-content-sha256", &"0".repeat(64)),
    ] {
        assert_eq!(
            simply(&good.clone().with(name, value), true).unwrap_err(),
            Unsigned::Bad.into(),
            "{name}"
        );
    }
    for (name, value) in [
        ("x-timestamp", "1700000000.0"),
        ("x-timestamp", "01700000000"),
        ("x-timestamp", "-1"),
        ("x-timestamp", ""),
        ("x-content-sha256", "00"),
        ("x-content-sha256", &"g".repeat(64)),
        ("x-signature", "abc"),
        ("x-signature", "zz"),
    ] {
        let error = simply(&good.clone().with(name, value), true).unwrap_err();
        assert!(
            matches!(error, SignatureError::Refused(Unsigned::Malformed(..))),
            "{name} {value}"
        );
    }
    assert_eq!(simply(&good, false).unwrap_err(), Unsigned::OtherBody.into());
}

#[test]
fn a_request_is_signed_in_one_form() {
    checks!("T262");
    let fields = with_digest().signed_over(&parameters(ALL)).fields;
    let mut both = simple(ToOwned::to_owned);
    both.fields.extend(fields);
    assert_eq!(simply(&both, true).unwrap_err(), Unsigned::Several.into());
}

const RSA_PSS: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB";
const B21: &str = "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==";
const B23: &str = "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==";
