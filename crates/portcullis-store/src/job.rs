//! Jobs: written with the change they follow, leased one by one.

use portcullis_core::account;
use portcullis_core::audit::{self, Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::job::{Id, Job, JobKind, Lease, NewJob, Store, Withheld};

use crate::event::Entry;
use crate::port::on_database as implement;
use crate::tx::Tx;
use crate::value::{Row, Stored, Value, one, params};
use crate::{Database, budget};

impl Stored for JobKind {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?)
    }
}

portcullis_core::jobs_port!();

async fn next_due(on: &Database, kind: JobKind) -> Result<Option<Timestamp>, Fault> {
    let sql = "SELECT run_at FROM portcullis_jobs WHERE kind = $1 ORDER BY run_at LIMIT 1";
    let row = on.read(sql, params![kind.as_str()]).await?.into_iter().next();
    row.map(|mut row| row.take()).transpose()
}

async fn waiting(on: &Database, kind: JobKind) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM portcullis_jobs WHERE kind = $1";
    let count: i64 = one(on.read(sql, params![kind.as_str()]).await?)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

async fn finish(tx: &mut Tx<'_>, job: Id, lease: Lease) -> Result<bool, Fault> {
    let sql = "DELETE FROM portcullis_jobs WHERE id = $1 AND lease = $2";
    Ok(tx.execute(sql, params![job, lease]).await? == 1)
}

async fn retry_at(tx: &mut Tx<'_>, job: Id, lease: Lease, at: Timestamp) -> Result<bool, Fault> {
    let sql = "UPDATE portcullis_jobs SET lease = NULL, run_at = $3 WHERE id = $1 AND lease = $2";
    Ok(tx.execute(sql, params![job, lease, at]).await? == 1)
}

/// Writes a job in the transaction of the change that it follows, unless one of its budgets has nothing left.
pub(crate) async fn enqueue(
    tx: &mut Tx<'_>,
    job: &NewJob,
    by: &Context,
) -> Result<Result<(), Withheld>, Fault> {
    defends!("T130");
    if let Some(wait) = budget::spend(tx, &job.budgets, by.at).await? {
        tx.record(by, about(Entry::of(Action::JobWithheld), job.account, job.label));
        return Ok(Err(Withheld(wait)));
    }
    let sql =
        "INSERT INTO portcullis_jobs (id, kind, label, account_id, payload, run_at, created_at, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let params = params![
        job.id,
        job.kind.as_str(),
        job.label,
        job.account,
        job.payload.as_bytes(),
        job.run_at,
        by.at,
        job.ends_at,
    ];
    tx.execute(sql, params).await?;
    Ok(Ok(()))
}

async fn lease(
    tx: &mut Tx<'_>,
    kind: JobKind,
    lease: Lease,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Job>, Fault> {
    defends!("T131");
    // What another worker is about to take is passed over, not waited for.
    let sql = "SELECT id FROM portcullis_jobs WHERE kind = $1 AND run_at <= $2 ORDER BY run_at, id
        LIMIT 1 FOR UPDATE SKIP LOCKED";
    let Some(mut row) = tx.query_one(sql, params![kind.as_str(), now]).await? else {
        return Ok(None);
    };
    let id: Id = row.take()?;
    let sql = "UPDATE portcullis_jobs SET lease = $2, run_at = $3, attempts = attempts + 1 WHERE id = $1
        RETURNING id, kind, label, payload, attempts, created_at, ends_at";
    let row = tx.query_one(sql, params![id, lease, until]).await?;
    row.map(read).transpose()
}

fn read(mut row: Row) -> Result<Job, Fault> {
    Ok(Job {
        id: row.take()?,
        kind: row.take()?,
        label: row.take()?,
        payload: row.take()?,
        attempts: u32::try_from(row.take::<i64>()?).unwrap_or(u32::MAX),
        created_at: row.take()?,
        ends_at: row.take()?,
    })
}

async fn give_up(tx: &mut Tx<'_>, job: Id, lease: Lease, reason: &str, by: &Context) -> Result<bool, Fault> {
    let sql = "DELETE FROM portcullis_jobs WHERE id = $1 AND lease = $2 RETURNING label, account_id";
    let Some(mut row) = tx.query_one(sql, params![job, lease]).await? else {
        return Ok(false);
    };
    let (label, account): (String, Option<account::Id>) = (row.take()?, row.take()?);
    let detail = format!("{label}: {reason}");
    tx.record(by, about(Entry::of(Action::JobGivenUp), account, detail));
    Ok(true)
}

fn about(entry: Entry, account: Option<account::Id>, detail: impl Into<String>) -> Entry {
    let entry = entry.detail(detail);
    match account {
        Some(account) => entry.account(account),
        None => entry,
    }
}
