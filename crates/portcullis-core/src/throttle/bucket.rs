//! The generic cell rate algorithm: a bucket that fills evenly.

use std::time::Duration;

use super::limit::Limit;
use super::outcome::Outcome;
use super::rate::Rate;
use crate::environment::Timestamp;

/// The moment from which the whole count may come at once again: what [`admit`] remembers of a subject. Finer than a
/// [`Timestamp`], for a large count's share of a second is a fraction of a microsecond more or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due(i64);

impl Due {
    /// The moment `nanos` nanoseconds after 1970-01-01T00:00:00Z.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z, by the server's clock.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The same as a moment, for a store: to the microsecond, and never sooner.
    pub const fn moment(self) -> Timestamp {
        Timestamp::from_micros(self.0 / 1_000 + (self.0 % 1_000 > 0) as i64)
    }
}

impl From<Timestamp> for Due {
    fn from(moment: Timestamp) -> Self {
        Self(moment.as_micros().saturating_mul(1_000))
    }
}

/// Whether one more is allowed at `now`, by the moment `due` that the last one allowed left behind (`None` where there
/// was none). Answers the moment to remember.
///
/// `rate.count()` of them may come at once; each is worth `period / count`, and they come back one by one.
///
/// # Errors
/// How long to wait for the next: never longer than the period.
///
/// Source: ITU-T I.371 annex A (the generic cell rate algorithm, virtual scheduling)
pub fn admit(rate: Rate, due: Option<Due>, now: Timestamp) -> Result<Due, Duration> {
    let (next, outcome) = spend(Limit::of(rate), rate.count(), due, 1, now);
    match outcome.wait {
        None => Ok(next),
        Some(wait) => Err(wait),
    }
}

/// The same for any cost, where `burst` may come at once. Answers what to remember, which is as before if it is refused.
pub(super) fn spend(limit: Limit, burst: u32, due: Option<Due>, cost: u32, now: Timestamp) -> (Due, Outcome) {
    let now = Due::from(now).0;
    let one = nanos(limit.rate().interval()).max(1);
    let whole = one.saturating_mul(i64::from(burst));
    // A moment further away than the whole count takes can only come from a clock that was set back, or from another
    // rate. Never nearer: an interval is rounded up, so the whole count may take longer than the period.
    let due = due.map_or(now, |due| due.0.clamp(now, now.saturating_add(whole)));
    let next = due.saturating_add(one.saturating_mul(i64::from(cost.min(burst))));
    let beyond = next.saturating_sub(now).saturating_sub(whole);
    let (after, wait) = match beyond {
        1.. => (due, Some(Duration::from_nanos(beyond.unsigned_abs()))),
        _ => (next, None),
    };
    let used = after.saturating_sub(now);
    let outcome = Outcome {
        limit,
        remaining: u32::try_from(whole.saturating_sub(used) / one).unwrap_or(0),
        reset: Duration::from_nanos(used.unsigned_abs()),
        wait,
    };
    (Due(after), outcome)
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Per;
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn a_stored_moment_is_never_sooner() {
        for (nanos, micros) in [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(Due::from_nanos(nanos).moment(), Timestamp::from_micros(micros));
        }
        assert_eq!(Due::from(START).moment(), START);
    }

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
            ("1001/second", 1_001),
            ("3000/second", 3_000),
            ("13000/minute", 13_000),
            ("700000/hour", 700_000),
            ("999999/second", 999_999),
            ("1000000/second", 1_000_000),
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

    #[test]
    fn a_large_count_comes_back_at_its_own_pace() {
        for (text, back) in [("3000/second", 2_999), ("999999/second", 999_000)] {
            let (rate, count) = (rate(text), rate(text).count() as usize);
            let calls = vec![0; count].into_iter().chain(vec![1_000; count * 2]);
            let came = admitted(rate, calls) - count;
            assert!((back..=count).contains(&came), "{text}: {came}");
        }
    }

    fn rates() -> impl Strategy<Value = Rate> {
        let count = prop_oneof![1..=100_u32, 1..=Rate::MOST];
        (count, proptest::sample::select(&Per::ALL[..]))
            .prop_map(|(count, per)| Rate::new(count, per).unwrap())
    }

    proptest! {
        // Shows: AK-4
        /// Over any span no more are admitted than the count at once and the rate afterwards.
        #[test]
        fn never_more_than_the_rate(rate in rates(), mut calls in proptest::collection::vec(0_u64..10_000, 0..300)) {
            calls.sort_unstable();
            let span = calls.last().copied().unwrap_or(0) - calls.first().copied().unwrap_or(0);
            let (count, period) = (u64::from(rate.count()), rate.per().duration().as_secs() * 1_000);
            let most = count + span * count / period;
            prop_assert!(admitted(rate, calls) as u64 <= most + 1);
        }

        /// Whatever the costs, the same units are admitted as would be one by one; what is refused costs nothing.
        #[test]
        fn a_cost_is_so_many_of_one(
            rate in rates(),
            calls in proptest::collection::vec((0_u64..10_000, 0_u32..200), 0..100),
        ) {
            let (limit, burst) = (Limit::of(rate), rate.count());
            let (mut due, mut at) = (None, START);
            for (pause, cost) in calls {
                at = at.plus(Duration::from_millis(pause));
                let before = spend(limit, burst, due, 0, at).1;
                let (next, outcome) = spend(limit, burst, due, cost, at);
                let cost = cost.min(burst);
                prop_assert_eq!(outcome.wait.is_none(), cost <= before.remaining);
                match outcome.wait {
                    None => prop_assert_eq!(outcome.remaining, before.remaining - cost),
                    Some(wait) => {
                        prop_assert_eq!((outcome.remaining, outcome.reset), (before.remaining, before.reset));
                        let (again, later) = (at.plus(wait), Duration::from_micros(1));
                        prop_assert!(spend(limit, burst, due, cost, again.plus(later)).1.wait.is_none());
                    }
                }
                due = Some(next);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// However large the count, what comes at one moment is the count and not one more.
        #[test]
        fn never_more_than_the_count_at_one_moment(rate in rates()) {
            let count = rate.count() as usize;
            prop_assert_eq!(admitted(rate, std::iter::repeat_n(0, count * 2)), count);
        }
    }
}
