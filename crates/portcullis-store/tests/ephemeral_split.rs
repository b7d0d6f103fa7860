//! Opaque sessions beside the database, whatever keeps them: what the contract of one store can't say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg(feature = "redis")]

mod ephemeral;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ephemeral::{
    IDLE, MICROSECOND, MINUTE, START, by, events, fresh_token, in_redis, lives, memory, opaque, open,
    refreshing, registered, set_state,
};
use portcullis_core::account::{self, Account, AccountState, Stamp};
use portcullis_core::audit::{Action, Event};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::secret::Digest;
use portcullis_core::session::{
    ApiKeyHandling, Ending, Id, NewSession, NotOpened, Opened, Session, SessionToken, Store as _,
};
use portcullis_store::Database;
use portcullis_store::ephemeral::{Ephemeral, Memory, Notice, SplitSessions};
use tempfile::TempDir;

/// Makes a test of each case for each kind of store.
macro_rules! on_every_store {
    ($($case:ident)*) => {
        mod on_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (ephemeral, _kept) = super::memory().await.unwrap();
                super::$case(ephemeral).await;
            })*
        }
        mod on_redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                if let Some((ephemeral, _kept)) = super::in_redis().await {
                    super::$case(ephemeral).await;
                }
            })*
        }
    };
}

on_every_store! {
    an_opaque_session_leaves_no_living_row_in_the_database
    a_disabled_account_keeps_no_opaque_session
    a_session_from_before_a_change_of_stamp_is_found_no_more
    the_limit_counts_both_kinds
    a_crowd_of_both_kinds_keeps_the_limit
    an_ending_whose_answer_is_lost_is_told_all_the_same
    a_known_device_is_known_to_both_kinds
    ends_of_many_count_both_kinds_and_leave_one_event
    seen_reaches_the_store_that_has_the_session
    a_session_of_the_database_goes_on_after_the_change_of_store
    an_ending_that_could_not_be_told_is_told_later
    a_refused_opening_leaves_nothing
}

async fn split(ephemeral: Arc<dyn Ephemeral>) -> (Database, SplitSessions) {
    let database = Database::in_memory().await.unwrap();
    (database.clone(), SplitSessions::new(database, ephemeral))
}

async fn an_opaque_session_leaves_no_living_row_in_the_database(ephemeral: Arc<dyn Ephemeral>) {
    checks!("T015");
    let (database, sessions) = split(ephemeral).await;
    let anna = registered(&database, "anna").await;
    let (new, tokens) = (opaque(&anna), refreshing(&anna));
    open(&sessions, &new, START).await;
    open(&sessions, &tokens, START).await;
    let token = new.token.unwrap();
    assert_eq!(database.find_by_token(token).await.unwrap(), None);
    assert_eq!(
        portcullis_core::session::Store::find(&database, new.id)
            .await
            .unwrap(),
        None
    );
    let rows = portcullis_core::session::Store::list(&database, anna.id, START)
        .await
        .unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [tokens.id]);
    let found = sessions.find_by_token(token).await.unwrap().unwrap();
    assert_eq!((found.id, found.stamp), (new.id, anna.stamp));
    assert_eq!(
        sessions.find_by_token(fresh_token().digest()).await.unwrap(),
        None
    );
}

async fn a_disabled_account_keeps_no_opaque_session(ephemeral: Arc<dyn Ephemeral>) {
    checks!("T016");
    let (database, sessions) = split(Arc::clone(&ephemeral)).await;
    let (anna, other) = (
        registered(&database, "anna").await,
        registered(&database, "berta").await,
    );
    let (new, strangers) = (opaque(&anna), opaque(&other));
    open(&sessions, &new, START).await;
    open(&sessions, &strangers, START).await;
    set_state(&database, anna.id, AccountState::Locked).await;
    assert!(lives(&sessions, &new).await, "locked takes nothing away");
    // The verb goes past the session store: the stamp alone ends the session.
    set_state(&database, anna.id, AccountState::Disabled).await;
    assert_eq!(sessions.list(anna.id, START).await.unwrap(), []);
    assert!(!lives(&sessions, &new).await);
    set_state(&database, anna.id, AccountState::Active).await;
    assert!(!lives(&sessions, &new).await, "it does not come back");
    assert_eq!(
        ephemeral.list(anna.id).await.unwrap(),
        [],
        "what is dead is deleted when it is met"
    );
    assert!(lives(&sessions, &strangers).await);
}

async fn a_session_from_before_a_change_of_stamp_is_found_no_more(ephemeral: Arc<dyn Ephemeral>) {
    checks!("T035");
    checks!("T020");
    // Another process changes the stamp; this one hears of it by the database's table.
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("shared.db").display());
    let (here, there) = (
        Database::open(&url).await.unwrap(),
        Database::open(&url).await.unwrap(),
    );
    let sessions = SplitSessions::new(here.clone(), ephemeral);
    let anna = registered(&here, "anna").await;
    let new = opaque(&anna);
    open(&sessions, &new, START).await;
    assert!(lives(&sessions, &new).await, "the stamp is remembered now");
    let (told, heard) = tokio::sync::oneshot::channel();
    let told = Mutex::new(Some(told));
    here.subscribe(Arc::new(move |what| {
        if matches!(what, Invalidation::Account(_))
            && let Some(told) = told.lock().unwrap().take()
        {
            let _ = told.send(());
        }
    }));
    let _follower = here.follow(Duration::from_millis(10));
    there
        .end_everything(
            anna.id,
            Stamp::from_uuid(ephemeral::fresh_id()),
            ApiKeyHandling::Stay,
            by(START),
        )
        .await
        .unwrap();
    heard.await.unwrap();
    assert!(!lives(&sessions, &new).await);
    let late = sessions.open(opaque(&anna), by(START)).await.unwrap();
    assert_eq!(late, Err(NotOpened(AccountState::Active)));
}

async fn the_limit_counts_both_kinds(ephemeral: Arc<dyn Ephemeral>) {
    let (database, sessions) = split(ephemeral).await;
    let anna = registered(&database, "anna").await;
    let limited = |mut new: NewSession| {
        new.limit = 2;
        new
    };
    let (first, second) = (limited(opaque(&anna)), limited(refreshing(&anna)));
    open(&sessions, &first, START).await;
    open(&sessions, &second, START.plus(MINUTE)).await;
    let third = limited(refreshing(&anna));
    let opening = sessions
        .open(third.clone(), by(START.plus(MINUTE * 2)))
        .await
        .unwrap();
    assert!(matches!(opening, Ok(Opened { ended, .. }) if ended == [first.id]));
    assert!(!lives(&sessions, &first).await);
    let fourth = limited(opaque(&anna));
    let opening = sessions
        .open(fourth.clone(), by(START.plus(MINUTE * 3)))
        .await
        .unwrap();
    assert!(matches!(opening, Ok(Opened { ended, .. }) if ended == [second.id]));
    let left = sessions.list(anna.id, START.plus(MINUTE * 3)).await.unwrap();
    assert_eq!(
        left.iter().map(|s| s.id).collect::<Vec<_>>(),
        [fourth.id, third.id]
    );
    let evicted = events(&database, Action::SessionEnded).await;
    assert_eq!(evicted.len(), 2);
    assert!(
        evicted
            .iter()
            .all(|event| event.detail.as_deref() == Some("evicted"))
    );
}

async fn a_crowd_of_both_kinds_keeps_the_limit(ephemeral: Arc<dyn Ephemeral>) {
    let (database, sessions) = split(ephemeral).await;
    let anna = registered(&database, "anna").await;
    let crowd: Vec<_> = (0..100)
        .map(|n| {
            let mut new = if n % 2 == 0 {
                opaque(&anna)
            } else {
                refreshing(&anna)
            };
            new.limit = 5;
            let sessions = sessions.clone();
            tokio::spawn(async move { sessions.open(new, by(START)).await })
        })
        .collect();
    // A store that is too busy to answer within a second opens none: never may it open or end one untold.
    for one in crowd {
        let opening = one.await.unwrap();
        assert!(matches!(opening, Ok(Ok(_)) | Err(Fault::Busy(_))), "{opening:?}");
    }
    // What could not make room then does so now, and what could not be told is told.
    let last = opaque_within(&anna, 5);
    while sessions.open(last.clone(), by(START)).await.is_err() {}
    while sessions.tend(START.plus(MINUTE)).await.is_err() {}
    let living: HashSet<_> = sessions
        .list(anna.id, START)
        .await
        .unwrap()
        .iter()
        .map(|s| s.id)
        .collect();
    assert!(living.len() <= 5, "{living:?}");
    let ids = |events: Vec<Event>| {
        events
            .into_iter()
            .filter_map(|event| event.session)
            .collect::<HashSet<_>>()
    };
    let opened = ids(events(&database, Action::SessionOpened).await);
    let ended = ids(events(&database, Action::SessionEnded).await);
    let untold: Vec<_> = opened
        .difference(&ended)
        .filter(|id| !living.contains(id))
        .collect();
    assert!(untold.is_empty(), "{untold:?} ended and nothing says so");
    assert!(living.is_disjoint(&ended));
}

fn opaque_within(account: &Account, limit: u32) -> NewSession {
    let mut new = opaque(account);
    new.limit = limit;
    new
}

/// A store whose answers to endings are lost, though it does what it was told.
struct Mute {
    within: Arc<dyn Ephemeral>,
    lost: AtomicU64,
}

async fn an_ending_whose_answer_is_lost_is_told_all_the_same(ephemeral: Arc<dyn Ephemeral>) {
    checks!("T174");
    for (lost, told) in [(0, true), (1, true), (2, false)] {
        let mute = Arc::new(Mute {
            within: Arc::clone(&ephemeral),
            lost: AtomicU64::new(0),
        });
        let (database, sessions) = split(Arc::clone(&mute) as Arc<dyn Ephemeral>).await;
        let anna = registered(&database, "anna").await;
        let first = opaque_within(&anna, 1);
        open(&sessions, &first, START).await;
        mute.lost.store(lost, Ordering::Relaxed);
        open(&sessions, &opaque_within(&anna, 1), START.plus(MINUTE)).await;
        assert!(!lives(&sessions, &first).await);
        let evicted = events(&database, Action::SessionEnded).await;
        assert_eq!(evicted.len(), usize::from(told), "{lost} answers lost");
        // As after a crash: the notice is there, and is told by whoever tends the store.
        sessions.tend(START.plus(MINUTE * 2)).await.unwrap();
        let evicted = events(&database, Action::SessionEnded).await;
        assert_eq!(evicted.len(), 1);
        assert_eq!(evicted[0].session, Some(first.id));
        assert_eq!(evicted[0].detail.as_deref(), Some("evicted"));
    }
}

#[async_trait]
impl Ephemeral for Mute {
    async fn keep(&self, session: Session, token: Digest<SessionToken>) -> Result<(), Fault> {
        self.within.keep(session, token).await
    }
    async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        self.within.find_by_token(token).await
    }
    async fn find(&self, id: Id) -> Result<Option<Session>, Fault> {
        self.within.find(id).await
    }
    async fn list(&self, account: account::Id) -> Result<Vec<Session>, Fault> {
        self.within.list(account).await
    }
    async fn rename(&self, account: account::Id, id: Id, name: String, n: &Notice) -> Result<bool, Fault> {
        self.within.rename(account, id, name, n).await
    }
    async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        notice: &Notice,
    ) -> Result<bool, Fault> {
        self.within.renew(id, old, new, notice).await
    }
    async fn end(&self, account: account::Id, ids: &[Id], notice: Option<&Notice>) -> Result<Vec<Id>, Fault> {
        let ended = self.within.end(account, ids, notice).await?;
        let less = |left: u64| left.checked_sub(1);
        match self.lost.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(_) => Err(Fault::Busy("the answer is lost".into())),
            Err(_) => Ok(ended),
        }
    }
    async fn touch(&self, seen: &[(Id, Timestamp)]) -> Result<Vec<(Id, Timestamp)>, Fault> {
        self.within.touch(seen).await
    }
    async fn notices(&self, before: Timestamp, limit: u32) -> Result<Vec<Notice>, Fault> {
        self.within.notices(before, limit).await
    }
    async fn waits(&self, notice: &Notice) -> Result<bool, Fault> {
        self.within.waits(notice).await
    }
    async fn settle(&self, notices: &[Notice]) -> Result<(), Fault> {
        self.within.settle(notices).await
    }
    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        self.within.sweep(now).await
    }
    async fn ping(&self) -> Result<(), Fault> {
        self.within.ping().await
    }
}

async fn a_known_device_is_known_to_both_kinds(ephemeral: Arc<dyn Ephemeral>) {
    let (database, sessions) = split(Arc::clone(&ephemeral)).await;
    let anna = registered(&database, "anna").await;
    let from = |mut new: NewSession, agent: &str| {
        new.device.user_agent = Some(agent.into());
        new
    };
    assert!(
        !open(&sessions, &from(opaque(&anna), "Browser/1"), START).await,
        "the first"
    );
    assert!(!open(&sessions, &from(refreshing(&anna), "Browser/1"), START).await);
    assert!(open(&sessions, &from(refreshing(&anna), "App/1"), START).await);
    assert!(!open(&sessions, &from(opaque(&anna), "App/1"), START).await);
    assert!(open(&sessions, &from(opaque(&anna), "Thief/1"), START).await);
    // What was known does not go with the ephemeral store.
    let anew = SplitSessions::new(database.clone(), Arc::new(Memory::new()));
    assert!(!open(&anew, &from(opaque(&anna), "Thief/1"), START).await);
    assert!(open(&anew, &from(opaque(&anna), "Thief/2"), START).await);
}

async fn ends_of_many_count_both_kinds_and_leave_one_event(ephemeral: Arc<dyn Ephemeral>) {
    checks!("T027");
    let (database, sessions) = split(ephemeral).await;
    let (anna, other) = (
        registered(&database, "anna").await,
        registered(&database, "berta").await,
    );
    let strangers = opaque(&other);
    open(&sessions, &strangers, START).await;
    let all: Vec<_> = (0..4)
        .map(|n| {
            if n % 2 == 0 {
                opaque(&anna)
            } else {
                refreshing(&anna)
            }
        })
        .collect();
    for new in &all {
        open(&sessions, new, START).await;
    }
    assert_eq!(
        sessions.end_others(anna.id, all[0].id, by(START)).await.unwrap(),
        3
    );
    assert_eq!(events(&database, Action::SessionsEnded).await.len(), 1);
    assert!(lives(&sessions, &all[0]).await);
    for gone in &all[1..] {
        assert!(!lives(&sessions, gone).await);
    }
    open(&sessions, &refreshing(&anna), START).await;
    let stamp = Stamp::from_uuid(ephemeral::fresh_id());
    assert_eq!(
        sessions
            .end_everything(anna.id, stamp, ApiKeyHandling::Stay, by(START))
            .await
            .unwrap()
            .sessions,
        2
    );
    assert_eq!(events(&database, Action::SessionsEnded).await.len(), 2);
    assert_eq!(sessions.list(anna.id, START).await.unwrap(), []);
    assert!(lives(&sessions, &strangers).await);
}

async fn seen_reaches_the_store_that_has_the_session(ephemeral: Arc<dyn Ephemeral>) {
    let (database, sessions) = split(ephemeral).await;
    let anna = registered(&database, "anna").await;
    let (new, tokens) = (opaque(&anna), refreshing(&anna));
    open(&sessions, &new, START).await;
    open(&sessions, &tokens, START).await;
    let seen = |at| {
        vec![
            (new.id, at),
            (tokens.id, at),
            (Id::from_uuid(ephemeral::fresh_id()), at),
        ]
    };
    let later = START.plus(IDLE).minus(MICROSECOND);
    sessions.touch(seen(later)).await.unwrap();
    for id in [new.id, tokens.id] {
        let found = sessions.find(id).await.unwrap().unwrap();
        assert_eq!(found.last_seen_at, later);
    }
    // A session that timed out in between is not revived by a late note.
    sessions.touch(seen(later.plus(IDLE))).await.unwrap();
    assert_eq!(
        sessions
            .list(anna.id, later.plus(IDLE).minus(MICROSECOND))
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(sessions.list(anna.id, later.plus(IDLE)).await.unwrap(), []);
}

async fn a_session_of_the_database_goes_on_after_the_change_of_store(ephemeral: Arc<dyn Ephemeral>) {
    let (database, sessions) = split(ephemeral).await;
    let anna = registered(&database, "anna").await;
    let old = opaque(&anna);
    database.open(old.clone(), by(START)).await.unwrap().unwrap();
    assert!(lives(&sessions, &old).await);
    let next = fresh_token().digest();
    assert!(
        sessions
            .renew(old.id, old.token.unwrap(), next, by(START))
            .await
            .unwrap()
    );
    assert!(sessions.find_by_token(next).await.unwrap().is_some());
    assert!(
        sessions
            .rename(anna.id, old.id, "desk".into(), by(START))
            .await
            .unwrap()
    );
    assert!(
        sessions
            .end(anna.id, old.id, Ending::Logout, by(START))
            .await
            .unwrap()
    );
    assert_eq!(sessions.find_by_token(next).await.unwrap(), None);
}

async fn an_ending_that_could_not_be_told_is_told_later(ephemeral: Arc<dyn Ephemeral>) {
    checks!("T020");
    checks!("T037");
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("lost.db").display());
    let database = Database::open(&url).await.unwrap();
    let breaking = Breaking {
        inner: Arc::clone(&ephemeral),
        database: database.clone(),
    };
    let sessions = SplitSessions::new(database.clone(), Arc::new(breaking));
    let anna = registered(&database, "anna").await;
    let new = opaque(&anna);
    open(&sessions, &new, START).await;
    let forgotten = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&forgotten);
    database.subscribe(Arc::new(move |what| heard.lock().unwrap().push(what)));
    // The database goes away after the session was deleted and before it was told.
    let answer = sessions.end(anna.id, new.id, Ending::Ended, by(START)).await;
    assert!(matches!(answer, Err(Fault::Closed)), "{answer:?}");
    assert_eq!(ephemeral.find(new.id).await.unwrap(), None);
    assert_eq!(
        *forgotten.lock().unwrap(),
        [Invalidation::Session(new.id)],
        "this process knows"
    );

    let again = Database::open(&url).await.unwrap();
    let heard = Arc::clone(&forgotten);
    forgotten.lock().unwrap().clear();
    again.subscribe(Arc::new(move |what| heard.lock().unwrap().push(what)));
    let sessions = SplitSessions::new(again.clone(), Arc::clone(&ephemeral));
    let patience = Duration::from_secs(10);
    sessions.tend(START.plus(patience)).await.unwrap();
    assert_eq!(
        events(&again, Action::SessionEnded).await.len(),
        0,
        "the call may still be at it"
    );
    for _ in 0..2 {
        sessions
            .tend(START.plus(patience).plus(MICROSECOND))
            .await
            .unwrap();
        let told = events(&again, Action::SessionEnded).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].session, Some(new.id));
        assert_eq!(told[0].user_agent.as_deref(), Some("Tests/1"));
    }
    assert_eq!(*forgotten.lock().unwrap(), [Invalidation::Session(new.id)]);
}

async fn a_refused_opening_leaves_nothing(ephemeral: Arc<dyn Ephemeral>) {
    checks!("T035");
    let (database, sessions) = split(Arc::clone(&ephemeral)).await;
    let anna = registered(&database, "anna").await;
    let kept = opaque(&anna);
    open(&sessions, &kept, START).await;
    set_state(&database, anna.id, AccountState::Locked).await;
    let mut refused = opaque(&anna);
    refused.limit = 1;
    let answer = sessions.open(refused.clone(), by(START)).await.unwrap();
    assert_eq!(answer, Err(NotOpened(AccountState::Locked)));
    let left = ephemeral.list(anna.id).await.unwrap();
    assert_eq!(
        left.iter().map(|s| s.id).collect::<Vec<_>>(),
        [kept.id],
        "and nobody made room for it"
    );
    // The same where the database could not say anything.
    database.close().await;
    let answer = sessions.open(opaque(&anna), by(START)).await;
    assert!(matches!(answer, Err(Fault::Closed)), "{answer:?}");
    assert_eq!(ephemeral.list(anna.id).await.unwrap().len(), 1);
}

/// A store whose database is closed by the first ending.
struct Breaking {
    inner: Arc<dyn Ephemeral>,
    database: Database,
}

#[async_trait]
impl Ephemeral for Breaking {
    async fn keep(&self, session: Session, token: Digest<SessionToken>) -> Result<(), Fault> {
        self.inner.keep(session, token).await
    }
    async fn find_by_token(&self, token: Digest<SessionToken>) -> Result<Option<Session>, Fault> {
        self.inner.find_by_token(token).await
    }
    async fn find(&self, id: Id) -> Result<Option<Session>, Fault> {
        self.inner.find(id).await
    }
    async fn list(&self, account: account::Id) -> Result<Vec<Session>, Fault> {
        self.inner.list(account).await
    }
    async fn rename(
        &self,
        account: account::Id,
        id: Id,
        name: String,
        notice: &Notice,
    ) -> Result<bool, Fault> {
        self.inner.rename(account, id, name, notice).await
    }
    async fn renew(
        &self,
        id: Id,
        old: Digest<SessionToken>,
        new: Digest<SessionToken>,
        notice: &Notice,
    ) -> Result<bool, Fault> {
        self.inner.renew(id, old, new, notice).await
    }
    async fn end(&self, account: account::Id, ids: &[Id], notice: Option<&Notice>) -> Result<Vec<Id>, Fault> {
        let ended = self.inner.end(account, ids, notice).await;
        self.database.close().await;
        ended
    }
    async fn touch(&self, seen: &[(Id, Timestamp)]) -> Result<Vec<(Id, Timestamp)>, Fault> {
        self.inner.touch(seen).await
    }
    async fn notices(&self, before: Timestamp, limit: u32) -> Result<Vec<Notice>, Fault> {
        self.inner.notices(before, limit).await
    }
    async fn settle(&self, notices: &[Notice]) -> Result<(), Fault> {
        self.inner.settle(notices).await
    }
    async fn sweep(&self, now: Timestamp) -> Result<u64, Fault> {
        self.inner.sweep(now).await
    }
    async fn ping(&self) -> Result<(), Fault> {
        self.inner.ping().await
    }
}
