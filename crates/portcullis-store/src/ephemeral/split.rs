//! The session store of a deployment whose opaque sessions are kept outside the database.
//!
//! A session with refresh tokens goes to the database, one with nothing but an opaque token to the [`Ephemeral`]
//! store. What was opened in the database before this store was chosen goes on living there.
//!
//! Flow of an opening: keep the session, while nobody knows its token yet → the database checks account and stamp
//! and writes the event, in one transaction → end the least recently seen sessions of both stores beyond the
//! limit. A refused or failed judgement takes the session back.
//!
//! Flow of an ending: the ephemeral store deletes the session and takes the notice in, in one step → the database
//! writes event and invalidation → the notice is given up.
//!
//! Invariants:
//! - a session that was reported ended, or whose ending is in the audit log, is in no store: deleting comes first.
//!   So a [`Fault`] of a verb that ends sessions may have ended them; this process has forgotten them then, and the
//!   others hear of it as soon as the database takes writes ([`SplitSessions::tend`]).
//! - "log out everywhere" and disabling need no ephemeral store: the database changes the stamp, and a session
//!   of another stamp is found no more. What the store still holds is only cleaned up.
//! - sessions with tokens need no ephemeral store: while it is away they are opened, found and ended all the same.
//! - the limit converges: every opening ranks all sessions of the account in one order and ends the same tail.
//! - a call that was started is finished, whether or not its caller still waits.
//!
//! **Deployment caveat:** an event is written at least once: twice if this process dies, or the ephemeral store
//! fails, between the database's commit and the giving up of the notice.

mod verbs;

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::account::{self, Stamp};
use portcullis_core::audit;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::{Generation, Generations};
use portcullis_core::secret::Digest;
use portcullis_core::session::{
    ApiKeyHandling, Ending, Everything, Id, NewSession, NotOpened, Opened, Session, SessionToken, Store,
};
use quick_cache::sync::Cache;

use super::Ephemeral;
use crate::Database;

/// A session store over a database and an [`Ephemeral`] store. Cloning it is cheap.
#[derive(Clone)]
pub struct SplitSessions {
    on: Arc<Inner>,
}

struct Inner {
    database: Database,
    ephemeral: Arc<dyn Ephemeral>,
    generations: Arc<Generations>,
    stamps: Arc<Cache<account::Id, (Generation, Stamp)>>,
}

impl SplitSessions {
    /// Opaque sessions in `ephemeral`, all others in `database`.
    pub fn new(database: Database, ephemeral: Arc<dyn Ephemeral>) -> Self {
        let generations = Arc::new(Generations::new());
        let moved = Arc::clone(&generations);
        database.subscribe(Arc::new(move |what| moved.apply(what)));
        let on = Inner {
            database,
            ephemeral,
            generations,
            stamps: Arc::new(Cache::new(REMEMBERED_STAMPS)),
        };
        Self { on: Arc::new(on) }
    }

    /// The same store for what keeps an answer longer than a transaction of a program's own: it takes part in none.
    #[must_use]
    pub fn apart(&self) -> Self {
        let on = Inner {
            database: self.on.database.apart(),
            ephemeral: Arc::clone(&self.on.ephemeral),
            generations: Arc::clone(&self.on.generations),
            stamps: Arc::clone(&self.on.stamps),
        };
        Self { on: Arc::new(on) }
    }

    /// Deletes what timed out, and tells the database what could not be told at its time. Answers how many sessions
    /// were deleted. Call it every few seconds.
    ///
    /// # Errors
    /// What either store says; the next call goes on.
    pub async fn tend(&self, now: Timestamp) -> Result<u64, Fault> {
        let swept = self.on.ephemeral.sweep(now).await?;
        loop {
            // Younger ones are being told by the call that made them.
            let waiting = self.on.ephemeral.notices(now.minus(PATIENCE), BATCH).await?;
            if waiting.is_empty() {
                return Ok(swept);
            }
            self.on.database.record(waiting.clone()).await?;
            self.on.ephemeral.settle(&waiting).await?;
        }
    }

    /// Whether the ephemeral store answers: for readiness.
    ///
    /// # Errors
    /// [`Fault`] if the ephemeral store doesn't answer.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.on.ephemeral.ping().await
    }

    /// Runs a verb to its end even if the caller goes away in the middle.
    async fn finish<T, F>(&self, verb: impl FnOnce(Arc<Inner>) -> F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let verb = verb(Arc::clone(&self.on));
        tokio::spawn(self.on.database.carry(verb))
            .await
            .map_err(|e| Fault::Other(format!("a call was broken off: {e}")))?
    }
}

impl std::fmt::Debug for SplitSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SplitSessions")
            .field("database", &self.on.database)
            .finish_non_exhaustive()
    }
}

/// Every verb is a method of [`Inner`]; one that writes is finished whether or not its caller still waits.
macro_rules! implement {
    ($($kind:ident fn $verb:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait::async_trait]
        impl Store for SplitSessions {
            $(
                async fn $verb(&self, $($argument: $type),*) -> Result<$answer, portcullis_core::fault::Fault> {
                    implement!(@$kind self, $verb, $($argument),*)
                }
            )*
        }
    };
    (@write $sessions:ident, $verb:ident, $($argument:ident),*) => {
        $sessions.finish(move |on| async move { on.$verb($($argument),*).await }).await
    };
    (@read $sessions:ident, $verb:ident, $($argument:ident),*) => {
        $sessions.on.$verb($($argument),*).await
    };
}

portcullis_core::session_port!();

/// How many accounts' stamps are remembered.
const REMEMBERED_STAMPS: usize = 100_000;

/// How long a notice is left to the call that made it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many notices are told in one transaction.
const BATCH: u32 = 200;
