//! Verifying a signed request against the bare MAC and digest of the same bytes.
//!
//! Our side takes method, address and fields, and ends with a known caller, a taken nonce (in memory) and a compared body. The other
//! side gets the bytes that are signed, the decoded tag and the decoded digest, and a key that was parsed before.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_identity::core::environment::Environment;
use portcullis_identity::core::key::{Algorithm, HmacSecret, SigningKey};
use portcullis_identity::core::secret::SecretBytes;
use portcullis_identity::core::signature::{
    Fields, KeyList, KnownKey, MemoryNonces, Request, RequestSigner, Settings, SignatureVerifier,
};

use super::Plan;
use crate::deployment::{self, runtime};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    [("no body", 0), ("1 KiB", 1_024), ("64 KiB", 65_536)]
        .into_iter()
        .map(|(named, length)| one(plan, named, length))
        .collect()
}

fn one(plan: &Plan, named: &str, length: usize) -> Result<Line> {
    let runtime = runtime()?;
    let portcullis = runtime.block_on(deployment::in_memory().open())?;
    let environment = portcullis.environment();
    let (secret, body) = (environment.bytes::<32>(), vec![b'x'; length]);
    let count = plan.pick(10, 300, 1_000);
    let signed = (0..count).map(|_| Sent::new(&secret, &body, environment));
    let signed = signed.collect::<Result<Vec<_>>>()?;
    let known = KnownKey::hmac_sha256("measured", SecretBytes::new(secret.to_vec()))?;
    let keys = Arc::new(KeyList::new().with("measured", known));
    let now = environment.now();
    let ours: Side<'_, f64> = Box::new(|_| {
        // Each round takes the same nonces.
        let verifier = SignatureVerifier::new(
            Arc::clone(&keys) as _,
            Arc::new(MemoryNonces::new()),
            Settings::default(),
        )?;
        runtime.block_on(async {
            let started = Stopwatch::processor_of_this_thread();
            for sent in &signed {
                let proven = verifier.verify(&sent.request(), !body.is_empty(), now).await?;
                let same = proven.digest().is_none_or(|digest| digest.matches(&body));
                ensure!(same, "a good body was refused");
            }
            Ok(per_item_us(started, count))
        })
    });
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let bare: Side<'_, f64> = Box::new(|_| {
        let started = Stopwatch::processor_of_this_thread();
        for sent in &signed {
            ensure!(
                hmac::verify(&key, &sent.base, &sent.tag).is_ok(),
                "a good tag was refused"
            );
            let same = body.is_empty() || digest::digest(&digest::SHA256, &body).as_ref() == sent.digest;
            ensure!(same, "a good body was refused");
        }
        Ok(per_item_us(started, count))
    });
    let samples = in_turns(plan.rounds(7, 31), plan.millis(0, 0), &mut [ours, bare])?;
    let [ours, bare] = samples.as_slice() else {
        bail!("nothing was measured");
    };
    Ok(Line::compared(
        format!("verify a signed request ({named}) ÷ its bare MAC and digest"),
        "µs",
        (ours, bare),
        Budget::RatioAtMost(1.5),
    ))
}

/// Of processor time: both sides compute and wait for nothing, so other programs needn't count.
fn per_item_us(started: Duration, count: usize) -> f64 {
    let used = Stopwatch::processor_of_this_thread().saturating_sub(started);
    used.as_secs_f64() * 1e6 / count as f64
}

/// A request as it was sent, and what of it is signed.
struct Sent {
    fields: Headers,
    base: Vec<u8>,
    tag: Vec<u8>,
    digest: Vec<u8>,
}

impl Sent {
    fn new(secret: &[u8], body: &[u8], environment: &Environment) -> Result<Self> {
        let shared = HmacSecret::new(Algorithm::HS256, SecretBytes::new(secret.to_vec()))?;
        let signer = RequestSigner::new(SigningKey::of_secret("measured", shared)?)?;
        let mut fields = Headers(Vec::new());
        let body = (!body.is_empty()).then_some(body);
        let written = signer.sign(&request(&fields), body, environment)?;
        let parameters = written.signature_input.strip_prefix("sig1=").context("a label")?;
        let mut base = format!(
            "\"@method\": {METHOD}\n\"@authority\": {HOST}\n\"@path\": {PATH}\n\"@query\": ?{QUERY}\n"
        );
        if let Some(digest) = &written.content_digest {
            base.push_str(&format!("\"content-digest\": {digest}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {parameters}"));
        let decoded = |text: &str| {
            let encoded = text.split(':').nth(1).context("no bytes")?;
            STANDARD.decode(encoded).context("no base64")
        };
        let tag = decoded(&written.signature)?;
        let digest = written.content_digest.as_deref().map(decoded).transpose()?;
        fields
            .0
            .extend(written.content_digest.map(|digest| ("content-digest", digest)));
        fields.0.push(("signature-input", written.signature_input));
        fields.0.push(("signature", written.signature));
        Ok(Self {
            fields,
            base: base.into_bytes(),
            tag,
            digest: digest.unwrap_or_default(),
        })
    }

    fn request(&self) -> Request<'_> {
        request(&self.fields)
    }
}

fn request(fields: &Headers) -> Request<'_> {
    Request {
        method: METHOD,
        authority: HOST,
        path: PATH,
        query: Some(QUERY),
        fields,
    }
}

/// What a client sends besides.
struct Headers(Vec<(&'static str, String)>);

impl Fields for Headers {
    fn combined(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let (_, value) = self.0.iter().find(|(known, _)| *known == name)?;
        Some(Cow::Borrowed(value.as_bytes()))
    }
}

const METHOD: &str = "POST";
const HOST: &str = "api.example.com";
const PATH: &str = "/v1/orders/0190a5f2";
const QUERY: &str = "page=1&size=20&sort=created";
