//! The sliding window: never more than the count in any span of the period.
//!
//! A subject's calls of one eighth of a period become one [`Mark`]: how many, and when the last of them was. All of a mark
//! comes back one period after that last call, so a call counts for one period and at most an eighth more, never for less.
//! What comes singly, or at one moment, comes back exactly one period later.

use std::time::Duration;

use super::limit::Limit;
use super::outcome::Outcome;
use crate::environment::Timestamp;

/// So many calls, the last of them at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When the last of them was, in microseconds since 1970-01-01T00:00:00Z.
    pub last: i64,
    /// How many they are.
    pub count: u32,
}

/// The calls of a subject that still count, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Window(Vec<Mark>);

/// Into how many parts a period is cut.
pub const PARTS: i64 = 8;

impl Window {
    /// What the limit says of a call; nothing is counted.
    pub(super) fn look(&mut self, limit: Limit, cost: u32, now: Timestamp) -> Outcome {
        let (now, period) = (now.as_micros(), period(limit));
        self.forget(period, now);
        let used = self.used();
        let after = used.saturating_add(u64::from(limit.cost(cost)));
        let count = u64::from(limit.rate().count());
        let until = |last: i64| micros(last.saturating_add(period).saturating_sub(now));
        let newest = self.0.last().map_or(Duration::ZERO, |mark| until(mark.last));
        let (left, reset, wait) = match after.checked_sub(count) {
            None | Some(0) if cost > 0 => (count - after, micros(period), None),
            None | Some(0) => (count - after, newest, None),
            Some(beyond) => (
                count.saturating_sub(used),
                newest,
                self.holder(beyond).map(|mark| until(mark.last)),
            ),
        };
        Outcome {
            limit,
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            reset,
            wait,
        }
    }

    /// Counts a call that was admitted.
    pub(super) fn take(&mut self, limit: Limit, cost: u32, now: Timestamp) {
        let (now, part, cost) = (now.as_micros(), period(limit) / PARTS, limit.cost(cost));
        if cost == 0 {
            return;
        }
        match self.0.last_mut() {
            Some(mark) if mark.last.div_euclid(part) == now.div_euclid(part) => {
                mark.last = now.max(mark.last);
                mark.count = mark.count.saturating_add(cost);
            }
            _ => self.0.push(Mark {
                last: now,
                count: cost,
            }),
        }
    }

    /// How much of the limit is used up, of 255.
    pub(super) fn share(&self, limit: Limit, now: Timestamp) -> u8 {
        let (now, period) = (now.as_micros(), period(limit));
        let live = self
            .0
            .iter()
            .filter(|mark| mark.last.saturating_add(period) > now);
        let used: u64 = live.map(|mark| u64::from(mark.count)).sum();
        u8::try_from(used.saturating_mul(255) / u64::from(limit.rate().count())).unwrap_or(u8::MAX)
    }

    /// Whether nothing counts any more.
    pub(super) fn is_over(&self, limit: Limit, now: Timestamp) -> bool {
        let (now, period) = (now.as_micros(), period(limit));
        self.0.iter().all(|mark| mark.last.saturating_add(period) <= now)
    }

    fn used(&self) -> u64 {
        self.0.iter().map(|mark| u64::from(mark.count)).sum()
    }

    /// The mark with whose end so many are back.
    fn holder(&self, beyond: u64) -> Option<&Mark> {
        let mut back = 0;
        let mut marks = self.0.iter();
        let holder = marks.find(|mark| {
            back += u64::from(mark.count);
            back >= beyond
        });
        holder.or(self.0.last())
    }

    /// Forgets what counts no more. What lies ahead, because a clock was set back, was now: nobody waits longer than a
    /// period.
    fn forget(&mut self, period: i64, now: i64) {
        self.0.retain(|mark| mark.last.saturating_add(period) > now);
        let ahead = self.0.iter().filter(|mark| mark.last > now);
        let ahead = ahead.fold(0_u32, |sum, mark| sum.saturating_add(mark.count));
        if ahead > 0 {
            self.0.retain(|mark| mark.last <= now);
            self.0.push(Mark {
                last: now,
                count: ahead,
            });
        }
    }
}

fn period(limit: Limit) -> i64 {
    i64::try_from(limit.rate().per().duration().as_micros()).unwrap_or(i64::MAX)
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    fn limit(text: &str) -> Limit {
        Limit::parse(text).unwrap()
    }

    fn call(window: &mut Window, limit: Limit, cost: u32, now: Timestamp) -> Outcome {
        let outcome = window.look(limit, cost, now);
        if outcome.wait.is_none() {
            window.take(limit, cost, now);
        }
        outcome
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_comes_at_one_moment_is_back_exactly_one_period_later() {
        let (five, mut window) = (limit("5/minute; sliding"), Window::default());
        for left in (0..5).rev() {
            let outcome = call(&mut window, five, 1, START);
            assert_eq!(
                (outcome.remaining, outcome.wait, outcome.reset),
                (left, None, seconds(60))
            );
        }
        let refused = call(&mut window, five, 1, START.plus(seconds(20)));
        assert_eq!((refused.remaining, refused.wait), (0, Some(seconds(40))));
        let before = START.plus(seconds(60)).minus(Duration::from_micros(1));
        assert!(call(&mut window, five, 1, before).wait.is_some());
        for left in (0..5).rev() {
            assert_eq!(
                call(&mut window, five, 1, START.plus(seconds(60))).remaining,
                left
            );
        }
    }

    #[test]
    fn a_cost_waits_for_as_many_as_it_needs() {
        let (five, mut window) = (limit("5/minute; sliding"), Window::default());
        for (at, cost) in [(0, 2), (30, 3)] {
            assert!(
                call(&mut window, five, cost, START.plus(seconds(at)))
                    .wait
                    .is_none()
            );
        }
        let at = START.plus(seconds(31));
        for (cost, wait) in [
            (0, None),
            (1, Some(29)),
            (2, Some(29)),
            (3, Some(59)),
            (5, Some(59)),
            (500, Some(59)),
        ] {
            assert_eq!(window.look(five, cost, at).wait, wait.map(seconds), "{cost}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_waiting_longer_than_a_period() {
        let (five, mut window) = (limit("5/minute; sliding"), Window::default());
        for day in [1, 2] {
            for _ in 0..2 {
                assert!(
                    call(&mut window, five, 1, START.plus(seconds(10 - day)))
                        .wait
                        .is_none()
                );
            }
        }
        let back = START.minus(seconds(86_400));
        assert_eq!(call(&mut window, five, 5, back).wait, Some(seconds(60)));
        assert!(call(&mut window, five, 5, back.plus(seconds(60))).wait.is_none());
    }

    #[test]
    fn a_subject_takes_little_room() {
        let (all, mut window) = (limit("1000000/hour; sliding"), Window::default());
        for second in 0..20_000 {
            call(&mut window, all, 1, START.plus(seconds(second)));
            assert!(window.0.len() <= 9, "{}", window.0.len());
        }
    }

    proptest! {
        // Shows: AB-1
        /// In no span of one period are more admitted than the count, and nobody waits longer than a period.
        #[test]
        fn never_more_than_the_count_in_any_period(
            count in 1..20_u32,
            calls in proptest::collection::vec((0_u64..20_000, 1_u32..4), 0..200),
        ) {
            let limit = limit(&format!("{count}/minute; sliding"));
            let (mut window, mut at) = (Window::default(), START);
            let mut admitted: Vec<(Timestamp, u32)> = Vec::new();
            for (pause, cost) in calls {
                at = at.plus(Duration::from_millis(pause));
                let outcome = call(&mut window, limit, cost, at);
                match outcome.wait {
                    None => admitted.push((at, cost.min(count))),
                    Some(wait) => prop_assert!(!wait.is_zero() && wait <= seconds(60)),
                }
                let recent = admitted.iter().filter(|(then, _)| at.since(*then) < seconds(60));
                let sum: u32 = recent.map(|(_, cost)| cost).sum();
                prop_assert!(sum <= count);
                prop_assert!(outcome.remaining <= count - sum);
            }
        }
    }
}
