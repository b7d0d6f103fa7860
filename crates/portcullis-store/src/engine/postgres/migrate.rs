//! Brings a PostgreSQL database up to date: one transaction a step, one node at a time.
//!
//! Nodes that start together wait for the one that was first, for minutes if need be: a step may take its time. Nothing
//! here outlives its transaction, for the sake of poolers.
//!
//! A step that breaks programs of before is refused while nodes of theirs are connected. They are known by the name of their
//! connections (`crate::postgres::address::application`), which up to version 10 had no number; where the address gave
//! them another one, by the statement that every node runs four times a second.

use deadpool_postgres::{Client, Transaction};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use tokio_postgres::types::Type;

use crate::migration::{
    CREATE_HISTORY, FORMER_IS_OURS, FORMER_VERSION, INSERT_FORMER_HISTORY, INSERT_HISTORY, Migration,
    Migrations, VERSION, refuse_blank,
};
use crate::postgres::Failure;
use crate::settings::Blank;

pub(super) async fn migrate(
    client: &mut Client,
    migrations: &Migrations,
    blank: Blank,
) -> Result<(), Failure> {
    let mut found = version_of(client).await?;
    refuse_blank(found, blank)?;
    while found != migrations.latest() {
        let transaction = client.transaction().await?;
        transaction
            .batch_execute("SET LOCAL statement_timeout = 0")
            .await?;
        take_turn(&transaction).await?;
        found = version_of(transaction.client()).await?;
        migrations.refuse_newer(found)?;
        if let Some(step) = migrations.next(found) {
            if migrations.break_at(found) {
                refuse_older_nodes(&transaction, migrations.latest()).await?;
            }
            apply(&transaction, found, step).await?;
            found = step.version;
        }
        transaction.commit().await?;
    }
    Ok(())
}

async fn apply(transaction: &Transaction<'_>, found: i64, step: &Migration) -> Result<(), Failure> {
    if found == 0 {
        transaction.batch_execute(CREATE_HISTORY).await?;
    }
    transaction.batch_execute(step.sql).await?;
    let insert = match has_history(transaction.client()).await? {
        true => INSERT_HISTORY,
        false => INSERT_FORMER_HISTORY,
    };
    let (version, name) = (&step.version, &step.name);
    let row: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(version, Type::INT8), (name, Type::TEXT)];
    transaction.client().execute_typed(insert, &row).await?;
    Ok(())
}

/// Refuses while nodes of a version before `latest` are connected.
async fn refuse_older_nodes(transaction: &Transaction<'_>, latest: i64) -> Result<(), Failure> {
    defends!("T181");
    let nodes = transaction
        .query_typed_one(OLDER_NODES, &[(&latest, Type::INT8), (&FORMER_POLL, Type::TEXT)])
        .await?;
    let (connections, from): (i64, Option<String>) = (nodes.try_get(0)?, nodes.try_get(1)?);
    if connections == 0 {
        return Ok(());
    }
    let from = from.unwrap_or_default();
    Err(Fault::InUse(format!(
        "nodes of an older version are connected to it from {from} (connections: {connections}; a pooler in between keeps \
         some for a while: restart it, too)"
    ))
    .into())
}

const OLDER_NODES: &str =
    "SELECT count(*), string_agg(DISTINCT coalesce(host(client_addr), 'this machine'), ', ')
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND (application_name = 'portcullis' OR query LIKE $2
        OR CAST(substring(application_name FROM 'portcullis/([0-9]{1,9})$') AS BIGINT) < $1)";

/// What nodes of up to version 10 ask for invalidations by.
const FORMER_POLL: &str = "%LEFT JOIN invalidations AS i ON i.xid%";

/// Waits until no other node migrates. What a step of our own waits for at most stays as it was.
async fn take_turn(transaction: &Transaction<'_>) -> Result<(), Failure> {
    let row = transaction.query_typed_one(TRY, &[]).await?;
    let (free, usual): (bool, String) = (row.try_get(0)?, row.try_get(1)?);
    if free {
        return Ok(());
    }
    tracing::info!("another node is migrating the database; waiting for it");
    transaction.batch_execute(PATIENTLY).await?;
    if let Err(error) = transaction.batch_execute(LOCK).await {
        return Err(match Failure::from(error) {
            Failure {
                fault: Fault::Busy(text),
                ..
            } => {
                let says = "another node has been migrating it for ten minutes";
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

/// The schema's version; zero where there is none.
async fn version_of(client: &tokio_postgres::Client) -> Result<i64, Failure> {
    if has_history(client).await? {
        return number(client, VERSION).await;
    }
    if number(client, FORMER_COLUMNS).await? == 2 && number(client, FORMER_IS_OURS).await? > 0 {
        return number(client, FORMER_VERSION).await;
    }
    Ok(0)
}

async fn has_history(client: &tokio_postgres::Client) -> Result<bool, Failure> {
    let exists = "SELECT to_regclass('portcullis_schema_history') IS NOT NULL";
    Ok(client.query_typed_one(exists, &[]).await?.try_get(0)?)
}

async fn number(client: &tokio_postgres::Client, sql: &str) -> Result<i64, Failure> {
    Ok(client.query_typed_one(sql, &[]).await?.try_get(0)?)
}

const FORMER_COLUMNS: &str =
    "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('schema_history')
    AND attname IN ('version', 'name') AND NOT attisdropped";

/// Taken for the length of a step; the number is ours alone ("portcull" in ASCII).
const TRY: &str = "SELECT pg_try_advisory_xact_lock(8101821146886991980), current_setting('lock_timeout')";
const LOCK: &str = "SELECT pg_advisory_xact_lock(8101821146886991980)";
const PATIENTLY: &str = "SET LOCAL lock_timeout = '10min'";
