//! What makes a signature good once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::defends;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::throttle::BudgetSubject;

/// A value that may be taken once: of one purpose, and told by no more than its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce {
    subject: BudgetSubject,
    until: Timestamp,
}

impl Nonce {
    pub(super) fn new(purpose: &'static str, parts: &[&[u8]], until: Timestamp) -> Self {
        Self {
            subject: BudgetSubject::new(purpose, parts),
            until,
        }
    }

    /// The digest that it is kept by.
    pub fn subject(&self) -> BudgetSubject {
        self.subject
    }

    /// Until when it must be remembered: what it belongs to is over then. At most [`Nonce::MAX_LIFETIME`] after it is taken.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// The longest that a store is asked to remember one.
    pub const MAX_LIFETIME: Duration = Duration::from_secs(86_400);
}

/// Remembers the nonces that were taken, for all nodes.
#[async_trait]
pub trait Nonces: Send + Sync {
    /// Takes the nonce at this moment. Of any number of parallel calls, on all nodes, exactly one answers `true`; each later one
    /// `false`, until the nonce's time is over. A fault takes nothing, and whoever asked must refuse.
    async fn take(&self, nonce: Nonce, now: Timestamp) -> Result<bool, Fault>;
}

/// Nonces in this process's memory, bounded.
///
/// **Deployment caveat:** another process knows nothing of them: behind a balancer the same request would be good once on each node.
/// It is meant for one process, or for tests.
pub struct MemoryNonces {
    taken: Mutex<Taken>,
    capacity: usize,
}

struct Taken {
    until: HashMap<BudgetSubject, Timestamp>,
    swept_at: Timestamp,
}

impl MemoryNonces {
    /// Room for a million nonces: some 60 MB when it is full.
    pub fn new() -> Self {
        Self::with_capacity(1_000_000)
    }

    /// Room for so many. When it is full of those that must be remembered, no more are taken ([`Fault::Busy`]).
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            taken: Mutex::new(Taken {
                until: HashMap::new(),
                swept_at: Timestamp::from_micros(i64::MIN),
            }),
            capacity,
        }
    }
}

impl Default for MemoryNonces {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryNonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryNonces")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Nonces for MemoryNonces {
    async fn take(&self, nonce: Nonce, now: Timestamp) -> Result<bool, Fault> {
        defends!("T255");
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.until.get(&nonce.subject).is_some_and(|until| now < *until) {
            return Ok(false);
        }
        // In steps of a part of what there is: a full store doesn't look through itself for each request.
        let due = now >= taken.swept_at.plus(SWEEP_EVERY) || now < taken.swept_at;
        if due && taken.until.len() >= self.capacity.min(SMALL) {
            taken.until.retain(|_, until| now < *until);
            taken.swept_at = now;
        }
        if taken.until.len() >= self.capacity {
            defends!("T264");
            return Err(Fault::Busy(format!(
                "there is room for {} nonces in memory, and all of them must be remembered",
                self.capacity
            )));
        }
        taken.until.insert(nonce.subject, nonce.until);
        Ok(true)
    }
}

const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// Fewer than these are left where they are.
const SMALL: usize = 1_000;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::checks;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn nonce(name: &str, seconds: u64) -> Nonce {
        Nonce::new("test", &[name.as_bytes()], NOW.plus(Duration::from_secs(seconds)))
    }

    fn take(nonces: &MemoryNonces, nonce: Nonce, seconds: u64) -> Result<bool, Fault> {
        let at = NOW.plus(Duration::from_secs(seconds));
        nonces.take(nonce, at).now_or_never().unwrap()
    }

    #[test]
    fn a_nonce_is_taken_once_until_its_time_is_over() {
        checks!("T255");
        let nonces = MemoryNonces::new();
        assert_eq!(take(&nonces, nonce("a", 10), 0), Ok(true));
        assert_eq!(take(&nonces, nonce("a", 10), 0), Ok(false));
        assert_eq!(take(&nonces, nonce("b", 10), 0), Ok(true));
        assert_eq!(take(&nonces, nonce("a", 10), 9), Ok(false));
        assert_eq!(take(&nonces, nonce("a", 20), 10), Ok(true));
    }

    #[test]
    fn a_full_store_refuses_and_goes_on_when_there_is_room() {
        checks!("T264");
        let nonces = MemoryNonces::with_capacity(2);
        assert_eq!(take(&nonces, nonce("a", 10), 0), Ok(true));
        assert_eq!(take(&nonces, nonce("b", 60), 0), Ok(true));
        assert!(matches!(take(&nonces, nonce("c", 60), 9), Err(Fault::Busy(_))));
        assert_eq!(take(&nonces, nonce("c", 60), 20), Ok(true));
        assert_eq!(take(&nonces, nonce("b", 60), 20), Ok(false));
        assert!(take(&nonces, nonce("d", 60), 20).is_err());
    }
}
