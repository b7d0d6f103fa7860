//! Who opens a session, and what makes room for it.

use std::net::IpAddr;

use portcullis_core::account::{self, AccountState, Stamp};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::session::{self, Device, NotOpened, Opened};

use crate::contract::Stores;
use crate::contract::fixtures::{
    MINUTE, START, by, count, event_count, events, first_refresh, fresh_id, lives, opened, refused,
    registered, session_for, set_state, together, verified,
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
        (stale, AccountState::Unverified),
        (verified_only, AccountState::Unverified),
        (nobody, AccountState::Disabled),
    ] {
        let refused = db.open(new.clone(), by(START)).await.unwrap();
        assert_eq!(refused, Err(NotOpened(state)));
        assert!(!lives(&db, new.id).await);
        assert_eq!(db.find_by_token(new.token.unwrap()).await.unwrap(), None);
        if new.refresh.is_some() {
            assert_eq!(db.find_refresh(first_refresh(&new)).await.unwrap(), None);
        }
    }
    assert_eq!(event_count(&db).await, before);
    for state in [AccountState::Locked, AccountState::Disabled] {
        let mut new = session_for(&db, &set_state(&db, anna.id, state).await);
        new.require_verified = false;
        assert_eq!(db.open(new, by(START)).await.unwrap(), Err(NotOpened(state)));
    }
    set_state(&db, anna.id, AccountState::Active).await;
    let active = verified(&db, anna.id).await;
    // The stamp that was read before the account was disabled is worth nothing now.
    let old = session_for(&db, &anna);
    assert_eq!(
        db.open(old, by(START)).await.unwrap(),
        Err(NotOpened(AccountState::Active))
    );
    let mut new = session_for(&db, &active);
    new.require_verified = true;
    assert!(db.open(new, by(START)).await.unwrap().is_ok());
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
                set_state(&db, new.account, AccountState::Disabled).await;
            } else {
                // Either of them may come first.
                let _ = db.open(new.clone(), by(START)).await.unwrap();
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
    db.open(new.clone(), by(START)).await.unwrap().unwrap();
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
    if new.refresh.is_some() {
        assert_eq!(db.find_refresh(first_refresh(&new)).await.unwrap(), Some(new.id));
    }
    let event = events(&db, Action::SessionOpened).await.remove(0);
    assert_eq!((event.account, event.session), (Some(anna.id), Some(new.id)));

    let mut narrow = session_for(&db, &anna);
    narrow.scopes = Some(Vec::new());
    db.open(narrow.clone(), by(START)).await.unwrap().unwrap();
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
    assert!(matches!(opening, Ok(Opened { ended, .. }) if ended.is_empty()));
    let mut fourth = session_for(&db, &anna);
    fourth.limit = 3;
    let opening = db.open(fourth.clone(), by(now)).await.unwrap();
    assert!(matches!(opening, Ok(Opened { ended, .. }) if ended == [second.id]));
    assert!(!lives(&db, second.id).await);
    refused(&db, &second, now).await;
    let mut only = session_for(&db, &anna);
    only.limit = 0;
    let opening = db.open(only.clone(), by(now)).await.unwrap();
    assert!(matches!(opening, Ok(Opened { ended, .. }) if ended.len() == 3));
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
            matches!(opening, Ok(Opened { new_device, .. }) if new_device == news),
            "{agent:?}"
        );
    }
}
