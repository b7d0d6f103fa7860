//! The first administrator: made once, with a set-up token.

use portcullis_core::account::{AccountState, RegistrationError};
use portcullis_core::audit::Action;
use portcullis_core::scopes::ADMINISTRATOR;
use portcullis_core::{account, checks};

use crate::contract::Stores;
use crate::contract::fixtures::{
    CROWD, HOUR, MICROSECOND, START, by, count, event_count, events, fresh_digest, new_account, registered,
    set_state, together,
};

/// Unknown, expired, replaced and used set-up tokens make nobody an administrator.
pub async fn register_first_administrator_needs_the_open_token<S: Stores>(db: S) {
    checks!("T031");
    let (replaced, token, expires_at) = (fresh_digest(), fresh_digest(), START.plus(HOUR));
    assert!(db.offer_setup(replaced, expires_at, by(START)).await.unwrap());
    assert!(db.offer_setup(token, expires_at, by(START)).await.unwrap());
    assert_eq!(
        events(&db, Action::SetupOffered).await.len(),
        2,
        "each is on record"
    );
    let last = expires_at.minus(MICROSECOND);
    for (token, at) in [(fresh_digest(), START), (replaced, START), (token, expires_at)] {
        let outcome = db
            .register_first_administrator(token, new_account("thief"), by(at))
            .await
            .unwrap();
        assert_eq!(outcome, Err(RegistrationError::SetupClosed));
    }
    for (token, at, open) in [
        (fresh_digest(), START, false),
        (replaced, START, false),
        (token, expires_at, false),
        (token, last, true),
        (token, last, true),
    ] {
        assert_eq!(
            db.setup_is_open(token, at).await.unwrap(),
            open,
            "asking uses nothing up"
        );
    }
    assert_eq!(event_count(&db).await, 2, "the offers alone");
    // A name that is taken costs neither account nor token.
    registered(&db, "anna").await;
    let outcome = db
        .register_first_administrator(token, new_account("anna"), by(last))
        .await
        .unwrap();
    assert!(matches!(outcome, Err(RegistrationError::Taken { .. })));
    let chief = new_account("chief");
    let outcome = db
        .register_first_administrator(token, chief.clone(), by(last))
        .await
        .unwrap();
    assert!(outcome.is_ok());
    assert_eq!(
        db.assigned(chief.id).await.unwrap(),
        Some(vec![ADMINISTRATOR.to_owned()])
    );
    let outcome = db
        .register_first_administrator(token, new_account("thief"), by(last))
        .await
        .unwrap();
    assert_eq!(outcome, Err(RegistrationError::SetupClosed));
}

/// Once somebody is an administrator, also over an inherited role or a disabled account, set-up is closed for ever.
pub async fn offer_setup_is_closed_once_an_administrator_exists<S: Stores>(db: S) {
    checks!("T031");
    let token = fresh_digest();
    assert!(db.offer_setup(token, START.plus(HOUR), by(START)).await.unwrap());
    let anna = registered(&db, "anna").await;
    assert!(
        db.create_role("owner".into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.inherit("owner".into(), ADMINISTRATOR.into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(!db.administrator_exists().await.unwrap());
    // The last who can act can't be disabled, but one who is can be made an administrator.
    set_state(&db, anna.id, AccountState::Disabled).await;
    assert!(
        db.assign(anna.id, "owner".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        !db.offer_setup(fresh_digest(), START.plus(HOUR), by(START))
            .await
            .unwrap()
    );
    assert!(!db.setup_is_open(token, START).await.unwrap());
    assert!(db.administrator_exists().await.unwrap());
    let outcome = db
        .register_first_administrator(token, new_account("thief"), by(START))
        .await
        .unwrap();
    assert_eq!(outcome, Err(RegistrationError::SetupClosed));
}

/// A crowd presents the set-up token: one administrator.
pub async fn register_first_administrator_in_parallel_makes_one<S: Stores>(db: S) {
    checks!("T031");
    let token = fresh_digest();
    assert!(db.offer_setup(token, START.plus(HOUR), by(START)).await.unwrap());
    let answers = together(|n| {
        let (db, new) = (db.clone(), new_account(&format!("chief{n}")));
        async move {
            db.register_first_administrator(token, new, by(START))
                .await
                .unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, Result::is_ok), 1);
    let closed = count(&answers, |answer| *answer == Err(RegistrationError::SetupClosed));
    assert_eq!(closed, usize::try_from(CROWD).unwrap() - 1);
    assert_eq!(account::Store::list(&db, None, 10).await.unwrap().len(), 1);
}
