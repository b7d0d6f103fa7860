//! How many e-mails there are, and when what they offer is over.

use portcullis_core::audit::{Action, Context};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::organization::{NewInvitation, OrganizationState, OrganizationsError};
use portcullis_core::throttle::{Budget, BudgetSubject, Rate};

use super::invitation::accept;
use super::{acting, acting_at, add, create, invitation, invited, operator, proven, with_roles};
use crate::contract::Stores;
use crate::contract::fixtures::{DAY, MICROSECOND, START, event_count, events, registered};

/// E-mails are counted apart from invitations: revoking or replacing one gives nothing back, and what is refused for
/// another reason costs nothing.
pub async fn revoking_gives_no_email_back<S: Stores>(db: S) {
    checks!("T091");
    with_roles(&db).await;
    let (anna, ben) = (proven(&db, "anna").await, registered(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &["manager"]).await;
    let budget = |purpose, rate: &str| Budget {
        subject: BudgetSubject::new(purpose, &[b"eve@example.com"]),
        rate: Rate::parse(rate).unwrap(),
    };
    let budgets = vec![budget("narrow", "2/day"), budget("wide", "3/day")];
    let email = |email: &str| NewInvitation {
        budgets: budgets.clone(),
        ..invitation(acme, email, &[])
    };
    let invite = async |new: NewInvitation, by: Context| db.invite(new, by).await.unwrap();
    // Nobody writes an e-mail in an unproven name, and that costs nothing; nor does what finds no room.
    for _ in 0..5 {
        assert_eq!(
            invite(email("eve@example.com"), acting(&ben)).await,
            Err(OrganizationsError::AddressNotProven)
        );
        let full = NewInvitation {
            limit: 0,
            ..email("eve@example.com")
        };
        assert_eq!(
            invite(full, acting(&anna)).await,
            Err(OrganizationsError::TooManyInvitations(0))
        );
    }
    let first = email("eve@example.com");
    assert_eq!(invite(first.clone(), acting(&anna)).await, Ok(Effect::Changed));
    let revoked = db.revoke_invitation(acme, first.id, acting(&anna)).await.unwrap();
    assert_eq!(revoked, Ok(Effect::Changed));
    let second = email("eve@example.com");
    assert_eq!(invite(second.clone(), acting(&anna)).await, Ok(Effect::Changed));
    // Replacing is an e-mail, too; the one before stays good if it may not be.
    let before = event_count(&db).await;
    assert_eq!(
        invite(email("eve@example.com"), acting(&anna)).await,
        Err(OrganizationsError::TooSoon(DAY / 2))
    );
    assert_eq!(event_count(&db).await, before);
    assert_eq!(db.invitations(acme, START).await.unwrap()[0].id, second.id);
    let just_before = acting_at(&anna, START.plus(DAY / 2).minus(MICROSECOND));
    assert_eq!(
        invite(email("eve@example.com"), just_before).await,
        Err(OrganizationsError::TooSoon(MICROSECOND))
    );
    let later = acting_at(&anna, START.plus(DAY / 2));
    assert_eq!(invite(email("eve@example.com"), later).await, Ok(Effect::Changed));
    assert_eq!(events(&db, Action::InvitationRevoked).await.len(), 2);
    // What has come back whole is forgotten.
    let whole = START.plus(DAY * 2);
    assert!(db.sweep(whole, 1_000).await.unwrap() >= 2);
    assert_eq!(db.sweep(whole, 1_000).await.unwrap(), 0);
}

/// Suspending an organization withdraws what is open, with an event each; resuming brings nothing back.
pub async fn suspending_withdraws_invitations<S: Stores>(db: S) {
    with_roles(&db).await;
    let (anna, eve) = (proven(&db, "anna").await, proven(&db, "eve").await);
    let (acme, other) = (
        create(&db, "acme", &anna).await,
        create(&db, "other", &anna).await,
    );
    let good = invited(&db, acme, "eve@example.com", &["reader"], &anna).await;
    invited(&db, acme, "zoe@example.com", &[], &anna).await;
    invited(&db, other, "eve@example.com", &[], &anna).await;
    for state in [OrganizationState::Suspended, OrganizationState::Active] {
        assert!(
            db.set_organization_state(acme, state, operator())
                .await
                .unwrap()
                .is_ok()
        );
    }
    assert_eq!(
        accept(&db, good.digest, &eve).await,
        Err(OrganizationsError::InvalidInvitation)
    );
    assert_eq!(db.invitations(acme, START).await.unwrap(), []);
    assert_eq!(db.invitations(other, START).await.unwrap().len(), 1);
    assert_eq!(events(&db, Action::InvitationRevoked).await.len(), 2);
}

/// What has expired is swept, and nothing before.
pub async fn sweep_takes_invitations_that_are_over<S: Stores>(db: S) {
    with_roles(&db).await;
    let anna = proven(&db, "anna").await;
    let acme = create(&db, "acme", &anna).await;
    let good = invited(&db, acme, "eve@example.com", &[], &anna).await;
    db.sweep(good.expires_at.minus(MICROSECOND), 1_000).await.unwrap();
    assert_eq!(db.invitations(acme, START).await.unwrap().len(), 1);
    db.sweep(good.expires_at, 1_000).await.unwrap();
    assert_eq!(db.invitations(acme, START).await.unwrap(), []);
}
