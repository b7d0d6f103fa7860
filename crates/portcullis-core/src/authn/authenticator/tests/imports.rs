//! Texts of another form before the authenticator.

use super::*;
use crate::api_key::{ApiKey, ForeignKey, Format, Found, IMPORTS, Id, KeyDigest, Networks};

const KEY: Id = Id::from_uuid(Uuid::from_u128(0xd));
const TEXT: &str = "sk_test_4eC39HqLyjWDarjtT1zdp7dc";

fn digest(text: &str) -> KeyDigest {
    ForeignKey::presented(text, &Format::default()).unwrap()
}

/// As another node imports it; this one hears of it where it does.
fn import(bench: &Bench, text: &str) {
    let digest = digest(text);
    let key = ApiKey {
        id: KEY,
        account: ACCOUNT,
        name: "old".into(),
        permissions: Vec::new(),
        digest,
        hint: "sha256:…".into(),
        expires_at: None,
        enabled: true,
        networks: Networks::default(),
        limit: None,
        previous_until: None,
        created_at: START,
        last_used: None,
    };
    let found = Found { key, until: None };
    bench.world.keys.lock().unwrap().insert(*digest.as_bytes(), found);
}

fn ask(bench: &Bench, text: &str, now: Timestamp) -> Result<(), AuthenticationError> {
    let credential = Credential::ImportedKey(digest(text));
    let asked = bench.authenticator.authenticate(&credential, now);
    asked.now_or_never().expect("the fakes never wait").map(drop)
}

#[track_caller]
fn refused(bench: &Bench, text: &str, now: Timestamp) {
    let answer = ask(bench, text, now);
    assert!(
        matches!(answer, Err(AuthenticationError::Refused(Refused::NotImported))),
        "{answer:?}"
    );
}

fn text(n: u64) -> String {
    format!("random-text-number-{n}")
}

#[test]
fn a_text_that_nobody_imported_asks_the_store_nothing() {
    checks!("T185");
    let bench = Bench::new();
    refused(&bench, &text(0), START);
    assert_eq!(bench.reads(), 1, "which are imported isn't known yet");
    for n in 0..1_000 {
        refused(&bench, &text(n), after(n % 900));
    }
    assert_eq!(bench.reads(), 0);
    // Nor where some are imported.
    import(&bench, TEXT);
    bench.generations.apply(Invalidation::ApiKey(IMPORTS));
    for n in 0..1_000 {
        refused(&bench, &text(n), START);
    }
    assert_eq!(bench.reads(), 1);
}

#[test]
fn an_imported_key_is_let_in_from_the_moment_that_its_import_is_known() {
    checks!("T185");
    let bench = Bench::new();
    refused(&bench, TEXT, START);
    import(&bench, TEXT);
    refused(&bench, TEXT, START);
    bench.generations.apply(Invalidation::ApiKey(IMPORTS));
    ask(&bench, TEXT, START).unwrap();
    bench.reads();
    ask(&bench, TEXT, after(1)).unwrap();
    assert_eq!(bench.reads(), 0, "it is remembered as any key");
    // Revoked: still among the known ones, and the store says that it is gone.
    bench.world.keys.lock().unwrap().clear();
    bench.generations.apply(Invalidation::ApiKey(KEY));
    let answer = ask(&bench, TEXT, after(1));
    assert!(
        matches!(answer, Err(AuthenticationError::Refused(Refused::UnknownKey))),
        "{answer:?}"
    );
}

#[test]
fn what_is_known_of_imports_is_read_again_where_others_are_not_heard_and_once_it_is_old() {
    checks!("T020");
    checks!("T083");
    let bench = Bench::new();
    refused(&bench, TEXT, START);
    bench.reads();
    refused(&bench, TEXT, after(899));
    assert_eq!(bench.reads(), 0);
    refused(&bench, TEXT, after(900));
    assert_eq!(bench.reads(), 1);
    bench.silence.0.store(1_001, Ordering::Relaxed);
    refused(&bench, TEXT, after(901));
    assert_eq!(bench.reads(), 0);
    refused(&bench, TEXT, after(902));
    assert_eq!(bench.reads(), 1);
    // One whose import this node couldn't hear of.
    import(&bench, TEXT);
    ask(&bench, TEXT, after(904)).unwrap();
}

#[test]
fn nobody_is_let_in_or_refused_for_good_while_it_cannot_be_known() {
    let bench = Bench::new();
    bench.world.down.store(true, Ordering::Relaxed);
    assert!(matches!(
        ask(&bench, TEXT, START),
        Err(AuthenticationError::Fault(_))
    ));
    bench.world.down.store(false, Ordering::Relaxed);
    import(&bench, TEXT);
    ask(&bench, TEXT, START).unwrap();
}
