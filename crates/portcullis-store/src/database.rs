//! The database behind the ports.

mod follow;
pub mod transaction;
mod writes;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_core::fault::Fault;

pub use self::follow::Follower;
pub(crate) use self::follow::KEPT;
use self::follow::{Cursor, Health};
use self::transaction::Access;
use self::writes::Writes;
use crate::bus::{Bus, Subscriber};
use crate::engine::{self, Engine};
use crate::migration;
use crate::settings::Settings;
use crate::tx::{Answer, Tx};
use crate::value::{Row, Value, one, params};

/// An open database; it implements every `Store` port. Cloning it is cheap and shares the connection.
///
/// A call that was started is finished, whether or not its caller still waits.
///
/// A [`Fault`] means nothing was changed, with one exception that no network database can avoid: if the connection
/// to PostgreSQL breaks while a commit is on its way, the change may have been made.
#[derive(Clone)]
pub struct Database {
    pub(crate) inner: Arc<Inner>,
    /// Takes part in no transaction of a program's own.
    pub(crate) apart: bool,
}

pub(crate) struct Inner {
    engine: Engine,
    pub(crate) bus: Arc<Bus>,
    health: Health,
    writes: Writes,
    verified_email_is_required: AtomicBool,
    /// Where the follower begins: what was written before the database was opened is in nobody's cache.
    start: Cursor,
}

/// What an address names.
enum Address<'u> {
    File(PathBuf),
    Memory,
    Postgres(&'u str),
}

impl Database {
    /// Opens `sqlite:<file>`, `sqlite::memory:` or `postgres://…` and brings its schema up to date.
    ///
    /// A SQLite file that doesn't exist is created, its folder is not. PostgreSQL's `sslmode` may be `disable`,
    /// `require` or `verify-full`; the latter two both check certificate and name, and `require` is the default
    /// for every host but this machine. `sslrootcert` names a PEM file to trust instead of the system's roots.
    ///
    /// # Errors
    /// [`Fault`]: it can't be reached, is not a database, is newer than this program, can't be written, or has to be brought up
    /// to date in a way that nodes of an older version, which use it, can't work with.
    pub async fn open(url: &str) -> Result<Self, Fault> {
        Self::open_with(url, &Settings::default()).await
    }

    /// As [`Database::open`], with settings.
    ///
    /// # Errors
    /// [`Fault`], as [`Database::open`].
    pub async fn open_with(url: &str, settings: &Settings) -> Result<Self, Fault> {
        let bus = Arc::<Bus>::default();
        let file = match parse(url)? {
            Address::File(file) => Some(file),
            Address::Memory => None,
            Address::Postgres(url) => return Self::open_postgres(url, settings, bus).await,
        };
        Self::open_sqlite(file, settings, bus).await
    }

    #[cfg(feature = "sqlite")]
    async fn open_sqlite(file: Option<PathBuf>, settings: &Settings, bus: Arc<Bus>) -> Result<Self, Fault> {
        let engine =
            engine::sqlite::Engine::open(file, settings, Arc::clone(&bus), &migration::SQLITE).await?;
        Self::begin(Engine::Sqlite(engine), bus).await
    }

    #[cfg(not(feature = "sqlite"))]
    async fn open_sqlite(_: Option<PathBuf>, _: &Settings, _: Arc<Bus>) -> Result<Self, Fault> {
        Err(Fault::Other("it was built without the feature `sqlite`".into()))
    }

    /// Opens a private database in memory; it ends with its last clone.
    ///
    /// # Errors
    /// [`Fault`]: memory or threads are exhausted.
    pub async fn in_memory() -> Result<Self, Fault> {
        Self::open("sqlite::memory:").await
    }

    #[cfg(feature = "postgres")]
    async fn open_postgres(url: &str, settings: &Settings, bus: Arc<Bus>) -> Result<Self, Fault> {
        let engine = engine::postgres::Engine::open(url, settings, Arc::clone(&bus)).await?;
        Self::begin(Engine::Postgres(engine), bus).await
    }

    #[cfg(not(feature = "postgres"))]
    async fn open_postgres(_: &str, _: &Settings, _: Arc<Bus>) -> Result<Self, Fault> {
        Err(Fault::Other("it was built without the feature `postgres`".into()))
    }

    async fn begin(engine: Engine, bus: Arc<Bus>) -> Result<Self, Fault> {
        let start = follow::now(&engine).await?;
        let (health, writes) = (Health::default(), Writes::default());
        let inner = Inner {
            engine,
            bus,
            health,
            writes,
            verified_email_is_required: AtomicBool::new(false),
            start,
        };
        Ok(Self {
            inner: Arc::new(inner),
            apart: false,
        })
    }

    /// Whether reads wait for writes, as there is one connection: SQLite in memory.
    pub(crate) fn is_one_connection(&self) -> bool {
        match &self.inner.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(engine) => engine.is_one_connection(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => false,
        }
    }

    /// Says whether an account without a proven address may act: then verbs that see to it that somebody is left who can
    /// (an administrator, an owner), or ask whether somebody may, don't count it either. Every process over one database
    /// says the same.
    pub fn require_verified_email(&self, required: bool) {
        self.inner
            .verified_email_is_required
            .store(required, Ordering::Relaxed);
    }

    /// The name of the database beneath: `sqlite` or `postgres`.
    pub fn backend(&self) -> &'static str {
        match self.inner.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => "sqlite",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => "postgres",
        }
    }

    /// Whether the database answers now; one that does may take no writes all the same ([`Database::writable`]).
    ///
    /// # Errors
    /// [`Fault`] if the database doesn't answer.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.read("SELECT 1", params![]).await.map(drop)
    }

    /// The version of its schema.
    ///
    /// # Errors
    /// [`Fault`]: it can't be read.
    pub async fn schema_version(&self) -> Result<i64, Fault> {
        one(self.read(migration::VERSION, params![]).await?)
    }

    /// How many transactions this process has committed on SQLite, for metrics; group commit keeps it far below the
    /// number of calls. Zero on PostgreSQL.
    pub fn commits(&self) -> u64 {
        match &self.inner.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(engine) => engine.commits(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => 0,
        }
    }

    /// Calls `subscriber` with every invalidation: with those of this process before the verb's caller gets its
    /// answer, with those of others once a [`Database::follow`]er reads them. It may be called twice with one.
    pub fn subscribe(&self, subscriber: Subscriber) {
        self.inner.bus.subscribe(subscriber);
    }

    /// Takes nothing new, finishes what was taken in, and closes the files or connections.
    pub async fn close(&self) {
        self.inner.health.close();
        match &self.inner.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => {
                let inner = Arc::clone(&self.inner);
                let close = move || {
                    #[cfg_attr(
                        not(feature = "postgres"),
                        allow(irrefutable_let_patterns, reason = "one database")
                    )]
                    if let Engine::Sqlite(engine) = &inner.engine {
                        engine.close();
                    }
                };
                let _ = tokio::task::spawn_blocking(close).await;
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(engine) => engine.close(),
        }
    }

    /// Moves what was written into the database's own file, where that is SQLite: until then a copy of the file without
    /// its log misses it. It stops nobody. For somebody who calls it every minute or so.
    ///
    /// # Errors
    /// [`Fault`]: it can't be moved now.
    pub async fn settle(&self) -> Result<(), Fault> {
        match &self.inner.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(engine) => engine.settle().await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Ok(()),
        }
    }

    /// Runs a verb in one transaction; in the one that this task has open, if it has.
    pub(crate) async fn write<I, T, V>(&self, input: I, verb: V) -> Result<T, Fault>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send + Sync + 'static,
    {
        let required = self.inner.verified_email_is_required.load(Ordering::Relaxed);
        let verb = ruled(required, verb);
        match self.joined(Access::Write)? {
            Some(open) => Self::write_in(&open, input, verb).await,
            None => self.write_alone(input, verb).await,
        }
    }

    /// Runs a verb in a transaction of its own.
    pub(crate) async fn write_alone<I, T, V>(&self, input: I, verb: V) -> Result<T, Fault>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send + Sync + 'static,
    {
        let done = match &self.inner.engine {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(engine) => engine.write(input, verb).await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(engine) => engine.write(input, verb).await,
        };
        if let Err(fault) = &done {
            self.inner.writes.note(fault);
        }
        done
    }

    /// Runs one statement that reads: it sees one snapshot.
    pub(crate) async fn read(&self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        if let Some(open) = self.joined(Access::Read)? {
            return Self::read_in(&open, sql, params).await;
        }
        let answer = self.inner.engine.read(sql, params).await;
        if let Err(fault) = &answer {
            self.inner.writes.note(fault);
        }
        answer
    }
}

/// The verb, told whether an account without a proven address may act.
fn ruled<I, T, V>(
    verified_email_is_required: bool,
    verb: V,
) -> impl for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send + Sync + 'static
where
    V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send + Sync + 'static,
{
    move |tx, input| {
        tx.require_verified_email(verified_email_is_required);
        verb(tx, input)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("backend", &self.backend())
            .finish()
    }
}

fn parse(url: &str) -> Result<Address<'_>, Fault> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Address::Postgres(url));
    }
    match url.strip_prefix("sqlite:") {
        Some(":memory:") => Ok(Address::Memory),
        Some(path) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(Fault::Other(
                    "the address names no file; write sqlite:portcullis.db".into(),
                ));
            }
            Ok(Address::File(path.into()))
        }
        // The address may carry a password: it is not repeated here.
        None => Err(Fault::Other(
            "its address must begin with sqlite: or postgres://".into(),
        )),
    }
}
