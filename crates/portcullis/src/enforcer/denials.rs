//! Records why requests were refused, beside the answer: a decision under the request's trace id and, against a
//! known caller, its audit event.
//!
//! Invariants: the answer never waits for the store. At most [`KNOWN`] refusals of known callers and [`UNKNOWN`] of
//! strangers wait at once; what comes on top is counted and logged, so that a flood of refusals costs neither memory
//! nor the database. Strangers cost nothing to make: on the long run one of their refusals each [`INTERVAL`] is kept,
//! and they never take the room of known callers (`T076`).

use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use portcullis_core::access::explain::Store;
use portcullis_core::access::{CredentialKind, Decision, Explanation, Principal};
use portcullis_core::account::NotProven;
use portcullis_core::audit::{Action, Context, Refusal};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::{account, api_key, defends};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::protect::Label;

/// A refusal on its way into the record.
pub(crate) struct Denial<'d> {
    /// What was called: method and path as it was registered.
    pub(crate) operation: &'d dyn Display,
    /// What is asked of a caller there.
    pub(crate) rule: &'d dyn Display,
    /// A stable, machine-readable code.
    pub(crate) code: &'d str,
    /// Why, for people: words of ours, never the caller's.
    pub(crate) why: &'d dyn Display,
    /// The kind of credential that was presented, if it could be told.
    pub(crate) credential: Option<CredentialKind>,
    /// The caller, if one was known.
    pub(crate) principal: Option<&'d Principal>,
    /// A good API key that was refused before anybody was known, and its owner.
    pub(crate) key: Option<(account::Id, api_key::Id)>,
    /// Makes the tree of the rule, if there was a rule to decide. Called only if there is room for it.
    pub(crate) tree: &'d (dyn Fn() -> Option<Explanation> + Sync),
}

/// What was called: the path as it was registered, and the method if it is one that HTTP defines.
pub(crate) struct Operation<'a>(pub(crate) &'a Method, pub(crate) &'a Label);

impl Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match *self.0 {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS
            | Method::CONNECT
            | Method::TRACE => self.0.as_str(),
            _ => "OTHER",
        };
        write!(f, "{method} {}", self.1.as_str())
    }
}

/// Where denials are recorded.
pub(crate) struct Denials {
    store: Arc<dyn Store>,
    known: Arc<Semaphore>,
    unknown: Arc<Semaphore>,
    strangers: Pace,
    dropped: AtomicU64,
}

impl Denials {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            known: Arc::new(Semaphore::new(KNOWN)),
            unknown: Arc::new(Semaphore::new(UNKNOWN)),
            strangers: Pace::default(),
            dropped: AtomicU64::new(0),
        }
    }

    /// Records that identifier and password proved nothing: what a login without success writes. It is waited for,
    /// as there: guesses can't outrun the log.
    pub(super) async fn record_guess(&self, why: NotProven, by: Context) -> Result<(), Fault> {
        let refusal = Refusal {
            action: Action::LoginRefused,
            account: why.account,
            session: None,
            detail: format!("basic: {}", why.reason),
        };
        self.store.append(refusal, by).await
    }

    /// Records a refusal in a request with a trace id.
    pub(crate) fn record(&self, denial: &Denial<'_>, by: Context) {
        let Denial { code, rule, why, .. } = denial;
        let known = denial.principal.is_some() || denial.key.is_some();
        if known {
            tracing::info!(trace = ?by.trace, code, %rule, %why, "access denied");
        } else {
            tracing::debug!(trace = ?by.trace, code, %rule, %why, "nobody known");
        }
        let Some(trace) = by.trace else { return };
        let Some(room) = self.room(known, by.at) else {
            return self.drop_one();
        };
        let decision = Decision {
            trace,
            at: by.at,
            operation: denial.operation.to_string(),
            rule: rule.to_string(),
            code: (*code).to_owned(),
            why: why.to_string(),
            credential: denial.credential.map(|kind| kind.as_str().to_owned()),
            account: denial.key.map(|(owner, _)| owner),
            key: denial.key.map(|(_, key)| key),
            session: None,
            scopes: None,
            authenticated_at: None,
            tree: (denial.tree)(),
        };
        let decision = match denial.principal {
            Some(principal) => decision.against(principal),
            None => decision,
        };
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(fault) = store.keep(decision, by).await {
                tracing::error!(%fault, "a denial could not be recorded");
            }
            drop(room);
        });
    }

    fn room(&self, known: bool, at: Timestamp) -> Option<OwnedSemaphorePermit> {
        defends!("T076");
        if known {
            return Arc::clone(&self.known).try_acquire_owned().ok();
        }
        let room = Arc::clone(&self.unknown).try_acquire_owned().ok()?;
        self.strangers.allows(at).then_some(room)
    }

    /// How many denials were not recorded because too many came at once.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until every denial before is written.
    pub(super) async fn settled(&self) {
        for (room, all) in [(&self.known, KNOWN), (&self.unknown, UNKNOWN)] {
            let all = u32::try_from(all).unwrap_or(u32::MAX);
            // The semaphore is never closed: an error would only mean that nothing is being written.
            drop(room.acquire_many(all).await);
        }
    }

    /// Logs the 1st, 2nd, 4th, 8th … dropped denial: a flood must not flood the log either.
    fn drop_one(&self) {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        if dropped.is_power_of_two() {
            tracing::warn!(dropped, "denials come faster than they can be recorded");
        }
    }
}

/// Lets [`BURST`] pass at once and one each [`INTERVAL`] on the long run.
#[derive(Default)]
struct Pace {
    /// When a full burst may come again, in microseconds.
    full: AtomicI64,
}

impl Pace {
    fn allows(&self, now: Timestamp) -> bool {
        let passed = self
            .full
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full| {
                let full = Timestamp::from_micros(full).max(now).plus(INTERVAL);
                (full <= now.plus(INTERVAL * BURST)).then_some(full.as_micros())
            });
        passed.is_ok()
    }
}

/// How many refusals of known callers may be on their way at once.
const KNOWN: usize = 256;

/// How many refusals of strangers may be on their way at once.
const UNKNOWN: usize = 64;

/// How many refusals of strangers are kept at once.
const BURST: u32 = 200;

/// Ten refusals of strangers are kept a second on the long run.
const INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use portcullis_core::checks;

    use super::*;

    #[test]
    fn a_flood_of_strangers_is_kept_at_the_pace_only() {
        checks!("T076");
        let pace = Pace::default();
        let start = Timestamp::from_seconds(1_000_000);
        let passed = |at: Timestamp, tries: u32| (0..tries).filter(|_| pace.allows(at)).count();
        assert_eq!(passed(start, 10_000), 200);
        assert_eq!(
            passed(start.plus(INTERVAL).minus(Duration::from_micros(1)), 10),
            0
        );
        assert_eq!(passed(start.plus(INTERVAL), 10), 1);
        assert_eq!(passed(start.plus(INTERVAL * 6), 10), 5);
        assert_eq!(passed(start.plus(INTERVAL * 10_000), 10_000), 200);
        assert_eq!(passed(start, 10), 0, "a clock that goes back opens nothing");
    }
}
