//! Who may give and take what, read inside the transaction that gives or takes it. Every verb here runs under the lock
//! of the roles.

use portcullis_core::account::Id;
use portcullis_core::audit::{Actor, Context};
use portcullis_core::authz::{Authority, Brings, Permission as _, PermissionRef, RolesWrite};
use portcullis_core::fault::Fault;
use portcullis_core::scopes::Lacks;
use uuid::Uuid;

use super::inheritance::{inherited, inherited_by, inheriting, permissions_of, roles_and_permissions_of};
use crate::tx::Tx;
use crate::value::{names, params};

/// What changes of roles need.
pub(super) const NEEDED: PermissionRef = RolesWrite::PERMISSION;

/// What whoever acts may do; nothing, if the account may not act any more.
pub(crate) async fn of_actor(tx: &mut Tx<'_>, by: &Context) -> Result<Authority, Fault> {
    let account = match by.actor {
        Actor::Operator => return Ok(Authority::Operator),
        Actor::Account(account) => account,
        Actor::Anonymous | Actor::System => return Ok(Authority::Nobody),
    };
    let [one, other] = tx.acting();
    let acts = "SELECT 1 FROM accounts WHERE id = $1 AND state IN ($2, $3)";
    if tx.query_one(acts, params![account, one, other]).await?.is_none() {
        return Ok(Authority::Nobody);
    }
    let (roles, permissions) = held(tx, account).await?;
    Ok(Authority::of_account(roles, permissions, &by.scopes))
}

/// All roles of an account, and all permissions these bring.
async fn held(tx: &mut Tx<'_>, account: Id) -> Result<(Vec<String>, Vec<String>), Fault> {
    let Some(mut row) = tx.query_one(HELD, params![account]).await? else {
        return Ok((Vec::new(), Vec::new()));
    };
    Ok((names(&mut row)?, names(&mut row)?))
}

const HELD: &str = concat!(
    "SELECT ",
    roles_and_permissions_of!(inherited!("account_roles" where "account_roles.account_id = $1"))
);

/// What a role brings; `None` if there is none.
pub(crate) async fn brings(tx: &mut Tx<'_>, role: &str) -> Result<Option<Brings>, Fault> {
    let row = tx.query_one(BRINGS, params![role]).await?;
    row.map(|mut row| {
        Ok(Brings {
            roles: names(&mut row)?.into_iter().collect(),
            permissions: names(&mut row)?.into_iter().collect(),
        })
    })
    .transpose()
}

const BRINGS: &str = concat!(
    "SELECT ",
    roles_and_permissions_of!(inherited_by!("$1")),
    " FROM roles WHERE name = $1"
);

/// What whoever acts lacks to lock an account, or to take something from it.
pub(crate) async fn lacks_over(
    tx: &mut Tx<'_>,
    who: &Authority,
    needed: PermissionRef,
    account: Id,
    by: &Context,
) -> Result<Lacks, Fault> {
    if by.actor == Actor::Account(account) {
        // Nobody is above themselves, but who may not act any more doesn't wake themselves.
        return Ok(who.lacks(needed, std::iter::empty::<&String>()));
    }
    let (_, permissions) = held(tx, account).await?;
    Ok(who.lacks_over(needed, &permissions))
}

/// What whoever acts lacks to take something from everybody else who has the role.
pub(super) async fn lacks_over_holders(
    tx: &mut Tx<'_>,
    who: &Authority,
    role: &str,
    by: &Context,
) -> Result<Lacks, Fault> {
    let themselves = match by.actor {
        Actor::Account(account) => account.as_uuid(),
        _ => Uuid::nil(),
    };
    let Some(mut row) = tx.query_one(OF_HOLDERS, params![role, themselves]).await? else {
        return Ok(Lacks::new());
    };
    Ok(who.lacks_over(NEEDED, &names(&mut row)?))
}

/// Every permission of every other account that has the role, directly or by inheritance.
const OF_HOLDERS: &str = concat!(
    "SELECT ",
    permissions_of!(inherited!("account_roles" where concat!(
        "account_roles.account_id IN (SELECT account_id FROM account_roles WHERE account_id <> $2 AND role IN (",
        inheriting!("$1"),
        "))"
    )))
);
