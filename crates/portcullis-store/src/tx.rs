//! One transaction, on either database.
//!
//! A verb is an async function over a [`Tx`], written once. On SQLite its statements run at once on the writer
//! thread, so the future never waits and is polled to its end inside a savepoint of the current group; on
//! PostgreSQL it runs in a transaction of a pooled connection and may be run again after a deadlock, which is why
//! it takes its input by reference.
//!
//! SQL is shared: `$1…` for parameters, `RETURNING`, `ON CONFLICT`. A statement that must lock what it reads ends
//! in `FOR UPDATE` (also with `SKIP LOCKED`) or `FOR NO KEY UPDATE`; SQLite, where a write transaction has the whole database to itself,
//! never sees that ending.
//!
//! What a verb has to tell (audit events, invalidations) is gathered while it runs and written at its end, in the
//! same transaction: no change without its event, no event without its change.

use std::time::Duration;

use portcullis_core::account::AccountState;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::{audit, defends};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::event::{self, Entry};
#[cfg(feature = "sqlite")]
use crate::sqlite::Connection;
use crate::value::{Row, Value, params};

/// A verb's answer, to be waited for.
pub(crate) type Answer<'t, T> = futures_util::future::BoxFuture<'t, Result<T, Fault>>;

/// A running transaction, and what is written when it ends well: events and invalidations.
pub(crate) struct Tx<'c> {
    engine: Engine<'c>,
    ids: &'c event::Ids,
    effects: Effects,
    verified_email_is_required: bool,
    /// What a program's own transaction adds.
    open: Open,
}

/// A program's own transaction, of which verbs are parts.
#[derive(Default)]
struct Open {
    is_open: bool,
    /// The effects of what stands around the present savepoint, outermost first.
    around: Vec<Effects>,
    /// Why nothing of it can be kept.
    doom: Option<Fault>,
}

enum Engine<'c> {
    #[cfg(feature = "sqlite")]
    Sqlite(&'c mut Connection),
    #[cfg(feature = "postgres")]
    Postgres(&'c deadpool_postgres::Transaction<'c>),
}

/// What a verb leaves behind besides its answer.
#[derive(Default)]
pub(crate) struct Effects {
    events: Vec<Vec<Value<'static>>>,
    invalidations: Vec<(Invalidation, Timestamp)>,
    undone: bool,
    #[cfg(feature = "postgres")]
    fate: crate::postgres::Fate,
}

impl Effects {
    /// Whether the verb answered but wants none of its writes kept.
    pub(crate) fn undone(&self) -> bool {
        self.undone
    }

    /// What a failed statement means for the transaction and its connection.
    #[cfg(feature = "postgres")]
    pub(crate) fn fate(&self) -> crate::postgres::Fate {
        self.fate
    }

    /// Adds what a part of the transaction leaves behind.
    fn absorb(&mut self, part: Self) {
        self.events.extend(part.events);
        self.invalidations.extend(part.invalidations);
    }

    /// What to publish once the transaction is committed.
    pub(crate) fn invalidations(self) -> impl Iterator<Item = Invalidation> {
        self.invalidations.into_iter().map(|(what, _)| what)
    }
}

impl<'c> Tx<'c> {
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(connection: &'c mut Connection, ids: &'c event::Ids) -> Self {
        Self {
            engine: Engine::Sqlite(connection),
            ids,
            effects: Effects::default(),
            verified_email_is_required: false,
            open: Open::default(),
        }
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn postgres(transaction: &'c deadpool_postgres::Transaction<'c>, ids: &'c event::Ids) -> Self {
        Self {
            engine: Engine::Postgres(transaction),
            ids,
            effects: Effects::default(),
            verified_email_is_required: false,
            open: Open::default(),
        }
    }

    /// Says whether an account without a proven address may act.
    pub(crate) fn require_verified_email(&mut self, required: bool) {
        self.verified_email_is_required = required;
    }

    /// The stored forms of the states whose accounts may act: for `state IN ($a, $b)`. No statement names states itself.
    pub(crate) fn acting(&self) -> [&'static str; 2] {
        defends!("T175");
        AccountState::that_may_act(self.verified_email_is_required).map(AccountState::as_str)
    }

    /// Whether an account in this state may act.
    pub(crate) fn may_act(&self, state: AccountState) -> bool {
        state.may_act_where(self.verified_email_is_required)
    }

    /// Runs a statement and takes all its rows.
    pub(crate) async fn query(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        match &mut self.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(connection) => connection.query(sql, params),
            #[cfg(feature = "postgres")]
            Engine::Postgres(transaction) => {
                let rows = crate::postgres::query(transaction.client(), sql, params).await;
                self.noting_fate(rows)
            }
        }
    }

    /// Runs a statement that answers at most one row.
    pub(crate) async fn query_one(
        &mut self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Option<Row>, Fault> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement; answers how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64, Fault> {
        match &mut self.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(connection) => connection.execute(sql, params),
            #[cfg(feature = "postgres")]
            Engine::Postgres(transaction) => {
                let count = crate::postgres::execute(transaction.client(), sql, params).await;
                self.noting_fate(count)
            }
        }
    }

    /// Runs a statement once for each set of parameters, without waiting for one before sending the next.
    pub(crate) async fn execute_many<'v>(
        &mut self,
        sql: &'static str,
        sets: &[Vec<Value<'v>>],
    ) -> Result<(), Fault> {
        match &mut self.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(connection) => {
                for params in sets {
                    connection.execute(sql, params)?;
                }
                Ok(())
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(transaction) => {
                let done = crate::postgres::execute_many(transaction.client(), sql, sets).await;
                self.noting_fate(done)
            }
        }
    }

    /// Writes an audit event with the transaction.
    pub(crate) fn record(&mut self, by: &audit::Context, entry: Entry) {
        let id = self.ids.next(by.at);
        self.effects.events.push(event::params(id, by, entry));
    }

    /// Tells every node, with the transaction, to forget.
    pub(crate) fn invalidate(&mut self, what: Invalidation, at: Timestamp) {
        self.effects.invalidations.push((what, at));
    }

    /// Keeps the verb's answer but none of its writes, events and invalidations.
    pub(crate) fn undo(&mut self) {
        self.effects.undone = true;
    }

    /// Runs the verb and then writes what it has to tell.
    pub(crate) async fn run<I, T, V>(&mut self, input: &I, verb: &V) -> Result<T, Fault>
    where
        V: for<'t, 'x> Fn(&'t mut Tx<'x>, &'t I) -> Answer<'t, T>,
    {
        let answer = verb(self, input).await?;
        if !self.effects.undone {
            self.flush().await?;
        }
        Ok(answer)
    }

    /// The transaction is a program's own: verbs are parts of it.
    pub(crate) fn open(&mut self) {
        self.open.is_open = true;
    }

    /// Refuses to be a part of a program's own transaction: what must stay, whatever becomes of that.
    pub(crate) fn alone(&self) -> Result<(), Fault> {
        defends!("T221");
        match self.open.is_open {
            false => Ok(()),
            true => Err(Fault::Other(
                "what counts tries or records refusals can't be undone: ask for it before or after the transaction".into(),
            )),
        }
    }

    /// Why nothing of the transaction can be kept, if so.
    pub(crate) fn doom(&self) -> Option<Fault> {
        self.open.doom.clone()
    }

    /// Nothing of the transaction can be kept.
    pub(crate) fn condemn(&mut self, why: &Fault) {
        self.open.doom.get_or_insert_with(|| why.clone());
    }

    /// Waits for what somebody sends; `None` when the time is over. SQLite's thread waits itself, as everybody who writes does.
    pub(crate) async fn hear<T>(
        &mut self,
        from: &mut UnboundedReceiver<T>,
        limit: Duration,
    ) -> Option<Option<T>> {
        match &self.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => crate::sqlite::wait(from.recv(), limit),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => tokio::time::timeout(limit, from.recv()).await.ok(),
        }
    }

    /// Begins a part that can be undone by itself; answers how deep it is.
    pub(crate) fn save(&mut self) -> Answer<'_, usize> {
        Box::pin(async move {
            self.execute("SAVEPOINT part", &[]).await?;
            let outer = std::mem::take(&mut self.effects);
            self.open.around.push(outer);
            Ok(self.open.around.len())
        })
    }

    /// Ends the part that is `depth` deep, and keeps it or not.
    pub(crate) fn settle(&mut self, depth: usize, keep: bool) -> Answer<'_, ()> {
        Box::pin(async move {
            if self.open.around.len() != depth {
                return Err(Fault::Other(
                    "a part of the transaction was left before its end".into(),
                ));
            }
            if !keep {
                self.execute("ROLLBACK TO SAVEPOINT part", &[]).await?;
            }
            self.execute("RELEASE SAVEPOINT part", &[]).await?;
            let mut outer = self.open.around.pop().unwrap_or_default();
            if keep {
                outer.absorb(std::mem::take(&mut self.effects));
            }
            self.effects = outer;
            Ok(())
        })
    }

    /// Runs a verb as a part of this transaction.
    pub(crate) async fn nest<I, T, V>(&mut self, input: &I, verb: &V) -> Result<T, Fault>
    where
        V: for<'t, 'x> Fn(&'t mut Tx<'x>, &'t I) -> Answer<'t, T>,
    {
        let depth = self.save().await?;
        let answer = verb(self, input).await?;
        self.settle(depth, !self.effects.undone).await?;
        Ok(answer)
    }

    /// What the transaction leaves behind.
    pub(crate) fn into_effects(self) -> Effects {
        if self.effects.undone {
            return Effects {
                undone: true,
                ..Effects::default()
            };
        }
        self.effects
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        defends!("T037");
        let events = std::mem::take(&mut self.effects.events);
        if !events.is_empty() {
            self.execute_many(event::INSERT, &events).await?;
        }
        let rows: Vec<_> = self
            .effects
            .invalidations
            .iter()
            .map(invalidation_params)
            .collect();
        if !rows.is_empty() {
            self.execute_many(INSERT_INVALIDATION, &rows).await?;
        }
        Ok(())
    }

    #[cfg(feature = "postgres")]
    fn noting_fate<T>(&mut self, result: Result<T, crate::postgres::Failure>) -> Result<T, Fault> {
        result.map_err(|failure| {
            self.effects.fate = failure.fate;
            failure.fault
        })
    }
}

fn invalidation_params((what, at): &(Invalidation, Timestamp)) -> Vec<Value<'static>> {
    let (kind, subject) = what.to_parts();
    params![kind, subject, *at].to_vec()
}

const INSERT_INVALIDATION: &str =
    "INSERT INTO portcullis_invalidations (kind, subject, at) VALUES ($1, $2, $3)";
