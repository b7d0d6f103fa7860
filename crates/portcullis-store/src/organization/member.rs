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

/// A member as it is put or removed: of which organization, and who.
pub(super) type Member = (Id, account::Id);

/// Puts a member: with exactly these roles, whether or not there was one before and whatever it had. On record as `action`
/// with `more`; refused, and undone, if no owner is left who can act.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    member: Member,
    roles: &BTreeSet<String>,
    (action, more): (Action, &str),
    by: &Context,
) -> Outcome {
    let before = write(tx, member, roles, by.at).await?;
    changed(tx, action, member, more, by);
    guard_owners(tx, member.0, &before).await
}

/// Removes a member who has these roles, on record as `action`; refused, and undone, if no owner is left who can act.
pub(super) async fn remove(
    tx: &mut Tx<'_>,
    (id, account): Member,
    before: &BTreeSet<String>,
    action: Action,
    by: &Context,
) -> Outcome {
    let sql = "DELETE FROM portcullis_organization_members WHERE organization_id = $1 AND account_id = $2";
    tx.execute(sql, params![id, account]).await?;
    changed(tx, action, (id, account), "", by);
    guard_owners(tx, id, before).await
}

/// Writes a member with exactly these roles; answers those it had.
async fn write(
    tx: &mut Tx<'_>,
    (id, account): Member,
    roles: &BTreeSet<String>,
    at: Timestamp,
) -> Result<BTreeSet<String>, Fault> {
    let before = roles_of(tx, id, account).await?.unwrap_or_default();
    let sql = "INSERT INTO portcullis_organization_members (organization_id, account_id, joined_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    tx.execute(sql, params![id, account, at]).await?;
    let sql = "DELETE FROM portcullis_organization_roles WHERE organization_id = $1 AND account_id = $2 AND role = $3";
    for role in before.difference(roles) {
        tx.execute(sql, params![id, account, role]).await?;
    }
    let sql =
        "INSERT INTO portcullis_organization_roles (organization_id, account_id, role) VALUES ($1, $2, $3)";
    for role in roles.difference(&before) {
        tx.execute(sql, params![id, account, role]).await?;
    }
    Ok(before)
}

/// The roles a member has directly; `None` if the account is no member.
pub(super) async fn roles_of(
    tx: &mut Tx<'_>,
    id: Id,
    account: account::Id,
) -> Result<Option<BTreeSet<String>>, Fault> {
    let sql = "SELECT (SELECT string_agg(role, '\n') FROM portcullis_organization_roles
            WHERE organization_id = $1 AND account_id = $2)
        FROM portcullis_organization_members WHERE organization_id = $1 AND account_id = $2";
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
    let sql = "SELECT count(*) FROM portcullis_organization_roles WHERE account_id = $1 AND role = $2";
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
    let sql = "SELECT EXISTS (SELECT 1 FROM portcullis_organizations WHERE id = $1), EXISTS (SELECT 1
        FROM portcullis_accounts WHERE id = $2)";
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
    let why = (Action::MemberAdded, &*roles.join(" "));
    put(tx, (id, account), &set(roles), why, by).await
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
    let after = set(roles);
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
    let why = (Action::MemberRolesSet, &*roles.join(" "));
    put(tx, (id, account), &after, why, by).await
}

/// Each of these names once.
pub(super) fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
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
    remove(tx, (id, account), &before, Action::MemberRemoved, by).await
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
    remove(tx, (id, account), &before, Action::MemberLeft, by).await
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
    let sql = "SELECT 1 FROM portcullis_organization_roles
        JOIN portcullis_accounts ON portcullis_accounts.id = portcullis_organization_roles.account_id
        WHERE portcullis_organization_roles.organization_id = $1 AND portcullis_organization_roles.role = $2
        AND portcullis_accounts.state IN ($3, $4) AND portcullis_accounts.kind = 'person' LIMIT 1";
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
    let sql = "SELECT organization_id FROM portcullis_organization_roles WHERE account_id = $1 AND role = $2
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
        "SELECT 1 FROM portcullis_organization_members
            JOIN portcullis_accounts ON portcullis_accounts.id = portcullis_organization_members.account_id
        WHERE portcullis_organization_members.organization_id = $1 AND portcullis_organization_members.account_id = $2
        AND portcullis_accounts.state IN ($3, $4) AND portcullis_accounts.kind = 'person'";
    let [one, other] = tx.acting();
    if tx.query_one(person, params![id, to, one, other]).await?.is_none() {
        return Ok(Err(OrganizationsError::UnknownMember));
    }
    let mut takers = roles_of(tx, id, to).await?.unwrap_or_default();
    if takers.insert(OWNER.to_owned()) && owns_too_many(tx, to, [&OWNER.to_owned()], by).await? {
        return Ok(Err(OrganizationsError::TooManyOrganizations));
    }
    let mut givers = roles_of(tx, id, from).await?.unwrap_or_default();
    givers.remove(OWNER);
    write(tx, (id, from), &givers, by.at).await?;
    let why = (Action::OwnershipTransferred, &*format!("from {from}"));
    put(tx, (id, to), &takers, why, by).await
}
