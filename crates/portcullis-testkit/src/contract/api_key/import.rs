//! Keys whose text was made elsewhere.

use portcullis_core::account::AccountState;
use portcullis_core::api_key::{ApiKeysError, Imported, NewApiKey};
use portcullis_core::audit::Action;
use portcullis_core::checks;

use super::{api_key, created, digest, given, known, new_key, overlapping};
use crate::contract::Stores;
use crate::contract::fixtures::{DAY, START, by, count, events, fresh_id, registered, set_state, together};

async fn import<S: Stores>(db: &S, new: &NewApiKey) -> Result<Imported, ApiKeysError> {
    api_key(db).import_key(new.clone(), by(START)).await.unwrap()
}

/// The same text as `of`, asked for anew.
fn again(of: &NewApiKey) -> NewApiKey {
    NewApiKey {
        digest: of.digest,
        ..new_key(of.account)
    }
}

/// Once more for the same account changes nothing; for another account the text is taken, and stays who it was.
pub async fn import_twice_is_one_key<S: Stores>(db: S) {
    checks!("T186");
    let (anna, otto) = (registered(&db, "anna").await, registered(&db, "otto").await);
    let new = new_key(anna.id);
    let first = import(&db, &new).await.unwrap();
    assert!(first.is_new);
    assert_eq!((first.key.id, first.key.digest), (new.id, new.digest));
    let wider = NewApiKey {
        permissions: vec!["posts:admin".into()],
        most: 0,
        ..again(&new)
    };
    let second = import(&db, &wider).await.unwrap();
    assert_eq!((second.is_new, &second.key), (false, &first.key));
    let others = NewApiKey {
        account: otto.id,
        ..again(&new)
    };
    assert_eq!(import(&db, &others).await, Err(ApiKeysError::Taken));
    let found = db.find_by_digest(new.digest).await.unwrap().unwrap();
    assert_eq!(found.key, first.key);
    assert_eq!(api_key(&db).list(otto.id).await.unwrap(), []);
    assert_eq!(events(&db, Action::ApiKeyImported).await.len(), 1);
}

/// The text before a rotation isn't brought back by importing it once more.
pub async fn import_of_a_former_text_changes_nothing<S: Stores>(db: S) {
    checks!("T186");
    let anna = registered(&db, "anna").await;
    let new = new_key(anna.id);
    let first = import(&db, &new).await.unwrap().key;
    let rotation = overlapping(new.digest, Some(START.plus(DAY)));
    let rotated = api_key(&db).rotate_key(anna.id, first.id, rotation.clone(), by(START));
    let rotated = rotated.await.unwrap().unwrap();
    let second = import(&db, &again(&new)).await.unwrap();
    assert_eq!((second.is_new, second.key), (false, rotated));
    let found = db.find_by_digest(new.digest).await.unwrap().unwrap();
    assert_eq!(found.until, rotation.previous_until);
    let mut digests = api_key(&db).imported().await.unwrap();
    digests.sort_by_key(|digest| *digest.as_bytes());
    let mut expected = [new.digest, rotation.digest];
    expected.sort_by_key(|digest| *digest.as_bytes());
    assert_eq!(digests, expected);
}

/// What holds for a key that is made holds for one that is imported.
pub async fn import_is_bounded_like_a_creation<S: Stores>(db: S) {
    let (anna, present) = given(&db).await;
    let full = NewApiKey {
        most: 1,
        ..new_key(anna.id)
    };
    assert_eq!(import(&db, &full).await, Err(ApiKeysError::TooMany(1)));
    let stale = NewApiKey {
        stamp: Some(portcullis_core::account::Stamp::from_uuid(fresh_id())),
        ..new_key(anna.id)
    };
    assert_eq!(import(&db, &stale).await, Err(ApiKeysError::LoggedOut));
    let nobodys = new_key(portcullis_core::account::Id::from_uuid(fresh_id()));
    assert_eq!(import(&db, &nobodys).await, Err(ApiKeysError::UnknownAccount));
    set_state(&db, anna.id, AccountState::Disabled).await;
    let refused = import(&db, &new_key(anna.id)).await;
    assert_eq!(refused, Err(ApiKeysError::OwnerMayNotAct(AccountState::Disabled)));
    assert_eq!(api_key(&db).list(anna.id).await.unwrap().len(), 1);
    assert!(known(&db, present.digest).await);
    assert_eq!(api_key(&db).imported().await.unwrap(), []);
    assert_eq!(events(&db, Action::ApiKeyImported).await.len(), 0);
}

/// Only imported keys are told of, until they are revoked.
pub async fn imported_tells_of_imported_keys_alone<S: Stores>(db: S) {
    checks!("T185");
    let (anna, _) = given(&db).await;
    created(&db, &new_key(anna.id)).await;
    assert_eq!(api_key(&db).imported().await.unwrap(), []);
    let new = new_key(anna.id);
    let key = import(&db, &new).await.unwrap().key;
    assert_eq!(api_key(&db).imported().await.unwrap(), [new.digest]);
    assert!(api_key(&db).revoke_key(anna.id, key.id, by(START)).await.unwrap());
    assert_eq!(api_key(&db).imported().await.unwrap(), []);
    assert!(import(&db, &again(&new)).await.unwrap().is_new);
}

/// Of a hundred imports of one text at once one makes the key, and for two accounts only one of them has it.
pub async fn import_in_parallel_makes_one_key<S: Stores>(db: S) {
    checks!("T186");
    let (anna, otto) = (registered(&db, "anna").await, registered(&db, "otto").await);
    let text = digest();
    let answers = together(|n| {
        let account = if n % 2 == 0 { anna.id } else { otto.id };
        let new = NewApiKey {
            digest: text,
            ..new_key(account)
        };
        let db = db.clone();
        async move { import(&db, &new).await }
    })
    .await;
    assert_eq!(count(&answers, |one| matches!(one, Ok(key) if key.is_new)), 1);
    let owner = db.find_by_digest(text).await.unwrap().unwrap().key.account;
    for answer in answers {
        match answer {
            Ok(imported) => assert_eq!(imported.key.account, owner),
            Err(error) => assert_eq!(error, ApiKeysError::Taken),
        }
    }
}
