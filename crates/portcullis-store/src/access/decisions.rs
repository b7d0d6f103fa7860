//! Why requests were refused.
//!
//! A decision is one JSON text: it is written once, read whole, and its form grows with the code. What the sweep
//! goes by stands beside it in columns.

use portcullis_core::audit::{self, Context};
use portcullis_core::authz::Decision;
use portcullis_core::authz::explain::{Bounds, Store};
use portcullis_core::fault::Fault;
use uuid::Uuid;

use crate::Database;
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::tx::Tx;
use crate::value::{Row, params};

portcullis_core::decisions_port!();

async fn recall(on: &Database, trace: Uuid) -> Result<Option<Decision>, Fault> {
    let sql = "SELECT record FROM portcullis_decisions WHERE trace = $1";
    let row = on.read(sql, params![trace]).await?.into_iter().next();
    row.map(decision).transpose()
}

async fn keep(tx: &mut Tx<'_>, decision: &Decision, by: &Context) -> Result<(), Fault> {
    tx.alone()?;
    let record = serde_json::to_string(decision)
        .map_err(|error| Fault::Other(format!("a decision can't be written: {error}")))?;
    let sql = "INSERT INTO portcullis_decisions (trace, at, account_id, record) VALUES ($1, $2, $3, $4)
        ON CONFLICT (trace) DO NOTHING";
    let params = params![decision.trace, decision.at, decision.account, &record];
    tx.execute(sql, params).await?;
    if let Some(refusal) = decision.refusal() {
        let by = Context {
            api_key: decision.key,
            ..by.clone()
        };
        tx.record(&by, Entry::from(refusal));
    }
    Ok(())
}

fn decision(mut row: Row) -> Result<Decision, Fault> {
    serde_json::from_str(&row.take::<String>()?)
        .map_err(|error| Fault::Corrupt(format!("a decision can't be read: {error}")))
}

/// First what is too old, then what is too much: the newest stay.
async fn forget(tx: &mut Tx<'_>, bounds: Bounds, limit: u32) -> Result<u64, Fault> {
    let mut left = u64::from(limit);
    for (aged, surplus, most) in [
        (AGED_UNKNOWN, SURPLUS_UNKNOWN, bounds.unknown),
        (AGED_KNOWN, SURPLUS_KNOWN, bounds.known),
    ] {
        let room = i64::try_from(left).unwrap_or(i64::MAX);
        left -= tx.execute(aged, params![bounds.after, room]).await?.min(left);
        let room = i64::try_from(left).unwrap_or(i64::MAX);
        left -= tx.execute(surplus, params![most, room]).await?.min(left);
    }
    Ok(u64::from(limit) - left)
}

macro_rules! aged {
    ($whose:literal) => {
        concat!(
            "DELETE FROM portcullis_decisions WHERE trace IN (SELECT trace FROM portcullis_decisions WHERE ",
            $whose,
            " AND at <= $1 LIMIT $2)"
        )
    };
}

macro_rules! surplus {
    ($whose:literal) => {
        concat!(
            "DELETE FROM portcullis_decisions WHERE trace IN (SELECT trace FROM portcullis_decisions WHERE ",
            $whose,
            " ORDER BY at DESC LIMIT $2 OFFSET $1)"
        )
    };
}

const AGED_KNOWN: &str = aged!("account_id IS NOT NULL");
const AGED_UNKNOWN: &str = aged!("account_id IS NULL");
const SURPLUS_KNOWN: &str = surplus!("account_id IS NOT NULL");
const SURPLUS_UNKNOWN: &str = surplus!("account_id IS NULL");
