//! PostgreSQL, for several nodes.
//!
//! Each verb runs in one READ COMMITTED transaction of a pooled connection: its statements are atomic by themselves
//! or lock what they read first. A transaction that the server broke off for another's sake (deadlock,
//! serialization) is run again a few times. Reads are one statement without a transaction.
//!
//! A verb runs on a task of its own: a caller that goes away in the middle neither leaves a transaction open nor
//! loses the invalidations of one that was committed.
//!
//! Nothing of ours outlives its transaction on the server, but for three limits of time: so a pooler may stand in between.
//!
//! **Deployment caveat:** with `synchronous_commit = off` on the server an acknowledged write may be lost with it.

mod migrate;

use std::sync::Arc;

use deadpool_postgres::{Client, Pool};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use tokio_postgres::IsolationLevel;
use uuid::Uuid;

use crate::bus::Bus;
use crate::event;
use crate::migration;
use crate::postgres::{Failure, Fate, of_pool, pool, query};
use crate::settings::Settings;
use crate::tx::{Answer, Effects, Tx};
use crate::value::{Row, Value, one, params};

/// How often a verb is run before the server's refusal stands.
const ATTEMPTS: u32 = 5;

/// PostgreSQL's own part of a database.
#[derive(Clone)]
pub(crate) struct Engine {
    pool: Pool,
    bus: Arc<Bus>,
    ids: Arc<event::Ids>,
}

impl Engine {
    /// Connects and brings the schema up to date.
    pub(crate) async fn open(url: &str, settings: &Settings, bus: Arc<Bus>) -> Result<Self, Fault> {
        let pool = pool(url, settings)?;
        let mut client = pool.get().await.map_err(|e| of_pool(&e))?;
        migrate::migrate(&mut client, &migration::POSTGRES, settings.blank)
            .await
            .map_err(|failure| failure.fault)?;
        // The server's randomness: it names this process among those that write events, nothing more. Within a transaction,
        // so that a pooler that knows none is met now and not by the first login.
        let node: Uuid = one(ask(&mut client, "SELECT gen_random_uuid()")
            .await
            .map_err(|failure| failure.fault)?)?;
        drop(client);
        let ids = Arc::new(event::Ids::new(node));
        Ok(Self { pool, bus, ids })
    }

    pub(crate) async fn write<I, T, V>(&self, input: I, verb: V) -> Result<T, Fault>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send + Sync + 'static,
    {
        let engine = self.clone();
        let work = async move { engine.attempts(&input, &verb).await };
        match tokio::spawn(work).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Other("a verb panicked".into())),
        }
    }

    pub(crate) async fn read(&self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        let client = self.pool.get().await.map_err(|e| of_pool(&e))?;
        query(&client, sql, params).await.map_err(|failure| failure.fault)
    }

    /// Closes a connection to a server that takes no writes, and those that wait unused: they were made to the same one.
    /// A connection that answers reads would else be kept for ever.
    fn close_read_only(&self, client: Client) {
        defends!("T164");
        drop(Client::take(client));
        self.pool.retain(|_, _| false);
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }

    async fn attempts<I, T, V>(&self, input: &I, verb: &V) -> Result<T, Fault>
    where
        I: Sync,
        T: Send,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Sync,
    {
        let mut attempt = 1;
        loop {
            match self.attempt(input, verb).await {
                Ok((answer, invalidations)) => {
                    // Nobody is told "it ended" while this node still believes in it.
                    for what in invalidations {
                        self.bus.publish(what);
                    }
                    return Ok(answer);
                }
                Err(failure) if failure.fate == Fate::Again && attempt < ATTEMPTS => attempt += 1,
                Err(failure) => return Err(failure.fault),
            }
        }
    }

    async fn attempt<I, T, V>(&self, input: &I, verb: &V) -> Result<(T, Vec<Invalidation>), Failure>
    where
        I: Sync,
        T: Send,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Sync,
    {
        let mut client = self.pool.get().await.map_err(|e| of_pool(&e))?;
        let done = self.transact(&mut client, input, verb).await;
        if matches!(&done, Err(failure) if failure.fate == Fate::Closed) {
            self.close_read_only(client);
        }
        done
    }

    async fn transact<I, T, V>(
        &self,
        client: &mut Client,
        input: &I,
        verb: &V,
    ) -> Result<(T, Vec<Invalidation>), Failure>
    where
        I: Sync,
        T: Send,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Sync,
    {
        let begin = client
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted);
        let transaction = begin.start().await?;
        let mut tx = Tx::postgres(&transaction, &self.ids);
        let answer = tx.run(input, verb).await;
        let effects: Effects = tx.into_effects();
        match answer {
            Ok(answer) if effects.undone() => {
                transaction.rollback().await?;
                Ok((answer, Vec::new()))
            }
            Ok(answer) => {
                transaction.commit().await?;
                Ok((answer, effects.invalidations().collect()))
            }
            Err(fault) => {
                let fate = effects.fate();
                // What the verb met is what the caller hears; a broken connection rolls back by itself.
                let _ = transaction.rollback().await;
                Err(Failure { fault, fate })
            }
        }
    }
}

async fn ask(client: &mut Client, sql: &'static str) -> Result<Vec<Row>, Failure> {
    let transaction = client.transaction().await?;
    let rows = query(transaction.client(), sql, params![]).await?;
    transaction.commit().await?;
    Ok(rows)
}
