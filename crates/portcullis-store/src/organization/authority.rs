//! Who may give and take what, read inside the transaction that gives or takes it.

use portcullis_core::account;
use portcullis_core::audit::{Actor, Context};
use portcullis_core::fault::Fault;
use portcullis_core::organization::{Authority, Id, RoleFacts};

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

const STANDING: &str = "WITH RECURSIVE held (name) AS (
        SELECT role FROM organization_roles WHERE organization_id = $1 AND account_id = $2
        UNION SELECT role_parents.parent FROM role_parents JOIN held ON role_parents.role = held.name)
    SELECT (SELECT string_agg(name, '\n') FROM held),
    (SELECT string_agg(permission, '\n') FROM (SELECT DISTINCT permission FROM role_permissions
        WHERE role IN (SELECT name FROM held)) AS allowed)
    FROM organization_members
    JOIN organizations ON organizations.id = organization_members.organization_id
    JOIN accounts ON accounts.id = organization_members.account_id
    WHERE organization_members.organization_id = $1 AND organization_members.account_id = $2
    AND organizations.state = 'active' AND accounts.state IN ($3, $4)";

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

const ROLE: &str = "WITH RECURSIVE held (name) AS (
        SELECT name FROM roles WHERE name = $1
        UNION SELECT role_parents.parent FROM role_parents JOIN held ON role_parents.role = held.name)
    SELECT (SELECT string_agg(name, '\n') FROM held),
    (SELECT string_agg(permission, '\n') FROM (SELECT DISTINCT permission FROM role_permissions
        WHERE role IN (SELECT name FROM held)) AS allowed)
    FROM roles WHERE name = $1";
