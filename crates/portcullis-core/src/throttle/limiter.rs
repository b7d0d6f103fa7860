//! Counts for many subjects at once, in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use quick_cache::sync::Cache;
use uuid::Uuid;

use super::{Due, Rate, admit};
use crate::environment::Timestamp;

/// Remembers, for up to so many subjects, when each may come again. Subjects are ids: something the server gave out,
/// never text of a caller's choosing, which could fill it.
///
/// Beyond its capacity the subject used longest ago is forgotten and begins anew.
pub struct Limiter {
    due: Cache<Uuid, Arc<AtomicI64>>,
}

impl Limiter {
    /// A limiter that remembers up to `capacity` subjects.
    pub fn new(capacity: usize) -> Self {
        Self {
            due: Cache::new(capacity),
        }
    }

    /// Counts one for `subject` at `now`.
    ///
    /// # Errors
    /// How long to wait; what is refused isn't counted.
    pub fn count(&self, subject: Uuid, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        let due = match self.due.get(&subject) {
            Some(due) => due,
            None => self.begin(subject),
        };
        let mut seen = due.load(Ordering::Acquire);
        loop {
            let before = (seen != NEVER).then(|| Due::from_nanos(seen));
            let next = admit(rate, before, now)?.as_nanos();
            match due.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(other) => seen = other,
            }
        }
    }

    /// The subject's cell: of callers that begin at once all get the same.
    fn begin(&self, subject: Uuid) -> Arc<AtomicI64> {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(AtomicI64::new(NEVER)));
        match self.due.get_or_insert_with(&subject, fresh) {
            Ok(cell) => cell,
            Err(never) => match never {},
        }
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter")
            .field("subjects", &self.due.len())
            .finish_non_exhaustive()
    }
}

const NEVER: i64 = i64::MIN;

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    #[test]
    fn subjects_are_counted_apart() {
        let limiter = Limiter::new(100);
        let rate = Rate::parse("2/minute").unwrap();
        for subject in [1, 2].map(Uuid::from_u128) {
            assert!(limiter.count(subject, rate, START).is_ok());
            assert!(limiter.count(subject, rate, START).is_ok());
            assert_eq!(limiter.count(subject, rate, START), Err(Duration::from_secs(30)));
            let later = START.plus(Duration::from_secs(30));
            assert!(limiter.count(subject, rate, later).is_ok());
            assert!(limiter.count(subject, rate, later).is_err());
        }
    }

    #[test]
    fn callers_at_the_same_moment_share_one_count() {
        let limiter = Limiter::new(100);
        let rate = Rate::parse("100/minute").unwrap();
        let admitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let calls =
                            (0..100).filter(|_| limiter.count(Uuid::from_u128(7), rate, START).is_ok());
                        calls.count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 100);
    }

    #[test]
    fn memory_is_bounded() {
        let limiter = Limiter::new(50);
        let rate = Rate::parse("1/minute").unwrap();
        for subject in 0..10_000 {
            let _ = limiter.count(Uuid::from_u128(subject), rate, START);
        }
        assert!(limiter.due.len() <= 50, "{}", limiter.due.len());
    }
}
