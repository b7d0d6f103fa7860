//! What is remembered of one subject.

use std::time::Duration;

use super::bucket::{Due, spend};
use super::limit::{Keeping, Limit};
use super::limits::Limits;
use super::outcome::{LimitVerdict, Outcome};
use super::window::Window;
use crate::environment::Timestamp;

/// What is remembered of one subject under one quota.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// One limit that comes back evenly, as most are: its moment, and how many milliseconds the whole of it takes.
    One(Due, u32),
    /// Any other.
    Several(Box<[Kept]>),
}

/// What is remembered for one limit of several.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    limit: Limit,
    memory: Memory,
}

#[derive(Debug, Clone)]
enum Memory {
    Due(Option<Due>),
    Window(Window),
}

impl State {
    /// Nothing was used.
    pub(super) fn fresh(limits: &Limits, now: Timestamp) -> Self {
        match (limits.first().keeping(), limits.rest()) {
            (Keeping::Burst(_), []) => {
                let whole = limits.first().span().as_millis().max(1);
                Self::One(now.into(), u32::try_from(whole).unwrap_or(u32::MAX))
            }
            _ => Self::Several(limits.iter().map(Kept::fresh).collect()),
        }
    }

    /// Counts a call if each limit admits it.
    pub(super) fn take(&mut self, limits: &Limits, cost: u32, now: Timestamp) -> LimitVerdict {
        match self {
            Self::One(due, _) => {
                let limit = limits.first();
                let (next, outcome) = spend(limit, limit.at_once(), Some(*due), cost, now);
                *due = next;
                LimitVerdict::new(outcome, Vec::new())
            }
            Self::Several(all) => take_each(all, limits, cost, now),
        }
    }

    /// How much room it takes, in that of one limit which comes back evenly.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::One(..) => 1,
            Self::Several(all) => 1 + all.iter().map(Kept::weight).sum::<usize>(),
        }
    }

    /// Whether all that was used is back: then nothing is lost by forgetting it.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        match self {
            Self::One(due, _) => *due <= now.into(),
            Self::Several(all) => all.iter().all(|kept| kept.is_over(now)),
        }
    }

    /// How much is used up, of 255: of several limits the one that is used up most.
    pub(super) fn share(&self, now: Timestamp) -> u8 {
        match self {
            Self::One(due, whole) => share(*due, Duration::from_millis(u64::from(*whole)), now),
            Self::Several(all) => all.iter().map(|kept| kept.share(now)).max().unwrap_or(0),
        }
    }
}

/// A call that one of the limits refuses costs nothing under the others either.
fn take_each(all: &mut [Kept], limits: &Limits, cost: u32, now: Timestamp) -> LimitVerdict {
    let refused = all.iter_mut().any(|kept| kept.look(cost, now).wait.is_some());
    let mut outcomes = all.iter_mut().map(|kept| {
        let seen = kept.look(cost, now);
        match refused {
            true if seen.wait.is_none() => kept.look(0, now),
            true => seen,
            false => {
                kept.take(cost, now);
                seen
            }
        }
    });
    // There is one for each limit.
    let first = outcomes
        .next()
        .unwrap_or_else(|| Kept::fresh(limits.first()).look(cost, now));
    LimitVerdict::new(first, outcomes.collect())
}

impl Kept {
    fn fresh(limit: Limit) -> Self {
        let memory = match limit.keeping() {
            Keeping::Burst(_) => Memory::Due(None),
            Keeping::Sliding => Memory::Window(Window::default()),
        };
        Self { limit, memory }
    }

    /// A window's marks take what four moments do.
    const fn weight(&self) -> usize {
        match self.memory {
            Memory::Due(_) => 1,
            Memory::Window(_) => 4,
        }
    }

    fn look(&mut self, cost: u32, now: Timestamp) -> Outcome {
        match &mut self.memory {
            Memory::Due(due) => spend(self.limit, self.limit.at_once(), *due, cost, now).1,
            Memory::Window(window) => window.look(self.limit, cost, now),
        }
    }

    fn take(&mut self, cost: u32, now: Timestamp) {
        match &mut self.memory {
            Memory::Due(due) => *due = Some(spend(self.limit, self.limit.at_once(), *due, cost, now).0),
            Memory::Window(window) => window.take(self.limit, cost, now),
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        match &self.memory {
            Memory::Due(due) => due.is_none_or(|due| due <= now.into()),
            Memory::Window(window) => window.is_over(self.limit, now),
        }
    }

    fn share(&self, now: Timestamp) -> u8 {
        match &self.memory {
            Memory::Due(due) => due.map_or(0, |due| share(due, self.limit.span(), now)),
            Memory::Window(window) => window.share(self.limit, now),
        }
    }
}

fn share(due: Due, whole: Duration, now: Timestamp) -> u8 {
    let used = due
        .as_nanos()
        .saturating_sub(Due::from(now).as_nanos())
        .max(0)
        .unsigned_abs();
    let share = u128::from(used) * 255 / whole.as_nanos().max(1);
    u8::try_from(share).unwrap_or(u8::MAX)
}
