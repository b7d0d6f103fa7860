//! Who belongs, and what a suspended organization still does.

use portcullis_core::account;
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::{Id, OWNER, OrganizationState, OrganizationsError, Selector};
use portcullis_core::scopes::ADMINISTRATOR;

use super::{acting, add, create, invitation, named, operator, with_roles};
use crate::contract::Stores;
use crate::contract::fixtures::{START, by, fresh_id, registered};

/// A membership is read with everything it inherits, and nothing of another organization's.
pub async fn membership_is_of_one_account_in_one_organization<S: Stores>(db: S) {
    checks!("T068");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let (acme, other) = (create(&db, "acme", &anna).await, create(&db, "other", &ben).await);
    add(&db, acme, &ben, &["writer"]).await;
    // What an account is everywhere counts in no organization.
    assert!(
        db.assign(ben.id, ADMINISTRATOR.into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    for selector in [Selector::Id(acme), Selector::parse("acme").unwrap()] {
        let facts = db.membership(ben.id, selector).await.unwrap().unwrap();
        assert_eq!(facts.organization.id, acme);
        assert_eq!(facts.roles, ["reader", "writer"]);
        assert_eq!(facts.permissions, ["posts:read", "posts:write"]);
    }
    let facts = db.membership(ben.id, Selector::Id(other)).await.unwrap().unwrap();
    assert!(facts.roles.contains(&OWNER.to_owned()));
    assert!(facts.permissions.contains(&"posts:write".to_owned()));
    assert!(
        facts
            .permissions
            .iter()
            .all(|name| !name.starts_with("portcullis:"))
    );
    for selector in [
        Selector::Id(other),
        Selector::parse("other").unwrap(),
        Selector::parse("ghost").unwrap(),
        Selector::Id(Id::from_uuid(fresh_id())),
    ] {
        assert_eq!(db.membership(anna.id, selector).await.unwrap(), None);
    }
    let mine = db.organizations_of(ben.id).await.unwrap();
    let mine: Vec<_> = mine
        .iter()
        .map(|one| (one.organization.id, &one.roles[..]))
        .collect();
    assert_eq!(
        mine,
        [(acme, &named(&["writer"])[..]), (other, &named(&[OWNER])[..])]
    );
    assert_eq!(db.members(acme, None, 10).await.unwrap().len(), 2);
    assert_eq!(db.members(other, None, 10).await.unwrap().len(), 1);
    assert_eq!(db.members(acme, None, 1).await.unwrap().len(), 1);
}

/// What all memberships give together, by inheritance too; what is suspended gives nothing, and nobody else's counts.
pub async fn as_member_tells_what_all_active_organizations_give<S: Stores>(db: S) {
    checks!("T107");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let [acme, other] = [
        create(&db, "acme", &anna).await,
        create(&db, "other", &anna).await,
    ];
    let given = async |who: account::Id| {
        let facts = db.as_member(who).await.unwrap();
        (facts.organizations, facts.permissions)
    };
    let nothing = |organizations: u64| (organizations, Vec::<String>::new());
    assert_eq!(given(ben.id).await, nothing(0));
    assert!(
        db.assign(ben.id, "helper".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert_eq!(
        given(ben.id).await,
        nothing(0),
        "what is given everywhere is none"
    );
    add(&db, acme, &ben, &["reader"]).await;
    add(&db, other, &ben, &["writer", "title"]).await;
    assert_eq!(given(ben.id).await, (2, named(&["posts:read", "posts:write"])));
    let suspended = db.set_organization_state(other, OrganizationState::Suspended, operator());
    assert_eq!(suspended.await.unwrap(), Ok(Effect::Changed));
    assert_eq!(given(ben.id).await, (2, named(&["posts:read"])));
    let removed = db.remove_member(acme, ben.id, acting(&anna)).await;
    assert_eq!(removed.unwrap(), Ok(Effect::Changed));
    assert_eq!(given(ben.id).await, nothing(1));
    assert_eq!(given(account::Id::from_uuid(fresh_id())).await, nothing(0));
}

/// In a suspended organization nobody gives or takes anything.
pub async fn suspended_organization_changes_nothing<S: Stores>(db: S) {
    checks!("T069");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &[]).await;
    let set = async |state| db.set_organization_state(acme, state, operator()).await.unwrap();
    assert_eq!(set(OrganizationState::Active).await, Ok(Effect::Unchanged));
    assert_eq!(set(OrganizationState::Suspended).await, Ok(Effect::Changed));
    let facts = db.membership(anna.id, Selector::Id(acme)).await.unwrap().unwrap();
    assert_eq!(facts.organization.state, OrganizationState::Suspended);
    for change in [
        db.set_member_roles(acme, ben.id, named(&["reader"]), acting(&anna))
            .await,
        db.remove_member(acme, ben.id, acting(&anna)).await,
        db.transfer_ownership(acme, anna.id, ben.id, acting(&anna)).await,
    ] {
        assert_eq!(change.unwrap(), Err(OrganizationsError::BeyondYourRoles));
    }
    let invited = db
        .invite(invitation(acme, "eve@example.com", &[]), acting(&anna))
        .await;
    assert_eq!(invited.unwrap(), Err(OrganizationsError::UnknownOrganization));
    // What isn't theirs to know is told to nobody: a stranger learns nothing of accounts, members and roles.
    let eve = registered(&db, "eve").await;
    for (account, roles) in [
        (account::Id::from_uuid(fresh_id()), vec![]),
        (ben.id, vec![]),
        (eve.id, named(&["ghost"])),
    ] {
        let added = db.add_member(acme, account, roles, acting(&eve)).await;
        assert_eq!(added.unwrap(), Err(OrganizationsError::BeyondYourRoles));
    }
    let nowhere = db
        .set_organization_state(Id::from_uuid(fresh_id()), OrganizationState::Active, operator())
        .await;
    assert_eq!(nowhere.unwrap(), Err(OrganizationsError::UnknownOrganization));
}
