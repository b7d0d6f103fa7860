//! Where sessions are kept.

use std::fmt;
use std::sync::Arc;

use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::session::Store;
use portcullis_store::Database;
use portcullis_store::ephemeral::{Ephemeral, Memory, SplitSessions};

/// Where opaque sessions, those of cookies and session tokens, are kept. Sessions with refresh tokens are always in
/// the database.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SessionStore {
    /// In the database, beside everything else.
    #[default]
    Database,
    /// In this process's memory: they end with it, and no other process knows them.
    Memory,
    /// In Redis or Valkey, at `redis://…` or `rediss://…`. Deployments that share one use databases of their own
    /// (`redis://host/1`).
    Redis(String),
}

impl fmt::Debug for SessionStore {
    /// The address may carry a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "Database",
            Self::Memory => "Memory",
            Self::Redis(_) => "Redis",
        })
    }
}

/// The chosen session store.
pub(super) enum Sessions {
    Database(Database),
    Split(SplitSessions),
}

impl Sessions {
    pub(super) async fn open(choice: &SessionStore, database: &Database) -> Result<Self, Fault> {
        let ephemeral: Arc<dyn Ephemeral> = match choice {
            SessionStore::Database => return Ok(Self::Database(database.clone())),
            SessionStore::Memory => Arc::new(Memory::new()),
            SessionStore::Redis(url) => redis(url).await?,
        };
        Ok(Self::Split(SplitSessions::new(database.clone(), ephemeral)))
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Database(database) => Arc::new(database.clone()),
            Self::Split(sessions) => Arc::new(sessions.clone()),
        }
    }

    /// The same for what remembers its answers: it takes part in no transaction.
    pub(super) fn apart(&self) -> Arc<dyn Store> {
        match self {
            Self::Database(database) => Arc::new(database.apart()),
            Self::Split(sessions) => Arc::new(sessions.apart()),
        }
    }

    /// What such a store needs done every few seconds.
    pub(super) async fn tend(&self, now: Timestamp) -> Result<(), Fault> {
        match self {
            Self::Database(_) => Ok(()),
            Self::Split(sessions) => sessions.tend(now).await.map(drop),
        }
    }

    /// Whether it answers; the database is asked for itself.
    pub(super) async fn ready(&self) -> Result<(), Fault> {
        match self {
            Self::Database(_) => Ok(()),
            Self::Split(sessions) => sessions.ping().await,
        }
    }
}

#[cfg(feature = "redis")]
async fn redis(url: &str) -> Result<Arc<dyn Ephemeral>, Fault> {
    Ok(Arc::new(portcullis_store::ephemeral::Redis::connect(url).await?))
}

#[cfg(not(feature = "redis"))]
async fn redis(_: &str) -> Result<Arc<dyn Ephemeral>, Fault> {
    Err(Fault::Other("it was built without the feature `redis`".into()))
}
