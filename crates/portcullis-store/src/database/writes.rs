//! Whether the database takes writes: for readiness.
//!
//! A database may answer and still take none: a full disk, a file system that was mounted read-only, a standby. Only a write
//! that was committed tells. So [`Database::writable`] makes one, of a row that means nothing, and remembers what came of
//! it: for some seconds if it went well, for a moment if it didn't. A call that fails meanwhile makes it look again.
//!
//! However often it is asked, it writes once a second at most, and once in five while all is well.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::defends;
use portcullis_core::fault::Fault;
use tokio::time::Instant;

use super::Database;
use crate::value::params;

/// What is known of whether the database takes writes.
#[derive(Default)]
pub(super) struct Writes {
    /// When it was last tried, and what came of it.
    tried: Mutex<Option<Tried>>,
    /// Whoever tries: the others wait for what comes of it.
    trying: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Tried {
    at: Instant,
    outcome: Result<(), Fault>,
    /// A call failed since.
    doubted: bool,
}

impl Tried {
    /// Whether it is known well enough to say it again.
    fn holds(&self) -> bool {
        let kept = if self.outcome.is_ok() && !self.doubted {
            GOOD
        } else {
            BAD
        };
        self.at.elapsed() < kept
    }
}

impl Writes {
    /// A call failed: whether others would is looked at soon.
    pub(super) fn note(&self, fault: &Fault) {
        if matches!(
            fault,
            Fault::Full(_) | Fault::ReadOnly(_) | Fault::Unreachable(_) | Fault::Closed
        ) && let Some(tried) = self.lock().as_mut()
        {
            tried.doubted = true;
        }
    }

    fn known(&self) -> Option<Result<(), Fault>> {
        let tried = self.lock();
        tried
            .as_ref()
            .filter(|tried| tried.holds())
            .map(|tried| tried.outcome.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Tried>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database {
    /// Whether the database takes writes, as of the last few seconds: for readiness. Cheap, however often it is asked.
    ///
    /// # Errors
    /// [`Fault`]: why it takes none.
    pub async fn writable(&self) -> Result<(), Fault> {
        defends!("T164");
        let writes = &self.inner.writes;
        if let Some(known) = writes.known() {
            return known;
        }
        let _turn = writes.trying.lock().await;
        if let Some(known) = writes.known() {
            return known;
        }
        let at = Instant::now();
        let outcome = self.try_a_write().await;
        *writes.lock() = Some(Tried {
            at,
            outcome: outcome.clone(),
            doubted: false,
        });
        outcome
    }

    /// Changes a row of the budgets that nobody's subject is, back and forth: an unchanged page wouldn't be written. A sweep
    /// may take it away.
    async fn try_a_write(&self) -> Result<(), Fault> {
        let sql = "INSERT INTO portcullis_budgets (subject, due) VALUES ($1, 0)
            ON CONFLICT (subject) DO UPDATE SET due = 1 - portcullis_budgets.due";
        self.write((), move |tx, ()| {
            Box::pin(async move { tx.execute(sql, params![SUBJECT]).await.map(drop) })
        })
        .await
    }
}

/// Shorter than any digest.
const SUBJECT: &[u8] = b"writable";

/// How long a success is believed.
const GOOD: Duration = Duration::from_secs(5);

/// How long a failure is, or a success that a failed call casts doubt on.
const BAD: Duration = Duration::from_secs(1);
