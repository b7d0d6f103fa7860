//! Who may give and take what, read inside the transaction that gives or takes it.

use portcullis_core::account;
use portcullis_core::audit::{Actor, Context};
use portcullis_core::fault::Fault;
use portcullis_core::organization::{Authority, Id, RoleFacts};

use crate::access::{inherited, inherited_by, roles_and_permissions_of};
use crate::tx::Tx;
use crate::value::{names, params};

/// What whoever acts may do in the organization, by the credential they came with.
pub(super) async fn of_actor(tx: &mut Tx<'_>, id: Id, by: &Context) -> Result<Authority, Fault> {
    match by.actor {
        Actor::Operator => Ok(Authority::Operator),
        Actor::Account(account) => Ok(of_member(tx, id, account).await?.narrowed(&by.scopes)),
        Actor::Anonymous | Actor::System => Ok(Authority::Stranger),
    }
}

/// What a member may do in the organization; nothing, if either may not act.
pub(super) async fn of_member(tx: &mut Tx<'_>, id: Id, account: account::Id) -> Result<Authority, Fault> {
    let [one, other] = tx.acting();
    let Some(mut row) = tx.query_one(STANDING, params![id, account, one, other]).await? else {
        return Ok(Authority::Stranger);
    };
    Ok(Authority::Member {
        roles: names(&mut row)?.into_iter().collect(),
        permissions: names(&mut row)?.into_iter().collect(),
    })
}

const STANDING: &str = concat!(
    "SELECT ",
    roles_and_permissions_of!(inherited!("organization_roles" where
        "organization_roles.organization_id = $1 AND organization_roles.account_id = $2")),
    " FROM organization_members
    JOIN organizations ON organizations.id = organization_members.organization_id
    JOIN accounts ON accounts.id = organization_members.account_id
    WHERE organization_members.organization_id = $1 AND organization_members.account_id = $2
    AND organizations.state = 'active' AND accounts.state IN ($3, $4)"
);

/// Roles with everything they bring; `None` if one of them doesn't exist.
pub(super) async fn roles<'n>(
    tx: &mut Tx<'_>,
    wanted: impl IntoIterator<Item = &'n String>,
) -> Result<Option<Vec<RoleFacts>>, Fault> {
    let mut all = Vec::new();
    for name in wanted {
        let Some(mut row) = tx.query_one(ROLE, params![name]).await? else {
            return Ok(None);
        };
        all.push(RoleFacts {
            name: name.clone(),
            roles: names(&mut row)?.into_iter().collect(),
            permissions: names(&mut row)?.into_iter().collect(),
        });
    }
    Ok(Some(all))
}

const ROLE: &str = concat!(
    "SELECT ",
    roles_and_permissions_of!(inherited_by!("$1")),
    " FROM roles WHERE name = $1"
);
