//! The session store of a deployment whose opaque sessions are kept outside the database.
//!
//! A session with refresh tokens goes to the database, one with nothing but an opaque token to the [`Ephemeral`]
//! store. What was opened in the database before this store was chosen goes on living there.
//!
//! Flow of an opening: keep the session, while nobody knows its token yet → the database judges account and stamp
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

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use portcullis_core::account::{self, Stamp};
use portcullis_core::audit::Context;
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::{Invalidation, Mark, Marks};
use portcullis_core::secret::Digest;
use portcullis_core::session::{Ending, Id, NewSession, Opening, Session, SessionToken, Store};
use quick_cache::sync::Cache;

use super::record::Admission;
use super::{Ephemeral, Notice};
use crate::Database;

/// A session store over a database and an [`Ephemeral`] store. Cloning it is cheap.
#[derive(Clone)]
pub struct SplitSessions {
    on: Arc<Inner>,
}

struct Inner {
    database: Database,
    ephemeral: Arc<dyn Ephemeral>,
    marks: Arc<Marks>,
    stamps: Cache<account::Id, (Mark, Stamp)>,
}

/// Which store has a session.
#[derive(Clone, Copy)]
enum Place {
    Here,
    Database,
}

impl SplitSessions {
    /// Opaque sessions in `ephemeral`, all others in `database`.
    pub fn new(database: Database, ephemeral: Arc<dyn Ephemeral>) -> Self {
        let marks = Arc::new(Marks::new());
        let moved = Arc::clone(&marks);
        database.subscribe(Arc::new(move |what| moved.apply(what)));
        let on = Inner {
            database,
            ephemeral,
            marks,
            stamps: Cache::new(REMEMBERED_STAMPS),
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
    /// [`Fault`]: it doesn't.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.on.ephemeral.ping().await
    }

    /// Runs a verb to its end even if the caller goes away in the middle.
    async fn finish<T, F>(&self, verb: impl FnOnce(Arc<Inner>) -> F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        tokio::spawn(verb(Arc::clone(&self.on)))
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

#[async_trait]
impl Store for SplitSessions {
    async fn open(&self, new: NewSession, by: Context) -> Result<Opening, Fault> {
        self.finish(|on| async move { on.open(new, by).await }).await
    }

    async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        match self.on.ephemeral.find_by_token(token).await? {
            Some(session) => self.on.standing(session).await,
            None => self.on.database.find_by_token(token).await,
        }
    }

    async fn find(&self, id: Id) -> Result<Option<Session>, Fault> {
        match Store::find(&self.on.database, id).await? {
            Some(session) => Ok(Some(session)),
            None => self.on.find(id).await,
        }
    }

    async fn list(&self, account: account::Id, now: Timestamp) -> Result<Vec<Session>, Fault> {
        let ranked = self.on.ranked(account, now).await?;
        Ok(ranked.into_iter().map(|(_, session)| session).collect())
    }

    async fn rename(&self, account: account::Id, id: Id, name: String, by: Context) -> Result<bool, Fault> {
        self.finish(move |on| async move { on.rename(account, id, name, by).await })
            .await
    }

    async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        by: Context,
    ) -> Result<bool, Fault> {
        self.finish(move |on| async move { on.renew(id, old, new, by).await })
            .await
    }

    async fn end(&self, account: account::Id, id: Id, why: Ending, by: Context) -> Result<bool, Fault> {
        self.finish(move |on| async move { on.end(account, id, why, by).await })
            .await
    }

    async fn end_others(&self, account: account::Id, keep: Id, by: Context) -> Result<u64, Fault> {
        self.finish(move |on| async move { on.end_others(account, keep, by).await })
            .await
    }

    async fn end_all(&self, account: account::Id, stamp: Stamp, by: Context) -> Result<u64, Fault> {
        self.finish(move |on| async move { on.end_all(account, stamp, by).await })
            .await
    }

    async fn touch(&self, seen: Vec<(Id, Timestamp)>) -> Result<(), Fault> {
        match self.on.ephemeral.touch(&seen).await {
            Ok(others) => self.on.database.touch(others).await,
            Err(fault) => {
                self.on.database.touch(seen).await?;
                Err(fault)
            }
        }
    }
}

impl Inner {
    async fn open(&self, new: NewSession, by: Context) -> Result<Opening, Fault> {
        let opening = match (new.token, new.refresh) {
            (Some(token), None) => self.open_here(&new, token, &by).await?,
            _ => self.database.open(new.clone(), by.clone()).await?,
        };
        let Opening::Opened {
            new_device,
            mut ended,
        } = opening
        else {
            return Ok(opening);
        };
        ended.extend(self.make_room(&new, &by).await);
        Ok(Opening::Opened { new_device, ended })
    }

    async fn open_here(
        &self,
        new: &NewSession,
        token: Digest<SessionToken>,
        by: &Context,
    ) -> Result<Opening, Fault> {
        self.ephemeral.keep(living(new, by.at), token).await?;
        let admission = self.database.admit(new.clone(), by.clone()).await;
        if let Ok(Admission::Admitted { new_device }) = admission {
            let ended = Vec::new();
            return Ok(Opening::Opened { new_device, ended });
        }
        // Nobody has been given the token: if this fails, too, the session times out unused.
        if let Err(fault) = self.ephemeral.end(new.account, &[new.id], None).await {
            tracing::warn!(%fault, session = %new.id, "a refused session could not be taken back");
        }
        match admission? {
            Admission::Refused(state) => Ok(Opening::Refused(state)),
            Admission::Admitted { .. } => Err(Fault::Other("the session was taken back".into())),
        }
    }

    /// Ends the least recently seen sessions beyond the limit. What can't be ended now, the next opening ends.
    async fn make_room(&self, new: &NewSession, by: &Context) -> Vec<Id> {
        let limit = usize::try_from(new.limit.max(1)).unwrap_or(usize::MAX);
        let mut ended = Vec::new();
        let surplus = match self.ranked(new.account, by.at).await {
            Ok(sessions) => sessions.into_iter().skip(limit),
            Err(fault) => {
                tracing::warn!(%fault, account = %new.account, "an account's sessions can't be counted");
                return ended;
            }
        };
        for (place, session) in surplus {
            let (account, id, why) = (new.account, session.id, Ending::Evicted);
            let made = match place {
                Place::Here => self.end_here(account, id, why, by.clone()).await,
                Place::Database => self.database.end(account, id, why, by.clone()).await,
            };
            match made {
                Ok(true) => ended.push(id),
                Ok(false) => {}
                Err(fault) => tracing::warn!(%fault, session = %id, "a session could not make room"),
            }
        }
        ended
    }

    async fn find(&self, id: Id) -> Result<Option<Session>, Fault> {
        match self.ephemeral.find(id).await? {
            Some(session) => self.standing(session).await,
            None => Ok(None),
        }
    }

    /// The account's living sessions in both stores, most recently seen first.
    async fn ranked(&self, account: account::Id, now: Timestamp) -> Result<Vec<(Place, Session)>, Fault> {
        defends!("T027");
        let here = self.ephemeral.list(account).await?;
        let here = self.living_of(account, here, now).await?;
        let there = Store::list(&self.database, account, now).await?;
        let here = here.into_iter().map(|session| (Place::Here, session));
        let there = there.into_iter().map(|session| (Place::Database, session));
        let mut all: Vec<_> = here.chain(there).collect();
        all.sort_by_key(|(_, session)| Reverse((session.last_seen_at, session.id)));
        Ok(all)
    }

    /// Those of the account's ephemeral sessions that live.
    async fn living_of(
        &self,
        account: account::Id,
        mut sessions: Vec<Session>,
        now: Timestamp,
    ) -> Result<Vec<Session>, Fault> {
        if !sessions.is_empty() {
            let stamp = self.stamp(account).await?;
            sessions.retain(|session| Some(session.stamp) == stamp && session.lives_at(now));
        }
        Ok(sessions)
    }

    async fn rename(&self, account: account::Id, id: Id, name: String, by: Context) -> Result<bool, Fault> {
        if self
            .database
            .rename(account, id, name.clone(), by.clone())
            .await?
        {
            return Ok(true);
        }
        if self.find(id).await?.is_none() {
            return Ok(false);
        }
        let notice = Notice::named(account, id, by);
        let named = self.ephemeral.rename(account, id, plain(&name), &notice).await?;
        if named {
            self.tell(notice).await?;
        }
        Ok(named)
    }

    async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        by: Context,
    ) -> Result<bool, Fault> {
        defends!("T022");
        let Some(session) = self.find(id).await? else {
            return self.database.renew(id, old, new, by).await;
        };
        let notice = Notice::renewed(session.account, id, by);
        let renewed = self.ephemeral.renew(id, old, new, &notice).await?;
        if renewed {
            self.tell(notice).await?;
        }
        Ok(renewed)
    }

    async fn end(&self, account: account::Id, id: Id, why: Ending, by: Context) -> Result<bool, Fault> {
        if self.database.end(account, id, why, by.clone()).await? {
            return Ok(true);
        }
        if self.end_here(account, id, why, by.clone()).await? {
            return Ok(true);
        }
        if why == Ending::Logout {
            // The store may have lost a session that nodes still remember: whoever logs out is logged out.
            self.database.forget(Invalidation::Session(id), by).await?;
        }
        Ok(false)
    }

    async fn end_here(&self, account: account::Id, id: Id, why: Ending, by: Context) -> Result<bool, Fault> {
        let notice = Notice::ended(account, id, why, by);
        let ended = self.ephemeral.end(account, &[id], Some(&notice)).await?;
        if ended.is_empty() {
            return Ok(false);
        }
        self.tell(notice).await.map(|()| true)
    }

    async fn end_others(&self, account: account::Id, keep: Id, by: Context) -> Result<u64, Fault> {
        let all = self.ephemeral.list(account).await?;
        let ids: Vec<_> = all
            .iter()
            .map(|session| session.id)
            .filter(|id| *id != keep)
            .collect();
        let mut living = self.living_of(account, all, by.at).await?;
        let notice = Notice::others_ended(account, keep, by.clone());
        let gone = self.ephemeral.end(account, &ids, Some(&notice)).await?;
        living.retain(|session| gone.contains(&session.id));
        let told = self
            .database
            .end_others_beside(account, keep, !gone.is_empty(), by)
            .await;
        self.told(notice, told)
            .await
            .map(|ended| ended + living.len() as u64)
    }

    async fn end_all(&self, account: account::Id, stamp: Stamp, by: Context) -> Result<u64, Fault> {
        defends!("T035");
        // What can't be counted ends all the same, by its stamp.
        let here = self.ephemeral.list(account).await.unwrap_or_else(|fault| {
            tracing::warn!(%fault, %account, "an account's sessions can't be counted");
            Vec::new()
        });
        let ids: Vec<_> = here.iter().map(|session| session.id).collect();
        let here = self.living_of(account, here, by.at).await?;
        let ended = self.database.end_all(account, stamp, by).await?;
        if let Err(fault) = self.ephemeral.end(account, &ids, None).await {
            tracing::warn!(%fault, %account, "ended sessions stay in their store until they time out");
        }
        Ok(ended + here.len() as u64)
    }

    /// Writes a change's event and invalidation to the database and gives the notice up.
    async fn tell(&self, notice: Notice) -> Result<(), Fault> {
        let told = self.database.record(vec![notice.clone()]).await;
        self.told(notice, told).await
    }

    /// What is left to do once the database was told, or could not be.
    async fn told<T>(&self, notice: Notice, told: Result<T, Fault>) -> Result<T, Fault> {
        defends!("T020");
        match &told {
            Ok(_) => {
                if let Err(fault) = self.ephemeral.settle(&[notice]).await {
                    tracing::warn!(%fault, "an event will be written twice");
                }
            }
            Err(_) => {
                if let Some(what) = notice.forget {
                    self.database.forget_here(what);
                }
            }
        }
        told
    }

    /// The session, unless the account has another stamp by now: then it ended with all others.
    async fn standing(&self, session: Session) -> Result<Option<Session>, Fault> {
        defends!("T016");
        if self.stamp(session.account).await? == Some(session.stamp) {
            return Ok(Some(session));
        }
        if let Err(fault) = self.ephemeral.end(session.account, &[session.id], None).await {
            tracing::warn!(%fault, session = %session.id, "an ended session stays until it times out");
        }
        Ok(None)
    }

    /// The account's stamp, as the last invalidation of the account left it.
    async fn stamp(&self, account: account::Id) -> Result<Option<Stamp>, Fault> {
        if let Some((mark, stamp)) = self.stamps.get(&account)
            && self.marks.holds(account.as_uuid(), mark)
        {
            return Ok(Some(stamp));
        }
        defends!("T021");
        let mark = self.marks.mark(account.as_uuid());
        let stamp = self.database.stamp(account).await?;
        if let Some(stamp) = stamp {
            self.stamps.insert(account, (mark, stamp));
        }
        Ok(stamp)
    }
}

/// The session as it begins.
fn living(new: &NewSession, at: Timestamp) -> Session {
    let mut device = new.device.clone();
    device.name = device.name.as_deref().map(plain);
    device.user_agent = device.user_agent.as_deref().map(plain);
    Session {
        id: new.id,
        account: new.account,
        stamp: new.stamp,
        device,
        method: new.method,
        scopes: new.scopes.clone(),
        authenticated_at: at,
        last_seen_at: at,
        idle: new.idle,
        expires_at: new.expires_at,
    }
}

/// The same text that the database would keep.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// How many accounts' stamps are remembered.
const REMEMBERED_STAMPS: usize = 100_000;

/// How long a notice is left to the call that made it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many notices are told in one transaction.
const BATCH: u32 = 200;
