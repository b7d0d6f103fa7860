//! What an operator hears when a database can't be opened or written, and that nothing is lost by it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::path::{Path, PathBuf};

use portcullis_core::audit::{self, Context, EventFilter, Occurrence};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_store::{Blank, Database, Settings};
use tempfile::TempDir;

async fn open(file: &Path) -> Result<Database, Fault> {
    Database::open(&format!("sqlite:{}", file.display())).await
}

fn in_folder(folder: &TempDir) -> PathBuf {
    folder.path().join("portcullis.db")
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

#[tokio::test]
async fn open_of_nonsense_is_refused_without_repeating_it() {
    for url in [
        "",
        "portcullis.db",
        "mysql://u:canary@h/d",
        "sqlite:",
        "sqlite://",
        "postgres:canary",
    ] {
        let fault = Database::open(url).await.unwrap_err();
        assert!(matches!(fault, Fault::Other(_)), "{url}: {fault}");
        assert!(!fault.to_string().contains("canary"), "{fault}");
    }
}

#[tokio::test]
async fn open_in_a_missing_folder_names_it_and_makes_nothing() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing").join("portcullis.db");
    let fault = open(&missing).await.unwrap_err();
    assert!(
        matches!(&fault, Fault::Unreachable(text) if text.contains("missing")),
        "{fault}"
    );
    assert!(!missing.parent().unwrap().exists());
    let fault = open(folder.path()).await.unwrap_err();
    assert!(
        matches!(fault, Fault::Unreachable(_)),
        "a folder is no database: {fault}"
    );
}

#[tokio::test]
async fn open_of_something_else_is_corrupt_and_leaves_it_alone() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    let text = "Dear diary, ".repeat(1_000);
    std::fs::write(&file, &text).unwrap();
    let fault = open(&file).await.unwrap_err();
    assert!(matches!(fault, Fault::Corrupt(_)), "{fault}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn open_of_a_newer_schema_is_refused_untouched() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    let database = open(&file).await.unwrap();
    let known = database.schema_version().await.unwrap();
    database.close().await;
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.execute(
        "INSERT INTO portcullis_schema_history (version, name) VALUES (?1, 'later')",
        [known + 1],
    )
    .unwrap();
    let fault = open(&file).await.unwrap_err();
    let (newer, known) = ((known + 1).to_string(), known.to_string());
    let named = |text: &str| text.contains(&newer) && text.contains(&known);
    assert!(
        matches!(&fault, Fault::NewerSchema(text) if named(text)),
        "{fault}"
    );
    raw.execute("DELETE FROM portcullis_schema_history WHERE name = 'later'", [])
        .unwrap();
    open(&file).await.unwrap();
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_can_be_run_again() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    let raw = rusqlite::Connection::open(&file).unwrap();
    // In the way of the first migration, in its middle.
    raw.execute_batch("CREATE TABLE portcullis_locks (a BIGINT)")
        .unwrap();
    assert!(open(&file).await.is_err());
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
    let left: i64 = raw.query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
    raw.execute_batch("DROP TABLE portcullis_locks").unwrap();
    append(&open(&file).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn open_of_a_damaged_file_is_no_success() {
    checks!("T037");
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    open(&file).await.unwrap().close().await;
    let log = file.with_extension("db-wal");
    assert!(!log.exists(), "an orderly stop leaves one file");
    let mut bytes = std::fs::read(&file).unwrap();
    // The header stands, the pages behind it don't.
    bytes[100..].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let fault = open(&file).await.unwrap_err();
    assert!(matches!(fault, Fault::Corrupt(_)), "{fault}");
}

/// A copy of the file without its log.
fn alone(file: &Path, name: &str) -> PathBuf {
    let copy = file.with_file_name(name);
    std::fs::copy(file, &copy).unwrap();
    copy
}

#[tokio::test]
async fn the_file_alone_has_the_schema_at_once_and_the_records_once_they_are_moved() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    let database = open(&file).await.unwrap();
    let made = alone(&file, "made.db");
    let raw = rusqlite::Connection::open(&made).unwrap();
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'portcullis_accounts'";
    assert_eq!(raw.query_row(tables, [], |row| row.get::<_, i64>(0)), Ok(1));
    append(&database).await.unwrap();
    database.settle().await.unwrap();
    let settled = alone(&file, "settled.db");
    assert_eq!(appended(&open(&settled).await.unwrap()).await, 1);
    // Nothing to move is no fault, and neither is a database without a file.
    database.settle().await.unwrap();
    Database::in_memory().await.unwrap().settle().await.unwrap();
}

#[tokio::test]
async fn a_missing_file_is_refused_and_not_made_where_there_should_be_records() {
    checks!("T165");
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    let mut settings = Settings::default();
    settings.blank = Blank::Refused;
    let url = format!("sqlite:{}", file.display());
    let fault = Database::open_with(&url, &settings).await.unwrap_err();
    assert!(matches!(fault, Fault::Empty(_)), "{fault}");
    assert!(!file.exists());
    open(&file).await.unwrap().close().await;
    Database::open_with(&url, &settings).await.unwrap();
}

#[tokio::test]
async fn a_database_that_another_program_holds_takes_no_writes_until_it_is_let_go() {
    checks!("T164");
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    let database = open(&file).await.unwrap();
    database.writable().await.unwrap();
    // Another program that keeps the lock: whoever writes waits in vain.
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while database.writable().await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    refused.await.expect("readiness notices within seconds");
    assert_eq!(appended(&database).await, 0, "reads go on");
    other.execute_batch("ROLLBACK").unwrap();
    let back = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while database.writable().await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    back.await.expect("readiness is truthful again");
    append(&database).await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_there_after_opening_again() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    let database = open(&file).await.unwrap();
    append(&database).await.unwrap();
    // Not closed: dropped, as by a program that ends.
    drop(database);
    let database = open(&file).await.unwrap();
    assert_eq!(appended(&database).await, 1);
    assert_eq!(database.backend(), "sqlite");
    database.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_nodes_that_start_at_once_migrate_once() {
    let folder = TempDir::new().unwrap();
    let file = in_folder(&folder);
    let starts = (0..8).map(|_| {
        let file = file.clone();
        tokio::spawn(async move { open(&file).await })
    });
    for start in futures_util::future::join_all(starts).await {
        append(&start.unwrap().unwrap()).await.unwrap();
    }
    let database = open(&file).await.unwrap();
    assert_eq!(appended(&database).await, 8);
}

#[tokio::test]
async fn in_memory_databases_share_nothing() {
    let (one, two) = (
        Database::in_memory().await.unwrap(),
        Database::in_memory().await.unwrap(),
    );
    append(&one).await.unwrap();
    assert_eq!((appended(&one).await, appended(&two).await), (1, 0));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn open_makes_files_that_their_owner_alone_may_read() {
        checks!("T015");
        let folder = TempDir::new().unwrap();
        let database = open(&in_folder(&folder)).await.unwrap();
        append(&database).await.unwrap();
        let mut files = 0;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(
                entry.metadata().unwrap().mode() & 0o777,
                0o600,
                "{:?}",
                entry.path()
            );
            files += 1;
        }
        // The database, its log and the log's index.
        assert_eq!(files, 3);
    }

    /// Who may write everything can't be refused by a mode: such a user runs this test as another one.
    const NOBODY: u32 = 65_534;
    const FILE: &str = "PORTCULLIS_TEST_READ_ONLY_FILE";

    #[tokio::test]
    async fn open_of_a_read_only_file_or_folder_says_so() {
        let folder = TempDir::new().unwrap();
        let file = in_folder(&folder);
        open(&file).await.unwrap().close().await;
        let program = folder.path().join("test");
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        set_mode(&program, 0o755);
        set_mode(folder.path(), 0o755);
        let root = folder.path().metadata().unwrap().uid() == 0;
        for (file, mode) in [(file.clone(), 0o444), (folder.path().join("new.db"), 0o444)] {
            if file.exists() {
                set_mode(&file, mode);
            }
            if !root {
                set_mode(folder.path(), 0o555);
            }
            let mut command = Command::new(&program);
            command
                .args(["--exact", "unix::as_somebody_without_rights", "--nocapture"])
                .env(FILE, &file);
            if root {
                command.uid(NOBODY).gid(NOBODY);
            }
            let output = command.output().unwrap();
            set_mode(folder.path(), 0o755);
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        // With its rights back it is as it was.
        set_mode(&file, 0o600);
        append(&open(&file).await.unwrap()).await.unwrap();
    }

    /// The other side of the test above; by itself it has nothing to do.
    #[tokio::test]
    #[allow(
        clippy::disallowed_methods,
        reason = "this is how the test is told of its file"
    )]
    async fn as_somebody_without_rights() {
        checks!("T037");
        let Some(file) = std::env::var_os(FILE) else {
            return;
        };
        let opened = open(Path::new(&file)).await;
        let fault = match opened {
            Ok(database) => append(&database).await.unwrap_err(),
            Err(fault) => fault,
        };
        assert!(matches!(fault, Fault::ReadOnly(_)), "{fault}");
    }
}
