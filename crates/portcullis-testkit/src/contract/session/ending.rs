//! What ends with a session, and whose.

use portcullis_core::account::{self, Stamp};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::session::{self, ApiKeyHandling, Ending};

use crate::contract::Stores;
use crate::contract::fixtures::{
    MINUTE, START, by, count, events, fresh_id, lives, opened, refused, registered, session_for, together,
};

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
    db.open(short.clone(), by(START)).await.unwrap().unwrap();
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
    assert_eq!(
        db.end_everything(nobody, stamp, ApiKeyHandling::Stay, by(START))
            .await
            .unwrap()
            .sessions,
        0
    );
    assert_eq!(
        db.end_everything(anna.id, stamp, ApiKeyHandling::Stay, by(START))
            .await
            .unwrap()
            .sessions,
        2
    );
    assert!(!lives(&db, one.id).await && !lives(&db, two.id).await);
    assert_eq!(
        account::Store::find(&db, anna.id).await.unwrap().unwrap().stamp,
        stamp
    );
    // A login that read the old stamp comes too late.
    let late = db.open(session_for(&db, &anna), by(START)).await.unwrap();
    assert!(late.is_err());
    assert!(lives(&db, strangers.id).await);
    assert_eq!(account::Store::find(&db, other.id).await.unwrap(), Some(other));
    assert_eq!(
        db.end_everything(anna.id, stamp, ApiKeyHandling::Stay, by(START))
            .await
            .unwrap()
            .sessions,
        0
    );
}
