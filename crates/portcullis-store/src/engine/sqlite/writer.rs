//! The one thread that writes, many calls to one sync of the disk.
//!
//! Everything that waits is taken into one `BEGIN IMMEDIATE … COMMIT`, each call in a savepoint of its own. A call
//! that fails, or panics, is rolled back alone. No call is answered before `COMMIT` returned, so *acknowledged*
//! means *durable*; if `COMMIT` fails, every call of the group gets the fault and nothing of it was kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use tokio::sync::oneshot;

use crate::bus::Bus;
use crate::event;
use crate::queue::Queue;
use crate::sqlite::Connection;
use crate::tx::{Answer, Effects, Tx};

/// How many calls share one commit at most: it bounds how long the first of them waits.
const GROUP: usize = 512;

/// A call that waits for its turn.
pub(super) trait Job: Send {
    /// Runs the call and leaves its answer in the job. A fault means the call's own writes must go.
    fn run(&mut self, connection: &mut Connection, ids: &event::Ids) -> Result<Effects, Fault>;

    /// Answers the caller: `Ok` once the group is durable.
    fn answer(self: Box<Self>, fate: Result<(), Fault>);
}

/// A verb with its input, waiting.
pub(super) struct Call<I, T, V> {
    pub(super) input: I,
    pub(super) verb: V,
    pub(super) answer: Option<Result<T, Fault>>,
    pub(super) caller: oneshot::Sender<Result<T, Fault>>,
}

impl<I, T, V> Job for Call<I, T, V>
where
    I: Send,
    T: Send,
    V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send,
{
    fn run(&mut self, connection: &mut Connection, ids: &event::Ids) -> Result<Effects, Fault> {
        let mut tx = Tx::sqlite(connection, ids);
        // The panic ends this call only: the connection goes back to the savepoint and stays good.
        let attempt = AssertUnwindSafe(|| tx.run(&self.input, &self.verb).now_or_never());
        let answer = match catch_unwind(attempt) {
            Ok(Some(answer)) => answer,
            Ok(None) => Err(Fault::Other(
                "a verb waited for something else than the database".into(),
            )),
            Err(_) => Err(Fault::Other("a verb panicked".into())),
        };
        let fate = answer.as_ref().map(drop).map_err(Fault::clone);
        self.answer = Some(answer);
        fate.map(|()| tx.into_effects())
    }

    fn answer(self: Box<Self>, fate: Result<(), Fault>) {
        defends!("T037");
        let answer = match (fate, self.answer) {
            // A call that failed by itself says why, whatever became of the others.
            (_, Some(Err(own))) => Err(own),
            (Err(fault), _) => Err(fault),
            (Ok(()), Some(Ok(answer))) => Ok(answer),
            (Ok(()), None) => Err(Fault::Other("the call was never run".into())),
        };
        // A caller that went away wants no answer.
        let _ = self.caller.send(answer);
    }
}

/// What the writer thread owns.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) queue: Arc<Queue<Box<dyn Job>>>,
    pub(super) bus: Arc<Bus>,
    pub(super) ids: Arc<event::Ids>,
    pub(super) commits: Arc<AtomicU64>,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn work(mut self) {
        while let Some(mut group) = self.queue.take(GROUP) {
            let fate = self.commit(&mut group);
            let fate = fate.map(|invalidations| {
                defends!("T021");
                // Nobody is told "it ended" while this node still believes in it.
                for what in invalidations {
                    self.bus.publish(what);
                }
            });
            for job in group {
                job.answer(fate.clone());
            }
        }
    }

    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<Vec<Invalidation>, Fault> {
        self.connection.frame("BEGIN IMMEDIATE")?;
        let done = self.run_all(group).and_then(|invalidations| {
            self.connection.frame("COMMIT")?;
            Ok(invalidations)
        });
        if !self.connection.is_idle() {
            // The fault that led here is what the callers hear; if this fails too, SQLite has rolled back itself.
            let _ = self.connection.frame("ROLLBACK");
        }
        self.commits.fetch_add(u64::from(done.is_ok()), Ordering::Relaxed);
        done
    }

    fn run_all(&mut self, group: &mut [Box<dyn Job>]) -> Result<Vec<Invalidation>, Fault> {
        let mut invalidations = Vec::new();
        for job in group {
            self.connection.frame("SAVEPOINT call")?;
            match job.run(&mut self.connection, &self.ids) {
                Ok(effects) if effects.undone() => self.back_to_savepoint()?,
                Ok(effects) => invalidations.extend(effects.invalidations()),
                // A full disk or a failed read takes the whole transaction, and with it the calls before this one.
                Err(fault) if self.connection.is_idle() => return Err(fault),
                Err(_) => self.back_to_savepoint()?,
            }
            self.connection.frame("RELEASE call")?;
        }
        Ok(invalidations)
    }

    fn back_to_savepoint(&mut self) -> Result<(), Fault> {
        self.connection.frame("ROLLBACK TO call")
    }
}
