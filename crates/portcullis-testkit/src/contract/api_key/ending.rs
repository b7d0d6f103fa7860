//! Revoking a key, and what ends all keys of an account.

use portcullis_core::account::{Account, AccountState, Stamp};
use portcullis_core::api_key::{ApiKeysError, Change, KeyRotation, NewApiKey};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::session::{ApiKeyHandling, Everything};

use super::{api_key, created, given, known, new_key, overlapping};
use crate::contract::Stores;
use crate::contract::fixtures::{
    HOUR, START, by, count, events, fresh_id, lives, opened, registered, set_state, together,
};

/// A key is revoked by its owner alone, for ever, with both of its texts.
pub async fn revoke_of_anothers_key_is_refused<S: Stores>(db: S) {
    checks!("T027");
    let (anna, new) = given(&db).await;
    let otto = registered(&db, "otto").await;
    let rotation = overlapping(new.digest, Some(START.plus(HOUR)));
    api_key(&db)
        .rotate_key(anna.id, new.id, rotation.clone(), by(START))
        .await
        .unwrap()
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

async fn enabled<S: Stores>(db: &S, account: &Account) -> usize {
    let keys = api_key(db).list(account.id).await.unwrap();
    keys.iter().filter(|key| key.enabled).count()
}

fn enabling(enabled: bool) -> Change {
    Change {
        enabled: Some(enabled),
        ..Change::default()
    }
}

/// A disabled account's keys are disabled with it, and come back with it no more than anything else; while it is disabled
/// nobody enables one. Locking takes nothing away.
pub async fn set_state_disabled_disables_keys<S: Stores>(db: S) {
    checks!("T170");
    let (anna, new) = given(&db).await;
    let other = registered(&db, "otto").await;
    let others = created(&db, &new_key(other.id)).await;
    let off = created(&db, &new_key(anna.id)).await;
    let keys = api_key(&db);
    keys.change_key(anna.id, off.id, enabling(false), None, by(START))
        .await
        .unwrap()
        .unwrap();
    set_state(&db, anna.id, AccountState::Locked).await;
    assert_eq!(enabled(&db, &anna).await, 1);
    set_state(&db, anna.id, AccountState::Disabled).await;
    assert_eq!(enabled(&db, &anna).await, 0);
    let events = events(&db, Action::ApiKeyChanged).await;
    assert_eq!(
        events.len(),
        2,
        "one for each key that was enabled, and the one before"
    );
    assert!(
        events[0]
            .detail
            .as_deref()
            .unwrap()
            .starts_with(&new.id.to_string())
    );
    assert_eq!(events[0].account, Some(anna.id));
    let enable = async || {
        keys.change_key(anna.id, new.id, enabling(true), None, by(START))
            .await
            .unwrap()
    };
    assert_eq!(enable().await, Err(ApiKeysError::UnknownKey));
    set_state(&db, anna.id, AccountState::Active).await;
    assert_eq!(enabled(&db, &anna).await, 0, "none comes back by itself");
    assert!(matches!(enable().await, Ok(key) if key.enabled));
    assert_eq!(enabled(&db, &other).await, 1);
    assert!(known(&db, others.digest).await);
}

/// Keys that are made, or enabled, while the account is disabled: none of them is honoured afterwards.
pub async fn set_state_disabled_in_a_race_leaves_no_key<S: Stores>(db: S) {
    checks!("T170");
    let (anna, new) = given(&db).await;
    together(|n| {
        let (db, anna, id) = (db.clone(), anna.clone(), new.id);
        async move {
            match n % 10 {
                5 => drop(set_state(&db, anna.id, AccountState::Disabled).await),
                0..5 => {
                    let made = api_key(&db)
                        .create_key(new_key(anna.id), by(START))
                        .await
                        .unwrap();
                    assert!(matches!(
                        made,
                        Ok(_) | Err(ApiKeysError::OwnerMayNotAct(_) | ApiKeysError::TooMany(_))
                    ));
                }
                _ => drop(
                    api_key(&db)
                        .change_key(anna.id, id, enabling(true), None, by(START))
                        .await
                        .unwrap(),
                ),
            }
        }
    })
    .await;
    assert_eq!(enabled(&db, &anna).await, 0);
}

/// Whoever was let in before everything ended makes, enables and rotates no key afterwards, even where keys stay.
pub async fn end_everything_ends_what_is_under_way<S: Stores>(db: S) {
    checks!("T170");
    let (anna, new) = given(&db).await;
    let stamp = Stamp::from_uuid(fresh_id());
    db.end_everything(anna.id, stamp, ApiKeyHandling::Stay, by(START))
        .await
        .unwrap();
    let keys = api_key(&db);
    for (seen, lets_in) in [(Some(anna.stamp), false), (Some(stamp), true), (None, true)] {
        let key = NewApiKey {
            stamp: seen,
            ..new_key(anna.id)
        };
        let made = keys.create_key(key, by(START)).await.unwrap();
        assert_eq!(made == Err(ApiKeysError::LoggedOut), !lets_in, "{made:?}");
        let changed = keys.change_key(anna.id, new.id, enabling(true), seen, by(START));
        let changed = changed.await.unwrap();
        assert_eq!(changed == Err(ApiKeysError::LoggedOut), !lets_in, "{changed:?}");
        let present = keys.find(anna.id, new.id).await.unwrap().unwrap();
        let rotation = KeyRotation {
            stamp: seen,
            ..overlapping(present.digest, None)
        };
        let rotated = keys
            .rotate_key(anna.id, new.id, rotation, by(START))
            .await
            .unwrap();
        assert_eq!(rotated == Err(ApiKeysError::LoggedOut), !lets_in, "{rotated:?}");
    }
    assert_eq!(keys.list(anna.id).await.unwrap().len(), 3);
}

/// Everything ends at once: sessions, refresh tokens by the stamp, and keys as was asked; what is left is told.
pub async fn end_everything_ends_keys_as_asked<S: Stores>(db: S) {
    checks!("T170");
    let nobody = Stamp::from_uuid(fresh_id());
    for (asked, honoured, kept) in [
        (ApiKeyHandling::Stay, 2_u64, 2_usize),
        (ApiKeyHandling::Disable, 0, 2),
        (ApiKeyHandling::Revoke, 0, 0),
    ] {
        let anna = registered(&db, &format!("anna{kept}{honoured}")).await;
        for _ in 0..2 {
            created(&db, &new_key(anna.id)).await;
        }
        let mut over = new_key(anna.id);
        over.expires_at = Some(START);
        if asked == ApiKeyHandling::Stay {
            created(&db, &over).await;
        }
        let session = opened(&db, &anna, START).await;
        let stamp = Stamp::from_uuid(fresh_id());
        let ended = db.end_everything(anna.id, stamp, asked, by(START)).await.unwrap();
        let keys = 2 - honoured;
        let expected = Everything {
            sessions: 1,
            keys,
            keys_left: honoured,
        };
        assert_eq!(ended, expected, "{asked:?}");
        assert!(!lives(&db, session.id).await);
        let found = portcullis_core::account::Store::find(&db, anna.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.stamp, stamp);
        let left = api_key(&db).list(anna.id).await.unwrap();
        assert_eq!(
            left.iter().filter(|key| key.id != over.id).count(),
            kept,
            "{asked:?}"
        );
    }
    assert_eq!(events(&db, Action::ApiKeyChanged).await.len(), 2);
    assert_eq!(events(&db, Action::ApiKeyRevoked).await.len(), 2);
    assert_eq!(events(&db, Action::SessionsEnded).await.len(), 3);
    let unknown = portcullis_core::account::Id::from_uuid(fresh_id());
    let ended = db
        .end_everything(unknown, nobody, ApiKeyHandling::Revoke, by(START))
        .await
        .unwrap();
    assert_eq!(ended, Everything::default());
}
