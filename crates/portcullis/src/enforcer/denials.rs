//! Records why requests were refused, beside the answer: a decision under the request's trace id and, against a
//! known caller, its audit event.
//!
//! Invariants: the answer never waits for the store. At most [`KNOWN`] refusals of known callers and [`UNKNOWN`] of
//! strangers wait at once. Strangers cost nothing to make: all of them together are kept at one pace ([`STRANGERS`]), and
//! never take the room of known callers. Each account is kept at a pace of its own ([`AT_ONCE`], [`EACH`]): on the long run none
//! fills the record, or hides in it what others were refused (`T076`). What comes on top is counted and logged; how many of
//! an account's weren't kept stands in the next one that is. Of each kind, told by operation and code, the first few are kept
//! whatever else the account was refused (`T177`).

mod pace;

use std::fmt::{self, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use portcullis_core::account::NotProven;
use portcullis_core::audit::{Action, Context, Occurrence};
use portcullis_core::authz::explain::Store;
use portcullis_core::authz::{CredentialKind, Decision, Explanation, Principal};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::{account, api_key, defends};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::pace::{Pace, Paces, Rate};
use crate::route::Label;

/// A refusal on its way into the record.
pub(crate) struct Denial<'d> {
    /// What was called: method and path as it was registered.
    pub(crate) operation: &'d dyn Display,
    /// What is asked of a caller there.
    pub(crate) rule: &'d dyn Display,
    /// A stable, machine-readable code.
    pub(crate) code: &'d str,
    /// Why, for people: words of ours or of a handler, never a header's or a body's.
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
    accounts: Paces,
    dropped: AtomicU64,
}

impl Denials {
    pub(super) fn new(store: Arc<dyn Store>, at_once: u32) -> Self {
        Self {
            store,
            known: Arc::new(Semaphore::new(KNOWN)),
            unknown: Arc::new(Semaphore::new(UNKNOWN)),
            strangers: Pace::new(STRANGERS),
            accounts: Paces::new(Rate {
                burst: at_once,
                interval: EACH,
            }),
            dropped: AtomicU64::new(0),
        }
    }

    /// Records that identifier and password proved nothing: what a login without success writes. It is waited for,
    /// as there: guesses can't outrun the log.
    pub(super) async fn record_guess(&self, why: NotProven, by: Context) -> Result<(), Fault> {
        let refusal = Occurrence {
            action: Action::LoginRefused,
            account: why.account,
            session: None,
            detail: format!("basic: {}", why.reason),
        };
        self.store.append(refusal, by).await
    }

    /// Records a refusal in a request with a trace id.
    pub(super) fn record(&self, denial: &Denial<'_>, by: Context) {
        let Denial { code, rule, why, .. } = denial;
        let known = denial.principal.map(Principal::id);
        let known = known.or_else(|| denial.key.map(|(owner, _)| owner));
        if known.is_some() {
            tracing::info!(trace = by.trace.map(tracing::field::display), code, %rule, %why, "access denied");
        } else {
            tracing::debug!(trace = by.trace.map(tracing::field::display), code, %rule, %why, "unauthenticated");
        }
        let Some(trace) = by.trace else { return };
        let operation = denial.operation.to_string();
        let Some((room, dropped)) = self.room(known, (&operation, code), by.at) else {
            return;
        };
        let why = match dropped {
            0 => why.to_string(),
            more => format!("{why} ({more} refusals of this account before this one weren't kept)"),
        };
        let decision = Decision {
            trace,
            at: by.at,
            operation,
            rule: rule.to_string(),
            code: (*code).to_owned(),
            why,
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

    /// Room for a refusal, and how many of the same account's weren't kept before it.
    fn room(
        &self,
        known: Option<account::Id>,
        kind: (&str, &str),
        at: Timestamp,
    ) -> Option<(OwnedSemaphorePermit, u64)> {
        defends!("T076");
        let all = if known.is_some() {
            &self.known
        } else {
            &self.unknown
        };
        let Ok(room) = Arc::clone(all).try_acquire_owned() else {
            self.drop_one();
            return None;
        };
        let Some(account) = known else {
            if !self.strangers.allows(at) {
                self.drop_one();
                return None;
            }
            return Some((room, 0));
        };
        match self.accounts.count(account, kind, at) {
            Ok(before) => Some((room, before)),
            Err(dropped) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                if dropped.is_power_of_two() {
                    tracing::warn!(
                        ?account,
                        dropped,
                        "an account is refused more often than is recorded"
                    );
                }
                None
            }
        }
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

/// How many refusals of known callers may be on their way at once.
const KNOWN: usize = 256;

/// How many refusals of strangers may be on their way at once.
const UNKNOWN: usize = 64;

/// Two hundred refusals of strangers at once, and ten a second on the long run.
const STRANGERS: Rate = Rate {
    burst: 200,
    interval: Duration::from_millis(100),
};

/// How many refusals of one account are kept at once.
pub(super) const AT_ONCE: u32 = 100;

/// One of an account each so long on the long run: a fifth of what is kept in all, in the seven days that it is kept.
const EACH: Duration = Duration::from_secs(30);
