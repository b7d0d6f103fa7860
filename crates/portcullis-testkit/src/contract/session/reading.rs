//! What is found and shown of a session, and what is noted on it while it lives.

use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::session::{self, Ending};

use crate::contract::Stores;
use crate::contract::fixtures::{
    HOUR, MICROSECOND, MINUTE, START, by, count, disguised, events, fresh_digest, fresh_id, lives,
    new_account, opened, registered, session_for, together,
};

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
    db.open(short.clone(), by(START.plus(MINUTE)))
        .await
        .unwrap()
        .unwrap();
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
    let name = "laptop\0'; DROP TABLE portcullis_sessions; --";
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
    db.open(brief.clone(), by(START)).await.unwrap().unwrap();
    db.touch(vec![(brief.id, brief.expires_at)]).await.unwrap();
    let found = session::Store::find(&db, brief.id).await.unwrap().unwrap();
    assert_eq!(found.last_seen_at, START);
}

/// An account without sessions, or that does not exist, has none to show.
pub async fn list_of_an_account_without_sessions_is_empty<S: Stores>(db: S) {
    let new = new_account("anna");
    let id = new.id;
    assert_eq!(session::Store::list(&db, id, START).await.unwrap(), []);
    db.register(new, by(START)).await.unwrap().unwrap();
    assert_eq!(session::Store::list(&db, id, START).await.unwrap(), []);
}
