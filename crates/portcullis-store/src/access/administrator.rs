//! The administrators: the lock under which roles change, and the guard that one of them is left.

use portcullis_core::account::Account;
use portcullis_core::defends;
use portcullis_core::effect::Effect;
use portcullis_core::fault::Fault;
use portcullis_core::roles::RolesError;

use super::Outcome;
use super::inheritance::inheriting;
use crate::row::{account, account_columns};
use crate::tx::Tx;
use crate::value::params;

/// Lets one transaction at a time change who may do what.
pub(crate) async fn lock_roles(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.query(
        "SELECT name FROM portcullis_locks WHERE name = 'roles' FOR UPDATE",
        params![],
    )
    .await
    .map(drop)
}

/// Whether any account, in whatever state, holds the role `administrator`, directly or by inheritance.
pub(crate) async fn administrator_exists(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    Ok(tx.query_one(ADMINISTRATORS, params![]).await?.is_some())
}

/// Whether an administrator is left who can act: a person. A service account may hold the role, but nobody could log
/// in as it.
pub(crate) async fn administrator_acts(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    defends!("T044");
    let [one, other] = tx.acting();
    Ok(tx
        .query_one(PEOPLE_WHO_ADMINISTER, params![one, other])
        .await?
        .is_some())
}

/// The people who administer and may act, by id: a few of however many there are.
pub(crate) async fn people_who_administer(tx: &mut Tx<'_>) -> Result<Vec<Account>, Fault> {
    let [one, other] = tx.acting();
    let rows = tx.query(ALL_WHO_ADMINISTER, params![one, other]).await?;
    rows.into_iter().map(|mut row| account(&mut row)).collect()
}

macro_rules! administrators {
    ($further:literal) => {
        concat!(
            "SELECT 1 FROM portcullis_account_roles
                JOIN portcullis_accounts ON portcullis_accounts.id = portcullis_account_roles.account_id
             WHERE portcullis_account_roles.role IN (",
            inheriting!("'administrator'"),
            ")",
            $further,
            " LIMIT 1"
        )
    };
}

/// A row if any account, in whatever state, is an administrator.
pub(crate) const ADMINISTRATORS: &str = administrators!("");
const PEOPLE_WHO_ADMINISTER: &str =
    administrators!(" AND portcullis_accounts.state IN ($1, $2) AND portcullis_accounts.kind = 'person'");
const ALL_WHO_ADMINISTER: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM portcullis_accounts WHERE portcullis_accounts.state IN ($1, $2) AND portcullis_accounts.kind = 'person'
        AND EXISTS (
        SELECT 1 FROM portcullis_account_roles WHERE portcullis_account_roles.account_id = portcullis_accounts.id
          AND portcullis_account_roles.role IN (",
    inheriting!("'administrator'"),
    "))
     ORDER BY portcullis_accounts.id LIMIT 100"
);

/// Whether the change just made took the last administrator who could act away; then it is undone.
pub(super) async fn guard_administrators(tx: &mut Tx<'_>, before: bool) -> Outcome {
    if before && !administrator_acts(tx).await? {
        tx.undo();
        return Ok(Err(RolesError::Protected));
    }
    Ok(Ok(Effect::Changed))
}
