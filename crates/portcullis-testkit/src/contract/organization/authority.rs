//! Nobody gives or takes beyond what is theirs.

use portcullis_core::authz::{MembersWrite, Permission as _};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::{OWNER, OrganizationsError, Selector};
use portcullis_core::roles::RolesError;
use portcullis_core::scopes::ADMINISTRATOR;

use super::{acting, add, create, invitation, named, operator, proven, roles, with_roles};
use crate::contract::Stores;
use crate::contract::fixtures::{START, by, event_count, registered};

/// Nobody gives a role that brings more than they have themselves, however they try.
#[allow(
    clippy::too_many_lines,
    reason = "a table is as long as its rows, and a walk as its steps"
)]
pub async fn giving_beyond_ones_own_is_refused<S: Stores>(db: S) {
    checks!("T071");
    checks!("T073");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let (cleo, dora) = (registered(&db, "cleo").await, registered(&db, "dora").await);
    let acme = create(&db, "acme", &anna).await;
    let other = create(&db, "other", &dora).await;
    add(&db, acme, &ben, &["manager"]).await;
    add(&db, acme, &cleo, &["reader"]).await;
    let before = event_count(&db).await;
    // A manager, a plain member, an owner of another organization, and a role of the server's from the owner herself.
    for (who, role) in [
        (&ben, "writer"),
        (&ben, OWNER),
        (&ben, "title"),
        (&ben, "helper"),
        (&ben, ADMINISTRATOR),
        (&cleo, "reader"),
        (&dora, "reader"),
        (&dora, OWNER),
        (&anna, "helper"),
        (&anna, ADMINISTRATOR),
    ] {
        let given = [
            db.set_member_roles(acme, cleo.id, named(&["reader", role, "manager"]), acting(who))
                .await,
            db.set_member_roles(acme, who.id, named(&[role, "manager", "reader"]), acting(who))
                .await,
            db.invite(invitation(acme, "eve@example.com", &[role]), acting(who))
                .await,
            db.add_member(acme, dora.id, named(&[role]), acting(who)).await,
        ];
        for change in given {
            let change = change.unwrap();
            assert!(
                matches!(
                    change,
                    Err(OrganizationsError::BeyondYourRoles) | Err(OrganizationsError::UnknownMember)
                ),
                "{:?} gives {role}: {change:?}",
                who.username
            );
        }
    }
    for role in ["helper", ADMINISTRATOR] {
        let change = db
            .add_member(acme, dora.id, named(&[role]), operator())
            .await
            .unwrap();
        assert_eq!(
            change,
            Err(OrganizationsError::BeyondYourRoles),
            "the operator gives {role}"
        );
    }
    for change in [
        db.set_member_roles(acme, cleo.id, named(&["ghost"]), acting(&anna))
            .await,
        db.invite(invitation(acme, "eve@example.com", &["ghost"]), acting(&anna))
            .await,
        db.add_member(acme, dora.id, named(&["ghost"]), operator()).await,
    ] {
        assert_eq!(change.unwrap(), Err(OrganizationsError::UnknownRole));
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(roles(&db, acme, &cleo).await.unwrap(), ["reader"]);
    let given = db
        .set_member_roles(acme, cleo.id, named(&["manager"]), acting(&ben))
        .await;
    assert_eq!(given.unwrap(), Ok(Effect::Changed));
    let given = db
        .set_member_roles(acme, cleo.id, named(&["title", "writer"]), acting(&anna))
        .await;
    assert_eq!(given.unwrap(), Ok(Effect::Changed));
    assert_eq!(roles(&db, acme, &cleo).await.unwrap(), ["title", "writer"]);
    assert_eq!(db.members(other, None, 10).await.unwrap().len(), 1);
}

/// A name that comes by inheritance opens what asks for it by name: it is given by who has it.
pub async fn role_that_inherits_a_title_is_given_by_who_has_the_title<S: Stores>(db: S) {
    checks!("T071");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, proven(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &["manager"]).await;
    let made = db.create_role("deputy".into(), String::new(), by(START)).await;
    assert_eq!(made.unwrap(), Ok(Effect::Changed));
    assert!(
        db.inherit("deputy".into(), "title".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.allow("deputy".into(), "posts:read".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let taken = named(&["manager", "deputy"]);
    let change = db
        .set_member_roles(acme, ben.id, taken.clone(), acting(&ben))
        .await;
    assert_eq!(change.unwrap(), Err(OrganizationsError::BeyondYourRoles));
    let email = invitation(acme, "eve@example.com", &["deputy"]);
    assert_eq!(
        db.invite(email, acting(&ben)).await.unwrap(),
        Err(OrganizationsError::BeyondYourRoles)
    );
    // Not by a permission that both have, either.
    assert!(
        db.allow("title".into(), "posts:read".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let title = named(&["manager", "title"]);
    let change = db.set_member_roles(acme, ben.id, title, acting(&ben)).await;
    assert_eq!(change.unwrap(), Err(OrganizationsError::BeyondYourRoles));
    let change = db.set_member_roles(acme, ben.id, taken, acting(&anna)).await;
    assert_eq!(change.unwrap(), Ok(Effect::Changed), "the owner may");
    let passed = db
        .invite(invitation(acme, "eve@example.com", &["deputy"]), acting(&ben))
        .await;
    assert_eq!(passed.unwrap(), Ok(Effect::Changed), "he has it now");
}

/// Nobody removes or demotes somebody who has more.
pub async fn taking_from_above_is_refused<S: Stores>(db: S) {
    checks!("T071");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let (cleo, dora) = (registered(&db, "cleo").await, registered(&db, "dora").await);
    let acme = create(&db, "acme", &anna).await;
    create(&db, "other", &dora).await;
    add(&db, acme, &ben, &["manager"]).await;
    add(&db, acme, &cleo, &["writer"]).await;
    let before = event_count(&db).await;
    for (who, target) in [
        (&ben, &anna),
        (&ben, &cleo),
        (&cleo, &ben),
        (&dora, &cleo),
        (&dora, &anna),
    ] {
        let removed = db.remove_member(acme, target.id, acting(who)).await.unwrap();
        assert_eq!(removed, Err(OrganizationsError::BeyondYourRoles));
        let demoted = db
            .set_member_roles(acme, target.id, vec![], acting(who))
            .await
            .unwrap();
        assert_eq!(demoted, Err(OrganizationsError::BeyondYourRoles));
    }
    let gone = db.remove_member(acme, dora.id, acting(&anna)).await.unwrap();
    assert_eq!(gone, Err(OrganizationsError::UnknownMember));
    assert_eq!(event_count(&db).await, before);
    // A role that has become the server's since can still be taken by an owner, and brings nothing of the server's.
    assert!(
        db.allow("reader".into(), "portcullis:roles:write".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let removed = db.remove_member(acme, cleo.id, acting(&anna)).await.unwrap();
    assert_eq!(removed, Ok(Effect::Changed));
    assert_eq!(roles(&db, acme, &cleo).await, None);
    assert_eq!(db.membership(cleo.id, Selector::Id(acme)).await.unwrap(), None);
}

/// The owners' role is nobody's to change, and is given in organizations only.
pub async fn owners_role_is_protected<S: Stores>(db: S) {
    checks!("T073");
    with_roles(&db).await;
    let anna = registered(&db, "anna").await;
    let before = event_count(&db).await;
    let (owner, reader) = (|| OWNER.to_owned(), || "reader".to_owned());
    for change in [
        db.delete_role(owner(), by(START)).await,
        db.allow(owner(), "portcullis:roles:write".into(), by(START))
            .await,
        db.disallow(owner(), "posts:read".into(), by(START)).await,
        db.inherit(owner(), reader(), by(START)).await,
        db.inherit(reader(), owner(), by(START)).await,
        db.assign(anna.id, owner(), by(START)).await,
    ] {
        assert_eq!(change.unwrap(), Err(RolesError::Protected));
    }
    assert_eq!(event_count(&db).await, before);
    let roles = db.roles().await.unwrap();
    let role = roles.iter().find(|role| role.name == OWNER).unwrap();
    assert_eq!(
        role.permissions,
        [MembersWrite::PERMISSION.name, "posts:read", "posts:write"]
    );
}
