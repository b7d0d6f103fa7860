use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures_util::future::{join_all, poll_fn};
use serde_json::{Value, json};

use super::*;
use crate::key::fakes::{FakeClock, START, SeededEntropy, block_on, signing_key};
use crate::key::jwk;

/// An issuer that publishes what it was told to, once it was asked `slow` times.
#[derive(Default)]
struct Issuer {
    answers: Mutex<VecDeque<Result<Published, FetchFailed>>>,
    last: Mutex<Option<Result<Published, FetchFailed>>>,
    asked: AtomicUsize,
    slow: usize,
}

#[async_trait]
impl Fetch for Issuer {
    async fn fetch(&self) -> Result<Published, FetchFailed> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut left = self.slow;
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        if let Some(answer) = self.answers.lock().unwrap().pop_front() {
            *self.last.lock().unwrap() = Some(answer);
        }
        self.last.lock().unwrap().clone().unwrap()
    }
}

impl Issuer {
    fn says(&self, answer: Result<Published, FetchFailed>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

struct World {
    clock: Arc<FakeClock>,
    issuer: Arc<Issuer>,
    keys: RemoteKeys,
}

impl World {
    fn new() -> Self {
        Self::with(Settings::default(), 0)
    }

    fn with(settings: Settings, slow: usize) -> Self {
        let clock = FakeClock::at(START);
        let environment = Environment::new(clock.clone(), SeededEntropy::new(7));
        let issuer = Arc::new(Issuer {
            slow,
            ..Issuer::default()
        });
        Self {
            keys: RemoteKeys::new(issuer.clone(), environment, settings),
            clock,
            issuer,
        }
    }

    fn now(&self) -> Timestamp {
        self.keys.environment.now()
    }

    fn set(&self) -> Result<Arc<KeySet>, Fault> {
        block_on(self.keys.set(self.now()))
    }
}

/// The public key that a seed makes, with another name if one is given.
fn key(seed: u64, kid: Option<&str>) -> Value {
    let mut key = jwk::publish(signing_key(Algorithm::ES256, seed).verifying()).unwrap();
    if let Some(kid) = kid {
        key["kid"] = kid.into();
    }
    key
}

fn of(keys: &[Value], max_age: Option<u64>) -> Result<Published, FetchFailed> {
    Ok(Published {
        text: json!({ "keys": keys }).to_string().into_bytes(),
        max_age: max_age.map(Duration::from_secs),
    })
}

fn down() -> Result<Published, FetchFailed> {
    Err(FetchFailed("nobody answers".into()))
}

const MICRO: Duration = Duration::from_micros(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn nobody_is_let_in_before_the_first_set_and_it_heals_by_itself() {
    crate::checks!("T053");
    let world = World::new();
    world.issuer.says(down());
    let Err(Fault::Keys(wait)) = world.set() else {
        panic!("there are no keys")
    };
    assert_eq!(wait, Duration::from_secs(1), "never less than a second");
    assert!(world.set().is_err());
    assert_eq!(world.issuer.asked(), 1, "the pause isn't over");
    world.issuer.says(of(&[key(1, None)], None));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.set().unwrap().len(), 1);
    assert_eq!(world.issuer.asked(), 2);
}

#[test]
fn the_pause_doubles_up_to_its_most_and_begins_anew_after_a_success() {
    crate::checks!("T053");
    let world = World::new();
    world.issuer.says(down());
    for most in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        let asked = world.issuer.asked();
        assert!(world.set().is_err());
        assert_eq!(world.issuer.asked(), asked + 1);
        // At least half of it is never cut; after all of it the next attempt is made.
        let half = Duration::from_secs(most) / 2;
        world.clock.advance(half.saturating_sub(MICRO));
        assert!(world.set().is_err());
        assert_eq!(world.issuer.asked(), asked + 1, "{most}");
        world.clock.advance(half + MICRO * 2);
    }
    world.issuer.says(of(&[], None));
    assert!(world.set().unwrap().is_empty());
    world.clock.advance(HOUR * 24);
    world.issuer.says(down());
    assert!(world.set().is_err());
    world.clock.advance(Duration::from_secs(1));
    world.issuer.says(of(&[], None));
    assert!(world.set().is_ok(), "one second after the first failure");
}

// Shows: TK-3
#[test]
fn a_thousand_who_wait_cause_one_fetch() {
    crate::checks!("T053");
    let world = World::with(Settings::default(), 3);
    world.issuer.says(of(&[key(1, None)], None));
    let now = world.now();
    let all = block_on(join_all((0..1_000).map(|_| world.keys.set(now))));
    assert!(all.iter().all(|set| set.as_ref().is_ok_and(|set| set.len() == 1)));
    assert_eq!(world.issuer.asked(), 1);

    world.clock.advance(MINUTE);
    let (seen, now) = (world.set().unwrap(), world.now());
    world.issuer.says(of(&[key(1, None), key(2, None)], None));
    let all = block_on(join_all((0..1_000).map(|_| world.keys.after_unknown(&seen, now))));
    assert!(
        all.iter()
            .all(|set| set.as_ref().unwrap().as_ref().unwrap().len() == 2)
    );
    assert_eq!(world.issuer.asked(), 2);
}

#[test]
fn a_fetch_goes_on_when_the_one_who_began_it_goes_away() {
    let world = World::with(Settings::default(), 3);
    world.issuer.says(of(&[key(1, None)], None));
    let now = world.now();
    {
        let mut first = std::pin::pin!(world.keys.set(now));
        let waker = futures_util::task::noop_waker();
        let mut context = std::task::Context::from_waker(&waker);
        assert!(first.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(world.set().unwrap().len(), 1);
    assert_eq!(world.issuer.asked(), 1);
}

// Shows: TK-3
#[test]
fn a_flood_of_names_that_nobody_knows_causes_one_fetch_per_cooldown() {
    crate::checks!("T053");
    let world = World::new();
    world.issuer.says(of(&[key(1, None)], Some(3_600)));
    let seen = world.set().unwrap();
    let unknown = || block_on(world.keys.after_unknown(&seen, world.now()));
    for _ in 0..100 {
        assert!(unknown().unwrap().is_none(), "it was asked just now");
    }
    assert_eq!(world.issuer.asked(), 1);
    world.clock.advance(Duration::from_secs(10) - MICRO);
    assert!(unknown().unwrap().is_none());
    world.clock.advance(MICRO);
    let mut latest = unknown().unwrap().unwrap();
    assert_eq!(world.issuer.asked(), 2);
    for minute in 0..6 {
        for _ in 0..1_000 {
            if let Some(newer) = block_on(world.keys.after_unknown(&latest, world.now())).unwrap() {
                latest = newer;
            }
            world.clock.advance(Duration::from_millis(10));
        }
        assert!(world.issuer.asked() <= 3 + minute, "one per ten seconds");
    }
}

#[test]
fn a_name_that_appears_is_known_at_first_sight() {
    let world = World::new();
    world.issuer.says(of(&[key(1, None)], Some(3_600)));
    let seen = world.set().unwrap();
    world.clock.advance(Duration::from_secs(10));
    world
        .issuer
        .says(of(&[key(1, None), key(2, Some("new"))], Some(3_600)));
    let newer = block_on(world.keys.after_unknown(&seen, world.now()))
        .unwrap()
        .unwrap();
    assert!(newer.verifying("new").is_some());
    assert_ne!(newer.edition, seen.edition);
    // Who still holds the set of before gets the newer one without a fetch.
    let again = block_on(world.keys.after_unknown(&seen, world.now())).unwrap();
    assert!(again.unwrap().verifying("new").is_some());
    assert_eq!(world.issuer.asked(), 2);
}

#[test]
fn a_name_that_can_not_be_asked_for_is_a_fault_and_no_refusal() {
    let world = World::new();
    world.issuer.says(of(&[key(1, None)], Some(3_600)));
    let seen = world.set().unwrap();
    world.clock.advance(MINUTE);
    world.issuer.says(down());
    for _ in 0..3 {
        let unknown = block_on(world.keys.after_unknown(&seen, world.now()));
        assert!(matches!(unknown, Err(Fault::Keys(_))), "{unknown:?}");
        assert!(world.set().is_ok(), "known names go on");
    }
    assert_eq!(world.issuer.asked(), 2);
    // When the pause is over it is asked again, within the cooldown too.
    world.issuer.says(of(&[key(1, None), key(2, None)], Some(3_600)));
    world.clock.advance(Duration::from_secs(1));
    let newer = block_on(world.keys.after_unknown(&seen, world.now()));
    assert_eq!(newer.unwrap().unwrap().len(), 2);
}

#[test]
fn the_issuers_word_on_caching_is_bounded_on_both_sides() {
    for (said, fresh) in [
        (None, 5 * MINUTE),
        (Some(0), 5 * MINUTE),
        (Some(299), 5 * MINUTE),
        (Some(301), Duration::from_secs(301)),
        (Some(86_399), Duration::from_secs(86_399)),
        (Some(86_401), 24 * HOUR),
        (Some(u64::MAX), 24 * HOUR),
    ] {
        let world = World::new();
        world.issuer.says(of(&[key(1, None)], said));
        world.set().unwrap();
        world.clock.advance(fresh - MICRO);
        assert!(world.keys.fresh_edition(world.now()).is_some(), "{said:?}");
        world.clock.advance(MICRO);
        assert!(world.keys.fresh_edition(world.now()).is_none(), "{said:?}");
    }
}

#[test]
fn it_is_fetched_anew_beside_the_requests_before_its_time_is_over() {
    let world = World::new();
    world.issuer.says(of(&[key(1, None)], Some(3_600)));
    let pause = block_on(world.keys.tend());
    assert!(
        (45 * MINUTE..=Duration::from_secs(3_150)).contains(&pause),
        "{pause:?}"
    );
    world.clock.advance(pause - MICRO);
    block_on(world.keys.tend());
    assert_eq!(world.issuer.asked(), 1);
    world.clock.advance(MICRO);
    block_on(world.keys.tend());
    assert_eq!(world.issuer.asked(), 2);

    world.clock.advance(55 * MINUTE);
    world.issuer.says(down());
    let pause = block_on(world.keys.tend());
    assert!(pause <= Duration::from_secs(1), "{pause:?}");
    assert!(world.keys.fresh_edition(world.now()).is_some());
}

#[test]
fn both_sides_of_the_time_without_an_issuer() {
    let settings = Settings {
        stale: 2 * HOUR,
        ..Settings::default()
    };
    let world = World::with(settings, 0);
    world.issuer.says(of(&[key(1, None)], None));
    world.set().unwrap();
    world.issuer.says(down());
    world.clock.advance(2 * HOUR - MICRO);
    assert_eq!(world.set().unwrap().len(), 1, "the set of before");
    world.clock.advance(MICRO);
    assert!(matches!(world.set(), Err(Fault::Keys(_))));
    world.clock.advance(MINUTE);
    world.issuer.says(of(&[key(1, None)], None));
    assert!(world.set().is_ok());
}

#[test]
fn while_the_issuer_hangs_requests_do_not_wait_for_each_attempt() {
    crate::checks!("T053");
    let world = World::with(Settings::default(), 3);
    world.issuer.says(of(&[key(1, None)], None));
    world.set().unwrap();
    world.issuer.says(down());
    world.clock.advance(HOUR);
    assert!(world.set().is_ok());
    assert_eq!(world.issuer.asked(), 2);
    world.clock.advance(HOUR);
    let now = world.now();
    let mut next = std::pin::pin!(world.keys.set(now));
    let waker = futures_util::task::noop_waker();
    let mut context = std::task::Context::from_waker(&waker);
    assert!(
        next.as_mut().poll(&mut context).is_ready(),
        "nobody is waited for"
    );
    assert_eq!(world.issuer.asked(), 2);
    // Whoever tends them asks again, and finds the issuer well.
    world.issuer.says(of(&[key(2, None)], None));
    block_on(world.keys.tend());
    assert_eq!(world.issuer.asked(), 3);
    assert!(world.keys.fresh_edition(world.now()).is_some());
}

#[test]
fn a_key_that_was_taken_away_counts_no_more_once_the_set_is_over_its_time() {
    crate::checks!("T054");
    let world = World::new();
    world
        .issuer
        .says(of(&[key(1, Some("a")), key(2, Some("b"))], None));
    let before = world.set().unwrap();
    world.issuer.says(of(&[key(2, Some("b"))], None));
    world.clock.advance(5 * MINUTE);
    let after = world.set().unwrap();
    assert!(after.verifying("a").is_none() && after.verifying("b").is_some());
    assert_ne!(after.edition, before.edition);
    // All keys withdrawn is an answer too.
    world.issuer.says(of(&[], None));
    world.clock.advance(5 * MINUTE);
    assert!(world.set().unwrap().is_empty());
}

#[test]
fn the_edition_changes_with_the_keys_and_with_nothing_else() {
    let world = World::new();
    for (keys, edition) in [
        (vec![key(1, Some("a")), key(2, Some("b"))], 0),
        (vec![key(2, Some("b")), key(1, Some("a"))], 0),
        (vec![key(1, Some("a")), key(3, Some("b"))], 1),
        (vec![key(1, Some("a"))], 2),
    ] {
        world.issuer.says(of(&keys, None));
        assert_eq!(world.set().unwrap().edition, edition);
        world.clock.advance(5 * MINUTE);
    }
}

#[test]
fn a_clock_that_is_set_back_makes_a_set_doubtful() {
    let world = World::new();
    world.issuer.says(of(&[key(1, None)], None));
    world.set().unwrap();
    let back = world.now().minus(HOUR);
    block_on(world.keys.set(back)).unwrap();
    assert_eq!(world.issuer.asked(), 2);
}

/// What is left of a set that has one good key and this one; `None` if the whole set is refused.
fn left_with(other: Value) -> Option<usize> {
    let world = World::new();
    world.issuer.says(of(&[key(1, Some("good")), other], None));
    let set = world.set().ok()?;
    set.verifying("good").map(|_| set.len())
}

#[test]
fn keys_that_are_none_here_are_passed_over_and_ambiguous_sets_refused() {
    crate::checks!("T054");
    let with = |name: &str, value: Value| {
        let mut other = key(2, Some("other"));
        other[name] = value;
        other
    };
    let rsa = |more: Value| {
        let mut key: Value =
            serde_json::from_slice(include_bytes!("../../../tests/vectors/rfc7520_rsa.json")).unwrap();
        let members = key.as_object_mut().unwrap();
        members.retain(|name, _| ["kty", "n", "e"].contains(&name.as_str()));
        members.insert("kid".into(), "rsa".into());
        members.extend(more.as_object().unwrap().clone());
        key
    };
    for (other, left) in [
        (key(2, Some("other")), Some(2)),
        (with("use", json!("sig")), Some(2)),
        (with("key_ops", json!(["verify"])), Some(2)),
        (rsa(json!({ "alg": "PS256" })), Some(2)),
        (rsa(json!({})), Some(2)),
        (with("use", json!("enc")), Some(1)),
        (with("key_ops", json!(["sign"])), Some(1)),
        (with("key_ops", json!(["encrypt"])), Some(1)),
        (with("alg", json!("none")), Some(1)),
        (with("alg", json!("HS256")), Some(1)),
        (with("alg", json!("RS256")), Some(1)),
        (with("d", json!("AAAA")), Some(1)),
        (with("k", json!("AAAA")), Some(1)),
        (with("x", json!("AAAA")), Some(1)),
        (with("kid", json!("with space")), Some(1)),
        (rsa(json!({ "alg": "HS256" })), Some(1)),
        (rsa(json!({ "n": "AQAB" })), Some(1)),
        (
            json!({ "kty": "oct", "k": "A".repeat(86), "kid": "secret", "alg": "HS256" }),
            Some(1),
        ),
        (
            json!({ "kty": "oct", "k": "A".repeat(86), "kid": "secret" }),
            Some(1),
        ),
        (json!({}), Some(1)),
        (key(2, Some("good")), None),
        (json!("good"), None),
    ] {
        assert_eq!(left_with(other.clone()), left, "{other}");
    }
}

#[test]
fn only_the_allowed_algorithms_are_taken_in() {
    crate::checks!("T054");
    let settings = Settings {
        algorithms: vec![Algorithm::EdDSA, Algorithm::HS256],
        ..Settings::default()
    };
    let world = World::with(settings, 0);
    let ed = jwk::publish(signing_key(Algorithm::EdDSA, 1).verifying()).unwrap();
    world.issuer.says(of(&[key(1, None), ed], None));
    assert_eq!(world.set().unwrap().len(), 1);
    assert!(world.keys.honours(Algorithm::EdDSA));
    assert!(!world.keys.honours(Algorithm::ES256), "not allowed");
    assert!(!world.keys.honours(Algorithm::HS256), "never");
}

#[test]
fn a_set_that_can_not_be_read_changes_nothing() {
    crate::checks!("T054");
    let many: Vec<Value> = (0..65).map(|n| key(1, Some(&format!("k{n}")))).collect();
    let huge = serde_json::to_vec(&json!({ "keys": many })).unwrap();
    for text in [
        &b"<html>"[..],
        b"",
        b"[]",
        b"{}",
        br#"{"keys":{}}"#,
        br#"{"keys":[],"keys":[]}"#,
        b"\xff",
        &huge,
    ] {
        let world = World::new();
        world.issuer.says(of(&many[..64], None));
        assert_eq!(world.set().unwrap().len(), 64);
        world.clock.advance(5 * MINUTE);
        world.issuer.says(Ok(Published {
            text: text.to_vec(),
            max_age: None,
        }));
        assert_eq!(
            world.set().unwrap().len(),
            64,
            "{}",
            String::from_utf8_lossy(text)
        );
        assert_eq!(world.issuer.asked(), 2);
    }
}

#[test]
fn a_fetch_that_everybody_left_is_begun_anew() {
    crate::checks!("T053");
    let world = World::with(Settings::default(), 1);
    world.issuer.says(of(&[key(1, None)], None));
    let leave = || {
        let waiting = world.keys.set(world.now());
        assert!(waiting.now_or_never().is_none(), "still on its way");
    };
    leave();
    assert_eq!(world.issuer.asked(), 1);
    // Within the bound it is the same fetch.
    world.clock.advance(Settings::default().patience - MICRO);
    assert!(world.set().is_ok());
    assert_eq!(world.issuer.asked(), 1);

    let world = World::with(Settings::default(), 1);
    world.issuer.says(of(&[key(1, None)], None));
    world.issuer.says(of(&[key(2, None)], None));
    let leave = || assert!(world.keys.set(world.now()).now_or_never().is_none());
    leave();
    world.clock.advance(Settings::default().patience);
    assert!(world.set().is_ok());
    assert_eq!(world.issuer.asked(), 2);
}

#[test]
fn a_clock_that_is_set_back_lengthens_no_pause() {
    crate::checks!("T053");
    let world = World::new();
    world.issuer.says(down());
    assert!(world.set().is_err());
    assert_eq!(world.issuer.asked(), 1);
    let earlier = world.now().minus(HOUR);
    assert!(block_on(world.keys.set(earlier)).is_err());
    assert_eq!(world.issuer.asked(), 2, "a pause of an hour is none of ours");
    // Within the longest pause it may be ours.
    assert!(block_on(world.keys.set(world.now().minus(MICRO))).is_err());
    assert_eq!(world.issuer.asked(), 2);
    let Err(Fault::Keys(wait)) = block_on(world.keys.set(world.now())) else {
        panic!("there are no keys")
    };
    assert!(wait <= MINUTE, "{wait:?}");
}
