//! A program's own transactions on SQLite, in a file and in memory.
#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod transaction;

use portcullis_core::fault::Fault;
use portcullis_store::Database;
use tempfile::TempDir;

use crate::transaction::TABLES;

async fn in_file() -> Option<(Database, TempDir)> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("app.db");
    let database = Database::open(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    Some((database, folder))
}

async fn in_memory() -> Option<(Database, ())> {
    Some((Database::in_memory().await.unwrap(), ()))
}

mod file {
    use crate::transaction::transactions;
    transactions!(super::in_file);
}

mod memory {
    use crate::transaction::transactions;
    transactions!(super::in_memory);
}

async fn with_tables<K>(opened: Option<(Database, K)>) -> (Database, K) {
    let (database, kept) = opened.unwrap();
    database.make_tables(TABLES).await.unwrap();
    (database, kept)
}

#[tokio::test]
async fn another_database_takes_no_part_in_it() {
    let (on, _kept) = with_tables(in_file().await).await;
    let (other, ()) = with_tables(in_memory().await).await;
    transaction::another_database_takes_no_part_in_it(&on, &other).await;
}

#[tokio::test]
async fn what_is_cached_is_never_read_from_an_open_one() {
    let (on, _kept) = with_tables(in_file().await).await;
    transaction::what_is_cached_is_never_read_from_an_open_one(&on, true).await;
    let (on, ()) = with_tables(in_memory().await).await;
    transaction::what_is_cached_is_never_read_from_an_open_one(&on, false).await;
}

#[tokio::test]
async fn tables_are_made_once_and_only_of_ones_own() {
    let (on, _kept) = with_tables(in_file().await).await;
    on.make_tables(TABLES).await.unwrap();
    for wrong in [
        "CREATE TABLE profiles (account TEXT)",
        "DROP TABLE profiles",
        "CREATE TABLE IF NOT EXISTS portcullis_mine (account TEXT)",
        "CREATE INDEX IF NOT EXISTS mine ON portcullis_accounts (state)",
        "CREATE TRIGGER IF NOT EXISTS t AFTER INSERT ON profiles BEGIN SELECT 1; END",
    ] {
        let done = on.make_tables(&[TABLES[0], wrong]).await;
        assert!(matches!(done, Err(Fault::Other(_))), "{wrong}");
    }
    on.make_tables(&["CREATE UNIQUE INDEX IF NOT EXISTS profiles_by_age ON profiles (nickname, age)"])
        .await
        .unwrap();
}
