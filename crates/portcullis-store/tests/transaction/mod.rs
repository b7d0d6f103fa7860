//! What a program's own transaction promises, on any database that has the [tables](TABLES).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_core::account::{self, NewServiceAccount, RegistrationError, Stamp, Store as _, Username};
use portcullis_core::audit::{self, Action, Context, EventFilter, Occurrence};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::roles::Store as _;
use portcullis_store::transaction::Parameter;
use portcullis_store::{Database, Transaction};
use uuid::Uuid;

/// The program's own table.
pub(crate) const TABLES: &[&str] =
    &["CREATE TABLE IF NOT EXISTS profiles (account TEXT PRIMARY KEY, nickname TEXT NOT NULL, age BIGINT)"];

const LIMIT: Duration = Duration::from_secs(20);

/// The error of a program: its own reason, or a fault.
#[derive(Debug)]
enum Failure {
    Own(&'static str),
    Fault(#[allow(dead_code, reason = "shown where a test fails")] Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn by() -> Context {
    Context::operator(Timestamp::from_seconds(1_700_000_000))
}

fn service(name: &str) -> NewServiceAccount {
    // The same name has the same id: who takes one again is another.
    let id = name
        .bytes()
        .fold(1_u128, |sum, byte| sum * 257 + u128::from(byte));
    NewServiceAccount {
        id: account::Id::from_uuid(Uuid::from_u128(id)),
        username: Username::parse(name).unwrap(),
        stamp: Stamp::from_uuid(Uuid::from_u128(7)),
    }
}

async fn register(on: &Database, name: &str) -> Result<account::Id, Fault> {
    let new = service(name);
    let id = new.id;
    on.create_service(new, by()).await?.unwrap();
    Ok(id)
}

async fn name(tx: &Transaction, nickname: &str) -> Result<u64, Fault> {
    let sql = "INSERT INTO profiles (account, nickname, age) VALUES ($1, $1, $2)";
    tx.execute(sql, [nickname.into(), 7_i64.into()]).await
}

async fn named(on: &Database) -> Vec<String> {
    let rows = on
        .query("SELECT nickname FROM profiles ORDER BY nickname", [])
        .await;
    rows.unwrap().iter().map(|row| row.get(0).unwrap()).collect()
}

async fn exists(on: &Database, name: &str) -> bool {
    on.find(service(name).id).await.unwrap().is_some()
}

async fn created(on: &Database) -> usize {
    let all = audit::Store::list(on, EventFilter::default(), 100).await.unwrap();
    all.iter()
        .filter(|event| event.action == Action::ServiceAccountCreated.as_str())
        .count()
}

/// What is published from now on.
fn published(on: &Database) -> Arc<Mutex<Vec<Invalidation>>> {
    let heard = Arc::<Mutex<Vec<Invalidation>>>::default();
    let ear = Arc::clone(&heard);
    on.subscribe(Arc::new(move |what| ear.lock().unwrap().push(what)));
    heard
}

pub(crate) async fn own_rows_and_those_of_verbs_are_kept_together(on: &Database) {
    let heard = published(on);
    let inside = Arc::clone(&heard);
    let id = on
        .transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
            let id = register(on, "robot").await?;
            assert_eq!(name(&tx, "robot").await?, 1);
            on.create_role("reader".into(), String::new(), by())
                .await?
                .unwrap();
            on.assign(id, "reader".into(), by()).await?.unwrap();
            // What it reads is what it wrote.
            let row = tx
                .query_one(
                    "SELECT p.nickname, p.age, a.id FROM profiles p, portcullis_accounts a",
                    [],
                )
                .await?
                .unwrap();
            assert_eq!(row.get::<String>(0)?, "robot");
            assert_eq!(row.get::<i64>(1)?, 7);
            assert_eq!(row.get::<account::Id>(2)?, id);
            assert!(on.find(id).await?.is_some());
            assert!(
                inside.lock().unwrap().is_empty(),
                "nobody hears of it before it is there"
            );
            Ok(id)
        })
        .await
        .unwrap();
    assert!(exists(on, "robot").await);
    assert_eq!(named(on).await, ["robot"]);
    assert_eq!(created(on).await, 1);
    assert!(heard.lock().unwrap().contains(&Invalidation::Account(id)));
}

pub(crate) async fn an_error_undoes_everything(on: &Database) {
    checks!("T220");
    let heard = published(on);
    let done = on
        .transaction::<(), _, _, _>(LIMIT, |tx| async move {
            let id = register(on, "robot").await?;
            on.create_role("reader".into(), String::new(), by())
                .await?
                .unwrap();
            on.assign(id, "reader".into(), by()).await?.unwrap();
            name(&tx, "robot").await?;
            Err(Failure::Own("no"))
        })
        .await;
    assert!(matches!(done, Err(Failure::Own("no"))));
    nothing_is_there(on).await;
    assert!(heard.lock().unwrap().is_empty());
    // Nothing is left open: the same again is kept.
    on.transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
        register(on, "robot").await?;
        name(&tx, "robot").await
    })
    .await
    .unwrap();
    assert!(exists(on, "robot").await);
}

async fn nothing_is_there(on: &Database) {
    assert!(!exists(on, "robot").await);
    assert!(named(on).await.is_empty());
    assert_eq!(created(on).await, 0);
}

pub(crate) async fn a_verb_that_refuses_undoes_itself_alone(on: &Database) {
    register(on, "robot").await.unwrap();
    on.transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
        name(&tx, "before").await?;
        let mut again = service("robot");
        again.id = account::Id::from_uuid(Uuid::from_u128(3));
        let refused = on.create_service(again, by()).await?;
        assert!(matches!(
            refused,
            Err(RegistrationError::Taken { username: true, .. })
        ));
        name(&tx, "after").await
    })
    .await
    .unwrap();
    assert_eq!(named(on).await, ["after", "before"]);
    assert_eq!(created(on).await, 1);
}

pub(crate) async fn a_failed_step_dooms_it_whatever_the_work_makes_of_it(on: &Database) {
    checks!("T220");
    let done = on
        .transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
            register(on, "robot").await?;
            name(&tx, "robot").await?;
            let twice = name(&tx, "robot").await;
            assert!(twice.is_err());
            // On SQLite this would work, on PostgreSQL it would not.
            assert_eq!(name(&tx, "other").await.unwrap_err(), twice.unwrap_err());
            Ok(())
        })
        .await;
    assert!(done.is_err());
    nothing_is_there(on).await;
}

pub(crate) async fn a_panic_undoes_everything(on: &Database) {
    let database = on.clone();
    let work = tokio::spawn(async move {
        let own = database.clone();
        database
            .transaction::<(), Fault, _, _>(LIMIT, |tx| async move {
                register(&own, "robot").await?;
                name(&tx, "robot").await?;
                panic!("a bug of the program")
            })
            .await
    });
    assert!(work.await.unwrap_err().is_panic());
    nothing_is_there(on).await;
}

pub(crate) async fn work_that_never_ends_is_undone_when_its_time_is_over(on: &Database) {
    checks!("T223");
    let done = on
        .transaction::<(), Fault, _, _>(Duration::from_millis(50), |tx| async move {
            register(on, "robot").await?;
            name(&tx, "robot").await?;
            std::future::pending().await
        })
        .await;
    let fault = done.unwrap_err();
    assert!(fault.to_string().contains("took longer than 50ms"), "{fault}");
    nothing_is_there(on).await;
}

pub(crate) async fn work_that_never_stops_asking_is_undone_when_its_time_is_over(on: &Database) {
    checks!("T223");
    let done = on
        .transaction::<(), Fault, _, _>(Duration::from_millis(50), |tx| async move {
            register(on, "robot").await?;
            // Several ask at once: a step is always waiting.
            let asks = async || -> Result<(), Fault> {
                loop {
                    tx.query("SELECT nickname FROM profiles", []).await?;
                }
            };
            tokio::try_join!(asks(), asks(), asks(), asks()).map(drop)
        })
        .await;
    let fault = done.unwrap_err();
    assert!(fault.to_string().contains("took longer than 50ms"), "{fault}");
    nothing_is_there(on).await;
}

pub(crate) async fn work_that_nobody_waits_for_any_more_is_undone(on: &Database) {
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let work = on.transaction::<(), Fault, _, _>(LIMIT, |tx| async move {
        register(on, "robot").await?;
        name(&tx, "robot").await?;
        begun.send(()).unwrap();
        std::future::pending().await
    });
    tokio::select! {
        _ = work => panic!("it has no end"),
        _ = has_begun => {}
    }
    nothing_is_there(on).await;
}

pub(crate) async fn a_part_is_undone_by_itself(on: &Database) {
    on.transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
        name(&tx, "outer").await?;
        let part = on
            .transaction::<(), _, _, _>(LIMIT, |tx| async move {
                register(on, "robot").await?;
                name(&tx, "inner").await?;
                Err(Failure::Own("no"))
            })
            .await;
        assert!(matches!(part, Err(Failure::Own("no"))));
        on.transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
            register(on, "kept").await?;
            name(&tx, "kept").await
        })
        .await
    })
    .await
    .unwrap();
    assert_eq!(named(on).await, ["kept", "outer"]);
    assert!(exists(on, "kept").await);
    assert!(!exists(on, "robot").await);
    assert_eq!(created(on).await, 1);
}

pub(crate) async fn a_part_that_was_left_midway_dooms_it(on: &Database) {
    checks!("T220");
    let done = on
        .transaction::<_, Fault, _, _>(LIMIT, |_| async move {
            on.transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
                let (inside, is_inside) = tokio::sync::oneshot::channel();
                let part = on.transaction::<(), Fault, _, _>(LIMIT, |tx| async move {
                    name(&tx, "robot").await?;
                    inside.send(()).unwrap();
                    std::future::pending().await
                });
                tokio::select! {
                    _ = part => panic!("it has no end"),
                    _ = is_inside => {}
                }
                name(&tx, "outer").await
            })
            .await
        })
        .await;
    assert!(done.unwrap_err().to_string().contains("left before its end"));
    nothing_is_there(on).await;
}

pub(crate) async fn what_must_outlive_it_is_no_part_of_it(on: &Database) {
    checks!("T221");
    let refusal = || Occurrence {
        action: Action::LoginRefused,
        account: None,
        session: None,
        detail: "a test".into(),
    };
    let done = on
        .transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
            name(&tx, "robot").await?;
            audit::Store::append(on, refusal(), by()).await
        })
        .await;
    assert!(
        done.unwrap_err()
            .to_string()
            .contains("before or after the transaction")
    );
    nothing_is_there(on).await;
    audit::Store::append(on, refusal(), by()).await.unwrap();
}

pub(crate) async fn a_transaction_is_of_no_use_when_it_is_over(on: &Database) {
    let leaked = on
        .transaction::<_, Fault, _, _>(LIMIT, |tx| async move { Ok(tx) })
        .await
        .unwrap();
    let fault = name(&leaked, "robot").await.unwrap_err();
    assert!(fault.to_string().contains("is over"), "{fault}");
    nothing_is_there(on).await;
}

pub(crate) async fn another_database_takes_no_part_in_it(on: &Database, other: &Database) {
    let done = on
        .transaction::<(), _, _, _>(LIMIT, |_| async move {
            register(other, "robot").await?;
            Err(Failure::Own("no"))
        })
        .await;
    assert!(done.is_err());
    assert!(exists(other, "robot").await);
    nothing_is_there(on).await;
}

/// Whether reads see what is committed while a transaction is open.
pub(crate) async fn what_is_cached_is_never_read_from_an_open_one(on: &Database, has_readers: bool) {
    checks!("T222");
    let apart = on.apart();
    register(on, "before").await.unwrap();
    on.transaction::<_, Fault, _, _>(LIMIT, |_| async move {
        register(on, "robot").await?;
        let seen = apart.find(service("robot").id).await;
        if has_readers {
            assert_eq!(seen.unwrap(), None);
            assert!(apart.find(service("before").id).await?.is_some());
        } else {
            assert!(seen.unwrap_err().to_string().contains("before or after"));
        }
        // On SQLite it would wait for itself.
        let written = apart.create_service(service("never"), by()).await;
        assert!(written.unwrap_err().to_string().contains("before or after"));
        Ok(())
    })
    .await
    .unwrap();
    assert!(exists(on, "robot").await);
}

pub(crate) async fn statements_of_their_own_are_checked_before_they_are_sent(on: &Database) {
    checks!("T224");
    on.transaction::<_, Fault, _, _>(LIMIT, |tx| async move {
        for (sql, says) in [
            ("COMMIT", "begins with `commit`"),
            ("DELETE FROM portcullis_audit", "Portcullis' services alone"),
        ] {
            let fault = tx.execute(sql, []).await.unwrap_err();
            assert!(fault.to_string().contains(says), "{fault}");
        }
        // Nothing was sent, so nothing is lost.
        name(&tx, "robot").await
    })
    .await
    .unwrap();
    assert_eq!(named(on).await, ["robot"]);
    let parameter = Parameter::from("a secret");
    assert!(!format!("{parameter:?}").contains("secret"));
}

/// Tests of all cases, over what `open` answers: a database, and what is kept until the test is done.
macro_rules! transactions {
    ($open:path; $($case:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $case() {
            let Some((database, _kept)) = $open().await else { return };
            database.make_tables(crate::transaction::TABLES).await.unwrap();
            crate::transaction::$case(&database).await;
        }
    )*};
    ($open:path) => { transactions!($open;
        own_rows_and_those_of_verbs_are_kept_together,
        an_error_undoes_everything,
        a_verb_that_refuses_undoes_itself_alone,
        a_failed_step_dooms_it_whatever_the_work_makes_of_it,
        a_panic_undoes_everything,
        work_that_never_ends_is_undone_when_its_time_is_over,
        work_that_never_stops_asking_is_undone_when_its_time_is_over,
        work_that_nobody_waits_for_any_more_is_undone,
        a_part_is_undone_by_itself,
        a_part_that_was_left_midway_dooms_it,
        what_must_outlive_it_is_no_part_of_it,
        a_transaction_is_of_no_use_when_it_is_over,
        statements_of_their_own_are_checked_before_they_are_sent,
    ); };
}
pub(crate) use transactions;
