//! Who may give and take what, read inside the transaction that gives or takes it. Every verb here runs under the lock
//! of the roles.

use portcullis_core::account::Id;
use portcullis_core::audit::{Actor, Context};
use portcullis_core::authz::{
    Authority, Brings, Everywhere, InAnOrganization, Permission as _, PermissionRef, RolesWrite,
};
use portcullis_core::fault::Fault;
use portcullis_core::organization;
use portcullis_core::scopes::Missing;
use uuid::Uuid;

use super::inheritance::{inherited, inherited_by, inheriting, permissions_of, roles_and_permissions_of};
use crate::tx::Tx;
use crate::value::{Row, names, params};

/// What changes of roles need.
pub(super) const NEEDED: PermissionRef = RolesWrite::PERMISSION;

/// What whoever acts may do everywhere; nothing, if the account may not act any more.
pub(crate) async fn of_actor(tx: &mut Tx<'_>, by: &Context) -> Result<Authority<Everywhere>, Fault> {
    match by.actor {
        Actor::Operator => Ok(Authority::OPERATOR),
        Actor::Account(account) => Ok(of_account(tx, account).await?.narrowed(&by.scopes)),
        Actor::Anonymous | Actor::System => Ok(Authority::NOBODY),
    }
}

async fn of_account(tx: &mut Tx<'_>, account: Id) -> Result<Authority<Everywhere>, Fault> {
    let [one, other] = tx.acting();
    let acts = "SELECT 1 FROM portcullis_accounts WHERE id = $1 AND state IN ($2, $3)";
    if tx.query_one(acts, params![account, one, other]).await?.is_none() {
        return Ok(Authority::NOBODY);
    }
    Ok(Authority::of_account(held(tx, account).await?))
}

/// What whoever acts may do in the organization, by the credential they came with.
pub(crate) async fn of_actor_in(
    tx: &mut Tx<'_>,
    id: organization::Id,
    by: &Context,
) -> Result<Authority<InAnOrganization>, Fault> {
    match by.actor {
        Actor::Operator => Ok(Authority::OPERATOR),
        Actor::Account(account) => Ok(of_member(tx, id, account).await?.narrowed(&by.scopes)),
        Actor::Anonymous | Actor::System => Ok(Authority::NOBODY),
    }
}

/// What a member may do in the organization; nothing, if either may not act.
pub(crate) async fn of_member(
    tx: &mut Tx<'_>,
    id: organization::Id,
    account: Id,
) -> Result<Authority<InAnOrganization>, Fault> {
    let [one, other] = tx.acting();
    let Some(mut row) = tx.query_one(HELD_IN, params![id, account, one, other]).await? else {
        return Ok(Authority::NOBODY);
    };
    Ok(Authority::of_account(read(&mut row)?))
}

const HELD_IN: &str = concat!(
    "SELECT ",
    roles_and_permissions_of!(inherited!("portcullis_organization_roles" where
        "portcullis_organization_roles.organization_id = $1 AND portcullis_organization_roles.account_id = $2")),
    " FROM portcullis_organization_members
    JOIN portcullis_organizations ON portcullis_organizations.id = portcullis_organization_members.organization_id
    JOIN portcullis_accounts ON portcullis_accounts.id = portcullis_organization_members.account_id
    WHERE portcullis_organization_members.organization_id = $1 AND portcullis_organization_members.account_id = $2
    AND portcullis_organizations.state = 'active' AND portcullis_accounts.state IN ($3, $4)"
);

/// All roles of an account, and all permissions these bring.
async fn held(tx: &mut Tx<'_>, account: Id) -> Result<Brings, Fault> {
    let row = tx.query_one(HELD, params![account]).await?;
    row.map_or_else(|| Ok(Brings::default()), |mut row| read(&mut row))
}

const HELD: &str = concat!(
    "SELECT ",
    roles_and_permissions_of!(
        inherited!("portcullis_account_roles" where "portcullis_account_roles.account_id = $1")
    )
);

/// What a role brings; `None` if there is none.
pub(crate) async fn brings(tx: &mut Tx<'_>, role: &str) -> Result<Option<Brings>, Fault> {
    let row = tx.query_one(BRINGS, params![role]).await?;
    row.map(|mut row| read(&mut row)).transpose()
}

/// What each of these roles brings; `None` if one of them doesn't exist.
pub(crate) async fn all_bring<'n>(
    tx: &mut Tx<'_>,
    roles: impl IntoIterator<Item = &'n String>,
) -> Result<Option<Vec<Brings>>, Fault> {
    let mut all = Vec::new();
    for role in roles {
        let Some(one) = brings(tx, role).await? else {
            return Ok(None);
        };
        all.push(one);
    }
    Ok(Some(all))
}

fn read(row: &mut Row) -> Result<Brings, Fault> {
    Ok(Brings {
        roles: names(row)?.into_iter().collect(),
        permissions: names(row)?.into_iter().collect(),
    })
}

const BRINGS: &str = concat!(
    "SELECT ",
    roles_and_permissions_of!(inherited_by!("$1")),
    " FROM portcullis_roles WHERE name = $1"
);

/// What whoever acts lacks to lock an account, or to take something from it.
pub(crate) async fn missing_over(
    tx: &mut Tx<'_>,
    who: &Authority<Everywhere>,
    needed: PermissionRef,
    account: Id,
    by: &Context,
) -> Result<Missing, Fault> {
    if by.actor == Actor::Account(account) {
        // Nobody is above themselves, but who may not act any more doesn't wake themselves.
        return Ok(who.missing(needed, std::iter::empty::<&String>()));
    }
    let theirs = held(tx, account).await?;
    Ok(who.missing_over(needed, &theirs.permissions))
}

/// What whoever acts lacks to take something from everybody else who has the role.
pub(super) async fn missing_over_holders(
    tx: &mut Tx<'_>,
    who: &Authority<Everywhere>,
    role: &str,
    by: &Context,
) -> Result<Missing, Fault> {
    let themselves = match by.actor {
        Actor::Account(account) => account.as_uuid(),
        _ => Uuid::nil(),
    };
    let Some(mut row) = tx.query_one(OF_HOLDERS, params![role, themselves]).await? else {
        return Ok(Missing::new());
    };
    Ok(who.missing_over(NEEDED, &names(&mut row)?))
}

/// Every permission of every other account that has the role, directly or by inheritance.
const OF_HOLDERS: &str = concat!(
    "SELECT ",
    permissions_of!(inherited!("portcullis_account_roles" where concat!(
        "portcullis_account_roles.account_id IN (SELECT account_id FROM portcullis_account_roles
            WHERE account_id <> $2 AND role IN (",
        inheriting!("$1"),
        "))"
    )))
);
