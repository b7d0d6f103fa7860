//! What an operator hears of a PostgreSQL that can't be used, and how it comes back.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod postgres;

use std::time::Duration;

use futures_util::future::join_all;
use portcullis_core::audit::{self, Context, EventFilter, Occurrence};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::key;
use portcullis_store::{Database, Settings};
use tokio_postgres::{Client, NoTls};

use crate::postgres::{Borrowed, fresh, patient, server};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

async fn raw(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn append(database: &Database) -> Result<(), Fault> {
    let refusal = Occurrence {
        action: audit::Action::LoginRefused,
        account: None,
        session: None,
        detail: "a test".into(),
    };
    audit::Store::append(database, refusal, Context::system(NOW)).await
}

async fn appended(database: &Database) -> usize {
    audit::Store::list(database, EventFilter::default(), 1_000)
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn open_of_a_server_that_is_not_there_is_unreachable() {
    // Port 9 is discard's: nobody listens. The name can't exist.
    for url in [
        "postgres://u:canary@127.0.0.1:9/d",
        "postgres://u:canary@nowhere.invalid/d?sslmode=disable",
        "postgres:///d?host=/nowhere",
    ] {
        let fault = Database::open(url).await.unwrap_err();
        assert!(matches!(fault, Fault::Unreachable(_)), "{url}: {fault}");
        assert!(fault.retry_after().is_some());
        assert!(!fault.to_string().contains("canary"), "{fault}");
    }
}

#[tokio::test]
async fn open_with_wrong_names_or_without_tls_says_so() {
    checks!("T037");
    let Some(server) = server() else { return };
    let (base, _) = server.rsplit_once('/').unwrap();
    let fault = Database::open(&format!("{base}/portcullis_nowhere"))
        .await
        .unwrap_err();
    assert!(
        matches!(&fault, Fault::Unreachable(text) if text.contains("portcullis_nowhere")),
        "{fault}"
    );
    // Somebody the server doesn't know, whatever it asks others for.
    let (_, host) = base.split_once('@').unwrap();
    let stranger = format!("postgres://stranger:canary@{host}/postgres");
    let fault = Database::open(&stranger).await.unwrap_err();
    assert!(matches!(fault, Fault::Unreachable(_)), "{fault}");
    assert!(!fault.to_string().contains("canary"), "{fault}");
    // A server that offers no TLS, or none that can be checked, is not spoken to in the clear.
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    assert!(Database::open(&format!("{url}?sslmode=require")).await.is_err());
}

#[tokio::test]
async fn open_with_a_wrong_password_says_so() {
    checks!("T037");
    let Some(server) = server() else { return };
    let client = raw(&server).await;
    let name = format!("wrong_{}", std::process::id());
    // Where the server trusts this machine it asks for no password: so the role is one that may not log in at all,
    // which is refused in the same way.
    client
        .batch_execute(&format!("CREATE ROLE {name} NOLOGIN PASSWORD 'right'"))
        .await
        .unwrap();
    let (base, database) = server.rsplit_once('/').unwrap();
    let (_, host) = base.split_once('@').unwrap();
    let fault = Database::open(&format!("postgres://{name}:canary@{host}/{database}"))
        .await
        .unwrap_err();
    client.batch_execute(&format!("DROP ROLE {name}")).await.unwrap();
    assert!(
        matches!(&fault, Fault::Unreachable(text) if text.contains("password")),
        "{fault}"
    );
    assert!(!fault.to_string().contains("canary"), "{fault}");
}

#[tokio::test]
async fn open_of_a_newer_schema_is_refused_untouched() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let known = Database::open(&url)
        .await
        .unwrap()
        .schema_version()
        .await
        .unwrap();
    let client = raw(&url).await;
    let newer = format!(
        "INSERT INTO portcullis_schema_history (version, name) VALUES ({}, 'later')",
        known + 1
    );
    client.batch_execute(&newer).await.unwrap();
    let fault = Database::open(&url).await.unwrap_err();
    assert!(matches!(fault, Fault::NewerSchema(_)), "{fault}");
    client
        .batch_execute("DELETE FROM portcullis_schema_history WHERE name = 'later'")
        .await
        .unwrap();
    Database::open(&url).await.unwrap();
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_can_be_run_again() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let client = raw(&url).await;
    // In the way of the first migration, in its middle.
    client
        .batch_execute("CREATE TABLE portcullis_locks (a BIGINT)")
        .await
        .unwrap();
    assert!(Database::open(&url).await.is_err());
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let left: i64 = client.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(left, 1);
    client.batch_execute("DROP TABLE portcullis_locks").await.unwrap();
    append(&Database::open(&url).await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_nodes_that_start_at_once_migrate_once() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let kept = Borrowed(url);
    let starts = (0..8).map(|_| {
        let url = kept.0.clone();
        tokio::spawn(async move { Database::open_with(&url, &patient()).await })
    });
    let mut node = None;
    for start in join_all(starts).await {
        let database = start.unwrap().unwrap();
        append(&database).await.unwrap();
        node = Some(database);
    }
    let node = node.unwrap();
    assert_eq!(appended(&node).await, 8);
    assert_eq!(node.backend(), "postgres");
}

#[tokio::test]
async fn a_database_that_refuses_writes_is_read_only() {
    checks!("T037");
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    Database::open(&url).await.unwrap();
    let read_only = format!("{url}?options=-c%20default_transaction_read_only%3Don&target_session_attrs=any");
    let database = Database::open(&read_only).await.unwrap();
    let fault = append(&database).await.unwrap_err();
    assert!(matches!(fault, Fault::ReadOnly(_)), "{fault}");
    assert_eq!(appended(&database).await, 0);
}

#[tokio::test]
async fn a_pool_in_use_is_busy_and_a_statement_that_waits_too_long_too() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let mut settings = Settings::default();
    settings.connections = 1;
    settings.wait = Duration::from_millis(50);
    settings.busy = Duration::from_millis(500);
    let database = Database::open_with(&url, &settings).await.unwrap();
    let mut client = raw(&url).await;
    let lock = client.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE portcullis_audit_events")
        .await
        .unwrap();
    let waiting = {
        let database = database.clone();
        tokio::spawn(async move { append(&database).await })
    };
    // The only connection waits for the lock; nobody else gets one.
    let fault = loop {
        match database.ping().await {
            Ok(()) => tokio::task::yield_now().await,
            Err(fault) => break fault,
        }
    };
    assert!(matches!(fault, Fault::Busy(_)), "{fault}");
    let fault = waiting.await.unwrap().unwrap_err();
    assert!(matches!(fault, Fault::Busy(_)), "{fault}");
    lock.rollback().await.unwrap();
    append(&database).await.unwrap();
    assert_eq!(appended(&database).await, 1);
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_fault_and_then_replaced() {
    checks!("T037");
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let mut settings = patient();
    settings.connections = 1;
    let database = Database::open_with(&url, &settings).await.unwrap();
    let mut client = raw(&url).await;
    let lock = client.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE portcullis_audit_events")
        .await
        .unwrap();
    let waiting = {
        let database = database.clone();
        tokio::spawn(async move { append(&database).await })
    };
    // The statement is cut off while it waits.
    let killer = raw(&url).await;
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while killer.query(kill, &[]).await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let fault = waiting.await.unwrap().unwrap_err();
    assert!(matches!(fault, Fault::Unreachable(_)), "{fault}");
    lock.rollback().await.unwrap();
    append(&database).await.unwrap();
    assert_eq!(appended(&database).await, 1);
}

/// A server that breaks transactions off for others' sake is asked again, but not for ever.
#[tokio::test]
async fn a_transaction_that_is_broken_off_is_run_again() {
    let Some(server) = server() else { return };
    for code in ["40001", "40P01"] {
        let url = fresh(&server).await;
        let _kept = Borrowed(url.clone());
        let database = Database::open_with(&url, &patient()).await.unwrap();
        let client = raw(&url).await;
        // A sequence counts on through rollbacks: the trigger refuses four times in five.
        let trigger = format!(
            "CREATE SEQUENCE tries;
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('tries') % 5 <> 0 THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END IF;
                RETURN NEW;
             END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON portcullis_audit_events FOR EACH ROW EXECUTE FUNCTION refuse();"
        );
        client.batch_execute(&trigger).await.unwrap();
        append(&database).await.unwrap();
        append(&database).await.unwrap();
        assert_eq!(appended(&database).await, 2);
        client
            .batch_execute("ALTER SEQUENCE tries INCREMENT BY 5")
            .await
            .unwrap();
        client.batch_execute("SELECT setval('tries', 1)").await.unwrap();
        let fault = append(&database).await.unwrap_err();
        assert!(matches!(fault, Fault::Busy(_)), "{fault}");
        assert_eq!(appended(&database).await, 2);
        let tries: i64 = client
            .query_one("SELECT last_value FROM tries", &[])
            .await
            .unwrap()
            .get(0);
        assert_eq!(tries, 1 + 5 * 5);
    }
}

#[tokio::test]
async fn close_ends_the_connections() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let database = Database::open(&url).await.unwrap();
    database.close().await;
    assert!(matches!(database.ping().await, Err(Fault::Closed)));
    assert!(matches!(key::Store::load(&database).await, Err(Fault::Closed)));
    assert!(append(&database).await.is_err());
}
