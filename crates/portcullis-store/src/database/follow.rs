//! Reads what other processes and nodes invalidated.
//!
//! A [`Follower`] polls the table `invalidations` and calls the same subscribers as this process's own verbs do.
//! It begins where the table stood when the database was opened, so nothing that was cached since is missed.
//!
//! SQLite's numbers become visible in order. PostgreSQL's don't: a row is known by the transaction that wrote it,
//! and each poll reads again from the oldest transaction that was running at the poll before; what was seen already
//! is dropped. So no row is missed however long its commit took, and what must be remembered is bounded by what was
//! written while the oldest transaction ran.
//!
//! If polling fails, [`Database::freshness`] grows: caches shorten their lifetimes by it. After a failure longer
//! than the table's memory everything is forgotten.

#[cfg(feature = "postgres")]
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::{Database, Inner};
use crate::engine::Engine;
use crate::value::{one, params};

/// How long rows are kept for those who were away.
pub(crate) const KEPT: Duration = Duration::from_secs(3600);

/// After this long without a successful poll rows may have been swept unread.
const LOST: Duration = Duration::from_secs(KEPT.as_secs() / 2);

/// A running poller; dropping it stops it.
#[derive(Debug)]
#[must_use = "dropping it stops it"]
pub struct Follower {
    task: JoinHandle<()>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// When the last poll succeeded.
#[derive(Default)]
pub(super) struct Health {
    polled: Mutex<Option<Instant>>,
    closed: AtomicBool,
}

/// Up to where rows were read.
#[derive(Clone)]
pub(super) struct Cursor {
    /// When the rows were read, by the process's monotonic clock.
    at: Instant,
    /// SQLite: the last number read. PostgreSQL: the oldest transaction whose rows may still appear.
    from: i64,
    /// The numbers of its rows, and of those after it, that were seen already.
    #[cfg(feature = "postgres")]
    seen: HashSet<i64>,
}

impl Cursor {
    /// A cursor for a poll that begins now: what it reads was there when it began, not when it ended.
    fn beginning() -> Self {
        Self {
            at: Instant::now(),
            from: 0,
            #[cfg(feature = "postgres")]
            seen: HashSet::new(),
        }
    }
}

impl Database {
    /// Begins to read what other processes invalidate, every `interval` (250 ms keeps the promise of one second).
    /// Needs a Tokio runtime. It ends when dropped, or with the database.
    pub fn follow(&self, interval: Duration) -> Follower {
        let task = tokio::spawn(follow(Arc::downgrade(&self.inner), interval));
        Follower { task }
    }

    /// How long ago it was last known that everything was heard: the last successful poll, or before the first the moment
    /// when the database was opened. A follower that never succeeded once is no fresher than one that fails now.
    pub fn freshness(&self) -> Duration {
        defends!("T083");
        let polled = self.inner.health.polled();
        polled.unwrap_or(self.inner.start.at).elapsed()
    }
}

impl Health {
    /// The database is about to be closed: a poll that fails from now on is nothing to warn of.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn polled(&self) -> Option<Instant> {
        *self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, moment: Instant) {
        *self.polled.lock().unwrap_or_else(PoisonError::into_inner) = Some(moment);
    }
}

async fn follow(database: Weak<Inner>, interval: Duration) {
    let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let Some(mut cursor) = database.upgrade().map(|inner| inner.start.clone()) else {
        return;
    };
    loop {
        ticks.tick().await;
        let Some(inner) = database.upgrade() else {
            return;
        };
        match poll(&inner.engine, &cursor).await {
            Ok((found, next)) => {
                publish(&inner, &found, cursor.at.elapsed());
                inner.health.set(next.at);
                cursor = next;
            }
            Err(_) if inner.health.closed.load(Ordering::Acquire) => return,
            Err(fault) => {
                inner.writes.note(&fault);
                tracing::warn!(%fault, "invalidations of other nodes can't be read");
            }
        }
    }
}

fn publish(inner: &Inner, found: &[Option<Invalidation>], away: Duration) {
    defends!("T020");
    if away >= LOST {
        inner.bus.publish(Invalidation::Roles);
        inner.bus.publish(Invalidation::Keys);
        inner.bus.publish(Invalidation::Tiers);
    }
    for what in found {
        // A kind that a newer node writes: forget everything rather than too little.
        inner.bus.publish(what.unwrap_or(Invalidation::Roles));
    }
}

/// Where the table stands now.
pub(super) async fn now(engine: &Engine) -> Result<Cursor, Fault> {
    let sql = match engine {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite(_) => "SELECT coalesce(max(seq), 0) FROM portcullis_invalidations",
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => HORIZON,
    };
    let mut cursor = Cursor::beginning();
    cursor.from = one(engine.read(sql, params![]).await?)?;
    Ok(cursor)
}

/// What is new since `cursor` (`None` is of an unknown kind), and where to go on.
async fn poll(engine: &Engine, cursor: &Cursor) -> Result<(Vec<Option<Invalidation>>, Cursor), Fault> {
    match engine {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite(_) => poll_in_order(engine, cursor).await,
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => poll_by_transaction(engine, cursor).await,
    }
}

#[cfg(feature = "sqlite")]
async fn poll_in_order(
    engine: &Engine,
    cursor: &Cursor,
) -> Result<(Vec<Option<Invalidation>>, Cursor), Fault> {
    let sql = "SELECT seq, kind, subject FROM portcullis_invalidations WHERE seq > $1 ORDER BY seq";
    let mut next = Cursor::beginning();
    next.from = cursor.from;
    let mut found = Vec::new();
    for mut row in engine.read(sql, params![cursor.from]).await? {
        next.from = row.take()?;
        let (kind, subject): (String, Option<Uuid>) = (row.take()?, row.take()?);
        found.push(Invalidation::from_parts(&kind, subject));
    }
    Ok((found, next))
}

#[cfg(feature = "postgres")]
const HORIZON: &str = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)";

#[cfg(feature = "postgres")]
async fn poll_by_transaction(
    engine: &Engine,
    cursor: &Cursor,
) -> Result<(Vec<Option<Invalidation>>, Cursor), Fault> {
    // One statement has one snapshot: the horizon is that of the rows. The outer join answers it without rows, too.
    let sql = "SELECT h.horizon, i.seq, i.xid, i.kind, i.subject
        FROM (SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) AS horizon) AS h
        LEFT JOIN portcullis_invalidations AS i ON i.xid >= $1 ORDER BY i.seq";
    let mut next = Cursor::beginning();
    let mut found = Vec::new();
    for mut row in engine.read(sql, params![cursor.from]).await? {
        next.from = row.take()?;
        let Some(seq) = row.take::<Option<i64>>()? else {
            continue;
        };
        if row.take::<i64>()? >= next.from {
            next.seen.insert(seq);
        }
        if !cursor.seen.contains(&seq) {
            let (kind, subject): (String, Option<Uuid>) = (row.take()?, row.take()?);
            found.push(Invalidation::from_parts(&kind, subject));
        }
    }
    Ok((found, next))
}
