//! The moment that what is deleted is checked by.
//!
//! What is deleted protects: a revocation, the record that a token was used, a budget that was spent. A clock that is ahead
//! for a while, at one start or in the middle, must not take it away: when the clock is right again, it would be needed. Time
//! that passes can't be ahead. So a moment counts once the clock has agreed with the time that passed for long enough, and
//! before that nothing is deleted.
//!
//! **Invariant:** a row that was there when the process began is deleted no sooner than [`Steady`]'s patience later, in time
//! that really passed, and the patience is longer than what a revocation protects.

use std::collections::VecDeque;
use std::time::Duration;

use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use tokio::time::Instant;

/// What the clock said, and when in time that passes.
pub(super) struct Steady {
    patience: Duration,
    seen: VecDeque<(Instant, Timestamp)>,
}

impl Steady {
    /// Believes a clock that has been steady for `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            seen: VecDeque::new(),
        }
    }

    /// The latest moment that has surely come, if any has yet: the clock says `now`.
    pub(super) fn judge_by(&mut self, passed: Instant, now: Timestamp) -> Option<Timestamp> {
        defends!("T171");
        self.seen.push_back((passed, now));
        let long_ago = |then: Instant, patience| passed.saturating_duration_since(then) >= patience;
        // Of what was seen long enough ago only the last is needed.
        while self
            .seen
            .get(1)
            .is_some_and(|(then, _)| long_ago(*then, self.patience))
        {
            self.seen.pop_front();
        }
        let (first, _) = self.seen.front()?;
        if !long_ago(*first, self.patience) {
            return None;
        }
        let by_each = self.seen.iter();
        by_each
            .map(|(then, said)| said.plus(passed.saturating_duration_since(*then)))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3_600);
    const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

    /// What is checked by after each look: so long after the begin, by a clock so far ahead.
    fn check(looks: &[(Duration, Duration)], expected: &[Option<Duration>]) {
        let (mut steady, begin) = (Steady::new(MINUTE * 20), Instant::now());
        let checked: Vec<_> = looks
            .iter()
            .map(|(passed, ahead)| steady.judge_by(begin + *passed, START.plus(*passed).plus(*ahead)))
            .collect();
        let expected: Vec<_> = expected.iter().map(|at| at.map(|at| START.plus(at))).collect();
        assert_eq!(checked, expected);
    }

    #[test]
    fn a_start_whose_clock_is_ahead_deletes_nothing() {
        portcullis_core::checks!("T171");
        for ahead in [HOUR, HOUR * 24 * 365] {
            check(&[(Duration::ZERO, ahead), (MINUTE * 19, ahead)], &[None, None]);
        }
    }

    #[test]
    fn a_clock_that_is_ahead_for_a_while_is_not_believed() {
        portcullis_core::checks!("T171");
        let (right, wrong) = (Duration::ZERO, HOUR);
        check(
            &[
                (Duration::ZERO, right),
                (MINUTE * 20, right),
                (MINUTE * 25, wrong),
                (MINUTE * 39, wrong),
                (MINUTE * 40, right),
            ],
            &[
                None,
                Some(MINUTE * 20),
                Some(MINUTE * 25),
                Some(MINUTE * 39),
                Some(MINUTE * 40),
            ],
        );
        // What it says for long enough it may be right about.
        check(
            &[
                (Duration::ZERO, right),
                (MINUTE * 25, wrong),
                (MINUTE * 44, wrong),
                (MINUTE * 45, wrong),
            ],
            &[
                None,
                Some(MINUTE * 25),
                Some(MINUTE * 44),
                Some(MINUTE * 45 + HOUR),
            ],
        );
    }

    #[test]
    fn a_clock_that_is_set_back_is_believed_at_once() {
        check(
            &[
                (Duration::ZERO, HOUR),
                (MINUTE * 20, HOUR),
                (MINUTE * 25, Duration::ZERO),
            ],
            &[None, Some(MINUTE * 20 + HOUR), Some(MINUTE * 25)],
        );
    }
}
