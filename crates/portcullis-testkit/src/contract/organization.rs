//! Organizations: what every store must do.

use portcullis_core::access::{
    ADMINISTRATOR, Change as RoleChange, MembersWrite, Permission as _, PermissionRecord,
};
use portcullis_core::account::{self, Account, EmailAddress, State as AccountState};
use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::organization::{
    Accepted, Change, Created, Id, InvitationId, InvitationKind, Name, NewInvitation, NewOrganization, OWNED,
    OWNER, Renaming, Selector, Slug, State,
};
use portcullis_core::secret::Digest;
use portcullis_core::throttle::{Budget, Rate, Subject};

use super::Stores;
use super::given::{
    DAY, MICROSECOND, START, by, count, event_count, events, fresh_digest, fresh_id, registered, service,
    set_state, together, verified,
};

fn acting(who: &Account) -> Context {
    acting_at(who, START)
}

fn acting_at(who: &Account, at: Timestamp) -> Context {
    Context {
        actor: Actor::Account(who.id),
        ..by(at)
    }
}

fn operator() -> Context {
    Context::operator(START)
}

fn new(slug: &str, owner: &Account) -> NewOrganization {
    NewOrganization {
        id: Id::from_uuid(fresh_id()),
        slug: Slug::parse(slug).unwrap(),
        name: Name::parse("Some Name").unwrap(),
        owner: owner.id,
        limit: None,
        at: START,
    }
}

async fn create<S: Stores>(db: &S, slug: &str, owner: &Account) -> Id {
    let new = new(slug, owner);
    match db.create_organization(new, acting(owner)).await.unwrap() {
        Created::Created(organization) => organization.id,
        other => panic!("{slug} was not created: {other:?}"),
    }
}

fn named(roles: &[&str]) -> Vec<String> {
    roles.iter().map(|role| (*role).to_owned()).collect()
}

async fn add<S: Stores>(db: &S, id: Id, who: &Account, roles: &[&str]) {
    let change = db.add_member(id, who.id, named(roles), operator()).await;
    assert_eq!(change.unwrap(), Change::Done);
}

/// The roles a member has directly; `None` for no member.
async fn roles<S: Stores>(db: &S, id: Id, who: &Account) -> Option<Vec<String>> {
    let members = db.members(id, None, 1_000).await.unwrap();
    let member = members.into_iter().find(|member| member.account == who.id);
    member.map(|member| member.roles)
}

/// Roles: `reader` (posts:read), `writer` (posts:write, inherits reader), `manager` (members, inherits reader),
/// `title` (nothing), `helper` (something of the server's).
async fn with_roles<S: Stores>(db: &S) {
    let members = MembersWrite::PERMISSION.name;
    let all = ["posts:read", "posts:write", members, "portcullis:roles:write"];
    let records = all.map(|name| PermissionRecord {
        name: name.to_owned(),
        description: String::new(),
    });
    db.declare(records.to_vec(), START).await.unwrap();
    for (role, permission) in [
        ("reader", Some("posts:read")),
        ("writer", Some("posts:write")),
        ("manager", Some(members)),
        ("title", None),
        ("helper", Some("portcullis:roles:write")),
    ] {
        let made = db
            .create_role(role.into(), String::new(), by(START))
            .await
            .unwrap();
        assert_eq!(made, RoleChange::Done);
        if let Some(permission) = permission {
            db.allow(role.into(), permission.into(), by(START)).await.unwrap();
        }
    }
    for role in ["writer", "manager"] {
        db.inherit(role.into(), "reader".into(), by(START)).await.unwrap();
    }
}

fn invitation(id: Id, email: &str, roles: &[&str]) -> NewInvitation {
    NewInvitation {
        id: InvitationId::from_uuid(fresh_id()),
        organization: id,
        email: EmailAddress::parse(email).unwrap(),
        roles: named(roles),
        digest: fresh_digest(),
        expires_at: START.plus(DAY * 7),
        limit: 100,
        budgets: Vec::new(),
    }
}

async fn invited<S: Stores>(db: &S, id: Id, email: &str, roles: &[&str], by: &Account) -> NewInvitation {
    let new = invitation(id, email, roles);
    assert_eq!(db.invite(new.clone(), acting(by)).await.unwrap(), Change::Done);
    new
}

/// Registers an account that has proven its address.
async fn proven<S: Stores>(db: &S, name: &str) -> Account {
    let account = registered(db, name).await;
    verified(db, account.id).await
}

async fn accept<S: Stores>(db: &S, token: Digest<InvitationKind>, who: &Account) -> Accepted {
    db.accept_invitation(token, who.id, acting(who)).await.unwrap()
}

/// A slug that is or was somebody's is nobody else's, and nothing is written for a refusal.
pub async fn create_organization_refuses_what_is_taken<S: Stores>(db: S) {
    checks!("T074");
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let first = create(&db, "acme", &anna).await;
    let renamed = Renaming {
        name: None,
        slug: Some(Slug::parse("acme-two").unwrap()),
    };
    let change = db
        .rename_organization(first, renamed, acting(&anna))
        .await
        .unwrap();
    assert_eq!(change, Change::Done);
    let before = event_count(&db).await;
    let nobody = Account {
        id: account::Id::from_uuid(fresh_id()),
        ..ben.clone()
    };
    let limited = NewOrganization {
        limit: Some(1),
        ..new("other", &anna)
    };
    for (new, expected) in [
        (new("acme", &ben), Created::Taken),
        (new("acme-two", &ben), Created::Taken),
        (new("other", &nobody), Created::UnknownAccount),
        (limited, Created::TooMany),
    ] {
        assert_eq!(db.create_organization(new, acting(&ben)).await.unwrap(), expected);
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(db.organizations(None, 10).await.unwrap().len(), 1);
    let limited = NewOrganization {
        limit: Some(2),
        ..new("other", &anna)
    };
    let made = db.create_organization(limited, acting(&anna)).await.unwrap();
    assert!(matches!(made, Created::Created(_)));
    let listed = db.organizations(Some(first), 10).await.unwrap();
    assert_eq!(listed.len(), 1, "the page after the first");
    assert_eq!(roles(&db, first, &anna).await.unwrap(), [OWNER]);
}

/// A crowd asks for one slug: one gets it.
pub async fn create_organization_in_parallel_makes_one<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let answers = together(|_| {
        let (db, new, by) = (db.clone(), new("acme", &anna), acting(&anna));
        async move { db.create_organization(new, by).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |made| matches!(made, Created::Created(_))), 1);
    assert_eq!(count(&answers, |made| *made == Created::Taken), 99);
    assert_eq!(db.organizations(None, 200).await.unwrap().len(), 1);
}

/// A membership is read with everything it inherits, and nothing of another organization's.
pub async fn membership_is_of_one_account_in_one_organization<S: Stores>(db: S) {
    checks!("T068");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let (acme, other) = (create(&db, "acme", &anna).await, create(&db, "other", &ben).await);
    add(&db, acme, &ben, &["writer"]).await;
    // What an account is everywhere counts in no organization.
    db.assign(ben.id, ADMINISTRATOR.into(), by(START)).await.unwrap();
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
                matches!(change, Change::Beyond | Change::UnknownMember),
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
        assert_eq!(change, Change::Beyond, "the operator gives {role}");
    }
    for change in [
        db.set_member_roles(acme, cleo.id, named(&["ghost"]), acting(&anna))
            .await,
        db.invite(invitation(acme, "eve@example.com", &["ghost"]), acting(&anna))
            .await,
        db.add_member(acme, dora.id, named(&["ghost"]), operator()).await,
    ] {
        assert_eq!(change.unwrap(), Change::UnknownRole);
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(roles(&db, acme, &cleo).await.unwrap(), ["reader"]);
    let given = db
        .set_member_roles(acme, cleo.id, named(&["manager"]), acting(&ben))
        .await;
    assert_eq!(given.unwrap(), Change::Done);
    let given = db
        .set_member_roles(acme, cleo.id, named(&["title", "writer"]), acting(&anna))
        .await;
    assert_eq!(given.unwrap(), Change::Done);
    assert_eq!(roles(&db, acme, &cleo).await.unwrap(), ["title", "writer"]);
    assert_eq!(db.members(other, None, 10).await.unwrap().len(), 1);
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
        assert_eq!(removed, Change::Beyond);
        let demoted = db
            .set_member_roles(acme, target.id, vec![], acting(who))
            .await
            .unwrap();
        assert_eq!(demoted, Change::Beyond);
    }
    let gone = db.remove_member(acme, dora.id, acting(&anna)).await.unwrap();
    assert_eq!(gone, Change::UnknownMember);
    assert_eq!(event_count(&db).await, before);
    // A role that has become the server's since can still be taken by an owner, and brings nothing of the server's.
    db.allow("reader".into(), "portcullis:roles:write".into(), by(START))
        .await
        .unwrap();
    let removed = db.remove_member(acme, cleo.id, acting(&anna)).await.unwrap();
    assert_eq!(removed, Change::Done);
    assert_eq!(roles(&db, acme, &cleo).await, None);
    assert_eq!(db.membership(cleo.id, Selector::Id(acme)).await.unwrap(), None);
}

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
    assert_eq!(made, Created::UnknownAccount);
    let transferred = db
        .transfer_ownership(acme, anna.id, robot.id, acting(&anna))
        .await;
    assert_eq!(transferred.unwrap(), Change::UnknownMember);
    set_state(&db, ben.id, AccountState::Locked).await;
    let before = event_count(&db).await;
    for change in [
        db.leave_organization(acme, anna.id, acting(&anna)).await,
        db.remove_member(acme, anna.id, acting(&anna)).await,
        db.remove_member(acme, anna.id, operator()).await,
        db.set_member_roles(acme, anna.id, vec![], acting(&anna)).await,
    ] {
        assert_eq!(change.unwrap(), Change::LastOwner);
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(roles(&db, acme, &anna).await.unwrap(), [OWNER]);
    set_state(&db, ben.id, AccountState::Active).await;
    let left = db.leave_organization(acme, anna.id, acting(&anna)).await.unwrap();
    assert_eq!(left, Change::Done);
    let again = db.leave_organization(acme, anna.id, acting(&anna)).await.unwrap();
    assert_eq!(again, Change::UnknownMember);
    assert_eq!(roles(&db, acme, &anna).await, None);
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
    assert!(count(&answers, |change| *change == Change::Done) >= 1);
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
        (&ben, &ben, Change::Beyond),
        (&ben, &anna, Change::Beyond),
        (&dora, &ben, Change::Beyond),
        (&anna, &dora, Change::UnknownMember),
        (&anna, &cleo, Change::UnknownMember),
        (&anna, &anna, Change::Unchanged),
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
    assert_eq!(count(&answers, |change| *change == Change::Done), 1);
    assert_eq!(count(&answers, |change| *change == Change::Beyond), 99);
    assert_eq!(roles(&db, acme, &anna).await.unwrap(), [""; 0]);
    assert_eq!(roles(&db, acme, &ben).await.unwrap(), ["manager", OWNER]);
    assert_eq!(roles(&db, other, &dora).await.unwrap(), [OWNER]);
    assert_eq!(events(&db, Action::OwnershipTransferred).await.len(), 1);
}

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
        Change::Beyond
    );
    for (organization, by, expected) in [
        (acme, acting(&ben), Change::Beyond),
        (acme, acting(&dora), Change::Beyond),
        (other, acting(&dora), Change::UnknownInvitation),
        (
            acme,
            acting_at(&anna, first.expires_at),
            Change::UnknownInvitation,
        ),
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
    assert_eq!(accept(&db, first.digest, &cleo).await, Accepted::Refused);
    let open = db.invitations(acme, START).await.unwrap();
    assert_eq!(
        (open.len(), &*open[0].email, &open[0].roles[..]),
        (1, "Cleo@Example.com", &named(&["reader"])[..])
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
    assert_eq!(full, Change::TooMany);
    // Replacing needs no room.
    let third = limited("cleo@example.com", 1);
    assert_eq!(
        db.invite(third.clone(), acting(&anna)).await.unwrap(),
        Change::Done
    );
    let revoked = db.revoke_invitation(acme, third.id, acting(&ben)).await.unwrap();
    assert_eq!(revoked, Change::Done);
    assert_eq!(accept(&db, third.digest, &cleo).await, Accepted::Refused);
    add(&db, acme, &cleo, &[]).await;
    let member = db.invite(less, acting(&anna)).await.unwrap();
    assert_eq!(member, Change::Member);
    let nowhere = invitation(Id::from_uuid(fresh_id()), "eve@example.com", &[]);
    assert_eq!(
        db.invite(nowhere, acting(&anna)).await.unwrap(),
        Change::UnknownOrganization
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
    assert_eq!(accept(&db, fresh_digest(), &eve).await, Accepted::Refused);
    assert_eq!(accept(&db, good.digest, &eve).await, Accepted::AnotherAddress);
    // The right address, not proven.
    assert_eq!(accept(&db, good.digest, &cleo).await, Accepted::AnotherAddress);
    verified(&db, cleo.id).await;
    set_state(&db, cleo.id, AccountState::Locked).await;
    assert_eq!(accept(&db, good.digest, &cleo).await, Accepted::AnotherAddress);
    set_state(&db, cleo.id, AccountState::Active).await;
    let late = db
        .accept_invitation(good.digest, cleo.id, acting_at(&cleo, good.expires_at))
        .await;
    assert_eq!(late.unwrap(), Accepted::Refused);
    // Suspended, and taken back.
    for (state, expected) in [(State::Suspended, true), (State::Active, false)] {
        let set = db.set_organization_state(acme, state, operator()).await.unwrap();
        assert_eq!(set, Change::Done);
        if expected {
            assert_eq!(accept(&db, good.digest, &cleo).await, Accepted::Refused);
        }
    }
    // Suspending has withdrawn it.
    assert_eq!(accept(&db, good.digest, &cleo).await, Accepted::Refused);
    let good = invited(&db, acme, "Cleo@example.com", &["reader"], &ben).await;
    // Who invited has been demoted since, then is somebody again, then is locked.
    for roles in [&["reader"][..], &["manager"][..]] {
        let set = db
            .set_member_roles(acme, ben.id, named(roles), acting(&anna))
            .await
            .unwrap();
        assert_eq!(set, Change::Done);
        if roles == ["reader"] {
            assert_eq!(accept(&db, good.digest, &cleo).await, Accepted::Refused);
        }
    }
    set_state(&db, ben.id, AccountState::Disabled).await;
    assert_eq!(accept(&db, good.digest, &cleo).await, Accepted::Refused);
    set_state(&db, ben.id, AccountState::Active).await;
    assert_eq!(events(&db, Action::MemberJoined).await.len(), 0);
    assert!(event_count(&db).await > before);
    let just = acting_at(&cleo, good.expires_at.minus(MICROSECOND));
    match db.accept_invitation(good.digest, cleo.id, just).await.unwrap() {
        Accepted::Joined(belonging) => {
            assert_eq!(
                (belonging.organization.id, &belonging.roles[..]),
                (acme, &named(&["reader"])[..])
            );
        }
        other => panic!("not joined: {other:?}"),
    }
    assert_eq!(accept(&db, good.digest, &cleo).await, Accepted::Refused);
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
    assert_eq!(count(&answers, |answer| matches!(answer, Accepted::Joined(_))), 1);
    assert_eq!(count(&answers, |answer| *answer == Accepted::Refused), 99);
    assert_eq!(db.members(acme, None, 10).await.unwrap().len(), 2);
    assert_eq!(events(&db, Action::MemberJoined).await.len(), 1);
}

/// A slug stays its first organization's, and selects it only while it is the present one.
pub async fn rename_organization_keeps_former_slugs<S: Stores>(db: S) {
    checks!("T074");
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let (acme, other) = (create(&db, "acme", &anna).await, create(&db, "other", &ben).await);
    let to = |slug: &str| Renaming {
        name: None,
        slug: Some(Slug::parse(slug).unwrap()),
    };
    let rename =
        async |id: Id, renaming: Renaming| db.rename_organization(id, renaming, acting(&anna)).await.unwrap();
    assert_eq!(rename(acme, to("acme-new")).await, Change::Done);
    assert_eq!(rename(other, to("acme")).await, Change::Taken);
    assert_eq!(rename(other, to("acme-new")).await, Change::Taken);
    assert_eq!(rename(acme, to("acme-new")).await, Change::Unchanged);
    assert_eq!(
        rename(Id::from_uuid(fresh_id()), to("ghost")).await,
        Change::UnknownOrganization
    );
    let by_slug = async |slug: &str| {
        let found = db.organization(Selector::parse(slug).unwrap()).await.unwrap();
        found.map(|organization| organization.id)
    };
    assert_eq!(by_slug("acme").await, None);
    assert_eq!(by_slug("acme-new").await, Some(acme));
    assert_eq!(by_slug("other").await, Some(other));
    assert_eq!(
        db.membership(anna.id, Selector::parse("acme").unwrap())
            .await
            .unwrap(),
        None
    );
    for n in 3..=10 {
        assert_eq!(
            rename(acme, to(&format!("acme-{n}"))).await,
            Change::Done,
            "slug {n}"
        );
    }
    assert_eq!(rename(acme, to("acme-11")).await, Change::TooMany);
    assert_eq!(rename(acme, to("acme")).await, Change::Done);
    let named = Renaming {
        name: Some(Name::parse("Acme & Co").unwrap()),
        slug: None,
    };
    assert_eq!(rename(acme, named).await, Change::Done);
    let found = db.organization(Selector::Id(acme)).await.unwrap().unwrap();
    assert_eq!((&*found.name, &*found.slug), ("Acme & Co", "acme"));
}

/// In a suspended organization nobody gives or takes anything.
pub async fn suspended_organization_changes_nothing<S: Stores>(db: S) {
    checks!("T069");
    with_roles(&db).await;
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &[]).await;
    let set = async |state| db.set_organization_state(acme, state, operator()).await.unwrap();
    assert_eq!(set(State::Active).await, Change::Unchanged);
    assert_eq!(set(State::Suspended).await, Change::Done);
    let facts = db.membership(anna.id, Selector::Id(acme)).await.unwrap().unwrap();
    assert_eq!(facts.organization.state, State::Suspended);
    for change in [
        db.set_member_roles(acme, ben.id, named(&["reader"]), acting(&anna))
            .await,
        db.remove_member(acme, ben.id, acting(&anna)).await,
        db.transfer_ownership(acme, anna.id, ben.id, acting(&anna)).await,
    ] {
        assert_eq!(change.unwrap(), Change::Beyond);
    }
    let invited = db
        .invite(invitation(acme, "eve@example.com", &[]), acting(&anna))
        .await;
    assert_eq!(invited.unwrap(), Change::UnknownOrganization);
    // What isn't theirs to know is told to nobody: a stranger learns nothing of accounts, members and roles.
    let eve = registered(&db, "eve").await;
    for (account, roles) in [
        (account::Id::from_uuid(fresh_id()), vec![]),
        (ben.id, vec![]),
        (eve.id, named(&["ghost"])),
    ] {
        let added = db.add_member(acme, account, roles, acting(&eve)).await;
        assert_eq!(added.unwrap(), Change::Beyond);
    }
    let nowhere = db
        .set_organization_state(Id::from_uuid(fresh_id()), State::Active, operator())
        .await;
    assert_eq!(nowhere.unwrap(), Change::UnknownOrganization);
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
        assert_eq!(change.unwrap(), RoleChange::Protected);
    }
    assert_eq!(event_count(&db).await, before);
    let roles = db.roles().await.unwrap();
    let role = roles.iter().find(|role| role.name == OWNER).unwrap();
    assert_eq!(
        role.permissions,
        [MembersWrite::PERMISSION.name, "posts:read", "posts:write"]
    );
}

/// Letters are counted apart from invitations: revoking or replacing one gives nothing back, and what is refused for
/// another reason costs nothing.
pub async fn revoking_gives_no_letter_back<S: Stores>(db: S) {
    checks!("T091");
    with_roles(&db).await;
    let (anna, ben) = (proven(&db, "anna").await, registered(&db, "benno").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &["manager"]).await;
    let budget = |purpose, rate: &str| Budget {
        subject: Subject::new(purpose, &[b"eve@example.com"]),
        rate: Rate::parse(rate).unwrap(),
    };
    let budgets = vec![budget("narrow", "2/day"), budget("wide", "3/day")];
    let letter = |email: &str| NewInvitation {
        budgets: budgets.clone(),
        ..invitation(acme, email, &[])
    };
    let invite = async |new: NewInvitation, by: Context| db.invite(new, by).await.unwrap();
    // Nobody writes a letter in an unproven name, and that costs nothing; nor does what finds no room.
    for _ in 0..5 {
        assert_eq!(
            invite(letter("eve@example.com"), acting(&ben)).await,
            Change::NotProven
        );
        let full = NewInvitation {
            limit: 0,
            ..letter("eve@example.com")
        };
        assert_eq!(invite(full, acting(&anna)).await, Change::TooMany);
    }
    let first = letter("eve@example.com");
    assert_eq!(invite(first.clone(), acting(&anna)).await, Change::Done);
    let revoked = db.revoke_invitation(acme, first.id, acting(&anna)).await.unwrap();
    assert_eq!(revoked, Change::Done);
    let second = letter("eve@example.com");
    assert_eq!(invite(second.clone(), acting(&anna)).await, Change::Done);
    // Replacing is a letter, too; the one before stays good if it may not be.
    let before = event_count(&db).await;
    assert_eq!(
        invite(letter("eve@example.com"), acting(&anna)).await,
        Change::TooSoon(DAY / 2)
    );
    assert_eq!(event_count(&db).await, before);
    assert_eq!(db.invitations(acme, START).await.unwrap()[0].id, second.id);
    let just_before = acting_at(&anna, START.plus(DAY / 2).minus(MICROSECOND));
    assert_eq!(
        invite(letter("eve@example.com"), just_before).await,
        Change::TooSoon(MICROSECOND)
    );
    let later = acting_at(&anna, START.plus(DAY / 2));
    assert_eq!(invite(letter("eve@example.com"), later).await, Change::Done);
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
    for state in [State::Suspended, State::Active] {
        db.set_organization_state(acme, state, operator()).await.unwrap();
    }
    assert_eq!(accept(&db, good.digest, &eve).await, Accepted::Refused);
    assert_eq!(db.invitations(acme, START).await.unwrap(), []);
    assert_eq!(db.invitations(other, START).await.unwrap().len(), 1);
    assert_eq!(events(&db, Action::InvitationRevoked).await.len(), 2);
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
    assert_eq!(transferred.unwrap(), Change::OwnsTooMany);
    let set = db
        .set_member_roles(acme, eve.id, named(&[OWNER]), acting(&anna))
        .await;
    assert_eq!(set.unwrap(), Change::OwnsTooMany);
    let added = db.add_member(other, eve.id, named(&[OWNER]), acting(&anna)).await;
    assert_eq!(added.unwrap(), Change::OwnsTooMany);
    let good = invited(&db, other, "eve@example.com", &[OWNER], &anna).await;
    assert_eq!(accept(&db, good.digest, &eve).await, Accepted::OwnsTooMany);
    assert_eq!(roles(&db, acme, &eve).await.unwrap(), ["reader"]);
    assert_eq!(roles(&db, other, &eve).await, None);
    let set = db
        .set_member_roles(acme, eve.id, named(&[OWNER]), operator())
        .await;
    assert_eq!(set.unwrap(), Change::Done);
    for state in [AccountState::Locked, AccountState::Disabled] {
        set_state(&db, anna.id, state).await;
        let made = db
            .create_organization(new("late", &anna), operator())
            .await
            .unwrap();
        assert_eq!(made, Created::UnknownAccount, "{state:?}");
    }
}

/// A role of an invitation that is gone is left out; one that has come to bring more than its writer has lets nobody in.
pub async fn accept_invitation_judges_the_roles_of_now<S: Stores>(db: S) {
    checks!("T070");
    with_roles(&db).await;
    let (anna, ben) = (proven(&db, "anna").await, proven(&db, "benno").await);
    let (cleo, dora) = (proven(&db, "cleo").await, proven(&db, "dora").await);
    let acme = create(&db, "acme", &anna).await;
    add(&db, acme, &ben, &["manager"]).await;
    let good = invited(&db, acme, "cleo@example.com", &["reader", "manager"], &ben).await;
    let fresh = new_role(&db, "fresh", "posts:read").await;
    let both = invited(&db, acme, "dora@example.com", &[&fresh], &ben).await;
    assert_eq!(both.roles, [&*fresh]);
    db.allow(fresh.clone(), "posts:write".into(), by(START))
        .await
        .unwrap();
    assert_eq!(accept(&db, both.digest, &dora).await, Accepted::Refused);
    db.disallow(fresh, "posts:write".into(), by(START)).await.unwrap();
    db.delete_role("reader".into(), by(START)).await.unwrap();
    assert!(matches!(
        accept(&db, good.digest, &cleo).await,
        Accepted::Joined(_)
    ));
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
    assert!(matches!(
        accept(&db, good.digest, &cleo).await,
        Accepted::Joined(_)
    ));
    assert_eq!(roles(&db, acme, &cleo).await.unwrap(), ["reader", "title"]);
    let eve = proven(&db, "eve").await;
    let good = invited(&db, acme, "eve@example.com", &["reader"], &anna).await;
    let answers = together(|n| {
        let (db, good, eve, anna) = (db.clone(), good.clone(), eve.clone(), anna.clone());
        async move {
            if n % 2 == 0 {
                let accepted = db.accept_invitation(good.digest, eve.id, acting(&eve)).await;
                matches!(accepted.unwrap(), Accepted::Joined(_))
            } else {
                let revoked = db.revoke_invitation(acme, good.id, acting(&anna)).await;
                revoked.unwrap() == Change::Done
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

async fn new_role<S: Stores>(db: &S, name: &str, permission: &str) -> String {
    db.create_role(name.into(), String::new(), by(START))
        .await
        .unwrap();
    db.allow(name.into(), permission.into(), by(START)).await.unwrap();
    name.to_owned()
}
