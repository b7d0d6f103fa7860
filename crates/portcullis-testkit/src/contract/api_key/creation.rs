//! Making a key, and finding it again.

use portcullis_core::account::{self, AccountState};
use portcullis_core::api_key::{ApiKey, ApiKeysError, KeyDigest, KeyName, Networks, NewApiKey};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::throttle::Rate;

use super::{api_key, created, given, known, new_key};
use crate::contract::Stores;
use crate::contract::fixtures::{DAY, START, by, count, events, fresh_id, registered, set_state, together};

/// No account, or one that may not act, gets a key.
pub async fn create_for_nobody_is_refused<S: Stores>(db: S) {
    checks!("T016");
    let nobody = new_key(account::Id::from_uuid(fresh_id()));
    let digest = nobody.digest;
    let creation = api_key(&db).create_key(nobody, by(START)).await.unwrap();
    assert_eq!(creation, Err(ApiKeysError::UnknownAccount));
    assert!(!known(&db, digest).await);
    let anna = registered(&db, "anna").await;
    for state in [AccountState::Locked, AccountState::Disabled] {
        set_state(&db, anna.id, state).await;
        let creation = api_key(&db)
            .create_key(new_key(anna.id), by(START))
            .await
            .unwrap();
        assert_eq!(creation, Err(ApiKeysError::OwnerMayNotAct(state)));
    }
    assert_eq!(api_key(&db).list(anna.id).await.unwrap(), []);
    assert_eq!(events(&db, Action::ApiKeyCreated).await.len(), 0);
}

/// An account has so many keys and not one more; another's don't count.
pub async fn create_over_the_limit_is_refused<S: Stores>(db: S) {
    let (anna, _) = given(&db).await;
    let otto = registered(&db, "otto").await;
    let of = |account: account::Id| NewApiKey {
        most: 2,
        ..new_key(account)
    };
    created(&db, &of(anna.id)).await;
    let creation = api_key(&db).create_key(of(anna.id), by(START)).await.unwrap();
    assert_eq!(creation, Err(ApiKeysError::TooMany(2)));
    created(&db, &of(otto.id)).await;
    assert_eq!(api_key(&db).list(anna.id).await.unwrap().len(), 2);
}

/// Nor do a hundred calls at once make one more.
pub async fn create_in_parallel_keeps_the_limit<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let answers = together(|_| {
        let (db, new) = (db.clone(), new_key(anna.id));
        async move { api_key(&db).create_key(new, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, Result::is_ok), 10);
    assert_eq!(
        count(&answers, |answer| *answer == Err(ApiKeysError::TooMany(10))),
        90
    );
    assert_eq!(api_key(&db).list(anna.id).await.unwrap().len(), 10);
}

/// Everything that was given is there again.
pub async fn create_keeps_everything<S: Stores>(db: S) {
    let (anna, _) = given(&db).await;
    let new = NewApiKey {
        name: KeyName::parse("Ü\"ber").unwrap(),
        permissions: vec!["a:b".into()],
        expires_at: Some(START.plus(DAY)),
        networks: Networks::parse(&["10.0.0.0/8", "2001:db8::1"]).unwrap(),
        limit: Some(Rate::parse("5/minute").unwrap()),
        ..new_key(anna.id)
    };
    let key = created(&db, &new).await;
    let expected = ApiKey {
        id: new.id,
        account: anna.id,
        name: "Ü\"ber".into(),
        permissions: vec!["a:b".into()],
        digest: new.digest,
        hint: new.hint.clone(),
        expires_at: new.expires_at,
        enabled: true,
        networks: new.networks.clone(),
        limit: new.limit,
        previous_until: None,
        created_at: START,
        last_used: None,
    };
    assert_eq!(key, expected);
    assert_eq!(
        api_key(&db).find(anna.id, new.id).await.unwrap(),
        Some(expected.clone())
    );
    let found = db.find_by_digest(new.digest).await.unwrap().unwrap();
    assert_eq!((found.key, found.until), (expected.clone(), None));
    let all = api_key(&db).list(anna.id).await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1], expected, "oldest first");
    let event = &events(&db, Action::ApiKeyCreated).await[0];
    assert_eq!(event.account, Some(anna.id));
    assert_eq!(event.detail, Some(new.id.to_string()));
}

/// A key is its owner's.
pub async fn find_of_anothers_key_is_refused<S: Stores>(db: S) {
    checks!("T027");
    let (anna, new) = given(&db).await;
    let otto = registered(&db, "otto").await;
    assert_eq!(api_key(&db).find(otto.id, new.id).await.unwrap(), None);
    assert_eq!(api_key(&db).list(otto.id).await.unwrap(), []);
    assert!(api_key(&db).find(anna.id, new.id).await.unwrap().is_some());
}

/// Only the whole hash finds the key.
pub async fn find_by_digest_refuses_all_but_the_text<S: Stores>(db: S) {
    checks!("T015");
    let (_, new) = given(&db).await;
    let mut bytes = *new.digest.as_bytes();
    bytes[31] ^= 1;
    assert!(!known(&db, KeyDigest::from_slice(&bytes).unwrap()).await);
    assert!(!known(&db, KeyDigest::from_slice(&[0; 32]).unwrap()).await);
    assert!(known(&db, new.digest).await);
}
