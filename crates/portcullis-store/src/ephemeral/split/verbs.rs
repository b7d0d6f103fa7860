//! The verbs on both stores; what each promises is said [above](super).

use std::cmp::Reverse;

use portcullis_core::account::{self, Stamp};
use portcullis_core::audit::Context;
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::secret::Digest;
use portcullis_core::session::{
    ApiKeyHandling, Ending, Everything, Id, NewSession, NotOpened, Opened, Session, SessionToken, Store,
};

use super::Inner;
use crate::ephemeral::Notice;
use crate::ephemeral::record::Admission;

type Outcome = Result<Result<Opened, NotOpened>, Fault>;

/// Which store has a session.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Here,
    Database,
}

impl Inner {
    pub(super) async fn open(&self, new: NewSession, by: Context) -> Outcome {
        let opened = match (new.token, new.refresh) {
            (Some(token), None) => self.open_here(&new, token, &by).await?,
            _ => self.database.open(new.clone(), by.clone()).await?,
        };
        let Ok(mut opened) = opened else {
            return Ok(opened);
        };
        opened.ended.extend(self.make_room(&new, &by).await);
        Ok(Ok(opened))
    }

    pub(super) async fn open_here(
        &self,
        new: &NewSession,
        token: Digest<SessionToken>,
        by: &Context,
    ) -> Outcome {
        if let Err(fault) = self.ephemeral.keep(living(new, by.at), token).await {
            // It may have been kept all the same, and would take the room of one that somebody has.
            self.take_back(new).await;
            return Err(fault);
        }
        let admission = self.database.admit(new.clone(), by.clone()).await;
        if let Ok(Admission::Admitted { new_device }) = admission {
            let ended = Vec::new();
            return Ok(Ok(Opened { new_device, ended }));
        }
        self.take_back(new).await;
        match admission? {
            Admission::Refused(state) => Ok(Err(NotOpened(state))),
            Admission::Admitted { .. } => Err(Fault::Other("the session was taken back".into())),
        }
    }

    /// Nobody has been given the token: if this fails, too, the session times out unused.
    async fn take_back(&self, new: &NewSession) {
        if let Err(fault) = self.ephemeral.end(new.account, &[new.id], None).await {
            tracing::warn!(%fault, session = %new.id, "a refused session could not be taken back");
        }
    }

    /// Ends the least recently seen sessions beyond the limit. What can't be ended now, the next opening ends.
    pub(super) async fn make_room(&self, new: &NewSession, by: &Context) -> Vec<Id> {
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

    pub(super) async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        match self.ephemeral.find_by_token(token).await? {
            Some(session) => self.living(session).await,
            None => self.database.find_by_token(token).await,
        }
    }

    pub(super) async fn find(&self, id: Id) -> Result<Option<Session>, Fault> {
        match Store::find(&self.database, id).await? {
            Some(session) => Ok(Some(session)),
            None => self.find_here(id).await,
        }
    }

    pub(super) async fn list(&self, account: account::Id, now: Timestamp) -> Result<Vec<Session>, Fault> {
        let ranked = self.ranked(account, now).await?;
        Ok(ranked.into_iter().map(|(_, session)| session).collect())
    }

    pub(super) async fn touch(&self, seen: Vec<(Id, Timestamp)>) -> Result<(), Fault> {
        match self.ephemeral.touch(&seen).await {
            Ok(others) => self.database.touch(others).await,
            Err(fault) => {
                self.database.touch(seen).await?;
                Err(fault)
            }
        }
    }

    async fn find_here(&self, id: Id) -> Result<Option<Session>, Fault> {
        match self.ephemeral.find(id).await? {
            Some(session) => self.living(session).await,
            None => Ok(None),
        }
    }

    /// The account's living sessions in both stores, most recently seen first.
    pub(super) async fn ranked(
        &self,
        account: account::Id,
        now: Timestamp,
    ) -> Result<Vec<(Place, Session)>, Fault> {
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
    pub(super) async fn living_of(
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

    pub(super) async fn rename(
        &self,
        account: account::Id,
        id: Id,
        name: String,
        by: Context,
    ) -> Result<bool, Fault> {
        if self
            .database
            .rename(account, id, name.clone(), by.clone())
            .await?
        {
            return Ok(true);
        }
        if self.find_here(id).await?.is_none() {
            return Ok(false);
        }
        let notice = Notice::named(account, id, by);
        let named = self.ephemeral.rename(account, id, plain(&name), &notice).await?;
        if named {
            self.tell(notice).await?;
        }
        Ok(named)
    }

    pub(super) async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        by: Context,
    ) -> Result<bool, Fault> {
        defends!("T022");
        let Some(session) = self.find_here(id).await? else {
            return self.database.renew(id, old, new, by).await;
        };
        let notice = Notice::renewed(session.account, id, by);
        let renewed = self.ephemeral.renew(id, old, new, &notice).await?;
        if renewed {
            self.tell(notice).await?;
        }
        Ok(renewed)
    }

    pub(super) async fn end(
        &self,
        account: account::Id,
        id: Id,
        why: Ending,
        by: Context,
    ) -> Result<bool, Fault> {
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

    pub(super) async fn end_here(
        &self,
        account: account::Id,
        id: Id,
        why: Ending,
        by: Context,
    ) -> Result<bool, Fault> {
        let notice = Notice::ended(account, id, why, by);
        if !self.removed(account, id, &notice).await? {
            return Ok(false);
        }
        self.tell(notice).await.map(|()| true)
    }

    /// Whether this call took the session out of its store. No answer isn't "no": the store may have done it, and whoever
    /// did it has to tell. So it is asked once more, and if the session is gone by then, the notice says by whom. Whatever
    /// isn't known after that is told from the notice, a little later.
    async fn removed(&self, account: account::Id, id: Id, notice: &Notice) -> Result<bool, Fault> {
        defends!("T174");
        match self.ephemeral.end(account, &[id], Some(notice)).await {
            Ok(ended) => Ok(!ended.is_empty()),
            Err(fault) => {
                tracing::debug!(%fault, session = %id, "asking once more whether a session ended");
                let ended = self.ephemeral.end(account, &[id], Some(notice)).await?;
                Ok(!ended.is_empty() || self.ephemeral.waits(notice).await?)
            }
        }
    }

    pub(super) async fn end_others(&self, account: account::Id, keep: Id, by: Context) -> Result<u64, Fault> {
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

    pub(super) async fn end_everything(
        &self,
        account: account::Id,
        stamp: Stamp,
        keys: ApiKeyHandling,
        by: Context,
    ) -> Result<Everything, Fault> {
        defends!("T035");
        // What can't be counted ends all the same, by its stamp.
        let here = self.ephemeral.list(account).await.unwrap_or_else(|fault| {
            tracing::warn!(%fault, %account, "an account's sessions can't be counted");
            Vec::new()
        });
        let ids: Vec<_> = here.iter().map(|session| session.id).collect();
        let here = self.living_of(account, here, by.at).await?;
        let mut ended = self.database.end_everything(account, stamp, keys, by).await?;
        if let Err(fault) = self.ephemeral.end(account, &ids, None).await {
            tracing::warn!(%fault, %account, "ended sessions stay in their store until they time out");
        }
        ended.sessions += here.len() as u64;
        Ok(ended)
    }

    /// Writes a change's event and invalidation to the database and gives the notice up.
    pub(super) async fn tell(&self, notice: Notice) -> Result<(), Fault> {
        let told = self.database.record(vec![notice.clone()]).await;
        self.told(notice, told).await
    }

    /// What is left to do once the database was told, or could not be.
    pub(super) async fn told<T>(&self, notice: Notice, told: Result<T, Fault>) -> Result<T, Fault> {
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
    pub(super) async fn living(&self, session: Session) -> Result<Option<Session>, Fault> {
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
    pub(super) async fn stamp(&self, account: account::Id) -> Result<Option<Stamp>, Fault> {
        if let Some((generation, stamp)) = self.stamps.get(&account)
            && self.generations.holds(account.as_uuid(), generation)
        {
            return Ok(Some(stamp));
        }
        defends!("T021");
        let generation = self.generations.generation(account.as_uuid());
        let stamp = self.database.stamp(account).await?;
        if let Some(stamp) = stamp {
            self.stamps.insert(account, (generation, stamp));
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
