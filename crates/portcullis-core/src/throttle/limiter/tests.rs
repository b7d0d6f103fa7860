use std::net::Ipv6Addr;
use std::time::Duration;

use uuid::Uuid;

use super::super::{LimitKey, Limits, Quota, V6Prefix};
use super::*;
use crate::checks;

const START: Timestamp = Timestamp::from_seconds(1_000_000);

fn quota(text: &str) -> Quota {
    Quota::new("test", Limits::parse(text).unwrap()).unwrap()
}

fn user(number: u128) -> LimitKey {
    LimitKey::user(Uuid::from_u128(number))
}

/// One of the networks that a caller has, as many as they like.
fn network(number: u64) -> LimitKey {
    let address = Ipv6Addr::from_bits(u128::from(number) << 64);
    LimitKey::address(address.into(), V6Prefix::SITE)
}

fn wait(limiter: &Limiter, quota: &Quota, subject: LimitKey, now: Timestamp) -> Option<Duration> {
    limiter.take(&Ask::once(quota, subject), now).wait()
}

#[test]
fn subjects_are_counted_apart() {
    let limiter = Limiter::new(100);
    let two = quota("2/minute");
    for subject in [user(1), user(2), network(1), network(2), LimitKey::NOBODY] {
        assert_eq!(wait(&limiter, &two, subject, START), None);
        assert_eq!(wait(&limiter, &two, subject, START), None);
        assert_eq!(
            wait(&limiter, &two, subject, START),
            Some(Duration::from_secs(30))
        );
        let later = START.plus(Duration::from_secs(30));
        assert_eq!(wait(&limiter, &two, subject, later), None);
        assert!(wait(&limiter, &two, subject, later).is_some());
    }
}

#[test]
fn quotas_are_counted_apart_and_the_same_one_together() {
    let limiter = Limiter::new(100);
    for quota in [
        quota("1/minute"),
        quota("1/hour"),
        Quota::new("other", *quota("1/minute").limits()).unwrap(),
    ] {
        assert_eq!(wait(&limiter, &quota, user(1), START), None);
        assert!(wait(&limiter, &quota, user(1), START).is_some());
    }
    assert!(wait(&limiter, &quota("1/minute"), user(1), START).is_some());
}

// Shows: AB-1
#[test]
fn a_call_that_one_limit_refuses_costs_nothing_under_the_others() {
    let limiter = Limiter::new(100);
    for text in [
        "2/minute, 3/day",
        "2/minute; sliding, 3/day; sliding",
        "3/day, 2/minute; sliding",
    ] {
        let both = Quota::new("both", Limits::parse(text).unwrap()).unwrap();
        for _ in 0..2 {
            assert_eq!(wait(&limiter, &both, user(1), START), None, "{text}");
        }
        for _ in 0..100 {
            assert!(wait(&limiter, &both, user(1), START).is_some(), "{text}");
        }
        let later = START.plus(Duration::from_secs(60));
        let third = limiter.take(&Ask::once(&both, user(1)), later);
        assert_eq!(third.wait(), None, "{text}");
        let refused = limiter.take(&Ask::once(&both, user(1)), later);
        assert!(refused.wait() > Some(Duration::from_secs(3_600)), "{text}");
        let day = refused.outcomes().find(|outcome| outcome.wait.is_some()).unwrap();
        assert_eq!((day.limit.rate().count(), day.remaining), (3, 0), "{text}");
        assert_eq!(refused.tightest(), day, "{text}");
        // What the other one has left isn't told as if this call had been counted.
        let minute = refused.outcomes().find(|outcome| outcome.wait.is_none()).unwrap();
        assert_eq!(minute.remaining, 1, "{text}");
    }
}

#[test]
fn a_cost_counts_as_so_many_and_nothing_only_looks() {
    let limiter = Limiter::new(100);
    for text in ["10/minute", "10/minute; sliding"] {
        let ten = quota(text);
        let take = |cost| {
            limiter.take(
                &Ask {
                    cost,
                    ..Ask::once(&ten, user(1))
                },
                START,
            )
        };
        assert_eq!(take(0).tightest().remaining, 10, "{text}");
        assert_eq!(take(7).tightest().remaining, 3, "{text}");
        assert!(take(4).wait().is_some(), "{text}");
        assert_eq!(take(3).tightest().remaining, 0, "{text}");
        assert_eq!(take(0).wait(), None, "{text}");
        // More than there ever is waits until there is all of it.
        assert_eq!(take(500).wait(), Some(Duration::from_secs(60)), "{text}");
    }
}

#[test]
fn callers_at_the_same_moment_share_one_count() {
    let limiter = Limiter::new(100);
    for text in ["100/minute", "100/minute; sliding", "100/minute, 100/day"] {
        let hundred = quota(text);
        let admitted: usize = std::thread::scope(|scope| {
            let call = || {
                (0..100)
                    .filter(|_| wait(&limiter, &hundred, user(7), START).is_none())
                    .count()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(call)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 100, "{text}");
    }
}

#[test]
fn whoever_makes_up_subjects_makes_nobody_forget_who_used_up_more() {
    checks!("T243");
    let limiter = Limiter::new(1_000);
    let five = quota("5/hour");
    let (victim, known) = (network(0), user(1));
    for subject in [victim, known] {
        for _ in 0..5 {
            assert_eq!(wait(&limiter, &five, subject, START), None);
        }
    }
    for number in 1..100_000 {
        assert_eq!(wait(&limiter, &five, network(number), START), None);
        if number % 1_000 == 0 {
            assert!(wait(&limiter, &five, victim, START).is_some(), "after {number}");
            assert!(wait(&limiter, &five, known, START).is_some(), "after {number}");
        }
    }
    assert!(limiter.subjects() <= 1_100, "{}", limiter.subjects());
}

#[test]
fn memory_is_bounded_whatever_is_used() {
    checks!("T243");
    let limiter = Limiter::new(640);
    let one = quota("1/hour");
    for number in 0..20_000 {
        assert_eq!(wait(&limiter, &one, network(number), START), None);
        assert_eq!(wait(&limiter, &one, user(number.into()), START), None);
    }
    assert!(limiter.subjects() <= 1_280, "{}", limiter.subjects());
}

#[test]
fn what_takes_more_room_leaves_room_for_fewer() {
    checks!("T243");
    for (text, most) in [("1/hour, 1/day", 213), ("1/hour; sliding", 128)] {
        let (limiter, quota) = (Limiter::new(640), quota(text));
        for number in 0..20_000 {
            assert_eq!(wait(&limiter, &quota, network(number), START), None, "{text}");
        }
        // Each of the 64 shards takes whole ones.
        assert!(
            (most / 2..=most + 64).contains(&limiter.subjects()),
            "{text}: {}",
            limiter.subjects()
        );
    }
}

#[test]
fn what_is_all_back_is_forgotten() {
    let limiter = Limiter::new(100_000);
    let one = quota("1/second");
    for number in 0..10_000 {
        let _ = wait(&limiter, &one, network(number), START);
    }
    let all = limiter.subjects();
    let later = START.plus(Duration::from_secs(2));
    for number in 10_000..20_000 {
        let _ = wait(&limiter, &one, network(number), later);
    }
    assert_eq!(all, 10_000);
    assert!(limiter.subjects() <= 11_000, "{}", limiter.subjects());
}

#[test]
fn a_clock_that_was_set_back_keeps_nobody_waiting_longer_than_a_period() {
    let limiter = Limiter::new(100);
    for text in ["1/minute", "1/minute; sliding", "1/minute, 1/second"] {
        let one = quota(text);
        assert_eq!(wait(&limiter, &one, user(1), START), None);
        let back = START.minus(Duration::from_secs(86_400));
        assert!(
            wait(&limiter, &one, user(1), back) <= Some(Duration::from_secs(60)),
            "{text}"
        );
    }
}
