//! Brings a PostgreSQL database up to date: one transaction a step, one node at a time.

use deadpool_postgres::Client;
use tokio_postgres::types::Type;

use super::fault::Failure;
use crate::migration::{CREATE_HISTORY, INSERT_HISTORY, Migration, VERSION, latest, refuse_newer};

/// Taken for the length of a step; the number is ours alone ("portcull" in ASCII).
const LOCK: &str = "SELECT pg_advisory_xact_lock(8101821146886991980)";

pub(super) async fn migrate(client: &mut Client, migrations: &[Migration]) -> Result<(), Failure> {
    if present(client).await? == Some(latest(migrations)) {
        return Ok(());
    }
    for migration in migrations {
        let transaction = client.transaction().await?;
        // A step may take its time, and so may the node that is before us.
        transaction
            .batch_execute("SET LOCAL statement_timeout = 0")
            .await?;
        transaction.batch_execute(LOCK).await?;
        transaction.batch_execute(CREATE_HISTORY).await?;
        let found: i64 = transaction.query_one(VERSION, &[]).await?.try_get(0)?;
        refuse_newer(found, migrations)?;
        if found < migration.version {
            transaction.batch_execute(migration.sql).await?;
            let insert = transaction
                .prepare_typed(INSERT_HISTORY, &[Type::INT8, Type::TEXT])
                .await?;
            transaction
                .execute(&insert, &[&migration.version, &migration.name])
                .await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

async fn present(client: &Client) -> Result<Option<i64>, Failure> {
    let exists = "SELECT to_regclass('schema_history') IS NOT NULL";
    if !client.query_one(exists, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    Ok(Some(client.query_one(VERSION, &[]).await?.try_get(0)?))
}
