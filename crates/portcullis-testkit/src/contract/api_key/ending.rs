//! Revoking a key.

use portcullis_core::audit::Action;
use portcullis_core::checks;

use super::{api_key, given, known, overlapping};
use crate::contract::Stores;
use crate::contract::given::{HOUR, START, by, count, events, registered, together};

/// A key is revoked by its owner alone, for ever, with both of its texts.
pub async fn revoke_of_anothers_key_is_refused<S: Stores>(db: S) {
    checks!("T027");
    let (anna, new) = given(&db).await;
    let otto = registered(&db, "otto").await;
    let rotation = overlapping(new.digest, Some(START.plus(HOUR)));
    api_key(&db)
        .rotate_key(anna.id, new.id, rotation.clone(), by(START))
        .await
        .unwrap();
    assert!(!api_key(&db).revoke_key(otto.id, new.id, by(START)).await.unwrap());
    assert!(known(&db, new.digest).await);
    assert!(api_key(&db).revoke_key(anna.id, new.id, by(START)).await.unwrap());
    assert!(!known(&db, new.digest).await);
    assert!(!known(&db, rotation.digest).await);
    assert_eq!(api_key(&db).list(anna.id).await.unwrap(), []);
    assert_eq!(events(&db, Action::ApiKeyRevoked).await.len(), 1);
}

/// One of many is told that it was the one.
pub async fn revoke_in_parallel_has_one_winner<S: Stores>(db: S) {
    let (anna, new) = given(&db).await;
    let answers = together(|_| {
        let db = db.clone();
        async move { api_key(&db).revoke_key(anna.id, new.id, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |answer| *answer), 1);
    assert_eq!(events(&db, Action::ApiKeyRevoked).await.len(), 1);
}
