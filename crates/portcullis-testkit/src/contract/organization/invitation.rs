//! Inviting an address, and accepting once.

use portcullis_core::account::{Account, AccountState};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::OrganizationsError::{
    AlreadyMember, AnotherAddress, BeyondYourRoles, InvalidInvitation, TooManyInvitations, UnknownInvitation,
    UnknownOrganization,
};
use portcullis_core::organization::{
    Belonging, Id, InvitationKind, NewInvitation, OrganizationState, OrganizationsError,
};
use portcullis_core::secret::Digest;

use super::{
    acting, acting_at, add, create, invitation, invited, named, operator, proven, roles, with_roles,
};
use crate::contract::Stores;
use crate::contract::fixtures::{
    MICROSECOND, START, count, event_count, events, fresh_digest, fresh_id, registered, set_state, together,
    verified,
};

/// An invitation replaces the one before; revoking and replacing take what writing takes; they are limited.
#[allow(
    clippy::too_many_lines,
    reason = "a table is as long as its rows, and a walk as its steps"
)]
pub async fn invite_replaces_revokes_and_is_limited<S: Stores>(db: S) {
    checks!("T070");
    with_roles(&db).await;
    let (anna, ben) = (proven(&db, "anna").await, proven(&db, "benno").await);
    let (cleo, dora) = (registered(&db, "cleo").await, registered(&db, "dora").await);
    verified(&db, cleo.id).await;
    let acme = create(&db, "acme", &anna).await;
    let other = create(&db, "other", &dora).await;
    add(&db, acme, &ben, &["manager"]).await;
    let first = invited(&db, acme, "cleo@example.com", &["writer"], &anna).await;
    // The writer's invitation brings more than the manager has.
    let less = invitation(acme, "CLEO@example.com", &["reader"]);
    assert_eq!(
        db.invite(less.clone(), acting(&ben)).await.unwrap(),
        Err(BeyondYourRoles)
    );
    for (organization, by, expected) in [
        (acme, acting(&ben), Err(BeyondYourRoles)),
        (acme, acting(&dora), Err(BeyondYourRoles)),
        (other, acting(&dora), Err(UnknownInvitation)),
        (acme, acting_at(&anna, first.expires_at), Err(UnknownInvitation)),
    ] {
        let revoked = db.revoke_invitation(organization, first.id, by).await.unwrap();
        assert_eq!(revoked, expected);
    }
    let open = db.invitations(acme, START).await.unwrap();
    assert_eq!(
        (open.len(), open[0].id, open[0].invited_by),
        (1, first.id, Some(anna.id))
    );
    let second = invited(&db, acme, "Cleo@Example.com", &["reader"], &anna).await;
    assert_eq!(accept(&db, first.digest, &cleo).await, Err(InvalidInvitation));
    let open = db.invitations(acme, START).await.unwrap();
    assert_eq!(
        (open.len(), &*open[0].email, &open[0].roles[..]),
        (1, "Cleo@example.com", &named(&["reader"])[..])
    );
    assert_eq!(db.invitations(other, START).await.unwrap(), []);
    assert_eq!(
        db.invitations(acme, second.expires_at.minus(MICROSECOND))
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(db.invitations(acme, second.expires_at).await.unwrap(), []);
    let limited = |email: &str, limit| NewInvitation {
        limit,
        ..invitation(acme, email, &[])
    };
    let full = db
        .invite(limited("eve@example.com", 1), acting(&anna))
        .await
        .unwrap();
    assert_eq!(full, Err(TooManyInvitations(1)));
    // Replacing needs no room.
    let third = limited("cleo@example.com", 1);
    assert_eq!(
        db.invite(third.clone(), acting(&anna)).await.unwrap(),
        Ok(Effect::Changed)
    );
    let revoked = db.revoke_invitation(acme, third.id, acting(&ben)).await.unwrap();
    assert_eq!(revoked, Ok(Effect::Changed));
    assert_eq!(accept(&db, third.digest, &cleo).await, Err(InvalidInvitation));
    add(&db, acme, &cleo, &[]).await;
    let member = db.invite(less, acting(&anna)).await.unwrap();
    assert_eq!(member, Err(AlreadyMember));
    let nowhere = invitation(Id::from_uuid(fresh_id()), "eve@example.com", &[]);
    assert_eq!(
        db.invite(nowhere, acting(&anna)).await.unwrap(),
        Err(UnknownOrganization)
    );
}

/// Only who has proven the invited address gets in, once, in time, and while who invited could still do so.
pub async fn accept_invitation_refuses_all_but_the_invited<S: Stores>(db: S) {
    checks!("T070");
    with_roles(&db).await;
    let (anna, ben) = (proven(&db, "anna").await, proven(&db, "benno").await);
    let (cleo, eve) = (registered(&db, "cleo").await, registered(&db, "eve").await);
    verified(&db, eve.id).await;
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &["manager"]).await;
    let good = invited(&db, acme, "Cleo@example.com", &["reader"], &ben).await;
    let before = event_count(&db).await;
    assert_eq!(accept(&db, fresh_digest(), &eve).await, Err(InvalidInvitation));
    assert_eq!(accept(&db, good.digest, &eve).await, Err(AnotherAddress));
    // The right address, not proven.
    assert_eq!(accept(&db, good.digest, &cleo).await, Err(AnotherAddress));
    verified(&db, cleo.id).await;
    set_state(&db, cleo.id, AccountState::Locked).await;
    assert_eq!(accept(&db, good.digest, &cleo).await, Err(AnotherAddress));
    set_state(&db, cleo.id, AccountState::Active).await;
    let late = db
        .accept_invitation(good.digest, cleo.id, acting_at(&cleo, good.expires_at))
        .await;
    assert_eq!(late.unwrap(), Err(InvalidInvitation));
    // Suspended, and taken back.
    for (state, expected) in [
        (OrganizationState::Suspended, true),
        (OrganizationState::Active, false),
    ] {
        let set = db.set_organization_state(acme, state, operator()).await.unwrap();
        assert_eq!(set, Ok(Effect::Changed));
        if expected {
            assert_eq!(accept(&db, good.digest, &cleo).await, Err(InvalidInvitation));
        }
    }
    // Suspending has withdrawn it.
    assert_eq!(accept(&db, good.digest, &cleo).await, Err(InvalidInvitation));
    let good = invited(&db, acme, "Cleo@example.com", &["reader"], &ben).await;
    // Who invited has been demoted since, then is somebody again, then is locked.
    for roles in [&["reader"][..], &["manager"][..]] {
        let set = db
            .set_member_roles(acme, ben.id, named(roles), acting(&anna))
            .await
            .unwrap();
        assert_eq!(set, Ok(Effect::Changed));
        if roles == ["reader"] {
            assert_eq!(accept(&db, good.digest, &cleo).await, Err(InvalidInvitation));
        }
    }
    set_state(&db, ben.id, AccountState::Disabled).await;
    assert_eq!(accept(&db, good.digest, &cleo).await, Err(InvalidInvitation));
    set_state(&db, ben.id, AccountState::Active).await;
    assert_eq!(events(&db, Action::MemberJoined).await.len(), 0);
    assert!(event_count(&db).await > before);
    let just = acting_at(&cleo, good.expires_at.minus(MICROSECOND));
    let joined = db.accept_invitation(good.digest, cleo.id, just).await.unwrap();
    let belonging = joined.unwrap();
    assert_eq!(
        (belonging.organization.id, &belonging.roles[..]),
        (acme, &named(&["reader"])[..])
    );
    assert_eq!(accept(&db, good.digest, &cleo).await, Err(InvalidInvitation));
    assert_eq!(roles(&db, acme, &cleo).await.unwrap(), ["reader"]);
    assert_eq!(events(&db, Action::MemberJoined).await.len(), 1);
}

/// A crowd presents one invitation: one joins.
pub async fn accept_invitation_in_parallel_has_one_winner<S: Stores>(db: S) {
    checks!("T009");
    checks!("T070");
    with_roles(&db).await;
    let (anna, cleo) = (proven(&db, "anna").await, proven(&db, "cleo").await);
    let acme = create(&db, "acme", &anna).await;
    let good = invited(&db, acme, "cleo@example.com", &["reader"], &anna).await;
    let answers = together(|_| {
        let (db, token, who, by) = (db.clone(), good.digest, cleo.id, acting(&cleo));
        async move { db.accept_invitation(token, who, by).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, Result::is_ok), 1);
    assert_eq!(count(&answers, |answer| *answer == Err(InvalidInvitation)), 99);
    assert_eq!(db.members(acme, None, 10).await.unwrap().len(), 2);
    assert_eq!(events(&db, Action::MemberJoined).await.len(), 1);
}

pub(super) async fn accept<S: Stores>(
    db: &S,
    token: Digest<InvitationKind>,
    who: &Account,
) -> Result<Belonging, OrganizationsError> {
    db.accept_invitation(token, who.id, acting(who)).await.unwrap()
}
