//! Brings a PostgreSQL database up to date: one transaction a step, one node at a time.
//!
//! Nodes that start together wait for the one that was first, for minutes if need be: a step may take its time. Nothing
//! here outlives its transaction, for the sake of poolers.

use deadpool_postgres::{Client, Transaction};
use portcullis_core::fault::Fault;
use tokio_postgres::types::Type;

use crate::migration::{
    CREATE_HISTORY, INSERT_HISTORY, Migration, VERSION, latest, refuse_blank, refuse_newer,
};
use crate::postgres::Failure;
use crate::settings::Blank;

pub(super) async fn migrate(
    client: &mut Client,
    migrations: &[Migration],
    blank: Blank,
) -> Result<(), Failure> {
    let found = present(client).await?;
    refuse_blank(found.unwrap_or_default(), blank)?;
    if found == Some(latest(migrations)) {
        return Ok(());
    }
    for migration in migrations {
        let transaction = client.transaction().await?;
        transaction
            .batch_execute("SET LOCAL statement_timeout = 0")
            .await?;
        take_turn(&transaction).await?;
        transaction.batch_execute(CREATE_HISTORY).await?;
        let row = transaction.query_typed_one(VERSION, &[]).await?;
        let found: i64 = row.try_get(0)?;
        refuse_newer(found, migrations)?;
        if found < migration.version {
            transaction.batch_execute(migration.sql).await?;
            let (version, name) = (&migration.version, &migration.name);
            transaction
                .client()
                .execute_typed(INSERT_HISTORY, &[(version, Type::INT8), (name, Type::TEXT)])
                .await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Waits until no other node migrates. What a step of our own waits for at most stays as it was.
async fn take_turn(transaction: &Transaction<'_>) -> Result<(), Failure> {
    let row = transaction.query_typed_one(TRY, &[]).await?;
    let (free, usual): (bool, String) = (row.try_get(0)?, row.try_get(1)?);
    if free {
        return Ok(());
    }
    tracing::info!("another node brings the database up to date; this one waits for it");
    transaction.batch_execute(PATIENTLY).await?;
    if let Err(error) = transaction.batch_execute(LOCK).await {
        return Err(match Failure::from(error) {
            Failure {
                fault: Fault::Busy(text),
                ..
            } => {
                let says = "another node has been bringing it up to date for ten minutes";
                Fault::Busy(format!("{says}: {text}")).into()
            }
            other => other,
        });
    }
    let restore = "SELECT set_config('lock_timeout', $1, true)";
    transaction
        .query_typed_one(restore, &[(&usual, Type::TEXT)])
        .await?;
    Ok(())
}

async fn present(client: &Client) -> Result<Option<i64>, Failure> {
    let exists = "SELECT to_regclass('schema_history') IS NOT NULL";
    if !client.query_typed_one(exists, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    Ok(Some(client.query_typed_one(VERSION, &[]).await?.try_get(0)?))
}

/// Taken for the length of a step; the number is ours alone ("portcull" in ASCII).
const TRY: &str = "SELECT pg_try_advisory_xact_lock(8101821146886991980), current_setting('lock_timeout')";
const LOCK: &str = "SELECT pg_advisory_xact_lock(8101821146886991980)";
const PATIENTLY: &str = "SET LOCAL lock_timeout = '10min'";
