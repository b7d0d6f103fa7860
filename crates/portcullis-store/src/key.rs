//! Signing keys, sealed as they come.

use portcullis_core::audit::{self, Action, Context};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::key::{KeyRecord, Phase, Store};

use crate::Database;
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::tx::Tx;
use crate::value::{Row, Stored, Value, params};

const LOAD: &str = "SELECT kid, algorithm, sealed, phase, created_at, delete_at FROM portcullis_signing_keys
    ORDER BY created_at, kid";

portcullis_core::key_port!();

async fn load(on: &Database) -> Result<Vec<KeyRecord>, Fault> {
    on.read(LOAD, params![]).await?.into_iter().map(record).collect()
}

async fn delete_retired(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, Fault> {
    tx.alone()?;
    let sql = "DELETE FROM portcullis_signing_keys WHERE phase = 'retired' AND delete_at <= $1";
    let deleted = tx.execute(sql, params![now]).await?;
    if deleted > 0 {
        tx.invalidate(Invalidation::Keys, now);
    }
    Ok(deleted)
}

/// The ring stays the same ring: nothing is invalidated.
async fn reseal(tx: &mut Tx<'_>, kid: &str, old: &[u8], new: &[u8]) -> Result<bool, Fault> {
    tx.alone()?;
    let sql = "UPDATE portcullis_signing_keys SET sealed = $3 WHERE kid = $1 AND sealed = $2";
    Ok(tx.execute(sql, params![kid, old, new]).await? == 1)
}

impl Stored for Phase {
    fn read(value: Value<'static>) -> Option<Self> {
        Self::parse(&String::read(value)?)
    }
}

fn record(mut row: Row) -> Result<KeyRecord, Fault> {
    Ok(KeyRecord {
        kid: row.take()?,
        algorithm: row.take()?,
        sealed: row.take()?,
        phase: row.take()?,
        created_at: row.take()?,
        delete_at: row.take()?,
    })
}

/// Lets one transaction at a time change the ring.
async fn lock_keys(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.query(
        "SELECT name FROM portcullis_locks WHERE name = 'keys' FOR UPDATE",
        params![],
    )
    .await
    .map(drop)
}

async fn initialize(tx: &mut Tx<'_>, records: &[KeyRecord], by: &Context) -> Result<Vec<KeyRecord>, Fault> {
    tx.alone()?;
    lock_keys(tx).await?;
    let present: Vec<KeyRecord> = tx
        .query(LOAD, params![])
        .await?
        .into_iter()
        .map(record)
        .collect::<Result<_, _>>()?;
    let is_new = |new: &&KeyRecord| {
        let is_other = |old: &KeyRecord| old.algorithm != new.algorithm || old.phase == Phase::Retired;
        present.iter().all(is_other)
    };
    let mut added = false;
    for new in records.iter().filter(is_new) {
        insert(tx, new, new.phase, by).await?;
        added = true;
    }
    if !added {
        return Ok(present);
    }
    tx.invalidate(Invalidation::Keys, by.at);
    tx.query(LOAD, params![]).await?.into_iter().map(record).collect()
}

async fn retire_others(
    tx: &mut Tx<'_>,
    algorithm: &str,
    delete_at: Timestamp,
    by: &Context,
) -> Result<u64, Fault> {
    tx.alone()?;
    lock_keys(tx).await?;
    let sql = "UPDATE portcullis_signing_keys SET phase = 'retired', delete_at = $2
        WHERE algorithm <> $1 AND phase <> 'retired' RETURNING kid";
    let rows = tx.query(sql, params![algorithm, delete_at]).await?;
    let mut retired = 0;
    for mut row in rows {
        let kid: String = row.take()?;
        tx.record(by, Entry::of(Action::KeyRetired).detail(&kid));
        retired += 1;
    }
    if retired > 0 {
        tx.invalidate(Invalidation::Keys, by.at);
    }
    Ok(retired)
}

async fn withdraw(
    tx: &mut Tx<'_>,
    kid: &str,
    replacement: Option<&KeyRecord>,
    by: &Context,
) -> Result<bool, Fault> {
    tx.alone()?;
    lock_keys(tx).await?;
    let sql = "SELECT phase FROM portcullis_signing_keys WHERE kid = $1 FOR UPDATE";
    let Some(mut row) = tx.query(sql, params![kid]).await?.into_iter().next() else {
        return Ok(false);
    };
    let replacement = match (row.take()?, replacement) {
        (Phase::Current, _) | (Phase::Next, None) => return Ok(false),
        (Phase::Next, Some(next)) => Some(next),
        (Phase::Retired, _) => None,
    };
    tx.execute("DELETE FROM portcullis_signing_keys WHERE kid = $1", params![kid])
        .await?;
    tx.record(by, Entry::of(Action::KeyWithdrawn).detail(kid));
    if let Some(next) = replacement {
        insert(tx, next, Phase::Next, by).await?;
    }
    tx.invalidate(Invalidation::Keys, by.at);
    Ok(true)
}

async fn insert(tx: &mut Tx<'_>, new: &KeyRecord, phase: Phase, by: &Context) -> Result<(), Fault> {
    let sql = "INSERT INTO portcullis_signing_keys (kid, algorithm, sealed, phase, created_at, delete_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let params = params![
        &new.kid,
        &new.algorithm,
        &new.sealed,
        phase.as_str(),
        new.created_at,
        new.delete_at,
    ];
    tx.execute(sql, params).await?;
    tx.record(by, Entry::of(Action::KeyAdded).detail(&new.kid));
    Ok(())
}

async fn rotate(
    tx: &mut Tx<'_>,
    expected: &str,
    next: &KeyRecord,
    delete_at: Timestamp,
    by: &Context,
) -> Result<bool, Fault> {
    tx.alone()?;
    lock_keys(tx).await?;
    let sql = "UPDATE portcullis_signing_keys SET phase = 'retired', delete_at = $3
        WHERE kid = $1 AND algorithm = $2 AND phase = 'current'";
    if tx
        .execute(sql, params![expected, &next.algorithm, delete_at])
        .await?
        == 0
    {
        return Ok(false);
    }
    let sql = "UPDATE portcullis_signing_keys SET phase = 'current' WHERE algorithm = $1 AND phase = 'next'";
    if tx.execute(sql, params![&next.algorithm]).await? == 0 {
        return Err(Fault::Corrupt(format!(
            "the ring has no next key of {}",
            next.algorithm
        )));
    }
    insert(tx, next, Phase::Next, by).await?;
    tx.record(by, Entry::of(Action::KeyRotated).detail(expected));
    tx.invalidate(Invalidation::Keys, by.at);
    Ok(true)
}
