//! Sessions: what every store must do.

use std::net::IpAddr;

use portcullis_core::account::{self, Stamp, State};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::session::{self, Device, Ending, Opening};

use super::Stores;
use super::given::{
    HOUR, MICROSECOND, MINUTE, START, by, count, disguised, event_count, events, fresh_digest, fresh_id,
    lives, new_account, opened, refused, registered, session_for, set_state, together, verified,
};

/// An account that may not act, or whose stamp changed since the login read it, opens nothing.
pub async fn open_of_a_changed_account_is_refused<S: Stores>(db: S) {
    checks!("T035");
    let anna = registered(&db, "anna").await;
    let mut stale = session_for(&db, &anna);
    stale.stamp = Stamp::from_uuid(fresh_id());
    let mut verified_only = session_for(&db, &anna);
    verified_only.require_verified = true;
    let mut nobody = session_for(&db, &anna);
    nobody.account = account::Id::from_uuid(fresh_id());
    let before = event_count(&db).await;
    for (new, state) in [
        (stale, State::Unverified),
        (verified_only, State::Unverified),
        (nobody, State::Disabled),
    ] {
        let refused = db.open(new.clone(), by(START)).await.unwrap();
        assert_eq!(refused, Opening::Refused(state));
        assert!(!lives(&db, new.id).await);
        assert_eq!(db.find_by_token(new.token.unwrap()).await.unwrap(), None);
        if let Some(refresh) = new.refresh {
            assert_eq!(db.find_refresh(refresh.digest).await.unwrap(), None);
        }
    }
    assert_eq!(event_count(&db).await, before);
    for state in [State::Locked, State::Disabled] {
        let mut new = session_for(&db, &set_state(&db, anna.id, state).await);
        new.require_verified = false;
        assert_eq!(db.open(new, by(START)).await.unwrap(), Opening::Refused(state));
    }
    set_state(&db, anna.id, State::Active).await;
    let active = verified(&db, anna.id).await;
    // The stamp that was read before the account was disabled is worth nothing now.
    let old = session_for(&db, &anna);
    assert_eq!(
        db.open(old, by(START)).await.unwrap(),
        Opening::Refused(State::Active)
    );
    let mut new = session_for(&db, &active);
    new.require_verified = true;
    assert!(matches!(
        db.open(new, by(START)).await.unwrap(),
        Opening::Opened { .. }
    ));
}

/// Logins that race with the account's disabling leave no session behind.
pub async fn open_racing_with_disabling_leaves_nothing<S: Stores>(db: S) {
    checks!("T035");
    checks!("T016");
    let anna = registered(&db, "anna").await;
    let answers = together(|n| {
        let (db, mut new) = (db.clone(), session_for(&db, &anna));
        new.limit = 1_000;
        async move {
            if n == 50 {
                set_state(&db, new.account, State::Disabled).await;
            } else {
                db.open(new.clone(), by(START)).await.unwrap();
            }
            new.id
        }
    })
    .await;
    for id in answers {
        assert!(!lives(&db, id).await);
    }
    assert_eq!(session::Store::list(&db, anna.id, START).await.unwrap(), []);
}

/// Everything that was opened is found again, by id and by token.
pub async fn open_keeps_everything<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let mut new = session_for(&db, &anna);
    new.scopes = Some(vec![
        "posts:read".into(),
        "two words".into(),
        "\"quoted\\\"".into(),
    ]);
    new.device = Device {
        user_agent: Some("Ünï Browser/2 🦀".into()),
        ip: Some(IpAddr::from([192, 0, 2, 1])),
        name: Some("laptop".into()),
    };
    db.open(new.clone(), by(START)).await.unwrap();
    let found = session::Store::find(&db, new.id).await.unwrap().unwrap();
    assert_eq!(
        (found.id, found.account, found.method),
        (new.id, anna.id, new.method)
    );
    assert_eq!(found.stamp, anna.stamp);
    assert_eq!((&found.device, &found.scopes), (&new.device, &new.scopes));
    assert_eq!((found.authenticated_at, found.last_seen_at), (START, START));
    assert_eq!((found.idle, found.expires_at), (new.idle, new.expires_at));
    assert_eq!(db.find_by_token(new.token.unwrap()).await.unwrap(), Some(found));
    if let Some(refresh) = new.refresh {
        assert_eq!(db.find_refresh(refresh.digest).await.unwrap(), Some(new.id));
    }
    let event = events(&db, Action::SessionOpened).await.remove(0);
    assert_eq!((event.account, event.session), (Some(anna.id), Some(new.id)));

    let mut narrow = session_for(&db, &anna);
    narrow.scopes = Some(Vec::new());
    db.open(narrow.clone(), by(START)).await.unwrap();
    // No scope at all is not the same as every scope.
    let found = session::Store::find(&db, narrow.id).await.unwrap().unwrap();
    assert_eq!(found.scopes, Some(Vec::new()));
}

/// The least recently seen sessions make room, those of others don't.
pub async fn open_over_the_limit_evicts_the_least_recently_seen<S: Stores>(db: S) {
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let others = opened(&db, &other, START).await;
    let first = opened(&db, &anna, START).await;
    let second = opened(&db, &anna, START.plus(MINUTE)).await;
    db.touch(vec![(first.id, START.plus(MINUTE * 2))]).await.unwrap();
    let now = START.plus(MINUTE * 3);
    let mut third = session_for(&db, &anna);
    third.limit = 3;
    let opening = db.open(third.clone(), by(now)).await.unwrap();
    assert!(matches!(opening, Opening::Opened { ended, .. } if ended.is_empty()));
    let mut fourth = session_for(&db, &anna);
    fourth.limit = 3;
    let opening = db.open(fourth.clone(), by(now)).await.unwrap();
    assert!(matches!(opening, Opening::Opened { ended, .. } if ended == [second.id]));
    assert!(!lives(&db, second.id).await);
    refused(&db, &second, now).await;
    let mut only = session_for(&db, &anna);
    only.limit = 0;
    let opening = db.open(only.clone(), by(now)).await.unwrap();
    assert!(matches!(opening, Opening::Opened { ended, .. } if ended.len() == 3));
    let left = session::Store::list(&db, anna.id, now).await.unwrap();
    assert_eq!(left.iter().map(|s| s.id).collect::<Vec<_>>(), [only.id]);
    assert!(lives(&db, others.id).await);
    let evictions = events(&db, Action::SessionEnded).await;
    assert_eq!(
        count(&evictions, |event| event.detail.as_deref() == Some("evicted")),
        4
    );
}

/// A crowd logs in at once: the limit holds.
pub async fn open_in_parallel_keeps_the_limit<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    together(|_| {
        let (db, mut new) = (db.clone(), session_for(&db, &anna));
        new.limit = 5;
        async move { db.open(new, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(session::Store::list(&db, anna.id, START).await.unwrap().len(), 5);
}

/// The first device is no news, nor is a known one.
pub async fn open_tells_of_a_new_device<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    for (agent, news) in [
        (Some("Browser/1"), false),
        (Some("Browser/1"), false),
        (Some("Phone/1"), true),
        (None, true),
        (None, false),
        (Some("Browser/1"), false),
    ] {
        let mut new = session_for(&db, &anna);
        new.device.user_agent = agent.map(Into::into);
        let opening = db.open(new, by(START)).await.unwrap();
        assert!(
            matches!(opening, Opening::Opened { new_device, .. } if new_device == news),
            "{agent:?}"
        );
    }
}

/// Only the exact token of a session that has not ended finds it.
pub async fn find_by_token_refuses_all_but_the_token<S: Stores>(db: S) {
    checks!("T014");
    checks!("T015");
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let others = new.refresh.map(|refresh| disguised(refresh.digest));
    for foreign in others.into_iter().chain([fresh_digest()]) {
        assert_eq!(db.find_by_token(foreign).await.unwrap(), None);
    }
    assert!(db.find_by_token(new.token.unwrap()).await.unwrap().is_some());
    assert!(db.end(anna.id, new.id, Ending::Logout, by(START)).await.unwrap());
    assert_eq!(db.find_by_token(new.token.unwrap()).await.unwrap(), None);
}

/// A session leaves the list at the very moment it times out, never before.
pub async fn list_shows_what_lives<S: Stores>(db: S) {
    checks!("T027");
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    opened(&db, &other, START).await;
    let idle = opened(&db, &anna, START).await;
    let mut short = session_for(&db, &anna);
    short.expires_at = START.plus(MINUTE * 10);
    db.open(short.clone(), by(START.plus(MINUTE))).await.unwrap();
    let at = |moment| {
        let (db, anna) = (db.clone(), anna.id);
        async move {
            let list = session::Store::list(&db, anna, moment).await.unwrap();
            list.iter().map(|session| session.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(at(START.plus(MINUTE)).await, [short.id, idle.id]);
    assert_eq!(at(short.expires_at.minus(MICROSECOND)).await, [short.id, idle.id]);
    assert_eq!(at(short.expires_at).await, [idle.id]);
    let timeout = START.plus(idle.idle);
    assert_eq!(at(timeout.minus(MICROSECOND)).await, [idle.id]);
    assert_eq!(at(timeout).await, []);
}

/// Nobody names another's session, nor one that ended.
pub async fn rename_of_anothers_session_is_refused<S: Stores>(db: S) {
    checks!("T027");
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let new = opened(&db, &anna, START).await;
    assert!(
        !db.rename(other.id, new.id, "mine".into(), by(START))
            .await
            .unwrap()
    );
    let nothing = session::Id::from_uuid(fresh_id());
    assert!(
        !db.rename(anna.id, nothing, "none".into(), by(START))
            .await
            .unwrap()
    );
    assert_eq!(
        session::Store::find(&db, new.id)
            .await
            .unwrap()
            .unwrap()
            .device
            .name,
        None
    );
    assert_eq!(events(&db, Action::SessionNamed).await.len(), 0);
    let name = "laptop\0'; DROP TABLE sessions; --";
    assert!(db.rename(anna.id, new.id, name.into(), by(START)).await.unwrap());
    let found = session::Store::find(&db, new.id).await.unwrap().unwrap();
    assert_eq!(found.device.name.unwrap(), name.replace('\0', "\u{fffd}"));
    db.end(anna.id, new.id, Ending::Logout, by(START)).await.unwrap();
    assert!(
        !db.rename(anna.id, new.id, "late".into(), by(START))
            .await
            .unwrap()
    );
}

/// A session's token changes only for the one that is its token now, while the session lives.
pub async fn renew_with_an_old_token_is_refused<S: Stores>(db: S) {
    checks!("T022");
    let anna = registered(&db, "anna").await;
    let (new, other) = (opened(&db, &anna, START).await, opened(&db, &anna, START).await);
    let (old, next) = (new.token.unwrap(), fresh_digest());
    assert!(!db.renew(new.id, fresh_digest(), next, by(START)).await.unwrap());
    assert!(
        !db.renew(new.id, other.token.unwrap(), next, by(START))
            .await
            .unwrap()
    );
    assert!(
        !db.renew(new.id, old, next, by(START.plus(new.idle)))
            .await
            .unwrap()
    );
    assert_eq!(events(&db, Action::SessionRenewed).await.len(), 0);
    let last = START.plus(new.idle).minus(MICROSECOND);
    assert!(db.renew(new.id, old, next, by(last)).await.unwrap());
    assert_eq!(db.find_by_token(old).await.unwrap(), None);
    assert_eq!(db.find_by_token(next).await.unwrap().unwrap().id, new.id);
    assert!(!db.renew(new.id, old, fresh_digest(), by(START)).await.unwrap());
    db.end(anna.id, new.id, Ending::Logout, by(START)).await.unwrap();
    assert!(!db.renew(new.id, next, fresh_digest(), by(START)).await.unwrap());
}

/// A crowd renews one token: one of them has the session's new token.
pub async fn renew_in_parallel_has_one_winner<S: Stores>(db: S) {
    checks!("T022");
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let answers = together(|_| {
        let (db, old, next) = (db.clone(), new.token.unwrap(), fresh_digest());
        async move { db.renew(new.id, old, next, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |renewed| *renewed), 1);
}

/// Nobody ends another's session; an ended one can't be ended again; its refresh family ends with it.
pub async fn end_of_anothers_session_is_refused<S: Stores>(db: S) {
    checks!("T027");
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let new = opened(&db, &anna, START).await;
    assert!(!db.end(other.id, new.id, Ending::Ended, by(START)).await.unwrap());
    let nothing = session::Id::from_uuid(fresh_id());
    assert!(!db.end(anna.id, nothing, Ending::Ended, by(START)).await.unwrap());
    assert!(lives(&db, new.id).await);
    assert_eq!(events(&db, Action::SessionEnded).await.len(), 0);
    assert!(db.end(anna.id, new.id, Ending::Logout, by(START)).await.unwrap());
    assert!(!lives(&db, new.id).await);
    assert!(!db.end(anna.id, new.id, Ending::Logout, by(START)).await.unwrap());
    refused(&db, &new, START).await;
    let event = events(&db, Action::SessionEnded).await.remove(0);
    assert_eq!(
        (event.session, event.detail.as_deref()),
        (Some(new.id), Some("logout"))
    );
}

/// A crowd ends one session: one of them did, and one event says so.
pub async fn end_in_parallel_has_one_winner<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let new = opened(&db, &anna, START).await;
    let answers = together(|_| {
        let (db, account, id) = (db.clone(), anna.id, new.id);
        async move { db.end(account, id, Ending::Ended, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |ended| *ended), 1);
    assert_eq!(events(&db, Action::SessionEnded).await.len(), 1);
}

/// All but one end: of this account only. The count is of what lived.
pub async fn end_others_keeps_one_and_strangers<S: Stores>(db: S) {
    checks!("T027");
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let strangers = opened(&db, &other, START).await;
    let mut short = session_for(&db, &anna);
    short.expires_at = START.plus(MINUTE);
    db.open(short.clone(), by(START)).await.unwrap();
    let (keep, gone) = (opened(&db, &anna, START).await, opened(&db, &anna, START).await);
    assert_eq!(
        db.end_others(other.id, keep.id, by(START.plus(MINUTE)))
            .await
            .unwrap(),
        1
    );
    assert!(lives(&db, keep.id).await && lives(&db, gone.id).await);
    assert!(!lives(&db, strangers.id).await);
    assert_eq!(
        db.end_others(anna.id, keep.id, by(short.expires_at))
            .await
            .unwrap(),
        1
    );
    assert!(lives(&db, keep.id).await);
    assert!(!lives(&db, gone.id).await && !lives(&db, short.id).await);
    assert_eq!(db.end_others(anna.id, keep.id, by(START)).await.unwrap(), 0);
    assert_eq!(events(&db, Action::SessionsEnded).await.len(), 2);
    // The stamp stays: access tokens of the kept session go on.
    assert_eq!(
        account::Store::find(&db, anna.id).await.unwrap().unwrap().stamp,
        anna.stamp
    );
}

/// Everything ends and the stamp changes: of this account only.
pub async fn end_all_changes_the_stamp<S: Stores>(db: S) {
    checks!("T027");
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let strangers = opened(&db, &other, START).await;
    let (one, two) = (opened(&db, &anna, START).await, opened(&db, &anna, START).await);
    let stamp = Stamp::from_uuid(fresh_id());
    let nobody = account::Id::from_uuid(fresh_id());
    assert_eq!(db.end_all(nobody, stamp, by(START)).await.unwrap(), 0);
    assert_eq!(db.end_all(anna.id, stamp, by(START)).await.unwrap(), 2);
    assert!(!lives(&db, one.id).await && !lives(&db, two.id).await);
    assert_eq!(
        account::Store::find(&db, anna.id).await.unwrap().unwrap().stamp,
        stamp
    );
    // A login that read the old stamp comes too late.
    let late = db.open(session_for(&db, &anna), by(START)).await.unwrap();
    assert!(matches!(late, Opening::Refused(_)));
    assert!(lives(&db, strangers.id).await);
    assert_eq!(account::Store::find(&db, other.id).await.unwrap(), Some(other));
    assert_eq!(db.end_all(anna.id, stamp, by(START)).await.unwrap(), 0);
}

/// Last seen never moves back, and nothing that ended or timed out comes back to life.
pub async fn touch_never_moves_back_or_revives<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let (new, ended) = (opened(&db, &anna, START).await, opened(&db, &anna, START).await);
    db.end(anna.id, ended.id, Ending::Logout, by(START))
        .await
        .unwrap();
    let later = START.plus(MINUTE);
    let nothing = session::Id::from_uuid(fresh_id());
    db.touch(vec![(new.id, later), (ended.id, later), (nothing, later)])
        .await
        .unwrap();
    let seen = || async {
        session::Store::find(&db, new.id)
            .await
            .unwrap()
            .unwrap()
            .last_seen_at
    };
    assert_eq!(seen().await, later);
    assert!(!lives(&db, ended.id).await);
    db.touch(vec![(new.id, START)]).await.unwrap();
    assert_eq!(seen().await, later);
    let timeout = later.plus(new.idle);
    db.touch(vec![(new.id, timeout)]).await.unwrap();
    assert_eq!(seen().await, later);
    db.touch(vec![(new.id, timeout.minus(MICROSECOND))])
        .await
        .unwrap();
    assert_eq!(seen().await, timeout.minus(MICROSECOND));
    db.touch(Vec::new()).await.unwrap();
    let mut brief = session_for(&db, &anna);
    (brief.idle, brief.expires_at) = (HOUR * 24, START.plus(HOUR));
    db.open(brief.clone(), by(START)).await.unwrap();
    db.touch(vec![(brief.id, brief.expires_at)]).await.unwrap();
    let found = session::Store::find(&db, brief.id).await.unwrap().unwrap();
    assert_eq!(found.last_seen_at, START);
}

/// An account without sessions, or that does not exist, has none to show.
pub async fn list_of_an_account_without_sessions_is_empty<S: Stores>(db: S) {
    let new = new_account("anna");
    let id = new.id;
    assert_eq!(session::Store::list(&db, id, START).await.unwrap(), []);
    db.register(new, by(START)).await.unwrap();
    assert_eq!(session::Store::list(&db, id, START).await.unwrap(), []);
}
