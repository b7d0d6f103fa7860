//! What a limit says of a call.

use std::time::Duration;

use super::limit::Limit;

/// What one limit says of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The limit.
    pub limit: Limit,
    /// How many may still come at once.
    pub remaining: u32,
    /// How long until all that was used is back.
    pub reset: Duration,
    /// How long to wait, if it was refused; never zero.
    pub wait: Option<Duration>,
}

impl Outcome {
    /// Whether a call of this cost may come next.
    pub fn leaves(&self, cost: u32) -> bool {
        self.remaining >= self.limit.cost(cost)
    }

    /// How long until more may come than now: the wait of who is refused, or until all is back.
    pub fn until_more(&self) -> Duration {
        self.wait.unwrap_or(self.reset)
    }
}

/// What the limits of a quota say of a call: it is admitted only if each of them admits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitVerdict {
    first: Outcome,
    /// Most quotas have one limit: nothing is allocated for them.
    rest: Vec<Outcome>,
}

impl LimitVerdict {
    /// What the first limit says, and what those after it do, in their order.
    pub const fn new(first: Outcome, rest: Vec<Outcome>) -> Self {
        Self { first, rest }
    }

    /// What each limit says, in their order.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// How long to wait, if it was refused: what the limit says that keeps the caller longest.
    pub fn wait(&self) -> Option<Duration> {
        self.outcomes().filter_map(|outcome| outcome.wait).max()
    }

    /// What the limit says that is felt first: the one that refuses for longest, or else leaves least.
    pub fn tightest(&self) -> &Outcome {
        self.rest.iter().fold(&self.first, |tightest, other| {
            let tighter = match other.wait.cmp(&tightest.wait) {
                std::cmp::Ordering::Equal => other.remaining < tightest.remaining,
                order => order.is_gt(),
            };
            if tighter { other } else { tightest }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_refuses_for_longest_or_leaves_least() {
        let limit = Limit::parse("5/minute").unwrap();
        let outcome = |remaining, wait: Option<u64>| Outcome {
            limit,
            remaining,
            reset: Duration::from_secs(60),
            wait: wait.map(Duration::from_secs),
        };
        for (all, tightest) in [
            ([(3, None), (2, None), (4, None)], 1),
            ([(3, None), (3, None), (3, None)], 0),
            ([(0, Some(2)), (0, Some(9)), (0, None)], 1),
            ([(0, None), (5, Some(1)), (1, None)], 1),
        ] {
            let all = all.map(|(remaining, wait)| outcome(remaining, wait));
            let [first, rest @ ..] = all;
            let verdict = LimitVerdict::new(first, rest.to_vec());
            assert_eq!(verdict.tightest(), &all[tightest], "{all:?}");
            assert_eq!(verdict.wait(), all.iter().filter_map(|one| one.wait).max());
        }
    }
}
