//! How long a session lives, and the words that stand for what it is.

use uuid::Uuid;

use super::*;
use crate::key::fakes::START;

const MICRO: Duration = Duration::from_micros(1);

#[test]
fn a_session_lives_until_it_was_unused_for_too_long_or_its_end_has_come() {
    let (idle, absolute) = (Duration::from_secs(60), Duration::from_secs(90));
    for (seen_after, asked_after, lives) in [
        (Duration::ZERO, idle, false),
        (Duration::ZERO, idle - MICRO, true),
        (idle, absolute, false),
        (idle, absolute - MICRO, true),
        (idle, absolute + MICRO, false),
        (Duration::ZERO, idle + MICRO, false),
        (Duration::ZERO, Duration::ZERO, true),
    ] {
        let session = Session {
            id: Id::from_uuid(Uuid::nil()),
            account: account::Id::from_uuid(Uuid::nil()),
            stamp: account::Stamp::from_uuid(Uuid::nil()),
            device: Device::default(),
            method: Method::Password,
            scopes: None,
            authenticated_at: START,
            last_seen_at: START.plus(seen_after),
            idle,
            expires_at: START.plus(absolute),
        };
        let asked = START.plus(asked_after);
        assert_eq!(session.lives_at(asked), lives, "{seen_after:?} {asked_after:?}");
    }
}

#[test]
fn what_is_written_into_tokens_is_read_again_and_nothing_else() {
    for (text, method) in [
        ("", None),
        ("PWD", None),
        ("otp", None),
        ("pwd", Some(Method::Password)),
    ] {
        assert_eq!(Method::parse(text), method, "{text:?}");
    }
    assert_eq!(Method::Password.amr(), "pwd");
    assert_eq!(Method::Password.assurance(), Assurance::SingleFactor);
    assert_eq!(Assurance::SingleFactor.acr(), "urn:portcullis:acr:1");
    assert_eq!(Assurance::MultiFactor.acr(), "urn:portcullis:acr:2");
    assert!(Assurance::MultiFactor > Assurance::SingleFactor);
}

#[test]
fn every_ending_has_the_word_that_the_audit_log_has() {
    for (ending, word) in [
        (Ending::Logout, "logout"),
        (Ending::Ended, "ended"),
        (Ending::Evicted, "evicted"),
        (Ending::Replay, "replay"),
    ] {
        assert_eq!(ending.as_str(), word);
    }
}
