//! What other languages' libraries sign is taken, and what we sign they take: `tests/clients` checks the same file from their side.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use portcullis_core::environment::{Clock, Entropy, Environment, Timestamp};
use portcullis_core::key::{Algorithm, HmacSecret, SigningKey};
use portcullis_core::secret::SecretBytes;
use portcullis_core::signature::{
    Fields, KeyList, KnownKey, MemoryNonces, Request, RequestSigner, Settings, SignatureVerifier, SimpleForm,
};
use serde_json::Value;

struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Another number each time.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let bytes = next.into_iter().cycle();
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    }
}

struct Headers(Vec<(&'static str, String)>);

impl Fields for Headers {
    fn combined(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        Some(Cow::Borrowed(value.as_bytes()))
    }
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/clients/vectors/signatures.json")).unwrap()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

fn request<'r>(all: &'r Value, fields: &'r Headers) -> Request<'r> {
    let request = &all["request"];
    Request {
        method: text(request, "method"),
        authority: text(request, "authority"),
        path: text(request, "path"),
        query: request["query"].as_str(),
        fields,
    }
}

fn verifier(all: &Value) -> SignatureVerifier {
    let secret = SecretBytes::new(text(all, "secret").as_bytes().to_vec());
    let edward = KnownKey::ed25519("edward", text(all, "public_key")).unwrap();
    let keys = KeyList::new()
        .with("acme-1", KnownKey::hmac_sha256("acme", secret).unwrap())
        .with(text(all, "ed25519_keyid"), edward.clone())
        .with("edward", edward);
    let mut settings = Settings::default();
    settings.simple = Some(SimpleForm::default());
    SignatureVerifier::new(Arc::new(keys), Arc::new(MemoryNonces::new()), settings).unwrap()
}

fn created(all: &Value) -> Timestamp {
    Timestamp::from_seconds(all["request"]["created"].as_i64().unwrap())
}

// Shows: WP-1
#[test]
fn what_libraries_of_other_languages_sign_is_taken() {
    let all = vectors();
    let verifier = verifier(&all);
    for vector in all["signatures"].as_array().unwrap() {
        let fields = Headers(vec![
            (
                "content-digest",
                text(&all["request"], "content_digest").to_owned(),
            ),
            ("signature-input", text(vector, "signature_input").to_owned()),
            ("signature", text(vector, "signature").to_owned()),
        ]);
        let request = request(&all, &fields);
        let verified = verifier.verify(&request, true, created(&all));
        let proven = verified.now_or_never().unwrap();
        let proven = proven.unwrap_or_else(|error| panic!("{vector}: {error}"));
        let body = text(&all["request"], "body").as_bytes();
        assert!(proven.digest().unwrap().matches(body), "{vector}");
    }
}

#[test]
fn what_we_sign_is_what_they_check() {
    let all = vectors();
    let secret = SecretBytes::new(text(&all, "secret").as_bytes().to_vec());
    let secret = HmacSecret::new(Algorithm::HS256, secret).unwrap();
    let keys = [
        SigningKey::of_secret("acme-1", secret).unwrap(),
        SigningKey::from_pem(Algorithm::EdDSA, text(&all, "private_key")).unwrap(),
    ];
    let environment = Environment::new(
        Arc::new(Fixed(created(&all))),
        Arc::new(Counting(AtomicU64::new(1))),
    );
    for (key, vector) in keys.into_iter().zip(all["signatures"].as_array().unwrap()) {
        let body = text(&all["request"], "body").as_bytes();
        let fields = Headers(Vec::new());
        let signer = RequestSigner::new(key).unwrap();
        let written = signer
            .sign(&request(&all, &fields), Some(body), &environment)
            .unwrap();
        assert_eq!(written.signature_input, text(vector, "signature_input"));
        assert_eq!(written.signature, text(vector, "signature"));
        let digest = text(&all["request"], "content_digest");
        assert_eq!(written.content_digest.as_deref(), Some(digest));
    }
}

#[test]
fn the_simple_form_is_taken_as_a_shell_writes_it() {
    let all = vectors();
    let simple = &all["simple"];
    let line = |at: usize| simple["lines"][at].as_str().unwrap().to_owned();
    let fields = Headers(vec![
        ("x-key-id", "acme-1".to_owned()),
        ("x-content-sha256", line(3)),
        ("x-timestamp", line(4)),
        ("x-nonce", line(5)),
        ("x-signature", text(simple, "signature").to_owned()),
    ]);
    let verifier = verifier(&all);
    let request = request(&all, &fields);
    let verified = verifier.verify(&request, true, created(&all));
    let proven = verified.now_or_never().unwrap().unwrap();
    assert_eq!(proven.signer().caller.as_deref(), Some("acme"));
}
