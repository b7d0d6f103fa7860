//! Access tokens that nobody should have made.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_identity::core::account::{Account, Stamp};
use portcullis_identity::core::api_key::Format;
use portcullis_identity::core::authz::CredentialKind;
use portcullis_identity::core::environment::Environment;
use portcullis_identity::core::key::{MasterKey, Sealer, SigningKey};
use portcullis_identity::core::session::Session;
use portcullis_identity::core::token::{Issuer, Settings, TokenSubject, jws};
use portcullis_identity::core::{account, checks, session};
use serde_json::{Map, Value, json};

use super::cast::Cast;
use crate::{FakeClock, SeededEntropy};

/// Every forgery that shows itself, by what is wrong with it.
pub(super) fn all(cast: &Cast) -> Vec<(&'static str, String)> {
    let mut all = forged_text(cast);
    all.extend(wrongly_issued(cast));
    all
}

/// What somebody without our key can make of a good token.
fn forged_text(cast: &Cast) -> Vec<(&'static str, String)> {
    checks!("T001");
    let ring = cast.portcullis.keyring();
    let good = mint(cast, |_| {}, &cast.subject, Duration::ZERO);
    let [header, payload, signature] = parts(&good);
    let environment = cast.portcullis.environment();
    let (ours, bytes) = (ring.signer(), decode(payload));
    let foreign = SigningKey::generate(ours.algorithm(), environment).unwrap();
    let stored = foreign.to_stored().unwrap();
    let disguised = SigningKey::from_stored(ours.kid(), ours.algorithm(), stored).unwrap();
    let mut claims: Value = serde_json::from_slice(&bytes).unwrap();
    claims["sub"] = json!(environment.id());
    let altered = URL_SAFE_NO_PAD.encode(claims.to_string());
    let unsigned = |alg: &str| {
        let header = json!({ "alg": alg, "kid": ours.kid(), "typ": jws::ACCESS_TOKEN });
        URL_SAFE_NO_PAD.encode(header.to_string())
    };
    let (none, hs) = (unsigned("none"), unsigned("HS256"));
    let sign = |key: &SigningKey, typ| jws::sign(key, typ, &bytes).unwrap();
    vec![
        ("alg none, no signature", format!("{none}.{payload}.")),
        ("alg none, old signature", format!("{none}.{payload}.{signature}")),
        ("alg HS256, old signature", format!("{hs}.{payload}.{signature}")),
        (
            "another subject, old signature",
            format!("{header}.{altered}.{signature}"),
        ),
        (
            "half a signature",
            format!("{header}.{payload}.{}", &signature[..signature.len() / 2]),
        ),
        ("signed by a foreign key", sign(&foreign, jws::ACCESS_TOKEN)),
        ("foreign key under our name", sign(&disguised, jws::ACCESS_TOKEN)),
        ("our key, type JWT", sign(&ours, "JWT")),
        ("our key, type logout+jwt", sign(&ours, "logout+jwt")),
    ]
}

/// What our own key may have signed, and is still not for us or not now.
fn wrongly_issued(cast: &Cast) -> Vec<(&'static str, String)> {
    checks!("T003");
    let subject = &cast.subject;
    let issuer = |settings: &mut Settings| "https://elsewhere.example".clone_into(&mut settings.issuer);
    let audience = |settings: &mut Settings| "elsewhere".clone_into(&mut settings.audience);
    vec![
        ("another issuer", mint(cast, issuer, subject, Duration::ZERO)),
        ("another audience", mint(cast, audience, subject, Duration::ZERO)),
        (
            "not valid yet",
            mint(cast, |_| {}, subject, Duration::from_secs(3_600)),
        ),
    ]
}

/// What our own key signed well, without any privilege, about what the records don't say: only who has them knows.
pub(super) fn unfounded(cast: &Cast) -> Vec<(&'static str, String)> {
    let subject = &cast.subject;
    let environment = cast.portcullis.environment();
    let of_account = |account: Account| TokenSubject {
        session: subject.session.clone(),
        account,
    };
    let same = |_: &mut Settings| {};
    let unknown_session = TokenSubject {
        session: Session {
            id: session::Id::new(environment),
            ..subject.session.clone()
        },
        account: subject.account.clone(),
    };
    let old_stamp = of_account(Account {
        stamp: Stamp::new(environment),
        ..subject.account.clone()
    });
    let anothers = of_account(Account {
        id: account::Id::new(environment),
        ..subject.account.clone()
    });
    vec![
        ("another stamp", mint(cast, same, &old_stamp, Duration::ZERO)),
        ("another's session", mint(cast, same, &anothers, Duration::ZERO)),
        (
            "unknown session",
            mint(cast, same, &unknown_session, Duration::ZERO),
        ),
    ]
}

/// An access token signed by our own key, with changed settings, at a moment `ahead`.
fn mint(cast: &Cast, change: impl FnOnce(&mut Settings), subject: &TokenSubject, ahead: Duration) -> String {
    let portcullis = &cast.portcullis;
    let clock = FakeClock::new();
    clock.set(portcullis.environment().now().plus(ahead));
    let seed = u64::from_le_bytes(portcullis.environment().bytes());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededEntropy::new(seed)));
    let mut settings = portcullis.issuer().settings().clone();
    change(&mut settings);
    // Only refresh tokens are derived under it, and none is made here.
    let sealer = Sealer::new(MasterKey::generate(&environment), environment.clone());
    let store = Arc::new(portcullis.database().clone());
    let ring = Arc::clone(portcullis.keyring());
    let issuer = Issuer::new(ring, store, &sealer, environment, settings);
    let access = issuer.mint_access(subject, Map::new()).unwrap();
    access.token.expose().to_owned()
}

/// API keys that are none of ours, or none any more by their text.
pub(super) fn keys(cast: &Cast) -> Vec<(&'static str, String)> {
    checks!("T038");
    let environment = cast.portcullis.environment();
    let format = cast.portcullis.api_keys().format();
    let minted = |prefix: &str, name: &str| {
        let format = Format::new(prefix, name).unwrap();
        format.mint(environment).expose().to_owned()
    };
    let good = cast.good.iter().find(|held| held.kind == CredentialKind::ApiKey);
    let good = good.map(|held| held.text.clone()).unwrap_or_default();
    let (cut, _) = good.split_at(good.len().saturating_sub(1));
    let other = |last: &str| if last == "0" { "1" } else { "0" };
    vec![
        ("an unknown key", minted(format.prefix(), format.environment())),
        (
            "a key of another environment",
            minted(format.prefix(), "elsewhere"),
        ),
        ("a key of another prefix", minted("zz", format.environment())),
        ("a key cut short", cut.to_owned()),
        ("a key with one more character", format!("{good}0")),
        (
            "a key with a forged checksum",
            format!("{cut}{}", other(&good[cut.len()..])),
        ),
    ]
}

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<_> = token.split('.').collect();
    parts.try_into().unwrap()
}

fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}
