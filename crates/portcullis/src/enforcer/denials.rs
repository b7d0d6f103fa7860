//! Writes decisions against known callers to the audit log, beside the answer.
//!
//! Invariants: the answer never waits for the log. At most [`PARALLEL`] writes wait at once; what comes on top is
//! counted and logged, so that a flood of refusals costs neither memory nor the database.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_core::access::{Denied, Principal};
use portcullis_core::account::{self, NotProven};
use portcullis_core::api_key;
use portcullis_core::audit::{Action, Context, Refusal, Store};
use portcullis_core::fault::Fault;
use tokio::sync::Semaphore;

/// Where denials are recorded.
pub(crate) struct Denials {
    store: Arc<dyn Store>,
    room: Arc<Semaphore>,
    dropped: AtomicU64,
}

impl Denials {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            room: Arc::new(Semaphore::new(PARALLEL)),
            dropped: AtomicU64::new(0),
        }
    }

    /// Records that `rule` refused `principal`.
    pub(super) fn record(
        &self,
        rule: &dyn Display,
        denied: Denied,
        principal: Option<&Principal>,
        by: Context,
    ) {
        tracing::info!(trace = ?by.trace, code = denied.code(), %rule, "access denied");
        self.write(format!("{rule}: {}", denied.code()), principal, by);
    }

    /// Records that a request in the name of `principal` didn't come from them.
    pub(super) fn record_forged(&self, code: &str, principal: &Principal, by: Context) {
        tracing::warn!(trace = ?by.trace, code, "forged request refused");
        self.write(format!("forged request: {code}"), Some(principal), by);
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

    fn write(&self, detail: String, principal: Option<&Principal>, by: Context) {
        let refusal = Refusal {
            action: Action::AccessDenied,
            account: principal.map(Principal::id),
            session: principal.and_then(Principal::session),
            detail,
        };
        self.append(refusal, by);
    }

    /// Records that a good key came from an address where it may not be used.
    pub(super) fn record_address(&self, owner: account::Id, key: api_key::Id, by: Context) {
        let refusal = Refusal {
            action: Action::AccessDenied,
            account: Some(owner),
            session: None,
            detail: format!("api key {key}: address_not_allowed"),
        };
        self.append(refusal, by);
    }

    fn append(&self, refusal: Refusal, by: Context) {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            return self.drop_one();
        };
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(fault) = store.append(refusal, by).await {
                tracing::error!(%fault, "a denial could not be audited");
            }
            drop(permit);
        });
    }

    /// How many denials were not audited because too many came at once.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until every denial recorded before is written.
    pub(super) async fn settled(&self) {
        let all = u32::try_from(PARALLEL).unwrap_or(u32::MAX);
        // The semaphore is never closed: an error would only mean that nothing is being written.
        drop(self.room.acquire_many(all).await);
    }

    /// Logs the 1st, 2nd, 4th, 8th … dropped denial: a flood must not flood the log either.
    fn drop_one(&self) {
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        if dropped.is_power_of_two() {
            tracing::warn!(dropped, "denials come faster than they can be audited");
        }
    }
}

/// How many audit rows may be on their way at once.
const PARALLEL: usize = 256;
