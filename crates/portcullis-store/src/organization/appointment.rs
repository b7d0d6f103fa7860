//! Members, as administrators appoint and dismiss them: not as members, but by what they are everywhere. So no state of
//! the organization stands in the way, and nothing that somebody is in it helps.
//!
//! What somebody has everywhere they have in no organization, so nobody but an administrator, who has everything, gives
//! something there: a membership, which opens what asks for a member alone, or a role. Roles are taken as everywhere.

use std::collections::BTreeSet;

use portcullis_core::account;
use portcullis_core::audit::{Action, Context};
use portcullis_core::authz::{Authority, Everywhere, OrganizationsWrite, Permission as _, PermissionRef};
use portcullis_core::defends;
use portcullis_core::effect::Effect;
use portcullis_core::fault::Fault;
use portcullis_core::organization::{Id, OrganizationsError};
use portcullis_core::scopes::Missing;

use super::Outcome;
use super::member;
use crate::access::{brings, lock_roles, missing_over, of_actor};
use crate::tx::Tx;
use crate::value::params;

/// What both verbs need.
const NEEDED: PermissionRef = OrganizationsWrite::PERMISSION;

pub(super) async fn appoint_member(
    tx: &mut Tx<'_>,
    id: Id,
    account: account::Id,
    roles: &[String],
    by: &Context,
) -> Outcome {
    lock_roles(tx).await?;
    let who = of_actor(tx, by).await?;
    if let Some(refusal) = refusal_to_act(tx, &who, id).await? {
        return Ok(Err(refusal));
    }
    match member::roles_of(tx, id, account).await? {
        Some(before) => alter(tx, &who, (id, account), &before, roles, by).await,
        None => admit(tx, &who, (id, account), roles, by).await,
    }
}

pub(super) async fn dismiss_member(tx: &mut Tx<'_>, id: Id, account: account::Id, by: &Context) -> Outcome {
    lock_roles(tx).await?;
    let who = of_actor(tx, by).await?;
    if let Some(refusal) = refusal_to_act(tx, &who, id).await? {
        return Ok(Err(refusal));
    }
    let Some(before) = member::roles_of(tx, id, account).await? else {
        return Ok(Err(OrganizationsError::UnknownMember));
    };
    if let Some(refusal) = refusal_to_take(tx, &who, account, &before, by).await? {
        return Ok(Err(refusal));
    }
    member::remove(tx, (id, account), &before, Action::MemberRemoved, by).await
}

async fn admit(
    tx: &mut Tx<'_>,
    who: &Authority<Everywhere>,
    (id, account): (Id, account::Id),
    roles: &[String],
    by: &Context,
) -> Outcome {
    if let Some(refusal) = refusal_to_give(tx, who, roles).await? {
        return Ok(Err(refusal));
    }
    let known = "SELECT 1 FROM portcullis_accounts WHERE id = $1";
    if tx.query_one(known, params![account]).await?.is_none() {
        return Ok(Err(OrganizationsError::UnknownAccount));
    }
    let why = (Action::MemberAdded, &*roles.join(" "));
    member::put(tx, (id, account), &member::set(roles), why, by).await
}

async fn alter(
    tx: &mut Tx<'_>,
    who: &Authority<Everywhere>,
    (id, account): (Id, account::Id),
    before: &BTreeSet<String>,
    roles: &[String],
    by: &Context,
) -> Outcome {
    let after = member::set(roles);
    if after == *before {
        return Ok(Ok(Effect::Unchanged));
    }
    if !after.is_subset(before)
        && let Some(refusal) = refusal_to_give(tx, who, after.difference(before)).await?
    {
        return Ok(Err(refusal));
    }
    if !after.is_superset(before)
        && let Some(refusal) = refusal_to_take(tx, who, account, before.difference(&after), by).await?
    {
        return Ok(Err(refusal));
    }
    let why = (Action::MemberRolesSet, &*roles.join(" "));
    member::put(tx, (id, account), &after, why, by).await
}

/// Why whoever acts may change nobody's membership there; `None` if they may some.
async fn refusal_to_act(
    tx: &mut Tx<'_>,
    who: &Authority<Everywhere>,
    id: Id,
) -> Result<Option<OrganizationsError>, Fault> {
    if let Some(refusal) = lacking(who.missing(NEEDED, std::iter::empty::<&String>())) {
        return Ok(Some(refusal));
    }
    let known = "SELECT 1 FROM portcullis_organizations WHERE id = $1";
    let found = tx.query_one(known, params![id]).await?;
    Ok(found.is_none().then_some(OrganizationsError::UnknownOrganization))
}

/// Why they can't give somebody a membership with these roles, or these roles besides; `None` if they can.
async fn refusal_to_give<'n>(
    tx: &mut Tx<'_>,
    who: &Authority<Everywhere>,
    roles: impl IntoIterator<Item = &'n String>,
) -> Result<Option<OrganizationsError>, Fault> {
    defends!("T073");
    defends!("T103");
    if let Some(refusal) = lacking(who.missing_to_administer()) {
        return Ok(Some(refusal));
    }
    for name in roles {
        match brings(tx, name).await? {
            None => return Ok(Some(OrganizationsError::UnknownRole)),
            Some(role) if role.is_the_servers() => return Ok(Some(OrganizationsError::ServersRole)),
            Some(_) => {}
        }
    }
    Ok(None)
}

/// Why they can't take these roles, or the membership with them, from the account; `None` if they can.
async fn refusal_to_take<'n>(
    tx: &mut Tx<'_>,
    who: &Authority<Everywhere>,
    account: account::Id,
    roles: impl IntoIterator<Item = &'n String>,
    by: &Context,
) -> Result<Option<OrganizationsError>, Fault> {
    defends!("T090");
    let mut missing: BTreeSet<String> = missing_over(tx, who, NEEDED, account, by)
        .await?
        .into_iter()
        .collect();
    for name in roles {
        if let Some(role) = brings(tx, name).await? {
            missing.extend(who.missing_to_take(NEEDED, &role));
        }
    }
    Ok(lacking(missing.into_iter().collect()))
}

fn lacking(missing: Missing) -> Option<OrganizationsError> {
    (!missing.is_empty()).then_some(OrganizationsError::Forbidden { missing })
}
