//! From a data folder of schema 10 to this one, on SQLite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod upgrade;

use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis_core::checks;
use portcullis_core::fault::Fault;
use portcullis_store::{Database, Settings};
use tempfile::TempDir;

const FOLDER: &str = include_str!("upgrade/folder_of_10.sqlite.sql");

async fn open(file: &Path) -> Result<Database, Fault> {
    let mut settings = Settings::default();
    settings.busy = Duration::from_millis(50);
    Database::open_with(&format!("sqlite:{}", file.display()), &settings).await
}

/// The folder's database, as a program of before has it: with a log.
fn of_before(folder: &TempDir) -> (PathBuf, rusqlite::Connection) {
    let file = folder.path().join("portcullis.db");
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.execute_batch(FOLDER).unwrap();
    raw.execute_batch("PRAGMA foreign_keys=ON; PRAGMA journal_mode=WAL;")
        .unwrap();
    (file, raw)
}

/// Everything that a query answers, as text.
fn rows(raw: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = raw.prepare(sql).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let cells = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column));
        Ok(format!("{:?}", cells.collect::<Result<Vec<_>, _>>()?))
    };
    statement
        .query_map([], row)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

const TABLES: &str = "SELECT name, sql FROM sqlite_schema ORDER BY name";

#[tokio::test]
async fn a_folder_of_before_goes_on() {
    let folder = TempDir::new().unwrap();
    let (file, raw) = of_before(&folder);
    drop(raw);
    let database = open(&file).await.unwrap();
    upgrade::assert_it_goes_on(&database).await;
    database.close().await;
    let raw = rusqlite::Connection::open(&file).unwrap();
    assert_eq!(rows(&raw, "PRAGMA foreign_key_check"), [""; 0]);
    assert_eq!(rows(&raw, "PRAGMA integrity_check").len(), 1);
    open(&file).await.unwrap();
}

/// A program of before reads this table and no other; beside an empty one it would make a schema of its own.
#[tokio::test]
async fn a_program_of_before_finds_that_the_database_is_newer() {
    checks!("T181");
    let folder = TempDir::new().unwrap();
    let (file, raw) = of_before(&folder);
    drop(raw);
    open(&file).await.unwrap().close().await;
    let raw = rusqlite::Connection::open(&file).unwrap();
    let exists = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_history'";
    assert_eq!(rows(&raw, exists), ["[Integer(1)]"]);
    let version = "SELECT coalesce(max(version), 0) FROM schema_history";
    assert_eq!(rows(&raw, version), ["[Integer(11)]"]);
}

#[tokio::test]
async fn a_folder_that_a_program_of_before_has_open_is_refused_unchanged() {
    checks!("T181");
    let folder = TempDir::new().unwrap();
    let (file, idle) = of_before(&folder);
    let before = rows(&idle, TABLES);
    let fault = open(&file).await.unwrap_err();
    let says = |text: &str| fault.to_string().contains(text);
    assert!(matches!(fault, Fault::InUse(_)), "{fault}");
    assert!(says("portcullis.db") && says("stop all nodes"), "{fault}");
    assert_eq!(rows(&idle, TABLES), before);
    drop(idle);
    upgrade::assert_it_goes_on(&open(&file).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_that_start_together_bring_a_folder_up_to_date_once() {
    let folder = TempDir::new().unwrap();
    let (file, raw) = of_before(&folder);
    drop(raw);
    let open = async || {
        let mut settings = Settings::default();
        settings.busy = Duration::from_secs(30);
        Database::open_with(&format!("sqlite:{}", file.display()), &settings).await
    };
    let (one, other, third) = tokio::join!(open(), open(), open());
    for database in [one, other, third] {
        assert_eq!(database.unwrap().schema_version().await.unwrap(), 16);
    }
}

#[tokio::test]
async fn an_upgrade_that_is_interrupted_leaves_the_folder_as_it_was_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let (file, raw) = of_before(&folder);
    // In its way, in its middle.
    raw.execute_batch("CREATE TABLE portcullis_role_closure (a BIGINT)")
        .unwrap();
    let before = rows(&raw, TABLES);
    drop(raw);
    assert!(open(&file).await.is_err());
    let raw = rusqlite::Connection::open(&file).unwrap();
    assert_eq!(rows(&raw, TABLES), before);
    raw.execute_batch("DROP TABLE portcullis_role_closure").unwrap();
    drop(raw);
    upgrade::assert_it_goes_on(&open(&file).await.unwrap()).await;
}

#[tokio::test]
async fn a_new_database_has_the_schema_of_one_that_was_brought_there() {
    let folder = TempDir::new().unwrap();
    let (file, raw) = of_before(&folder);
    drop(raw);
    let new = folder.path().join("new.db");
    for file in [&file, &new] {
        open(file).await.unwrap().close().await;
    }
    let described = |file: &Path| {
        let raw = rusqlite::Connection::open(file).unwrap();
        let described = [
            ("pragma_table_info", "it.*"),
            ("pragma_foreign_key_list", "it.*"),
            (
                "pragma_index_list",
                "it.name, it.\"unique\", it.origin, it.partial",
            ),
        ]
        .map(|(pragma, columns)| {
            let sql = format!(
                "SELECT ours.name, {columns} FROM sqlite_schema AS ours, {pragma}(ours.name) AS it
                 WHERE ours.type = 'table' AND ours.name LIKE 'portcullis%' ORDER BY 1, 2, 3, 4"
            );
            rows(&raw, &sql)
        });
        let indexes = "SELECT name, replace(sql, '\"', '') FROM sqlite_schema WHERE type = 'index'
            AND tbl_name LIKE 'portcullis%' ORDER BY name";
        (described, rows(&raw, indexes))
    };
    assert_eq!(described(&new), described(&file));
}

#[tokio::test]
async fn an_applications_own_tables_stand_beside() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("app.db");
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.execute_batch(
        "CREATE TABLE accounts (name TEXT); CREATE TABLE sessions (name TEXT); CREATE INDEX sessions_account ON sessions (name);
         CREATE TABLE schema_history (version TEXT, name TEXT); INSERT INTO schema_history VALUES ('v1', 'first');",
    )
    .unwrap();
    let before = rows(&raw, "SELECT name, sql FROM sqlite_schema ORDER BY name");
    let database = open(&file).await.unwrap();
    assert_eq!(database.schema_version().await.unwrap(), 16);
    let theirs =
        "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '%portcullis%' AND name NOT LIKE 'sqlite%'
        ORDER BY name";
    assert_eq!(rows(&raw, theirs), before);
    open(&file).await.unwrap();
}
