//! SQLite, embedded: one writer thread with group commit, and threads that only read.
//!
//! The file is in WAL mode with `synchronous=FULL`: readers never wait for the writer, and a commit that returned
//! survives a crash of the machine. A new file belongs to its owner alone (mode 0600).
//!
//! What is written goes to the log first. It is moved into the file at 4,000 pages, after migrations and whenever
//! [`Engine::settle`] is called: until then a copy of the file alone misses it.
//!
//! Each connection keeps up to a sixteenth of the file in memory, at least 4 MB (8 MB the writer) and at most 64 MB, as the file is at
//! the start: the pages above the leaves of its trees.
//!
//! A database in memory has a single connection, so there its reads take their turn among the writes.
//!
//! **Deployment caveat:** the file must be on a local disk. Network file systems break SQLite's locks.

mod migrate;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portcullis_core::defends;
use portcullis_core::fault::Fault;
use tokio::sync::oneshot;
use uuid::Uuid;

use self::writer::{Call, Job, Writer};
use crate::bus::Bus;
use crate::event;
use crate::migration::Migrations;
use crate::queue::{Queue, Refused};
use crate::settings::{Blank, Settings};
use crate::sqlite::{Connection, read_only};
use crate::tx::{Answer, Tx};
use crate::value::{Row, Value, params};

/// SQLite's own part of a database.
pub(crate) struct Engine {
    writes: Arc<Queue<Box<dyn Job>>>,
    /// `None` for a database in memory.
    reads: Option<Arc<Queue<Read>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    commits: Arc<AtomicU64>,
}

/// A statement that waits for a reader.
struct Read {
    sql: &'static str,
    params: Vec<Value<'static>>,
    caller: oneshot::Sender<Result<Vec<Row>, Fault>>,
}

const READERS: usize = 2;

impl Engine {
    /// Opens the file, or a database in memory, and brings its schema up to date.
    pub(crate) async fn open(
        file: Option<PathBuf>,
        settings: &Settings,
        bus: Arc<Bus>,
        migrations: &'static Migrations,
    ) -> Result<Self, Fault> {
        let engine = Self {
            writes: Arc::new(Queue::new(settings.queue)),
            reads: file.as_ref().map(|_| Arc::new(Queue::new(settings.queue))),
            threads: Mutex::default(),
            commits: Arc::default(),
        };
        let (opened, opening) = oneshot::channel();
        let (queue, commits) = (Arc::clone(&engine.writes), Arc::clone(&engine.commits));
        let (path, settings) = (file.clone(), settings.clone());
        let busy = settings.busy;
        engine.spawn("portcullis-writer", move || {
            match prepare(path.as_deref(), &settings, migrations) {
                Ok((connection, ids)) => {
                    let _ = opened.send(Ok(()));
                    let ids = Arc::new(ids);
                    Writer {
                        connection,
                        queue,
                        bus,
                        ids,
                        commits,
                    }
                    .work();
                }
                Err(fault) => {
                    let _ = opened.send(Err(fault));
                }
            }
        })?;
        opening.await.map_err(|_| ended())??;
        if let (Some(file), Some(reads)) = (&file, &engine.reads) {
            for _ in 0..READERS {
                let reads = Arc::clone(reads);
                let mut connection = Connection::open(Some(file), busy)?;
                let cache = cache_of(size_of(file), LEAST_READING);
                connection.batch(&format!(
                    "PRAGMA query_only=ON; PRAGMA cache_size=-{cache}; PRAGMA temp_store=MEMORY"
                ))?;
                engine.spawn("portcullis-reader", move || read_all(&mut connection, &reads))?;
            }
        }
        Ok(engine)
    }

    pub(crate) async fn write<I, T, V>(&self, input: I, verb: V) -> Result<T, Fault>
    where
        I: Send + 'static,
        T: Send + 'static,
        V: for<'t, 'c> Fn(&'t mut Tx<'c>, &'t I) -> Answer<'t, T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let call = Call {
            input,
            verb,
            answer: None,
            caller,
        };
        self.writes.push(Box::new(call)).map_err(refused)?;
        answer.await.map_err(|_| ended())?
    }

    pub(crate) async fn read(
        &self,
        sql: &'static str,
        params: Vec<Value<'static>>,
    ) -> Result<Vec<Row>, Fault> {
        let Some(reads) = &self.reads else {
            let statement = (sql, params);
            return self
                .write(statement, |tx, (sql, params)| Box::pin(tx.query(sql, params)))
                .await;
        };
        let (caller, answer) = oneshot::channel();
        reads.push(Read { sql, params, caller }).map_err(refused)?;
        answer.await.map_err(|_| ended())?
    }

    /// Moves what is in the log into the file, as far as nobody reads what was before: it stops neither readers nor the
    /// writer. Nothing to do is done at once.
    pub(crate) async fn settle(&self) -> Result<(), Fault> {
        match self.reads {
            Some(_) => self.read(SETTLE, Vec::new()).await.map(drop),
            None => Ok(()),
        }
    }

    /// Whether reads take their turn among the writes.
    pub(crate) fn is_one_connection(&self) -> bool {
        self.reads.is_none()
    }

    /// How many transactions were committed since the start.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Takes nothing new; what was taken in is still done.
    pub(crate) fn stop(&self) {
        self.writes.close();
        if let Some(reads) = &self.reads {
            reads.close();
        }
    }

    /// Ends the readers, then the writer, and waits for them. The writer is the last to close its connection, so
    /// that SQLite empties the log into the file: an orderly stop leaves one file.
    pub(crate) fn close(&self) {
        if let Some(reads) = &self.reads {
            reads.close();
        }
        let mut threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // The writer was started first.
        let readers = threads.split_off(threads.len().min(1));
        readers.into_iter().for_each(|thread| drop(thread.join()));
        self.writes.close();
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(work)
            .map_err(|e| Fault::Other(format!("no thread could be started: {e}")))?;
        self.threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(thread);
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read_all(connection: &mut Connection, reads: &Queue<Read>) {
    while let Some(group) = reads.take(1) {
        for Read { sql, params, caller } in group {
            let _ = caller.send(connection.query(sql, &params));
        }
    }
}

/// The writer's connection, on a database of this version's schema, and where its events take their ids from.
fn prepare(
    file: Option<&Path>,
    settings: &Settings,
    migrations: &Migrations,
) -> Result<(Connection, event::Ids), Fault> {
    if let Some(file) = file {
        if settings.blank == Blank::Refused && !file.exists() {
            return Err(Fault::Empty(format!("there is no {}", file.display())));
        }
        create_private(file)?;
    }
    let mut connection = Connection::open(file, settings.busy)?;
    migrate::refuse_blank(&connection, settings.blank)?;
    if let Some(file) = file
        && migrate::breaks(&connection, migrations)?
    {
        drop(connection);
        migrate::migrate_alone(file, settings.busy, migrations)?;
        connection = Connection::open(Some(file), settings.busy)?;
    }
    log_ahead(&connection, settings.busy)?;
    set_up(&connection)?;
    if let Some(file) = file {
        let cache = cache_of(size_of(file), LEAST_WRITING);
        connection.batch(&format!("PRAGMA cache_size=-{cache}"))?;
    }
    if migrate::migrate(&connection, migrations)? && file.is_some() {
        // A copy of the file alone has the schema from the beginning; what can't be moved now is moved later.
        let _ = connection.batch(SETTLE);
    }
    if let Some(pages) = settings.max_pages {
        connection.batch(&format!("PRAGMA max_page_count={pages}"))?;
    }
    // SQLite's own randomness: it names this process among those that write events, nothing more.
    let mut rows = connection.query("SELECT randomblob(16)", params![])?;
    let node: Uuid = rows.first_mut().ok_or_else(ended)?.take()?;
    Ok((connection, event::Ids::new(node)))
}

/// What the connection that writes is set to.
fn set_up(connection: &Connection) -> Result<(), Fault> {
    connection.batch(
        "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-4000;
         PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA wal_autocheckpoint=4000;
         PRAGMA journal_size_limit=67108864;",
    )
}

/// How large a file is, in bytes; nothing if that can't be told.
fn size_of(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}

/// How much of a file of so many bytes a connection keeps in memory, in KiB: all pages above the leaves of its trees. Those are
/// asked for with every look-up, and where rows are wide (a session is one of 17 of its page) they are a sixteenth of the file.
/// A connection takes the memory only as it reads.
fn cache_of(bytes: u64, least: u64) -> u64 {
    (bytes / 16 / 1_024).clamp(least, MOST_CACHE)
}

/// The least that a connection which reads keeps, in KiB.
const LEAST_READING: u64 = 2_000;
/// The least that the one which writes keeps.
const LEAST_WRITING: u64 = 4_000;
/// The most that any of them keeps.
const MOST_CACHE: u64 = 64_000;

/// Changes to the write-ahead log. Where several open a new file at once, SQLite says at once that it is busy, instead
/// of waiting as it does everywhere else: so this waits.
fn log_ahead(connection: &Connection, busy: Duration) -> Result<(), Fault> {
    let begun = Instant::now();
    loop {
        match connection.batch("PRAGMA journal_mode=WAL") {
            Err(Fault::Busy(_)) if begun.elapsed() < busy => std::thread::park_timeout(PAUSE),
            done => return done,
        }
    }
}

const PAUSE: Duration = Duration::from_millis(5);

const SETTLE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Makes a new file that its owner alone may read; leaves an existing one as it is.
fn create_private(file: &Path) -> Result<(), Fault> {
    defends!("T015");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let shown = file.display();
    match options.open(file) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Fault::Unreachable(format!(
            "the folder of {shown} does not exist; create it first"
        ))),
        Err(e) if e.kind() == std::io::ErrorKind::StorageFull => Err(Fault::Full(format!("{shown}: {e}"))),
        Err(e) => Err(read_only(&format!("{shown} can't be created: {e}"))),
    }
}

fn refused(why: Refused) -> Fault {
    match why {
        Refused::Full => Fault::Busy("too many calls wait already".into()),
        Refused::Closed => Fault::Closed,
    }
}

fn ended() -> Fault {
    Fault::Other("its thread has ended".into())
}

#[cfg(test)]
mod tests;
