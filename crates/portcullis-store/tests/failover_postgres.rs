//! A PostgreSQL that takes no writes for a while: nothing is kept that leads there, and readiness tells.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod postgres;

use std::time::Duration;

use portcullis_core::audit::{self, Context, EventFilter, Occurrence};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_store::{Blank, Database, Settings};
use tokio_postgres::{Client, NoTls};

use crate::postgres::{Borrowed, fresh, patient, server};

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
    audit::Store::append(database, refusal, Context::system(Timestamp::from_seconds(1))).await
}

async fn appended(database: &Database) -> usize {
    audit::Store::list(database, EventFilter::default(), 1_000)
        .await
        .unwrap()
        .len()
}

/// Lets the database of this address take writes or not, for whoever connects from now on.
async fn set_read_only(url: &str, read_only: bool) {
    let (base, name) = url.rsplit_once('/').unwrap();
    let setting = if read_only {
        "SET default_transaction_read_only = on"
    } else {
        "RESET default_transaction_read_only"
    };
    raw(&format!("{base}/postgres"))
        .await
        .batch_execute(&format!("ALTER DATABASE {name} {setting}"))
        .await
        .unwrap();
}

/// Cuts all connections to the database of this address, as a failover does.
async fn cut(url: &str) {
    let (base, name) = url.rsplit_once('/').unwrap();
    let kill =
        format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
    raw(&format!("{base}/postgres"))
        .await
        .query(&kill, &[])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_connection_that_takes_no_writes_is_closed_at_the_first_refusal() {
    checks!("T164");
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    Database::open(&url).await.unwrap();
    set_read_only(&url, true).await;
    // Such a session keeps what it was at its start, as a connection to a former primary does.
    let mut settings = Settings::default();
    settings.connections = 2;
    let database = Database::open_with(&format!("{url}?target_session_attrs=any"), &settings)
        .await
        .unwrap();
    let (one, two) = tokio::join!(database.ping(), database.ping());
    one.and(two).unwrap();
    set_read_only(&url, false).await;
    let fault = append(&database).await.unwrap_err();
    assert!(matches!(&fault, Fault::ReadOnly(_)), "{fault}");
    assert!(
        fault.to_string().contains("primary") && !fault.to_string().contains("file"),
        "{fault}"
    );
    // Neither that one nor those that waited beside it are used again.
    for _ in 0..3 {
        append(&database).await.unwrap();
    }
    assert_eq!(appended(&database).await, 3);
}

// Shows: OP-2
#[tokio::test]
async fn a_standby_is_no_server_and_a_primary_is_used_as_soon_as_it_is_back() {
    checks!("T164");
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let database = Database::open(&url).await.unwrap();
    append(&database).await.unwrap();
    database.writable().await.unwrap();

    set_read_only(&url, true).await;
    cut(&url).await;
    let fault = loop {
        // The first calls may meet the connections that were cut.
        match append(&database).await.unwrap_err() {
            Fault::Unreachable(_) => tokio::task::yield_now().await,
            other => break other,
        }
    };
    assert!(matches!(&fault, Fault::ReadOnly(_)), "{fault}");
    assert!(matches!(database.ping().await, Err(Fault::ReadOnly(_))));
    let noticed = tokio::time::timeout(Duration::from_secs(5), async {
        while database.writable().await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    noticed.await.expect("readiness notices within seconds");

    set_read_only(&url, false).await;
    append(&database).await.unwrap();
    let back = tokio::time::timeout(Duration::from_secs(5), async {
        while database.writable().await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    back.await.expect("readiness is truthful again");
    assert_eq!(appended(&database).await, 2);
}

#[tokio::test]
async fn asking_often_whether_it_takes_writes_writes_seldom() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let database = Database::open(&url).await.unwrap();
    let client = raw(&url).await;
    client
        .batch_execute(
            "CREATE SEQUENCE tries;
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM nextval('tries'); RETURN NEW;
             END $$;
             CREATE TRIGGER note BEFORE INSERT ON portcullis_budgets FOR EACH ROW EXECUTE FUNCTION note();",
        )
        .await
        .unwrap();
    let asked = (0..50).map(|_| {
        let database = database.clone();
        tokio::spawn(async move { database.writable().await })
    });
    for answer in futures_util::future::join_all(asked).await {
        answer.unwrap().unwrap();
    }
    let tries: i64 = client
        .query_one("SELECT last_value FROM tries", &[])
        .await
        .unwrap()
        .get(0);
    assert!(tries <= 2, "{tries} writes");
}

#[tokio::test]
async fn a_node_waits_for_the_one_that_migrates_however_long_it_takes() {
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let mut other = raw(&url).await;
    let migrating = other.transaction().await.unwrap();
    migrating
        .batch_execute("SELECT pg_advisory_xact_lock(8101821146886991980)")
        .await
        .unwrap();
    // Far less than the node has to wait.
    let mut settings = patient();
    settings.busy = Duration::from_millis(50);
    settings.statement = Duration::from_millis(100);
    let opening = {
        let url = url.clone();
        tokio::spawn(async move { Database::open_with(&url, &settings).await })
    };
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event = 'advisory' AND clock_timestamp() - query_start > interval '500 ms'";
    let watch = raw(&url).await;
    while watch.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(!opening.is_finished(), "it didn't wait: {:?}", opening.await);
    }
    migrating.rollback().await.unwrap();
    append(&opening.await.unwrap().unwrap()).await.unwrap();
}

#[tokio::test]
async fn an_empty_database_is_refused_untouched_where_there_should_be_records() {
    checks!("T165");
    let Some(server) = server() else { return };
    let url = fresh(&server).await;
    let _kept = Borrowed(url.clone());
    let mut settings = Settings::default();
    settings.blank = Blank::Refused;
    let fault = Database::open_with(&url, &settings).await.unwrap_err();
    assert!(matches!(fault, Fault::Empty(_)), "{fault}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let left: i64 = raw(&url).await.query_one(tables, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
    Database::open(&url).await.unwrap();
    Database::open_with(&url, &settings).await.unwrap();
}
