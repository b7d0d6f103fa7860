//! There is always an owner.

use portcullis_core::account::AccountState;
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::{OWNED, OWNER, OrganizationsError};

use super::invitation::accept;
use super::{acting, add, create, invited, named, new, operator, proven, roles, with_roles};
use crate::contract::Stores;
use crate::contract::fixtures::{
    count, event_count, events, registered, service, set_state, together, verified,
};

/// An organization keeps an owner who can act.
pub async fn the_last_owner_stays<S: Stores>(db: S) {
    checks!("T072");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &[OWNER]).await;
    // An owner who can't act is none, nor is a program.
    let robot = service(&db, "robot").await;
    add(&db, acme, &robot, &[OWNER]).await;
    let owned = new("robots", &robot);
    let made = db.create_organization(owned, operator()).await.unwrap();
    assert_eq!(made, Err(OrganizationsError::UnknownAccount));
    let transferred = db
        .transfer_ownership(acme, anna.id, robot.id, acting(&anna))
        .await;
    assert_eq!(transferred.unwrap(), Err(OrganizationsError::UnknownMember));
    set_state(&db, ben.id, AccountState::Locked).await;
    assert_eq!(
        events(&db, Action::OrganizationOwnerless).await.len(),
        0,
        "another is left"
    );
    let before = event_count(&db).await;
    for change in [
        db.leave_organization(acme, anna.id, acting(&anna)).await,
        db.remove_member(acme, anna.id, acting(&anna)).await,
        db.remove_member(acme, anna.id, operator()).await,
        db.set_member_roles(acme, anna.id, vec![], acting(&anna)).await,
        db.appoint_member(acme, anna.id, named(&["reader"]), operator())
            .await,
        db.dismiss_member(acme, anna.id, operator()).await,
    ] {
        assert_eq!(change.unwrap(), Err(OrganizationsError::LastOwner));
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(roles(&db, acme, &anna).await.unwrap(), [OWNER]);
    set_state(&db, ben.id, AccountState::Active).await;
    let left = db.leave_organization(acme, anna.id, acting(&anna)).await.unwrap();
    assert_eq!(left, Ok(Effect::Changed));
    let again = db.leave_organization(acme, anna.id, acting(&anna)).await.unwrap();
    assert_eq!(again, Err(OrganizationsError::UnknownMember));
    assert_eq!(roles(&db, acme, &anna).await, None);
}

/// Where addresses must be proven, an owner who hasn't proven theirs can't act, so is none, and becomes none.
pub async fn an_owner_who_may_not_act_is_none<S: Stores>(db: S) {
    checks!("T175");
    db.require_verified_email();
    with_roles(&db).await;
    let (anna, ben) = (proven(&db, "anna").await, registered(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    let made = db
        .create_organization(new("bens", &ben), operator())
        .await
        .unwrap();
    assert_eq!(made, Err(OrganizationsError::UnknownAccount));
    add(&db, acme, &ben, &[OWNER]).await;
    for change in [
        db.leave_organization(acme, anna.id, acting(&anna)).await,
        db.set_member_roles(acme, anna.id, vec![], acting(&anna)).await,
        db.dismiss_member(acme, anna.id, operator()).await,
    ] {
        assert_eq!(change.unwrap(), Err(OrganizationsError::LastOwner));
    }
    let moved = db.transfer_ownership(acme, anna.id, ben.id, acting(&anna)).await;
    assert_eq!(moved.unwrap(), Err(OrganizationsError::UnknownMember));
    let removed = db.remove_member(acme, anna.id, acting(&ben)).await;
    assert_eq!(removed.unwrap(), Err(OrganizationsError::BeyondYourRoles));
    verified(&db, ben.id).await;
    let left = db.leave_organization(acme, anna.id, acting(&anna)).await;
    assert_eq!(left.unwrap(), Ok(Effect::Changed));
}

/// Two owners leave, and are removed by each other, at once and often: one stays.
pub async fn owners_leaving_in_parallel_keep_one<S: Stores>(db: S) {
    checks!("T072");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &[OWNER]).await;
    let answers = together(|n| {
        let (db, pair) = (db.clone(), [anna.clone(), ben.clone()]);
        async move {
            let (who, other) = if n % 2 == 0 {
                (&pair[0], &pair[1])
            } else {
                (&pair[1], &pair[0])
            };
            match n % 3 {
                0 => db.leave_organization(acme, who.id, acting(who)).await.unwrap(),
                1 => db.remove_member(acme, other.id, acting(who)).await.unwrap(),
                _ => db
                    .set_member_roles(acme, who.id, vec![], acting(who))
                    .await
                    .unwrap(),
            }
        }
    })
    .await;
    assert!(count(&answers, |change| *change == Ok(Effect::Changed)) >= 1);
    let members = db.members(acme, None, 10).await.unwrap();
    let owners = members.iter().filter(|member| member.roles == [OWNER]).count();
    assert_eq!(owners, 1, "{members:?}");
}

/// Ownership moves from one member to another, wholly or not at all.
pub async fn transfer_ownership_needs_owner_and_member<S: Stores>(db: S) {
    checks!("T072");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let (cleo, dora) = (registered(&db, "cleo").await, registered(&db, "dora").await);
    let acme = create(&db, "acme", &anna).await;
    let other = create(&db, "other", &dora).await;
    add(&db, acme, &ben, &["manager"]).await;
    add(&db, acme, &cleo, &[]).await;
    set_state(&db, cleo.id, AccountState::Disabled).await;
    let before = event_count(&db).await;
    for (from, to, expected) in [
        (&ben, &ben, Err(OrganizationsError::BeyondYourRoles)),
        (&ben, &anna, Err(OrganizationsError::BeyondYourRoles)),
        (&dora, &ben, Err(OrganizationsError::BeyondYourRoles)),
        (&anna, &dora, Err(OrganizationsError::UnknownMember)),
        (&anna, &cleo, Err(OrganizationsError::UnknownMember)),
        (&anna, &anna, Ok(Effect::Unchanged)),
    ] {
        let change = db.transfer_ownership(acme, from.id, to.id, acting(from)).await;
        assert_eq!(change.unwrap(), expected);
    }
    assert_eq!(event_count(&db).await, before);
    let answers = together(|_| {
        let (db, from, to, by) = (db.clone(), anna.id, ben.id, acting(&anna));
        async move { db.transfer_ownership(acme, from, to, by).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |change| *change == Ok(Effect::Changed)), 1);
    assert_eq!(
        count(&answers, |change| *change
            == Err(OrganizationsError::BeyondYourRoles)),
        99
    );
    assert_eq!(roles(&db, acme, &anna).await.unwrap(), [""; 0]);
    assert_eq!(roles(&db, acme, &ben).await.unwrap(), ["manager", OWNER]);
    assert_eq!(roles(&db, other, &dora).await.unwrap(), [OWNER]);
    assert_eq!(events(&db, Action::OwnershipTransferred).await.len(), 1);
}

/// Nobody becomes owner of more organizations than they may, by whatever way but the operator's; only who may act owns
/// the first one.
pub async fn ownership_beyond_the_limit_is_refused<S: Stores>(db: S) {
    with_roles(&db).await;
    let (anna, eve) = (proven(&db, "anna").await, proven(&db, "eve").await);
    for n in 0..OWNED {
        create(&db, &format!("own-{n}"), &eve).await;
    }
    let (acme, other) = (
        create(&db, "acme", &anna).await,
        create(&db, "other", &anna).await,
    );
    add(&db, acme, &eve, &["reader"]).await;
    let transferred = db.transfer_ownership(acme, anna.id, eve.id, acting(&anna)).await;
    assert_eq!(
        transferred.unwrap(),
        Err(OrganizationsError::TooManyOrganizations)
    );
    let set = db
        .set_member_roles(acme, eve.id, named(&[OWNER]), acting(&anna))
        .await;
    assert_eq!(set.unwrap(), Err(OrganizationsError::TooManyOrganizations));
    let added = db.add_member(other, eve.id, named(&[OWNER]), acting(&anna)).await;
    assert_eq!(added.unwrap(), Err(OrganizationsError::TooManyOrganizations));
    let good = invited(&db, other, "eve@example.com", &[OWNER], &anna).await;
    assert_eq!(
        accept(&db, good.digest, &eve).await,
        Err(OrganizationsError::TooManyOrganizations)
    );
    assert_eq!(roles(&db, acme, &eve).await.unwrap(), ["reader"]);
    assert_eq!(roles(&db, other, &eve).await, None);
    let set = db
        .set_member_roles(acme, eve.id, named(&[OWNER]), operator())
        .await;
    assert_eq!(set.unwrap(), Ok(Effect::Changed));
    for state in [AccountState::Locked, AccountState::Disabled] {
        set_state(&db, anna.id, state).await;
        let made = db
            .create_organization(new("late", &anna), operator())
            .await
            .unwrap();
        assert_eq!(made, Err(OrganizationsError::UnknownAccount), "{state:?}");
    }
}

/// Whoever has to be kept out is, also as the only owner; that nobody owns the organization then is on record.
pub async fn the_only_owner_is_disabled_with_a_word<S: Stores>(db: S) {
    checks!("T072");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let (acme, both) = (create(&db, "acme", &anna).await, create(&db, "both", &anna).await);
    add(&db, both, &ben, &[OWNER]).await;
    set_state(&db, anna.id, AccountState::Disabled).await;
    let told = events(&db, Action::OrganizationOwnerless).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].account, Some(anna.id));
    assert_eq!(told[0].detail, Some(acme.to_string()));
}
