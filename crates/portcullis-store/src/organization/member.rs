//! Who is a member, with which roles.

use std::collections::BTreeSet;

use portcullis_core::account;
use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::defends;
use portcullis_core::effect::Effect;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::organization::{Id, OWNED, OWNER, OrganizationsError};

use super::Outcome;
use super::{changed, count, no_row};
use crate::access::{all_bring, lock_roles, of_actor_in, of_member};
use crate::event::Entry;
use crate::tx::Tx;
use crate::value::{names, params};

/// Writes a member with these roles; one that is there already gets them, too.
pub(super) async fn insert(
    tx: &mut Tx<'_>,
    id: Id,
    account: account::Id,
    roles: &[String],
    at: Timestamp,
) -> Result<(), Fault> {
    let sql = "INSERT INTO organization_members (organization_id, account_id, joined_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    tx.execute(sql, params![id, account, at]).await?;
    let sql = "INSERT INTO organization_roles (organization_id, account_id, role) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    for role in roles {
        tx.execute(sql, params![id, account, role]).await?;
    }
    Ok(())
}

/// The roles a member has directly; `None` if the account is no member.
pub(super) async fn roles_of(
    tx: &mut Tx<'_>,
    id: Id,
    account: account::Id,
) -> Result<Option<BTreeSet<String>>, Fault> {
    let sql = "SELECT (SELECT string_agg(role, '\n') FROM organization_roles
            WHERE organization_id = $1 AND account_id = $2)
        FROM organization_members WHERE organization_id = $1 AND account_id = $2";
    let row = tx.query_one(sql, params![id, account]).await?;
    row.map(|mut row| Ok(names(&mut row)?.into_iter().collect()))
        .transpose()
}

/// Whether these new roles would make the account owner of more organizations than it may be. The operator may make it.
pub(super) async fn owns_too_many<'n>(
    tx: &mut Tx<'_>,
    account: account::Id,
    given: impl IntoIterator<Item = &'n String>,
    by: &Context,
) -> Result<bool, Fault> {
    if by.actor == Actor::Operator || !given.into_iter().any(|role| role == OWNER) {
        return Ok(false);
    }
    Ok(owned(tx, account).await? >= i64::from(OWNED))
}

/// How many organizations the account owns.
pub(super) async fn owned(tx: &mut Tx<'_>, account: account::Id) -> Result<i64, Fault> {
    let sql = "SELECT count(*) FROM organization_roles WHERE account_id = $1 AND role = $2";
    count(tx, sql, params![account, OWNER]).await
}

pub(super) async fn add_member(
    tx: &mut Tx<'_>,
    id: Id,
    account: account::Id,
    roles: &[String],
    by: &Context,
) -> Outcome {
    lock_roles(tx).await?;
    // Before anything is told about accounts and members.
    let who = of_actor_in(tx, id, by).await?;
    if !who.may_manage() {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM organizations WHERE id = $1), EXISTS (SELECT 1 FROM accounts WHERE id = $2)";
    let mut known = tx
        .query_one(sql, params![id, account])
        .await?
        .ok_or_else(no_row)?;
    match (known.take()?, known.take()?, roles_of(tx, id, account).await?) {
        (false, ..) => return Ok(Err(OrganizationsError::UnknownOrganization)),
        (_, false, _) => return Ok(Err(OrganizationsError::UnknownAccount)),
        (.., Some(_)) => return Ok(Err(OrganizationsError::AlreadyMember)),
        (true, true, None) => {}
    }
    let Some(facts) = all_bring(tx, roles).await? else {
        return Ok(Err(OrganizationsError::UnknownRole));
    };
    if !facts.iter().all(|role| who.may_give(role)) {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    if owns_too_many(tx, account, roles, by).await? {
        return Ok(Err(OrganizationsError::TooManyOrganizations));
    }
    enter(tx, (id, account), roles, by).await
}

/// Writes a new member.
pub(super) async fn enter(
    tx: &mut Tx<'_>,
    (id, account): (Id, account::Id),
    roles: &[String],
    by: &Context,
) -> Outcome {
    insert(tx, id, account, roles, by.at).await?;
    changed(tx, Action::MemberAdded, (id, account), &roles.join(" "), by);
    Ok(Ok(Effect::Changed))
}

pub(super) async fn set_member_roles(
    tx: &mut Tx<'_>,
    id: Id,
    account: account::Id,
    roles: &[String],
    by: &Context,
) -> Outcome {
    defends!("T071");
    lock_roles(tx).await?;
    let who = of_actor_in(tx, id, by).await?;
    if !who.may_manage() {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    let Some(before) = roles_of(tx, id, account).await? else {
        return Ok(Err(OrganizationsError::UnknownMember));
    };
    let after: BTreeSet<String> = roles.iter().cloned().collect();
    let Some(given) = all_bring(tx, after.difference(&before)).await? else {
        return Ok(Err(OrganizationsError::UnknownRole));
    };
    let taken = all_bring(tx, before.difference(&after))
        .await?
        .unwrap_or_default();
    if given.is_empty() && taken.is_empty() {
        return Ok(Ok(Effect::Unchanged));
    }
    if !given.iter().all(|role| who.may_give(role)) || !taken.iter().all(|role| who.may_take(role)) {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    if owns_too_many(tx, account, after.difference(&before), by).await? {
        return Ok(Err(OrganizationsError::TooManyOrganizations));
    }
    replace(tx, (id, account), &before, roles, by).await
}

/// Writes a member's roles in place of those before, if an owner is left.
pub(super) async fn replace(
    tx: &mut Tx<'_>,
    (id, account): (Id, account::Id),
    before: &BTreeSet<String>,
    roles: &[String],
    by: &Context,
) -> Outcome {
    let sql = "DELETE FROM organization_roles WHERE organization_id = $1 AND account_id = $2 AND role = $3";
    for role in before.iter().filter(|role| !roles.contains(role)) {
        tx.execute(sql, params![id, account, role]).await?;
    }
    insert(tx, id, account, roles, by.at).await?;
    changed(tx, Action::MemberRolesSet, (id, account), &roles.join(" "), by);
    guard_owners(tx, id, before).await
}

pub(super) async fn remove_member(tx: &mut Tx<'_>, id: Id, account: account::Id, by: &Context) -> Outcome {
    lock_roles(tx).await?;
    let who = of_actor_in(tx, id, by).await?;
    if !who.may_manage() {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    let Some(before) = roles_of(tx, id, account).await? else {
        return Ok(Err(OrganizationsError::UnknownMember));
    };
    let facts = all_bring(tx, &before).await?.unwrap_or_default();
    if !facts.iter().all(|role| who.may_take(role)) {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    end(tx, (id, account), &before, Action::MemberRemoved, by).await
}

pub(super) async fn leave_organization(
    tx: &mut Tx<'_>,
    id: Id,
    account: account::Id,
    by: &Context,
) -> Outcome {
    lock_roles(tx).await?;
    let Some(before) = roles_of(tx, id, account).await? else {
        return Ok(Err(OrganizationsError::UnknownMember));
    };
    end(tx, (id, account), &before, Action::MemberLeft, by).await
}

/// Ends a membership, if an owner is left.
pub(super) async fn end(
    tx: &mut Tx<'_>,
    (id, account): (Id, account::Id),
    before: &BTreeSet<String>,
    action: Action,
    by: &Context,
) -> Outcome {
    let sql = "DELETE FROM organization_members WHERE organization_id = $1 AND account_id = $2";
    tx.execute(sql, params![id, account]).await?;
    changed(tx, action, (id, account), "", by);
    guard_owners(tx, id, before).await
}

/// Whether the change just made left an owner who can act, if it took one away; else it is undone.
async fn guard_owners(tx: &mut Tx<'_>, id: Id, before: &BTreeSet<String>) -> Outcome {
    defends!("T072");
    if before.contains(OWNER) && !owner_acts(tx, id).await? {
        tx.undo();
        return Ok(Err(OrganizationsError::LastOwner));
    }
    Ok(Ok(Effect::Changed))
}

/// Whether the organization has an owner who can act: a person.
async fn owner_acts(tx: &mut Tx<'_>, id: Id) -> Result<bool, Fault> {
    let [one, other] = tx.acting();
    let sql = "SELECT 1 FROM organization_roles JOIN accounts ON accounts.id = organization_roles.account_id
        WHERE organization_roles.organization_id = $1 AND organization_roles.role = $2
        AND accounts.state IN ($3, $4) AND accounts.kind = 'person' LIMIT 1";
    let owner = tx.query_one(sql, params![id, OWNER, one, other]).await?;
    Ok(owner.is_some())
}

/// Puts on record which organizations the account was the last owner of who could act. Somebody who has to be kept out is
/// kept out all the same; then an administrator appoints another owner.
pub(crate) async fn record_ownerless(
    tx: &mut Tx<'_>,
    account: account::Id,
    by: &Context,
) -> Result<(), Fault> {
    let sql = "SELECT organization_id FROM organization_roles WHERE account_id = $1 AND role = $2
        ORDER BY organization_id";
    for mut row in tx.query(sql, params![account, OWNER]).await? {
        let id: Id = row.take()?;
        if !owner_acts(tx, id).await? {
            let entry = Entry::of(Action::OrganizationOwnerless).account(account);
            tx.record(by, entry.detail(id.to_string()));
        }
    }
    Ok(())
}

pub(super) async fn transfer_ownership(
    tx: &mut Tx<'_>,
    id: Id,
    from: account::Id,
    to: account::Id,
    by: &Context,
) -> Outcome {
    lock_roles(tx).await?;
    let giver = of_member(tx, id, from).await?;
    if !giver.is_owner() {
        return Ok(Err(OrganizationsError::BeyondYourRoles));
    }
    if from == to {
        return Ok(Ok(Effect::Unchanged));
    }
    // Only a person who can act can own.
    let person =
        "SELECT 1 FROM organization_members JOIN accounts ON accounts.id = organization_members.account_id
        WHERE organization_members.organization_id = $1 AND organization_members.account_id = $2
        AND accounts.state IN ($3, $4) AND accounts.kind = 'person'";
    let [one, other] = tx.acting();
    if tx.query_one(person, params![id, to, one, other]).await?.is_none() {
        return Ok(Err(OrganizationsError::UnknownMember));
    }
    let owner = [OWNER.to_owned()];
    let owns = roles_of(tx, id, to)
        .await?
        .is_some_and(|roles| roles.contains(OWNER));
    if !owns && owns_too_many(tx, to, &owner, by).await? {
        return Ok(Err(OrganizationsError::TooManyOrganizations));
    }
    insert(tx, id, to, &owner, by.at).await?;
    let sql = "DELETE FROM organization_roles WHERE organization_id = $1 AND account_id = $2 AND role = $3";
    tx.execute(sql, params![id, from, OWNER]).await?;
    changed(
        tx,
        Action::OwnershipTransferred,
        (id, to),
        &format!("from {from}"),
        by,
    );
    Ok(Ok(Effect::Changed))
}
