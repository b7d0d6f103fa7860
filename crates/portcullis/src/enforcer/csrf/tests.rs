use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use portcullis_core::checks;
use portcullis_core::environment::{Clock, Entropy, Timestamp};
use portcullis_core::key::MasterKey;
use portcullis_core::session::Token;

use super::*;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(0)
    }
}

struct Counting(AtomicU8);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            *byte = self.0.fetch_add(7, Ordering::Relaxed);
        }
    }
}

fn environment() -> Environment {
    Environment::new(Arc::new(Still), Arc::new(Counting(AtomicU8::new(1))))
}

fn session(byte: u8) -> Digest<SessionToken> {
    Token::from_bytes([byte; 32]).digest()
}

// Shows: WP-4
#[test]
fn every_other_text_than_the_sessions_own_token_is_refused() {
    checks!("T048");
    let environment = environment();
    let signer = Signer::new(&Sealer::new(
        MasterKey::generate(&environment),
        environment.clone(),
    ));
    let token = signer.issue(&session(1), &environment);
    assert_eq!(token.len(), LENGTH);
    assert!(signer.holds(&session(1), token.as_bytes()));
    assert!(!signer.holds(&session(2), token.as_bytes()), "another session's");
    for end in 0..token.len() {
        assert!(
            !signer.holds(&session(1), &token.as_bytes()[..end]),
            "{end} characters"
        );
        let mut other = token.clone().into_bytes();
        other[end] = if other[end] == b'A' { b'B' } else { b'A' };
        assert!(!signer.holds(&session(1), &other), "character {end} changed");
    }
    for text in [
        format!("{token}A"),
        format!(" {token}"),
        format!("{token}="),
        "A".repeat(64),
    ] {
        assert!(!signer.holds(&session(1), text.as_bytes()), "{text}");
    }
}

#[test]
fn no_two_issues_share_a_text() {
    let environment = environment();
    let signer = Signer::new(&Sealer::new(
        MasterKey::generate(&environment),
        environment.clone(),
    ));
    let (first, second) = (
        signer.issue(&session(1), &environment),
        signer.issue(&session(1), &environment),
    );
    let shared = first.bytes().zip(second.bytes()).take_while(|(a, b)| a == b);
    assert!(shared.count() < 8, "{first} {second}");
    assert!(signer.holds(&session(1), second.as_bytes()));
}

// Shows: WP-4
#[test]
fn a_token_outlives_the_rotation_of_the_master_key_and_not_the_removal_of_its_key() {
    let environment = environment();
    let old = MasterKey::generate(&environment);
    let ring = old.rotated(&environment);
    let token = Signer::new(&Sealer::new(old.clone(), environment.clone())).issue(&session(1), &environment);
    let holds = |ring: MasterKey| {
        Signer::new(&Sealer::new(ring, environment.clone())).holds(&session(1), token.as_bytes())
    };
    assert!(holds(ring.clone()));
    assert!(!holds(ring.without(old.current_id())));
}

#[test]
fn a_token_is_shown_to_nobody_by_debug() {
    assert_eq!(format!("{:?}", CsrfToken("secret".to_owned())), "…redacted…");
}
