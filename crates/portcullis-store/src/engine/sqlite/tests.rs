//! Group commit: what calls share, and what they don't.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use portcullis_core::account;
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use uuid::Uuid;

use crate::event::Entry;
use crate::tx::Tx;
use crate::value::params;
use crate::{Database, Settings, migration};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const INSERT: &str = "INSERT INTO portcullis_permissions (name, description) VALUES ($1, '')";

/// Holds the writer inside a call until it is let go.
struct Held {
    release: Arc<Barrier>,
    call: tokio::task::JoinHandle<Result<(), Fault>>,
}

impl Held {
    async fn writer_of(database: &Database) -> Self {
        let (entered, release) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let barriers = (entered.clone(), release.clone());
        let database = database.clone();
        let call = tokio::spawn(async move {
            let hold = database.write(barriers, |_, (entered, release)| {
                entered.wait();
                release.wait();
                futures_util::future::ready(Ok(())).boxed()
            });
            hold.await
        });
        tokio::task::spawn_blocking(move || entered.wait()).await.unwrap();
        Self { release, call }
    }

    async fn let_go(self) {
        self.release.wait();
        self.call.await.unwrap().unwrap();
    }
}

type Waiting = BoxFuture<'static, Result<(), Fault>>;

/// Puts a call into the queue of a writer that is held.
fn queued<V>(database: &Database, name: &str, verb: V) -> Waiting
where
    V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t String) -> BoxFuture<'t, Result<(), Fault>> + Send + Sync + 'static,
{
    let (database, name) = (database.clone(), name.to_owned());
    let mut call = async move { database.write(name, verb).await }.boxed();
    assert!((&mut call).now_or_never().is_none(), "the call did not wait");
    call
}

fn insert(database: &Database, name: &str) -> Waiting {
    queued(database, name, |tx, name| insert_and_tell(tx, name).boxed())
}

/// Makes a call and waits for its answer.
async fn insert_now(database: &Database, name: &str) -> Result<(), Fault> {
    let name = name.to_owned();
    database
        .write(name, |tx, name| insert_and_tell(tx, name).boxed())
        .await
}

async fn insert_and_tell(tx: &mut Tx<'_>, name: &str) -> Result<(), Fault> {
    let by = portcullis_core::audit::Context::system(NOW);
    tx.record(&by, Entry::of(Action::RoleChanged).detail(name));
    tx.invalidate(Invalidation::Roles, NOW);
    tx.execute(INSERT, params![name]).await.map(drop)
}

async fn numbers(database: &Database) -> (i64, i64, i64) {
    let sql = "SELECT (SELECT count(*) FROM portcullis_permissions), (SELECT count(*) FROM portcullis_audit_events),
        (SELECT count(*) FROM portcullis_invalidations)";
    let mut rows = database.read(sql, params![]).await.unwrap();
    let row = &mut rows[0];
    (row.take().unwrap(), row.take().unwrap(), row.take().unwrap())
}

struct InFile {
    database: Database,
    told: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

async fn in_file(settings: &Settings) -> InFile {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("group.db").display());
    let database = Database::open_with(&url, settings).await.unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    database.subscribe(Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    InFile {
        database,
        told,
        folder,
    }
}

#[tokio::test]
async fn calls_that_wait_together_share_one_commit() {
    let here = in_file(&Settings::default()).await;
    let held = Held::writer_of(&here.database).await;
    let before = here.database.commits();
    let calls: Vec<_> = (0..200).map(|n| insert(&here.database, &n.to_string())).collect();
    held.let_go().await;
    for answer in join_all(calls).await {
        answer.unwrap();
    }
    // One for the call that was held, one for all the others.
    assert_eq!(here.database.commits() - before, 2);
    assert_eq!(numbers(&here.database).await, (200, 200, 200));
}

#[tokio::test]
async fn a_call_that_fails_or_panics_is_rolled_back_alone() {
    checks!("T037");
    let here = in_file(&Settings::default()).await;
    let held = Held::writer_of(&here.database).await;
    let calls = vec![
        insert(&here.database, "one"),
        queued(&here.database, "fails", |tx, name| {
            async move {
                insert_and_tell(tx, name).await?;
                insert_and_tell(tx, name).await
            }
            .boxed()
        }),
        queued(&here.database, "panics", |tx, name| {
            async move {
                insert_and_tell(tx, name).await?;
                panic!("in a verb")
            }
            .boxed()
        }),
        queued(&here.database, "waits", |tx, name| {
            async move {
                insert_and_tell(tx, name).await?;
                futures_util::future::pending().await
            }
            .boxed()
        }),
        queued(&here.database, "undone", |tx, name| {
            async move {
                insert_and_tell(tx, name).await?;
                tx.undo();
                Ok(())
            }
            .boxed()
        }),
        insert(&here.database, "two"),
    ];
    held.let_go().await;
    let answers: Vec<_> = join_all(calls)
        .await
        .into_iter()
        .map(|answer| answer.is_ok())
        .collect();
    assert_eq!(answers, [true, false, false, false, true, true]);
    assert_eq!(numbers(&here.database).await, (2, 2, 2));
    assert_eq!(here.told.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_commit_that_fails_is_acknowledged_to_nobody() {
    checks!("T037");
    let here = in_file(&Settings::default()).await;
    let held = Held::writer_of(&here.database).await;
    let first = insert(&here.database, "one");
    // An orphan that is noticed only by COMMIT.
    let orphan = queued(&here.database, "orphan", |tx, name| {
        async move {
            tx.execute("PRAGMA defer_foreign_keys = ON", params![]).await?;
            let sql = "INSERT INTO portcullis_account_roles (account_id, role) VALUES ($1, $2)";
            tx.execute(sql, params![Uuid::nil(), name]).await.map(drop)
        }
        .boxed()
    });
    let last = insert(&here.database, "two");
    let before = here.database.commits();
    held.let_go().await;
    for answer in join_all([first, orphan, last]).await {
        assert!(answer.is_err());
    }
    assert_eq!(here.database.commits() - before, 1);
    assert_eq!(numbers(&here.database).await, (0, 0, 0));
    assert_eq!(here.told.load(Ordering::SeqCst), 0);
    insert_now(&here.database, "three").await.unwrap();
    assert_eq!(numbers(&here.database).await, (1, 1, 1));
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_and_serves_again() {
    let settings = Settings {
        queue: 3,
        ..Settings::default()
    };
    let here = in_file(&settings).await;
    let held = Held::writer_of(&here.database).await;
    let calls: Vec<_> = (0..3).map(|n| insert(&here.database, &n.to_string())).collect();
    let refused = here
        .database
        .write("4".to_owned(), |tx, name| insert_and_tell(tx, name).boxed());
    assert!(matches!(refused.await, Err(Fault::Busy(_))));
    // Readers have a queue of their own: they go on.
    here.database.ping().await.unwrap();
    held.let_go().await;
    for answer in join_all(calls).await {
        answer.unwrap();
    }
    insert_now(&here.database, "4").await.unwrap();
    assert_eq!(numbers(&here.database).await.0, 4);
}

#[tokio::test]
async fn a_file_that_is_full_refuses_writes_and_goes_on_reading() {
    let settings = Settings {
        max_pages: Some(120),
        ..Settings::default()
    };
    let here = in_file(&settings).await;
    let mut written = 0;
    let fault = loop {
        let name = format!("{written:0>2000}");
        match insert_now(&here.database, &name).await {
            Ok(()) => written += 1,
            Err(fault) => break fault,
        }
    };
    assert!(matches!(fault, Fault::Full(_)), "{fault}");
    assert!(fault.retry_after().is_some());
    assert!(written > 0);
    assert_eq!(numbers(&here.database).await, (written, written, written));
    // Room again: no restart is needed.
    let delete = here.database.write((), |tx, ()| {
        tx.execute("DELETE FROM portcullis_permissions", params![])
            .map(|done| done.map(drop))
            .boxed()
    });
    delete.await.unwrap();
    insert_now(&here.database, "small").await.unwrap();
    assert_eq!(numbers(&here.database).await, (1, written + 1, written + 1));
}

#[tokio::test]
async fn a_caller_that_leaves_neither_stops_its_call_nor_others() {
    let here = in_file(&Settings::default()).await;
    let held = Held::writer_of(&here.database).await;
    drop(insert(&here.database, "one"));
    let second = insert(&here.database, "two");
    held.let_go().await;
    second.await.unwrap();
    assert_eq!(numbers(&here.database).await, (2, 2, 2));
}

#[tokio::test]
async fn close_finishes_what_was_taken_in_and_takes_nothing_new() {
    let here = in_file(&Settings::default()).await;
    let held = Held::writer_of(&here.database).await;
    let waiting = insert(&here.database, "one");
    let closing = tokio::spawn({
        let database = here.database.clone();
        async move { database.close().await }
    });
    held.let_go().await;
    closing.await.unwrap();
    waiting.await.unwrap();
    let late = here
        .database
        .write("two".to_owned(), |tx, name| insert_and_tell(tx, name).boxed());
    assert!(matches!(late.await, Err(Fault::Closed)));
    assert!(here.database.ping().await.is_err());
    let url = format!("sqlite:{}", here.folder.path().join("group.db").display());
    let again = Database::open(&url).await.unwrap();
    assert_eq!(numbers(&again).await, (1, 1, 1));
}

#[tokio::test]
async fn a_subscriber_hears_before_the_caller_and_its_panic_harms_nobody() {
    checks!("T021");
    let here = in_file(&Settings::default()).await;
    here.database.subscribe(Arc::new(|_| panic!("a subscriber")));
    let told = here.told.clone();
    here.database.subscribe(Arc::new(move |what| {
        let id = account::Id::from_uuid(Uuid::nil());
        assert_eq!(what, Invalidation::Account(id));
        told.fetch_add(10, Ordering::SeqCst);
    }));
    let tell = here.database.write((), |tx, ()| {
        let nobody = account::Id::from_uuid(Uuid::nil());
        tx.invalidate(Invalidation::Account(nobody), NOW);
        futures_util::future::ready(Ok(())).boxed()
    });
    tell.await.unwrap();
    assert_eq!(here.told.load(Ordering::SeqCst), 11);
}

#[tokio::test]
async fn a_read_never_writes() {
    let here = in_file(&Settings::default()).await;
    let sql = "DELETE FROM portcullis_roles RETURNING name";
    assert!(matches!(
        here.database.read(sql, params![]).await,
        Err(Fault::ReadOnly(_))
    ));
    let latest = migration::SQLITE.latest();
    assert_eq!(here.database.schema_version().await.unwrap(), latest);
}

#[tokio::test]
async fn a_lock_held_by_another_program_is_busy_and_passes() {
    let settings = Settings {
        busy: Duration::from_millis(10),
        ..Settings::default()
    };
    let here = in_file(&settings).await;
    let other = rusqlite::Connection::open(here.folder.path().join("group.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(
        insert_now(&here.database, "one").await,
        Err(Fault::Busy(_))
    ));
    // Readers don't care, in WAL mode.
    assert_eq!(numbers(&here.database).await, (0, 0, 0));
    other.execute_batch("COMMIT").unwrap();
    insert_now(&here.database, "one").await.unwrap();
    assert_eq!(here.told.load(Ordering::SeqCst), 1);
}

#[test]
fn a_connection_keeps_the_inner_pages_of_a_large_file() {
    let mib = |mib: u64| mib * 1_024 * 1_024;
    for (bytes, kept) in [
        (0, 2_000),
        (mib(31), 2_000),
        (mib(100), 6_400),
        (mib(800), 51_200),
        (mib(1_000), 64_000),
        (mib(100_000), 64_000),
    ] {
        assert_eq!(super::cache_of(bytes, super::LEAST_READING), kept, "{bytes}");
    }
    assert_eq!(super::cache_of(0, super::LEAST_WRITING), 4_000);
}
