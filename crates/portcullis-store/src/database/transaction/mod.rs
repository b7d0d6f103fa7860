//! A transaction of a program's own: its statements and the verbs of Portcullis, all kept or none.
//!
//! Flow: [`Database::transaction`] opens a transaction where verbs run (SQLite's writer thread, a task with a connection to
//! PostgreSQL) and runs the program's work where it was called. Each statement of the work, and each verb or read that
//! a service of the same database asks for meanwhile, is sent there as a step and waited for. When the work is done it says
//! whether the steps are kept; when it fails, is dropped, panics or takes too long, nothing of them is.
//!
//! A verb finds the open transaction by a task-local: so every service joins it, and nothing has to be handed through. What
//! caches ask for doesn't ([`Database::apart`]): they must not learn what may be undone.
//!
//! **Invariants:** a step that fails dooms the transaction on either database, whatever the work makes of it (`T220`); what
//! counts tries or records refusals is no step (`Tx::alone`, `T221`); other nodes and this process's caches hear of a change
//! after the commit.

mod drive;
mod statement;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use tokio::sync::{mpsc, oneshot};

use self::drive::{Open, Request, drive};
pub use self::statement::{Column, Parameter, Record};
use super::{Database, Inner};
use crate::tx::{Answer, Tx};
use crate::value::{Row, Value};

tokio::task_local! {
    /// The transaction that this task has open.
    static OPEN: Transaction;
}

/// An open transaction, for statements of a program's own. It is over when the work that it was given to is done.
#[derive(Clone)]
pub struct Transaction {
    requests: mpsc::UnboundedSender<Request>,
    of: Arc<Inner>,
}

impl Transaction {
    /// Runs a statement that changes rows of the program's own tables; answers how many. Parameters are `$1`, `$2`, … on
    /// both databases: `tx.execute("INSERT INTO notes (id, owner) VALUES ($1, $2)", [id.into(), owner.into()])`.
    ///
    /// Only `INSERT`, `UPDATE`, `DELETE`, `SELECT`, `WITH` and `VALUES` are taken, and no change of a table of Portcullis':
    /// its services change those.
    ///
    /// # Errors
    /// [`Fault`]; the transaction is undone then, on SQLite as on PostgreSQL. Where a row may be there already, write
    /// `ON CONFLICT DO NOTHING` and look at the count.
    pub async fn execute(
        &self,
        sql: &'static str,
        parameters: impl IntoIterator<Item = Parameter>,
    ) -> Result<u64, Fault> {
        let parameters = statement::checked(sql, parameters)?;
        self.step(move |tx| Box::pin(async move { tx.execute(sql, &parameters).await }))
            .await
    }

    /// Runs a statement and takes all its rows. What it reads is as of now, with everything this transaction changed.
    ///
    /// # Errors
    /// [`Fault`], as [`Transaction::execute`].
    pub async fn query(
        &self,
        sql: &'static str,
        parameters: impl IntoIterator<Item = Parameter>,
    ) -> Result<Vec<Record>, Fault> {
        let parameters = statement::checked(sql, parameters)?;
        let rows = self.step(move |tx| Box::pin(async move { tx.query(sql, &parameters).await }));
        Ok(rows.await?.into_iter().map(Record::from).collect())
    }

    /// Runs a statement that answers at most one row.
    ///
    /// # Errors
    /// [`Fault`], as [`Transaction::execute`].
    pub async fn query_one(
        &self,
        sql: &'static str,
        parameters: impl IntoIterator<Item = Parameter>,
    ) -> Result<Option<Record>, Fault> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// The transaction that this task has open on the database, if it has one.
    fn current(database: &Database) -> Option<Self> {
        OPEN.try_with(Self::clone)
            .ok()
            .filter(|open| Arc::ptr_eq(&open.of, &database.inner))
    }

    /// Runs a verb as a part of the transaction: what it undoes is its own.
    async fn join<I, T, V>(&self, input: I, verb: V) -> Result<T, Fault>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send + Sync + 'static,
    {
        self.step(move |tx| Box::pin(async move { tx.nest(&input, &verb).await }))
            .await
    }

    /// Has a step run by whoever runs the transaction.
    async fn step<T, S>(&self, step: S) -> Result<T, Fault>
    where
        T: Send + 'static,
        S: for<'t, 'c> FnOnce(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, Fault>> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let request = Request::step(step, caller);
        self.requests.send(request).map_err(|_| over())?;
        answer.await.map_err(|_| over())?
    }

    /// Runs the work as a part of this transaction that can be undone by itself.
    async fn nested<T, E, W, F>(&self, work: W) -> Result<T, E>
    where
        W: FnOnce(Self) -> F,
        F: Future<Output = Result<T, E>>,
        E: From<Fault>,
    {
        let depth = self.step(|tx| Box::pin(tx.save())).await?;
        let done = work(self.clone()).await;
        let keep = done.is_ok();
        self.step(move |tx| Box::pin(tx.settle(depth, keep))).await?;
        done
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}

impl Database {
    /// Runs the work in one transaction: its statements, and all that the ports of this database are asked for meanwhile by
    /// the same task. `Ok` keeps them, `Err` undoes them, and so does a panic, a failed step, or a work that takes longer than `limit`.
    /// Within another transaction of this task it is a part of it, which `Err` undoes by itself.
    ///
    /// What the work starts on other tasks isn't part of it, and waits for it where the database is SQLite: there is one
    /// writer. So is everybody else who writes: `limit` bounds how long.
    ///
    /// # Errors
    /// The work's own, or its form of a [`Fault`]. Nothing was changed.
    pub async fn transaction<T, E, W, F>(&self, limit: Duration, work: W) -> Result<T, E>
    where
        W: FnOnce(Transaction) -> F,
        F: Future<Output = Result<T, E>>,
        E: From<Fault>,
    {
        if let Some(open) = Transaction::current(self) {
            return open.nested(work).await;
        }
        let (requests, steps) = mpsc::unbounded_channel();
        let transaction = Transaction {
            requests,
            of: Arc::clone(&self.inner),
        };
        let driving = pin!(self.write_alone(Open::new(steps, limit), |tx, open| Box::pin(drive(tx, open))));
        let working = pin!(async move {
            let own = transaction.clone();
            let done = OPEN.scope(transaction.clone(), work(own)).await;
            // If nobody is there to hear it, whoever drove says why.
            let _ = transaction.requests.send(Request::Over { keep: done.is_ok() });
            done
        });
        match select(driving, working).await {
            Either::Left((driven, _)) => Err(E::from(driven.err().unwrap_or_else(over))),
            // What ended the transaction says more than what the work met because of it.
            Either::Right((done, driving)) => driving.await.map_err(E::from).and(done),
        }
    }

    /// Runs one statement that reads the program's own tables, or Portcullis': it sees one snapshot and waits for nobody who
    /// writes. In an open transaction of this task it sees what that changed.
    ///
    /// # Errors
    /// [`Fault`]: it isn't one that only reads, or what the database says of it.
    pub async fn query(
        &self,
        sql: &'static str,
        parameters: impl IntoIterator<Item = Parameter>,
    ) -> Result<Vec<Record>, Fault> {
        let parameters = statement::reading(sql, parameters)?;
        let rows = self.read(sql, &parameters).await?;
        Ok(rows.into_iter().map(Record::from).collect())
    }

    /// Makes tables and indexes of a program's own where there are none yet: a statement each, `CREATE TABLE IF NOT EXISTS …` or
    /// `CREATE [UNIQUE] INDEX IF NOT EXISTS …`. All or none. Tables that change over time are better led on by a tool of
    /// migrations.
    ///
    /// # Errors
    /// [`Fault`]: another kind of statement, a table of Portcullis', or what the database says of one.
    pub async fn make_tables(&self, statements: &[&'static str]) -> Result<(), Fault> {
        statements.iter().try_for_each(|sql| statement::makes_own(sql))?;
        self.write(statements.to_vec(), |tx, statements| {
            Box::pin(async move {
                for sql in statements {
                    tx.execute(sql, &[]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// The same database for what keeps an answer longer than a transaction: it takes part in none.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            apart: true,
        }
    }

    /// The transaction that this task has open on the database, for statements of a program's own.
    pub fn open_transaction(&self) -> Option<Transaction> {
        Transaction::current(self)
    }

    /// Takes the open transaction along to another task, which goes on whether or not this one still waits.
    pub(crate) fn carry<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        let open = Transaction::current(self).filter(|_| !self.apart);
        async move {
            match open {
                Some(open) => OPEN.scope(open, work).await,
                None => work.await,
            }
        }
    }

    /// The transaction that a call takes part in.
    ///
    /// # Errors
    /// [`Fault`]: the call would wait for the transaction, and the transaction for it.
    pub(crate) fn joined(&self, access: Access) -> Result<Option<Transaction>, Fault> {
        defends!("T222");
        let open = Transaction::current(self);
        if !self.apart {
            return Ok(open);
        }
        match (open, access) {
            (Some(_), _) if self.is_one_connection() => Err(Fault::Other(WOULD_WAIT.into())),
            (Some(_), Access::Write) => Err(Fault::Other(WOULD_WAIT.into())),
            _ => Ok(None),
        }
    }

    /// Runs a verb in the open transaction.
    pub(crate) async fn write_in<I, T, V>(open: &Transaction, input: I, verb: V) -> Result<T, Fault>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send + Sync + 'static,
    {
        open.join(input, verb).await
    }

    /// Reads in the open transaction.
    pub(crate) async fn read_in(
        open: &Transaction,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Row>, Fault> {
        let owned: Vec<_> = params.iter().cloned().map(Value::into_owned).collect();
        open.step(move |tx| Box::pin(async move { tx.query(sql, &owned).await }))
            .await
    }
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// One statement that reads.
    Read,
    /// A verb.
    Write,
}

const WOULD_WAIT: &str = "it is asked for something that must not see an open transaction while this task has one open: ask before or after";

fn over() -> Fault {
    Fault::Other("its transaction is over".into())
}
