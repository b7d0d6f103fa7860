//! Verifying an access token nobody has seen against the bare signature check on the same bytes.
//!
//! Our side takes the token's text and ends with checked claims. The other side gets the signed bytes and the decoded
//! signature, and a key that was parsed before.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_identity::Portcullis;
use portcullis_identity::core::environment::{Environment, Timestamp};
use portcullis_identity::core::key::{Algorithm, HmacSecret, Keyring, MasterKey, Sealer, SigningKey};
use portcullis_identity::core::secret::SecretBytes;
use portcullis_identity::core::session::{Method, Session};
use portcullis_identity::core::token::{Issuer, Settings, TokenSubject, Verifier};
use portcullis_identity::core::{account, session};
use serde_json::Value;

use super::Plan;
use crate::deployment::{self, runtime};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let runtime = runtime()?;
    let portcullis = runtime.block_on(deployment::in_memory().open())?;
    let mut lines = Vec::new();
    for algorithm in [
        Algorithm::HS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
        Algorithm::RS256,
    ] {
        let budget = if algorithm.is_symmetric() { 1.5 } else { 1.1 };
        lines.push(one(plan, &portcullis, algorithm, budget)?);
    }
    Ok(lines)
}

fn one(plan: &Plan, portcullis: &Portcullis, algorithm: Algorithm, budget: f64) -> Result<Line> {
    let environment = portcullis.environment();
    let (key, secret) = key(algorithm, environment)?;
    let keyring = Arc::new(Keyring::of_keys(key, Vec::new()));
    let bare = Bare::of(algorithm, &keyring, secret.as_ref())?;
    let count = plan.pick(10, 300, 1_000);
    let tokens = tokens(portcullis, &keyring, count)?;
    let signed = tokens
        .iter()
        .map(|token| split(token))
        .collect::<Result<Vec<_>>>()?;
    let verifier = Verifier::new(keyring, Settings::default().expectation());
    let now = environment.now();
    let ours: Side<'_, f64> = Box::new(|_| {
        let started = Stopwatch::processor_of_this_thread();
        for token in &tokens {
            verifier.verify(token, now)?;
        }
        Ok(per_item_us(started, count))
    });
    let bare: Side<'_, f64> = Box::new(|_| {
        let started = Stopwatch::processor_of_this_thread();
        for (message, signature) in &signed {
            ensure!(bare.check(message, signature), "a good signature was refused");
        }
        Ok(per_item_us(started, count))
    });
    let samples = in_turns(plan.rounds(7, 31), plan.millis(0, 0), &mut [ours, bare])?;
    let [ours, bare] = samples.as_slice() else {
        bail!("nothing was measured");
    };
    Ok(Line::compared(
        format!("verify a new {algorithm} token ÷ its bare signature check"),
        "µs",
        (ours, bare),
        Budget::RatioAtMost(budget),
    ))
}

/// Of processor time: both sides compute and wait for nothing, so other programs needn't count.
fn per_item_us(started: Duration, count: usize) -> f64 {
    let used = Stopwatch::processor_of_this_thread().saturating_sub(started);
    used.as_secs_f64() * 1e6 / count as f64
}

fn key(algorithm: Algorithm, environment: &Environment) -> Result<(SigningKey, Option<[u8; 32]>)> {
    if !algorithm.is_symmetric() {
        return Ok((SigningKey::generate(algorithm, environment)?, None));
    }
    let secret = environment.bytes::<32>();
    let shared = HmacSecret::new(algorithm, SecretBytes::new(secret.to_vec()))?;
    Ok((SigningKey::of_secret("measured", shared)?, Some(secret)))
}

fn tokens(portcullis: &Portcullis, keyring: &Arc<Keyring>, count: usize) -> Result<Vec<String>> {
    let environment = portcullis.environment();
    let issuer = Issuer::new(
        Arc::clone(keyring),
        Arc::new(portcullis.database().clone()),
        &Sealer::new(MasterKey::generate(environment), environment.clone()),
        environment.clone(),
        Settings::default(),
    );
    let subject = subject(environment);
    let mut extra = serde_json::Map::new();
    extra.insert("roles".to_owned(), Value::from(vec!["editor"]));
    (0..count)
        .map(|_| {
            Ok(issuer
                .mint_access(&subject, extra.clone())?
                .token
                .expose()
                .to_owned())
        })
        .collect()
}

fn subject(environment: &Environment) -> TokenSubject {
    let (now, account) = (environment.now(), account::Id::new(environment));
    let stamp = account::Stamp::new(environment);
    let month = Duration::from_secs(30 * 24 * 3_600);
    TokenSubject {
        session: Session {
            id: session::Id::new(environment),
            account,
            stamp,
            device: session::Device::default(),
            method: Method::Password,
            scopes: None,
            authenticated_at: now,
            last_seen_at: now,
            idle: month,
            expires_at: now.plus(month),
        },
        account: account::Account {
            kind: account::AccountKind::Person,
            id: account,
            email: Some("anna@example.com".to_owned()),
            username: None,
            state: account::AccountState::Active,
            email_verified_at: Some(now),
            stamp,
            created_at: now,
        },
    }
}

/// The bytes that are signed, and the signature.
fn split(token: &str) -> Result<(Vec<u8>, Vec<u8>)> {
    let (message, signature) = token.rsplit_once('.').context("a token has no signature")?;
    Ok((message.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(signature)?))
}

/// The crypto library's own check, with a parsed key.
enum Bare {
    Hmac(Box<hmac::Key>),
    Signature(signature::ParsedPublicKey),
}

impl Bare {
    fn of(algorithm: Algorithm, keyring: &Keyring, secret: Option<&[u8; 32]>) -> Result<Self> {
        if let Some(secret) = secret {
            return Ok(Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))));
        }
        let jwks = keyring.jwks(Timestamp::from_micros(0));
        let part = |name: &str| -> Result<Vec<u8>> {
            let text = jwks.pointer(&format!("/keys/0/{name}")).and_then(Value::as_str);
            Ok(URL_SAFE_NO_PAD.decode(text.with_context(|| format!("the key has no {name}"))?)?)
        };
        let parsed = match algorithm {
            Algorithm::ES256 => {
                let point = [vec![4], part("x")?, part("y")?].concat();
                signature::ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)?
            }
            Algorithm::EdDSA => signature::ParsedPublicKey::new(&signature::ED25519, part("x")?)?,
            _ => {
                let (n, e) = (part("n")?, part("e")?);
                signature::RsaPublicKeyComponents { n, e }
                    .to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256)?
            }
        };
        Ok(Self::Signature(parsed))
    }

    fn check(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Self::Signature(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}
