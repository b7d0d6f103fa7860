//! Which keys end soon enough to be told of.

use portcullis_core::account::{self, State};
use portcullis_core::api_key::{Change, NewApiKey};
use portcullis_core::audit::Action;
use portcullis_core::environment::Timestamp;

use super::{api_key, created, new_key};
use crate::contract::Stores;
use crate::contract::given::{DAY, MICROSECOND, START, by, events, registered, set_state, together};

/// Whoever asks first gets it, and nobody else.
pub async fn take_expiring_answers_each_key_once<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let expires_at = Some(START.plus(DAY * 30));
    let mut new: Vec<_> = (0..3)
        .map(|_| NewApiKey {
            expires_at,
            ..new_key(anna.id)
        })
        .collect();
    new[2].expires_at = None;
    for new in &new {
        created(&db, new).await;
    }
    let take = |at: Timestamp, limit: u32| {
        let db = db.clone();
        async move { db.take_expiring(at.plus(DAY * 7), limit, by(at)).await.unwrap() }
    };
    let in_time = START.plus(DAY * 23);
    assert_eq!(take(in_time.minus(MICROSECOND), 10).await, []);
    let first = take(in_time, 1).await;
    assert_eq!((first.len(), first[0].owner.id), (1, anna.id));
    let answers = together(|_| take(in_time, 10)).await;
    assert_eq!(answers.iter().map(Vec::len).sum::<usize>(), 1);
    assert_eq!(events(&db, Action::ApiKeyExpiring).await.len(), 2);
}

/// Who can't use the key, or made it for so short a time, isn't told.
pub async fn take_expiring_leaves_out_what_needs_no_warning<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let otto = registered(&db, "otto").await;
    let soon = Some(START.plus(DAY * 8));
    let of = |account: account::Id, expires_at| NewApiKey {
        expires_at,
        ..new_key(account)
    };
    let (good, disabled) = (of(anna.id, soon), of(anna.id, soon));
    let (short, lockeds) = (of(anna.id, Some(START.plus(DAY * 7))), of(otto.id, soon));
    for new in [&good, &disabled, &short, &lockeds] {
        created(&db, new).await;
    }
    let change = Change {
        enabled: Some(false),
        ..Change::default()
    };
    api_key(&db)
        .change_key(anna.id, disabled.id, change, None, by(START))
        .await
        .unwrap();
    set_state(&db, otto.id, State::Locked).await;
    let at = START.plus(DAY * 2);
    let taken = db.take_expiring(at.plus(DAY * 7), 10, by(at)).await.unwrap();
    let ids: Vec<_> = taken.iter().map(|one| one.key.id).collect();
    assert_eq!(ids, [good.id]);
    let over = START.plus(DAY * 9);
    assert_eq!(
        db.take_expiring(over.plus(DAY * 7), 10, by(over)).await.unwrap(),
        []
    );
}

/// A key that nobody could be told of is answered again; one that is gone isn't.
pub async fn give_back_expiring_answers_again<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let soon = || NewApiKey {
        expires_at: Some(START.plus(DAY * 8)),
        ..new_key(anna.id)
    };
    let (kept, gone) = (soon(), soon());
    for new in [&kept, &gone] {
        created(&db, new).await;
    }
    let at = START.plus(DAY * 2);
    let take = async || {
        let taken = db.take_expiring(at.plus(DAY * 7), 10, by(at)).await.unwrap();
        taken.iter().map(|one| one.key.id).collect::<Vec<_>>()
    };
    assert_eq!(take().await.len(), 2);
    api_key(&db).revoke_key(anna.id, gone.id, by(at)).await.unwrap();
    for _ in 0..2 {
        db.give_back_expiring(vec![kept.id, gone.id], by(at))
            .await
            .unwrap();
    }
    assert_eq!(events(&db, Action::ApiKeyUntold).await.len(), 1);
    assert_eq!(take().await, [kept.id]);
    assert_eq!(take().await, []);
}
