//! API keys before the authenticator.

use std::net::IpAddr;

use super::*;
use crate::api_key::{ApiKey, Format, Found, Id, KeyDigest, Networks, Secret};
use crate::authz::{CredentialKind, DecisionContext, FreshLogin, Permission as _, Permit, SecondFactor};
use crate::throttle::Rate;

const KEY: Id = Id::from_uuid(Uuid::from_u128(0xc));

/// A bench whose account holds one good key.
fn given() -> (Bench, Secret) {
    let bench = Bench::new();
    let secret = Format::default().mint(&environment(7));
    let key = ApiKey {
        id: KEY,
        account: ACCOUNT,
        name: "ci".into(),
        permissions: vec!["keys-test:read".into()],
        digest: secret.digest(),
        hint: secret.hint(),
        expires_at: None,
        enabled: true,
        networks: Networks::default(),
        limit: None,
        previous_until: None,
        created_at: START,
        last_used: None,
    };
    let found = Found { key, until: None };
    bench
        .world
        .keys
        .lock()
        .unwrap()
        .insert(*secret.digest().as_bytes(), found);
    (bench, secret)
}

fn change(bench: &Bench, change: impl Fn(&mut Found)) {
    bench.world.keys.lock().unwrap().values_mut().for_each(change);
    bench.generations.apply(Invalidation::ApiKey(KEY));
}

fn from(
    bench: &Bench,
    secret: &Secret,
    from: Option<&str>,
    now: Timestamp,
) -> Result<Arc<Principal>, AuthenticationError> {
    let from = from.map(|text| text.parse::<IpAddr>().unwrap());
    bench
        .authenticator
        .authenticate_from(&Credential::ApiKey(secret.digest()), from, now)
        .now_or_never()
        .expect("the fakes never wait")
}

fn ask(bench: &Bench, secret: &Secret, now: Timestamp) -> Result<Arc<Principal>, AuthenticationError> {
    from(bench, secret, None, now)
}

#[track_caller]
fn refusal(bench: &Bench, secret: &Secret, now: Timestamp) -> Refused {
    match ask(bench, secret, now) {
        Err(AuthenticationError::Refused(refused)) => refused,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

crate::permissions! {
    Read = "keys-test:read": "Read";
    Write = "keys-test:write": "Write";
}

#[test]
fn a_key_may_what_both_it_and_its_owner_may() {
    checks!("T040");
    let ids = [Read::PERMISSION.id, Write::PERMISSION.id].map(|id| id());
    for (owner, key, expected) in [
        (
            &["keys-test:read", "keys-test:write"][..],
            &["keys-test:read"][..],
            [true, false],
        ),
        (&["keys-test:write"], &["keys-test:read"], [false, false]),
        (
            &["keys-test:read"],
            &["keys-test:read", "keys-test:write"],
            [true, false],
        ),
        (&["keys-test:read", "keys-test:write"], &[], [false, false]),
    ] {
        let (bench, secret) = given();
        *bench.world.permissions.lock().unwrap() = owner.iter().map(|name| (*name).to_owned()).collect();
        change(&bench, |found| {
            found.key.permissions = key.iter().map(|name| (*name).to_owned()).collect();
        });
        let principal = ask(&bench, &secret, after(1)).unwrap();
        assert_eq!(ids.map(|id| principal.may(id)), expected, "{owner:?} {key:?}");
        assert_eq!(
            (principal.kind(), principal.api_key()),
            (CredentialKind::ApiKey, Some(KEY))
        );
        assert!(!principal.has_role("any"), "a key never speaks for a role");
    }
}

#[test]
fn a_key_never_stands_for_a_person() {
    checks!("T041");
    let (bench, secret) = given();
    let principal = ask(&bench, &secret, START).unwrap();
    assert_eq!((principal.method(), principal.authenticated_at()), (None, None));
    let context = DecisionContext::at(START);
    let fresh = Permit::<FreshLogin<{ u32::MAX }>>::decide(Arc::clone(&principal), &context);
    assert_eq!(fresh.unwrap_err().code(), "login_too_old");
    let second = Permit::<SecondFactor>::decide(principal, &context);
    assert_eq!(second.unwrap_err().code(), "second_factor_required");
}

#[test]
fn a_warm_key_is_read_again_after_a_quarter_of_an_hour() {
    checks!("T083");
    let (bench, secret) = given();
    let read = (Read::PERMISSION.id)();
    ask(&bench, &secret, START).unwrap();
    bench.reads();
    ask(&bench, &secret, after(899)).unwrap();
    assert_eq!(bench.reads(), 0, "nothing was invalidated");
    // The machine slept, and what was invalidated meanwhile is swept: nobody will ever tell.
    bench
        .world
        .permissions
        .lock()
        .unwrap()
        .push("keys-test:read".to_owned());
    bench
        .world
        .keys
        .lock()
        .unwrap()
        .values_mut()
        .for_each(|found| found.key.enabled = false);
    assert_eq!(refusal(&bench, &secret, after(900)), Refused::KeyDisabled);
    // Nor does what is remembered of the account outlive it.
    bench
        .world
        .keys
        .lock()
        .unwrap()
        .values_mut()
        .for_each(|found| found.key.enabled = true);
    let principal = ask(&bench, &secret, after(900)).unwrap();
    assert!(principal.may(read));
}

/// What is wrong with a key that was good.
type Spoil = fn(&mut Found);

#[test]
fn what_is_wrong_with_a_key_is_told_apart() {
    let nobodys = Format::default().mint(&environment(8));
    assert_eq!(refusal(&given().0, &nobodys, after(1)), Refused::UnknownKey);
    let cases: [(Spoil, Refused); 3] = [
        (|found| found.key.enabled = false, Refused::KeyDisabled),
        (|found| found.key.expires_at = Some(after(1)), Refused::KeyExpired),
        (|found| found.until = Some(after(1)), Refused::KeyReplaced),
    ];
    for (spoil, expected) in cases {
        let (bench, secret) = given();
        change(&bench, spoil);
        assert_eq!(refusal(&bench, &secret, after(1)), expected);
    }
    for state in [AccountState::Locked, AccountState::Disabled] {
        let (bench, secret) = given();
        *bench.world.state.lock().unwrap() = Some(state);
        assert_eq!(refusal(&bench, &secret, after(1)), Refused::Account(state));
    }
}

#[test]
fn a_key_ends_at_its_moment_warm_and_cold() {
    let spoils: [fn(&mut Found); 2] = [
        |found| found.key.expires_at = Some(after(10)),
        |found| found.until = Some(after(10)),
    ];
    for spoil in spoils {
        let (bench, secret) = given();
        change(&bench, spoil);
        let just_before = after(10).minus(Duration::from_micros(1));
        ask(&bench, &secret, just_before).unwrap();
        ask(&bench, &secret, just_before).unwrap();
        assert!(ask(&bench, &secret, after(10)).is_err(), "warm");
        bench.generations.apply(Invalidation::ApiKey(KEY));
        assert!(ask(&bench, &secret, after(10)).is_err(), "cold");
    }
}

#[test]
fn a_warm_key_reads_nothing_and_an_invalidation_ends_it_at_once() {
    checks!("T020");
    for what in [
        Invalidation::ApiKey(KEY),
        Invalidation::Account(ACCOUNT),
        Invalidation::Roles,
    ] {
        let (bench, secret) = given();
        ask(&bench, &secret, after(1)).unwrap();
        bench.reads();
        for second in 2..50 {
            ask(&bench, &secret, after(second)).unwrap();
        }
        assert_eq!(bench.reads(), 0);
        bench.world.keys.lock().unwrap().clear();
        ask(&bench, &secret, after(50)).expect("nothing was invalidated yet");
        bench.generations.apply(what);
        assert_eq!(
            refusal(&bench, &secret, after(50)),
            Refused::UnknownKey,
            "{what:?}"
        );
    }
}

#[test]
fn the_address_is_looked_at_with_every_request() {
    checks!("T043");
    let (bench, secret) = given();
    change(&bench, |found| {
        found.key.networks = Networks::parse(&["203.0.113.0/24"]).unwrap();
    });
    for (address, admitted) in [
        (Some("203.0.113.7"), true),
        (Some("203.0.114.7"), false),
        (Some("::ffff:203.0.113.7"), true),
        (None, false),
        (Some("203.0.113.8"), true),
    ] {
        let answer = from(&bench, &secret, address, after(1));
        assert_eq!(answer.is_ok(), admitted, "{address:?}");
        let wrong_address = AuthenticationError::AddressNotAllowed {
            account: ACCOUNT,
            key: KEY,
        };
        if let Err(error) = answer {
            assert_eq!(error.to_string(), wrong_address.to_string());
        }
    }
}

#[test]
fn the_rate_counts_what_is_let_in_alone() {
    checks!("T043");
    let (bench, secret) = given();
    change(&bench, |found| {
        found.key.networks = Networks::parse(&["203.0.113.7"]).unwrap();
        found.key.limit = Some(Rate::parse("2/minute").unwrap());
    });
    let good = Some("203.0.113.7");
    for _ in 0..10 {
        assert!(from(&bench, &secret, Some("198.51.100.1"), after(1)).is_err());
    }
    for _ in 0..2 {
        from(&bench, &secret, good, after(1)).expect("refused requests were not counted");
    }
    let Err(AuthenticationError::RateLimited {
        key: KEY,
        after: wait,
        ..
    }) = from(&bench, &secret, good, after(1))
    else {
        panic!("the third was let in")
    };
    assert_eq!(wait, Duration::from_secs(30));
    // Forgetting what was remembered of the key doesn't give its rate back.
    bench.generations.apply(Invalidation::ApiKey(KEY));
    assert!(from(&bench, &secret, good, after(30)).is_err());
    from(&bench, &secret, good, after(31)).unwrap();
}

#[test]
fn last_used_is_noted_once_a_minute_with_the_address() {
    let (bench, secret) = given();
    let used = |second: u64, address: &'static str| {
        from(&bench, &secret, Some(address), after(second)).unwrap();
        bench.authenticator.take_used()
    };
    let noted = |second: u64, address: &str| vec![(KEY, after(second), Some(address.parse().unwrap()))];
    assert_eq!(used(1, "203.0.113.7"), noted(1, "203.0.113.7"));
    assert_eq!(used(60, "203.0.113.8"), []);
    assert_eq!(used(61, "203.0.113.9"), noted(61, "203.0.113.9"));
    let later = noted(121, "203.0.113.10");
    from(&bench, &secret, Some("203.0.113.10"), after(121)).unwrap();
    bench.authenticator.put_back_used(noted(61, "203.0.113.9"));
    assert_eq!(
        bench.authenticator.take_used(),
        later,
        "what was used since is later and stays"
    );
}

#[test]
fn a_key_that_changes_while_it_is_read_is_read_again() {
    checks!("T021");
    let (bench, secret) = given();
    let (world, generations) = (Arc::clone(&bench.world), Arc::clone(&bench.generations));
    let revoke = move || {
        world.keys.lock().unwrap().clear();
        generations.apply(Invalidation::ApiKey(KEY));
    };
    *bench.world.during_find.lock().unwrap() = Some(Box::new(revoke));
    assert_eq!(refusal(&bench, &secret, after(1)), Refused::UnknownKey);
}

#[async_trait]
impl api_key::Stub for World {
    async fn find_by_digest(&self, digest: KeyDigest) -> Result<Option<Found>, Fault> {
        self.read()?;
        let found = self.keys.lock().unwrap().get(digest.as_bytes()).cloned();
        let meanwhile = self.during_find.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        Ok(found)
    }

    async fn imported(&self) -> Result<Vec<KeyDigest>, Fault> {
        self.read()?;
        Ok(self
            .keys
            .lock()
            .unwrap()
            .values()
            .map(|found| found.key.digest)
            .collect())
    }
}
