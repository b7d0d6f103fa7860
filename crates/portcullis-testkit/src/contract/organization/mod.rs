//! Organizations: what every store must do.

// This file shows: AZ-6

mod acceptance;
mod appointment;
mod authority;
mod emails;
mod invitation;
mod membership;
mod naming;
mod ownership;

use portcullis_core::account::{Account, EmailAddress};
use portcullis_core::audit::{Actor, Context};
use portcullis_core::authz::{MembersWrite, Permission as _};
use portcullis_core::effect::Effect;
use portcullis_core::environment::Timestamp;
use portcullis_core::organization::{
    Id, InvitationId, NewInvitation, NewOrganization, OrganizationName, Slug,
};
use portcullis_core::roles::PermissionRecord;

pub use self::acceptance::*;
pub use self::appointment::*;
pub use self::authority::*;
pub use self::emails::*;
pub use self::invitation::*;
pub use self::membership::*;
pub use self::naming::*;
pub use self::ownership::*;
use crate::contract::Stores;
use crate::contract::fixtures::{DAY, START, by, fresh_digest, fresh_id, registered, verified};

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
        name: OrganizationName::parse("Some Name").unwrap(),
        owner: owner.id,
        limit: None,
        at: START,
    }
}

async fn create<S: Stores>(db: &S, slug: &str, owner: &Account) -> Id {
    let new = new(slug, owner);
    match db.create_organization(new, acting(owner)).await.unwrap() {
        Ok(organization) => organization.id,
        other => panic!("{slug} was not created: {other:?}"),
    }
}

fn named(roles: &[&str]) -> Vec<String> {
    roles.iter().map(|role| (*role).to_owned()).collect()
}

async fn add<S: Stores>(db: &S, id: Id, who: &Account, roles: &[&str]) {
    let change = db.add_member(id, who.id, named(roles), operator()).await;
    assert_eq!(change.unwrap(), Ok(Effect::Changed));
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
        action: false,
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
        assert_eq!(made, Ok(Effect::Changed));
        if let Some(permission) = permission {
            assert!(
                db.allow(role.into(), permission.into(), by(START))
                    .await
                    .unwrap()
                    .is_ok()
            );
        }
    }
    for role in ["writer", "manager"] {
        assert!(
            db.inherit(role.into(), "reader".into(), by(START))
                .await
                .unwrap()
                .is_ok()
        );
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
        mail: None,
        budgets: Vec::new(),
    }
}

async fn invited<S: Stores>(db: &S, id: Id, email: &str, roles: &[&str], by: &Account) -> NewInvitation {
    let new = invitation(id, email, roles);
    assert_eq!(
        db.invite(new.clone(), acting(by)).await.unwrap(),
        Ok(Effect::Changed)
    );
    new
}

/// Registers an account that has proven its address.
async fn proven<S: Stores>(db: &S, name: &str) -> Account {
    let account = registered(db, name).await;
    verified(db, account.id).await
}
