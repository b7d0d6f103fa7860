//! How many refusals are kept: so many at once, then one each interval.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::account;
use portcullis_core::environment::Timestamp;

/// A burst, and what follows it on the long run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// How many are kept at once.
    pub(super) burst: u32,
    /// One each so long on the long run.
    pub(super) interval: Duration,
}

impl Rate {
    /// When a full burst may come again after one more at `now`, if one more is kept; `full` is what it was before.
    fn admit(self, full: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let full = full.max(now).plus(self.interval);
        (full <= now.plus(self.interval * self.burst)).then_some(full)
    }
}

/// One pace for everybody.
pub(super) struct Pace {
    rate: Rate,
    /// When a full burst may come again, in microseconds.
    full: AtomicI64,
}

impl Pace {
    pub(super) const fn new(rate: Rate) -> Self {
        Self {
            rate,
            full: AtomicI64::new(0),
        }
    }

    pub(super) fn allows(&self, now: Timestamp) -> bool {
        let passed = self
            .full
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full| {
                let full = self.rate.admit(Timestamp::from_micros(full), now);
                full.map(Timestamp::as_micros)
            });
        passed.is_ok()
    }
}

/// A pace for each account, of which up to [`Paces::MOST`] are remembered. Those that find no room share one.
pub(super) struct Paces {
    rate: Rate,
    accounts: Mutex<HashMap<account::Id, Account>>,
    others: Pace,
}

/// What is remembered of an account.
struct Account {
    full: Timestamp,
    /// How many of its refusals were dropped since the last one that was kept.
    dropped: u64,
}

impl Paces {
    const MOST: usize = 4_096;

    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            accounts: Mutex::default(),
            others: Pace::new(rate),
        }
    }

    /// Whether a refusal of the account at `now` is kept.
    ///
    /// # Errors
    /// How many were dropped with this one since the last that was kept. Otherwise it answers how many were before.
    pub(super) fn count(&self, account: account::Id, now: Timestamp) -> Result<u64, u64> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= Self::MOST && !accounts.contains_key(&account) {
            // Whoever could have a full burst again is as good as new.
            accounts.retain(|_, known| known.full > now);
            if accounts.len() >= Self::MOST {
                return if self.others.allows(now) { Ok(0) } else { Err(1) };
            }
        }
        let known = accounts.entry(account).or_insert(Account {
            full: now,
            dropped: 0,
        });
        match self.rate.admit(known.full, now) {
            Some(full) => {
                known.full = full;
                Ok(std::mem::take(&mut known.dropped))
            }
            None => {
                known.dropped += 1;
                Err(known.dropped)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::checks;
    use uuid::Uuid;

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);
    const RATE: Rate = Rate {
        burst: 200,
        interval: INTERVAL,
    };
    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn a_flood_of_strangers_is_kept_at_the_pace_only() {
        checks!("T076");
        let pace = Pace::new(RATE);
        let passed = |at: Timestamp, tries: u32| (0..tries).filter(|_| pace.allows(at)).count();
        assert_eq!(passed(START, 10_000), 200);
        assert_eq!(
            passed(START.plus(INTERVAL).minus(Duration::from_micros(1)), 10),
            0
        );
        assert_eq!(passed(START.plus(INTERVAL), 10), 1);
        assert_eq!(passed(START.plus(INTERVAL * 6), 10), 5);
        assert_eq!(passed(START.plus(INTERVAL * 10_000), 10_000), 200);
        assert_eq!(passed(START, 10), 0, "a clock that goes back opens nothing");
    }

    fn person(number: u128) -> account::Id {
        account::Id::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn accounts_are_counted_apart_and_what_is_dropped_is_told_once() {
        checks!("T076");
        let paces = Paces::new(RATE);
        let kept = (0..250).filter(|_| paces.count(person(1), START).is_ok()).count();
        assert_eq!(kept, 200);
        assert_eq!(paces.count(person(1), START), Err(51));
        assert_eq!(paces.count(person(2), START), Ok(0));
        assert_eq!(paces.count(person(1), START.plus(INTERVAL)), Ok(51));
        assert_eq!(paces.count(person(1), START.plus(INTERVAL * 2)), Ok(0));
    }

    #[test]
    fn a_flood_of_accounts_takes_no_memory_and_no_ones_pace() {
        checks!("T076");
        let paces = Paces::new(RATE);
        let kept = (1..=10_000).filter(|&number| paces.count(person(number), START).is_ok());
        assert_eq!(kept.count(), Paces::MOST + 200);
        assert_eq!(paces.accounts.lock().unwrap().len(), Paces::MOST);
        assert_eq!(paces.count(person(7), START), Ok(0));
        // Once theirs are over, others have room.
        assert_eq!(paces.count(person(20_000), START.plus(INTERVAL * 300)), Ok(0));
        assert_eq!(paces.accounts.lock().unwrap().len(), 1);
    }
}
