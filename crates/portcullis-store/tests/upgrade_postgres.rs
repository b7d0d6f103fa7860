//! From a database of schema 10 to this one, on PostgreSQL.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod postgres;
mod upgrade;

use portcullis_core::checks;
use portcullis_core::fault::Fault;
use portcullis_store::Database;
use tokio_postgres::{Client, NoTls};

use crate::postgres::{Borrowed, fresh, patient, server};

const STEPS: [(i64, &str, &str); 10] = [
    (
        1,
        "0001_begin",
        include_str!("../migrations/postgres/0001_begin.sql"),
    ),
    (
        2,
        "0002_api_keys",
        include_str!("../migrations/postgres/0002_api_keys.sql"),
    ),
    (
        3,
        "0003_organizations",
        include_str!("../migrations/postgres/0003_organizations.sql"),
    ),
    (
        4,
        "0004_grants",
        include_str!("../migrations/postgres/0004_grants.sql"),
    ),
    (
        5,
        "0005_decisions",
        include_str!("../migrations/postgres/0005_decisions.sql"),
    ),
    (
        6,
        "0006_budgets",
        include_str!("../migrations/postgres/0006_budgets.sql"),
    ),
    (
        7,
        "0007_audit_api_keys",
        include_str!("../migrations/postgres/0007_audit_api_keys.sql"),
    ),
    (
        8,
        "0008_claims",
        include_str!("../migrations/postgres/0008_claims.sql"),
    ),
    (
        9,
        "0009_jobs",
        include_str!("../migrations/postgres/0009_jobs.sql"),
    ),
    (
        10,
        "0010_skeletons",
        include_str!("../migrations/postgres/0010_skeletons.sql"),
    ),
];
const ROWS: &str = include_str!("upgrade/folder_of_10.postgres.sql");

/// A connection of the name that the programs of before gave theirs, or of another.
async fn raw(url: &str, name: &str) -> Client {
    let mut config: tokio_postgres::Config = url.parse().unwrap();
    config.application_name(name);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A database as a program of before left it.
async fn of_before() -> Option<(String, Borrowed)> {
    let url = fresh(&server()?).await;
    let client = raw(&url, "test").await;
    let history = "CREATE TABLE schema_history (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";
    client.batch_execute(history).await.unwrap();
    for (version, name, sql) in STEPS {
        client.batch_execute(sql).await.unwrap();
        let row = format!("INSERT INTO schema_history (version, name) VALUES ({version}, '{name}')");
        client.batch_execute(&row).await.unwrap();
    }
    client.batch_execute(ROWS).await.unwrap();
    Some((url.clone(), Borrowed(url)))
}

async fn open(url: &str) -> Result<Database, Fault> {
    Database::open_with(url, &patient()).await
}

/// The texts that a query answers in its only column.
async fn texts(client: &Client, sql: &str) -> Vec<String> {
    let rows = client.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

const TABLES: &str = "SELECT concat(relname, ' ', relkind) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace ORDER BY 1";

#[tokio::test]
async fn a_database_of_before_goes_on() {
    checks!("T181");
    let Some((url, _kept)) = of_before().await else {
        return;
    };
    let database = open(&url).await.unwrap();
    upgrade::assert_it_goes_on(&database).await;
    // What a program of before reads.
    let version = "SELECT CAST(max(version) AS TEXT) FROM schema_history";
    assert_eq!(texts(&raw(&url, "test").await, version).await, ["11"]);
    database.close().await;
    open(&url).await.unwrap();
}

#[tokio::test]
async fn a_database_with_nodes_of_before_is_refused_unchanged() {
    checks!("T181");
    let Some((url, _kept)) = of_before().await else {
        return;
    };
    let watch = raw(&url, "test").await;
    let before = texts(&watch, TABLES).await;
    let poll = "SELECT h.horizon, i.seq, i.xid, i.kind, i.subject
        FROM (SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) AS horizon) AS h
        LEFT JOIN invalidations AS i ON i.xid >= $1 ORDER BY i.seq";
    // By its name, by what it says where its address gave it another, and by the number of a version between.
    for (name, says) in [
        ("portcullis", "SELECT"),
        ("billing", poll),
        ("billing portcullis/10", "SELECT"),
    ] {
        let node = raw(&url, name).await;
        let none: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[];
        let oldest: &[&(dyn tokio_postgres::types::ToSql + Sync)] = &[&0_i64];
        let given = if says == poll { oldest } else { none };
        node.query(says, given).await.unwrap();
        let fault = open(&url).await.unwrap_err();
        let text = fault.to_string();
        assert!(matches!(fault, Fault::InUse(_)), "{text}");
        assert!(
            text.contains("connections: 1") && text.contains("stop all nodes"),
            "{text}"
        );
        assert_eq!(texts(&watch, TABLES).await, before);
        drop(node);
        let left = format!(
            "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{name}'"
        );
        while !texts(&watch, &left).await.is_empty() {}
    }
    upgrade::assert_it_goes_on(&open(&url).await.unwrap()).await;
}

#[tokio::test]
async fn an_upgrade_that_is_interrupted_leaves_the_database_as_it_was_and_goes_on() {
    let Some((url, _kept)) = of_before().await else {
        return;
    };
    let client = raw(&url, "test").await;
    // In its way, in its middle.
    client
        .batch_execute("CREATE TABLE portcullis_role_closure (a BIGINT)")
        .await
        .unwrap();
    let before = texts(&client, TABLES).await;
    assert!(open(&url).await.is_err());
    assert_eq!(texts(&client, TABLES).await, before);
    client
        .batch_execute("DROP TABLE portcullis_role_closure")
        .await
        .unwrap();
    upgrade::assert_it_goes_on(&open(&url).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_bring_a_database_up_to_date_once() {
    let Some((url, _kept)) = of_before().await else {
        return;
    };
    let (one, other, third) = tokio::join!(open(&url), open(&url), open(&url));
    for database in [one, other, third] {
        assert_eq!(database.unwrap().schema_version().await.unwrap(), 16);
    }
}

#[tokio::test]
async fn a_new_database_has_the_schema_of_one_that_was_brought_there() {
    let Some((url, _kept)) = of_before().await else {
        return;
    };
    let new = fresh(&server().unwrap()).await;
    let _new = Borrowed(new.clone());
    let mut described = Vec::new();
    for url in [&url, &new] {
        open(url).await.unwrap().close().await;
        let client = raw(url, "test").await;
        let mut all = Vec::new();
        for sql in [
            "SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, collation_name, is_nullable,
                column_default, identity_generation) FROM information_schema.columns
                WHERE table_schema = current_schema() AND table_name LIKE 'portcullis%' ORDER BY 1",
            "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename LIKE 'portcullis%' ORDER BY 1",
            "SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
                WHERE connamespace = current_schema()::regnamespace AND conrelid::regclass::text LIKE 'portcullis%'
                AND contype <> 'n' ORDER BY 1",
            "SELECT sequencename::text FROM pg_sequences WHERE schemaname = current_schema() ORDER BY 1",
        ] {
            all.extend(texts(&client, sql).await);
        }
        described.push(all);
    }
    assert_eq!(described[0], described[1]);
}

#[tokio::test]
async fn an_applications_own_tables_stand_beside() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let client = raw(&url, "test").await;
    client
        .batch_execute(
            "CREATE TABLE accounts (name TEXT); CREATE TABLE sessions (name TEXT PRIMARY KEY);
             CREATE INDEX sessions_account ON sessions (name);
             CREATE TABLE schema_history (version TEXT, name TEXT); INSERT INTO schema_history VALUES ('v1', 'first');",
        )
        .await
        .unwrap();
    let theirs = "SELECT concat(relname, ' ', relkind) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relname NOT LIKE 'portcullis%' ORDER BY 1";
    let before = texts(&client, theirs).await;
    let database = open(&url).await.unwrap();
    assert_eq!(database.schema_version().await.unwrap(), 16);
    assert_eq!(texts(&client, theirs).await, before);
    open(&url).await.unwrap();
}
