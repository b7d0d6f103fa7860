//! What a change of state takes away, and what it never gives back.

use portcullis_core::account::{AccountState, AccountsError, Stamp};
use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::authz::{AccountsWrite, Permission as _};
use portcullis_core::roles::PermissionRecord;
use portcullis_core::{account, checks};

use crate::contract::Stores;
use crate::contract::fixtures::{
    START, by, events, first_refresh, fresh_id, lives, new_account, opened, registered, rotation, set_state,
    verified,
};

/// Who may not act any more doesn't wake themselves, whatever they may manage.
pub async fn set_state_by_who_may_not_act_is_refused<S: Stores>(db: S) {
    checks!("T090");
    let anna = registered(&db, "anna").await;
    let write = AccountsWrite::PERMISSION.name;
    let permission = PermissionRecord {
        name: write.into(),
        description: String::new(),
        action: false,
    };
    db.declare(vec![permission], START).await.unwrap();
    assert!(
        db.create_role("helpdesk".into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.allow("helpdesk".into(), write.into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.assign(anna.id, "helpdesk".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let wake = async || {
        let by = Context {
            actor: Actor::Account(anna.id),
            ..by(START)
        };
        let stamp = Stamp::from_uuid(fresh_id());
        db.set_state(anna.id, AccountState::Active, stamp, by)
            .await
            .unwrap()
    };
    for state in [AccountState::Locked, AccountState::Disabled] {
        set_state(&db, anna.id, state).await;
        assert_eq!(
            wake().await,
            Err(AccountsError::Forbidden {
                missing: vec![write.to_owned()]
            })
        );
        let found = account::Store::find(&db, anna.id).await.unwrap();
        assert_eq!(found.unwrap().state, state);
    }
    set_state(&db, anna.id, AccountState::Active).await;
    verified(&db, anna.id).await;
    wake().await.unwrap();
}

/// Disabling ends sessions and refresh tokens and changes the stamp; locking takes nothing away.
pub async fn set_state_disabled_ends_everything<S: Stores>(db: S) {
    checks!("T016");
    let nobody = account::Id::from_uuid(fresh_id());
    let stamp = Stamp::from_uuid(fresh_id());
    assert_eq!(
        db.set_state(nobody, AccountState::Active, stamp, by(START))
            .await
            .unwrap(),
        Err(AccountsError::UnknownAccount)
    );
    let anna = registered(&db, "anna").await;
    let other = registered(&db, "berta").await;
    let session = opened(&db, &anna, START).await;
    let others = opened(&db, &other, START).await;

    let locked = db
        .set_state(anna.id, AccountState::Locked, stamp, by(START))
        .await;
    let locked = locked.unwrap().unwrap();
    assert_eq!((locked.state, locked.stamp), (AccountState::Locked, anna.stamp));
    assert!(lives(&db, session.id).await);

    let disabled = db
        .set_state(anna.id, AccountState::Disabled, stamp, by(START))
        .await;
    let disabled = disabled.unwrap().unwrap();
    assert_eq!((disabled.state, disabled.stamp), (AccountState::Disabled, stamp));
    assert!(!lives(&db, session.id).await);
    let active = set_state(&db, anna.id, AccountState::Active).await;
    assert_eq!(active.stamp, stamp);
    // What was ended stays ended when the account comes back.
    assert!(!lives(&db, session.id).await);
    let rotated = db
        .rotate_refresh(rotation(first_refresh(&session)), by(START))
        .await
        .unwrap();
    assert_eq!(rotated, Err(portcullis_core::token::RefreshError::Invalid));

    assert!(lives(&db, others.id).await);
    assert_eq!(account::Store::find(&db, other.id).await.unwrap(), Some(other));
    let details: Vec<_> = events(&db, Action::AccountStateSet).await;
    let details: Vec<_> = details
        .iter()
        .map(|event| event.detail.as_deref().unwrap())
        .collect();
    assert_eq!(details, ["unverified", "disabled", "locked"]);
}

/// Locking and unlocking proves no address, and an account without one needs no proof.
pub async fn set_state_active_needs_a_proven_address<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let mut unnamed = new_account("unnamed");
    unnamed.email = None;
    let id = unnamed.id;
    db.register(unnamed, by(START)).await.unwrap().unwrap();
    // Asked for what can't be, it says so instead of changing nothing.
    let stamp = Stamp::from_uuid(fresh_id());
    let asked = db
        .set_state(anna.id, AccountState::Active, stamp, by(START))
        .await;
    assert_eq!(asked.unwrap(), Err(AccountsError::Unproven(anna.id)));
    for state in [AccountState::Locked, AccountState::Disabled] {
        set_state(&db, anna.id, state).await;
        assert_eq!(
            set_state(&db, anna.id, AccountState::Active).await.state,
            AccountState::Unverified
        );
        set_state(&db, id, state).await;
        assert_eq!(
            set_state(&db, id, AccountState::Active).await.state,
            AccountState::Active
        );
    }
    assert_eq!(verified(&db, anna.id).await.state, AccountState::Active);
    set_state(&db, anna.id, AccountState::Locked).await;
    assert_eq!(
        set_state(&db, anna.id, AccountState::Active).await.state,
        AccountState::Active
    );
}
