//! What counts when an invitation is accepted is what is so at that moment.

use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::OrganizationsError;

use super::invitation::accept;
use super::{acting, add, create, invited, named, proven, roles, with_roles};
use crate::contract::Stores;
use crate::contract::fixtures::{START, by, count, events, registered, together, verified};

/// A role of an invitation that is gone is left out; one that its writer has no more lets nobody in.
pub async fn accept_invitation_judges_the_roles_of_now<S: Stores>(db: S) {
    checks!("T070");
    with_roles(&db).await;
    let (anna, ben) = (proven(&db, "anna").await, proven(&db, "benno").await);
    let (cleo, dora) = (proven(&db, "cleo").await, proven(&db, "dora").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &["manager"]).await;
    let good = invited(&db, acme, "cleo@example.com", &["reader", "manager"], &ben).await;
    let fresh = new_role(&db, "fresh", "posts:read").await;
    let set_bens = async |roles: &[&str]| {
        let set = db.set_member_roles(acme, ben.id, named(roles), acting(&anna));
        assert_eq!(set.await.unwrap(), Ok(Effect::Changed));
    };
    set_bens(&["manager", &fresh]).await;
    let both = invited(&db, acme, "dora@example.com", &[&fresh], &ben).await;
    assert_eq!(both.roles, [&*fresh]);
    set_bens(&["manager"]).await;
    assert_eq!(
        accept(&db, both.digest, &dora).await,
        Err(OrganizationsError::InvalidInvitation)
    );
    assert!(db.delete_role("reader".into(), by(START)).await.unwrap().is_ok());
    assert!(accept(&db, good.digest, &cleo).await.is_ok());
    assert_eq!(roles(&db, acme, &cleo).await.unwrap(), ["manager"]);
}

/// Who is a member already gets the roles of an invitation besides; a crowd that accepts and revokes leaves one of both.
pub async fn accept_invitation_by_a_member_and_while_it_is_revoked<S: Stores>(db: S) {
    checks!("T070");
    with_roles(&db).await;
    let (anna, cleo) = (proven(&db, "anna").await, registered(&db, "cleo").await);
    let acme = create(&db, "acme", &anna).await;
    let good = invited(&db, acme, "cleo@example.com", &["reader"], &anna).await;
    add(&db, acme, &cleo, &["title"]).await;
    verified(&db, cleo.id).await;
    assert!(accept(&db, good.digest, &cleo).await.is_ok());
    assert_eq!(roles(&db, acme, &cleo).await.unwrap(), ["reader", "title"]);
    let eve = proven(&db, "eve").await;
    let good = invited(&db, acme, "eve@example.com", &["reader"], &anna).await;
    let answers = together(|n| {
        let (db, good, eve, anna) = (db.clone(), good.clone(), eve.clone(), anna.clone());
        async move {
            if n % 2 == 0 {
                let accepted = db.accept_invitation(good.digest, eve.id, acting(&eve)).await;
                accepted.unwrap().is_ok()
            } else {
                let revoked = db.revoke_invitation(acme, good.id, acting(&anna)).await;
                revoked.unwrap() == Ok(Effect::Changed)
            }
        }
    })
    .await;
    assert_eq!(count(&answers, |done| *done), 1);
    let joined = events(&db, Action::MemberJoined).await.len() - 1;
    let revoked = events(&db, Action::InvitationRevoked).await.len();
    assert_eq!(joined + revoked, 1);
    assert_eq!(roles(&db, acme, &eve).await.is_some(), joined == 1);
}

async fn new_role<S: Stores>(db: &S, name: &str, permission: &str) -> String {
    assert!(
        db.create_role(name.into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.allow(name.into(), permission.into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    name.to_owned()
}
