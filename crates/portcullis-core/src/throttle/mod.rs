//! Throttle: how often something may happen.
//!
//! A [`Rate`] is text such as `100/minute`. [`admit`] is the rule, a pure function: the generic cell rate algorithm,
//! which needs one moment per subject and spreads what was used up evenly instead of opening all at once when a
//! window turns. [`Limiter`] remembers those moments for many subjects.
//!
//! **Invariants:** nobody waits longer than one period, also after a clock was set back; memory is bounded.
//!
//! **Deployment caveat:** a [`Limiter`] counts what its own process sees. Behind a balancer each node allows the whole
//! rate, so a deployment of three allows up to three times as much.

mod budget;
mod limiter;
mod rate;

use std::time::Duration;

pub use self::budget::{Budget, Subject};
pub use self::limiter::Limiter;
pub use self::rate::{InvalidRate, Per, Rate};
use crate::environment::Timestamp;

/// Whether one more is allowed at `now`, by the moment `due` that the last one allowed left behind (`None` where there
/// was none). Answers the moment to remember.
///
/// `rate.count()` of them may come at once; each is worth `period / count`, and they come back one by one.
///
/// # Errors
/// How long to wait for the next: never longer than the period.
///
/// Source: ITU-T I.371 annex A (the generic cell rate algorithm, virtual scheduling)
pub fn admit(rate: Rate, due: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Duration> {
    let (one, period) = (rate.interval(), rate.per().duration());
    // A moment further away than a period can only come from a clock that was set back, or from a longer period.
    let due = due.map_or(now, |due| due.max(now).min(now.plus(period)));
    let burst = one.saturating_mul(rate.count().saturating_sub(1));
    let allowed_from = due.minus(burst);
    if now < allowed_from {
        return Err(allowed_from.since(now));
    }
    Ok(due.plus(one))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap()
    }

    /// How many of the calls at these milliseconds are admitted.
    fn admitted(rate: Rate, calls: impl IntoIterator<Item = u64>) -> usize {
        let mut due = None;
        let mut count = 0;
        for at in calls {
            if let Ok(next) = admit(rate, due, START.plus(Duration::from_millis(at))) {
                due = Some(next);
                count += 1;
            }
        }
        count
    }

    #[test]
    fn the_whole_count_comes_at_once_and_not_one_more() {
        for (text, count) in [
            ("1/second", 1),
            ("5/minute", 5),
            ("7/second", 7),
            ("100/hour", 100),
        ] {
            assert_eq!(admitted(rate(text), vec![0; count * 2]), count, "{text}");
        }
    }

    #[test]
    fn one_comes_back_after_its_share_of_the_period_and_not_sooner() {
        let five = rate("5/minute");
        let burst = [0; 5];
        for (at, back) in [
            (11_999, 0),
            (12_000, 1),
            (24_000, 2),
            (59_999, 4),
            (60_000, 5),
            (999_000, 5),
        ] {
            let calls = burst.iter().copied().chain(vec![at; 10]);
            assert_eq!(admitted(five, calls), 5 + back, "after {at} ms");
        }
    }

    #[test]
    fn the_wait_that_is_told_is_long_enough_and_not_too_long() {
        let five = rate("5/minute");
        let mut due = None;
        for _ in 0..5 {
            due = Some(admit(five, due, START).unwrap());
        }
        let wait = admit(five, due, START).unwrap_err();
        assert_eq!(wait, Duration::from_secs(12));
        let just_before = START.plus(wait).minus(Duration::from_micros(1));
        assert!(admit(five, due, just_before).is_err());
        assert!(admit(five, due, START.plus(wait)).is_ok());
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_waiting_longer_than_a_period() {
        let one = rate("1/minute");
        let due = admit(one, None, START.plus(Duration::from_secs(86_400))).unwrap();
        assert!(admit(one, Some(due), START).unwrap_err() <= Duration::from_secs(60));
    }

    proptest! {
        /// Over any span no more are admitted than the count at once and the rate afterwards.
        #[test]
        fn never_more_than_the_rate(count in 1_u32..50, mut calls in proptest::collection::vec(0_u64..10_000, 0..300)) {
            calls.sort_unstable();
            let rate = Rate::new(count, Per::Second).unwrap();
            let span = calls.last().copied().unwrap_or(0) - calls.first().copied().unwrap_or(0);
            let most = u64::from(count) + span * u64::from(count) / 1_000;
            prop_assert!(admitted(rate, calls) as u64 <= most + 1);
        }
    }
}
