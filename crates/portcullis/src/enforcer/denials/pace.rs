//! How many refusals are kept: so many at once, then one each interval.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::environment::Timestamp;
use portcullis_core::{account, defends};

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
///
/// Beside it each kind of refusal of an account has a small pace of its own ([`OF_A_KIND`]): a burst of harmless ones uses
/// the account's up, and what is of another kind is kept all the same.
pub(super) struct Paces {
    rate: Rate,
    accounts: Mutex<Accounts>,
    others: Pace,
    hasher: RandomState,
}

#[derive(Default)]
struct Accounts {
    known: HashMap<account::Id, Account>,
    /// When a full burst of the account and kind may come again.
    kinds: HashMap<(account::Id, u64), Timestamp>,
}

impl Accounts {
    /// Whether one more of the kind is within its own pace; counts it if so.
    fn admits_kind(&mut self, key: (account::Id, u64), now: Timestamp) -> bool {
        defends!("T177");
        if self.kinds.len() >= Paces::MOST_KINDS && !self.kinds.contains_key(&key) {
            self.kinds.retain(|_, full| *full > now);
            if self.kinds.len() >= Paces::MOST_KINDS {
                return false;
            }
        }
        let full = self.kinds.entry(key).or_insert(now);
        let admitted = OF_A_KIND.admit(*full, now);
        *full = admitted.unwrap_or(*full);
        admitted.is_some()
    }
}

/// What is remembered of an account.
struct Account {
    full: Timestamp,
    /// How many of its refusals were dropped since the last one that was kept.
    dropped: u64,
}

impl Paces {
    const MOST: usize = 4_096;
    const MOST_KINDS: usize = 16_384;

    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            accounts: Mutex::default(),
            others: Pace::new(rate),
            hasher: RandomState::new(),
        }
    }

    /// Whether a refusal of the account at `now` is kept; `kind` is where it was refused, and the code of why.
    ///
    /// # Errors
    /// How many were dropped with this one since the last that was kept. Otherwise it answers how many were before.
    pub(super) fn count(&self, account: account::Id, kind: (&str, &str), now: Timestamp) -> Result<u64, u64> {
        let kind = (account, self.hasher.hash_one(kind));
        let mut all = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let of_its_kind = all.admits_kind(kind, now);
        let accounts = &mut all.known;
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
            Some(full) => known.full = full,
            None if of_its_kind => {}
            None => {
                known.dropped += 1;
                return Err(known.dropped);
            }
        }
        Ok(std::mem::take(&mut known.dropped))
    }
}

/// Three refusals of a kind at once, and one in ten minutes on the long run, whatever else the account is refused.
const OF_A_KIND: Rate = Rate {
    burst: 3,
    interval: Duration::from_secs(600),
};

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

    const KIND: (&str, &str) = ("GET /posts", "missing_permission");

    #[test]
    fn a_flood_of_harmless_refusals_hides_no_other() {
        checks!("T177");
        let paces = Paces::new(RATE);
        for _ in 0..10_000 {
            let _ = paces.count(person(1), KIND, START);
        }
        let other = ("PUT /accounts/{account}/roles/{role}", "missing_permission");
        let dropped = paces.count(person(1), other, START);
        assert_eq!(dropped, Ok(9_800), "and it tells what is missing");
        let kept = |kind, at: Timestamp| {
            (0..50)
                .filter(|_| paces.count(person(1), kind, at).is_ok())
                .count()
        };
        assert_eq!(kept(other, START), 2);
        assert_eq!(
            kept((other.0, "account_disabled"), START),
            3,
            "another reason is another kind"
        );
        assert_eq!(kept(KIND, START), 0);
    }

    #[test]
    fn as_many_kinds_as_somebody_may_name_take_no_memory() {
        checks!("T177");
        let paces = Paces::new(Rate {
            burst: 1,
            interval: INTERVAL,
        });
        for number in 0..40_000_u32 {
            let _ = paces.count(person(1), (&number.to_string(), "code"), START);
        }
        let kinds = || paces.accounts.lock().unwrap().kinds.len();
        assert_eq!(kinds(), Paces::MOST_KINDS);
        let later = START.plus(OF_A_KIND.interval * 3);
        assert_eq!(paces.count(person(2), KIND, later), Ok(0));
        assert_eq!(kinds(), 1);
    }

    fn person(number: u128) -> account::Id {
        account::Id::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn accounts_are_counted_apart_and_what_is_dropped_is_told_once() {
        checks!("T076");
        let paces = Paces::new(RATE);
        let kept = (0..250)
            .filter(|_| paces.count(person(1), KIND, START).is_ok())
            .count();
        assert_eq!(kept, 200);
        assert_eq!(paces.count(person(1), KIND, START), Err(51));
        assert_eq!(paces.count(person(2), KIND, START), Ok(0));
        assert_eq!(paces.count(person(1), KIND, START.plus(INTERVAL)), Ok(51));
        assert_eq!(paces.count(person(1), KIND, START.plus(INTERVAL * 2)), Ok(0));
    }

    #[test]
    fn a_flood_of_accounts_takes_no_memory_and_no_ones_pace() {
        checks!("T076");
        let paces = Paces::new(RATE);
        let kept = (1..=10_000).filter(|&number| paces.count(person(number), KIND, START).is_ok());
        assert_eq!(kept.count(), Paces::MOST + 200);
        assert_eq!(paces.accounts.lock().unwrap().known.len(), Paces::MOST);
        assert_eq!(paces.count(person(7), KIND, START), Ok(0));
        // Once theirs are over, others have room.
        assert_eq!(
            paces.count(person(20_000), KIND, START.plus(INTERVAL * 300)),
            Ok(0)
        );
        assert_eq!(paces.accounts.lock().unwrap().known.len(), 1);
    }
}
