//! Changes of roles and of who has them.
//!
//! What doesn't exist is told first, then what whoever acts lacks: names of roles are no secret to who may change them.

use portcullis_core::account::Id;
use portcullis_core::audit::{Action, Context};
use portcullis_core::authz::{InvalidName, is_reserved, valid_role_name};
use portcullis_core::defends;
use portcullis_core::effect::Effect;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::organization::OWNER;
use portcullis_core::roles::{PermissionRecord, RolesError};
use portcullis_core::scopes::{ADMINISTRATOR, Missing};

use super::administrator::{administrator_acts, guard_administrators, lock_roles};
use super::authority::{self, NEEDED};
use super::{Outcome, inheritance, make_known};
use crate::event::Entry;
use crate::tx::Tx;
use crate::value::params;

pub(super) async fn declare_permission(
    tx: &mut Tx<'_>,
    permission: &PermissionRecord,
    by: &Context,
) -> Outcome {
    if is_reserved(&permission.name) {
        return Ok(Err(RolesError::Protected));
    }
    lock_roles(tx).await?;
    if let Some(refused) = beyond(authority::of_actor(tx, by).await?.missing_to_administer()) {
        return Ok(Err(refused));
    }
    if !make_known(tx, std::slice::from_ref(permission), by).await? {
        return Ok(Ok(Effect::Unchanged));
    }
    Ok(Ok(Effect::Changed))
}

pub(super) async fn withdraw_permission(tx: &mut Tx<'_>, name: &str, by: &Context) -> Outcome {
    if is_reserved(name) {
        return Ok(Err(RolesError::Protected));
    }
    lock_roles(tx).await?;
    if let Some(refused) = beyond(authority::of_actor(tx, by).await?.missing_to_administer()) {
        return Ok(Err(refused));
    }
    let sql = "DELETE FROM portcullis_permissions WHERE name = $1";
    if tx.execute(sql, params![name]).await? == 0 {
        return Ok(Err(RolesError::UnknownPermission));
    }
    tx.record(by, Entry::of(Action::PermissionWithdrawn).detail(name));
    tx.invalidate(Invalidation::Roles, by.at);
    Ok(Ok(Effect::Changed))
}

pub(super) async fn create_role(tx: &mut Tx<'_>, name: &str, description: &str, by: &Context) -> Outcome {
    if !valid_role_name(name) {
        return Err(Fault::Other(format!("{name:?}: {}", InvalidName::Role)));
    }
    lock_roles(tx).await?;
    if !inheritance::create(tx, name, description).await? {
        return Ok(Err(RolesError::Taken));
    }
    tx.record(by, Entry::of(Action::RoleCreated).detail(name));
    tx.invalidate(Invalidation::Roles, by.at);
    Ok(Ok(Effect::Changed))
}

pub(super) async fn delete_role(tx: &mut Tx<'_>, name: &str, by: &Context) -> Outcome {
    if matches!(name, ADMINISTRATOR | OWNER) {
        return Ok(Err(RolesError::Protected));
    }
    lock_roles(tx).await?;
    if let Some(refused) = refuses_taking(tx, name, name, by).await? {
        return Ok(Err(refused));
    }
    let before = administrator_acts(tx).await?;
    inheritance::delete(tx, name).await?;
    tx.record(by, Entry::of(Action::RoleDeleted).detail(name));
    tx.invalidate(Invalidation::Roles, by.at);
    guard_administrators(tx, before).await
}

pub(super) async fn allow(tx: &mut Tx<'_>, role: &str, permission: &str, by: &Context) -> Outcome {
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? {
        return Ok(Err(RolesError::UnknownRole));
    }
    if !permission_exists(tx, permission).await? {
        return Ok(Err(RolesError::UnknownPermission));
    }
    if role == OWNER {
        return Ok(Err(RolesError::Protected));
    }
    let who = authority::of_actor(tx, by).await?;
    if let Some(refused) = beyond(who.missing(NEEDED, [&permission.to_owned()])) {
        return Ok(Err(refused));
    }
    let sql =
        "INSERT INTO portcullis_role_permissions (role, permission) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let changed = tx.execute(sql, params![role, permission]).await? > 0;
    Ok(role_changed(tx, changed, format!("{role} +{permission}"), by))
}

pub(super) async fn disallow(tx: &mut Tx<'_>, role: &str, permission: &str, by: &Context) -> Outcome {
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? {
        return Ok(Err(RolesError::UnknownRole));
    }
    if !permission_exists(tx, permission).await? {
        return Ok(Err(RolesError::UnknownPermission));
    }
    if matches!(role, ADMINISTRATOR | OWNER) {
        return Ok(Err(RolesError::Protected));
    }
    let who = authority::of_actor(tx, by).await?;
    let mut missing = who.missing(NEEDED, [&permission.to_owned()]);
    missing.extend(authority::missing_over_holders(tx, &who, role, by).await?);
    if let Some(refused) = beyond(missing) {
        return Ok(Err(refused));
    }
    let sql = "DELETE FROM portcullis_role_permissions WHERE role = $1 AND permission = $2";
    let changed = tx.execute(sql, params![role, permission]).await? > 0;
    Ok(role_changed(tx, changed, format!("{role} -{permission}"), by))
}

pub(super) async fn inherit(tx: &mut Tx<'_>, role: &str, parent: &str, by: &Context) -> Outcome {
    defends!("T025");
    lock_roles(tx).await?;
    let (true, Some(brings)) = (role_exists(tx, role).await?, authority::brings(tx, parent).await?) else {
        return Ok(Err(RolesError::UnknownRole));
    };
    if matches!(role, ADMINISTRATOR | OWNER) || parent == OWNER {
        return Ok(Err(RolesError::Protected));
    }
    let who = authority::of_actor(tx, by).await?;
    if let Some(refused) = beyond(who.missing_to_give(NEEDED, &brings)) {
        return Ok(Err(refused));
    }
    if inheritance::reaches(tx, parent, role).await? {
        return Ok(Err(RolesError::Cycle));
    }
    let changed = inheritance::put_parent(tx, role, parent).await?;
    Ok(role_changed(tx, changed, format!("{role} inherits {parent}"), by))
}

pub(super) async fn disinherit(tx: &mut Tx<'_>, role: &str, parent: &str, by: &Context) -> Outcome {
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? {
        return Ok(Err(RolesError::UnknownRole));
    }
    if let Some(refused) = refuses_taking(tx, parent, role, by).await? {
        return Ok(Err(refused));
    }
    let before = administrator_acts(tx).await?;
    let changed = inheritance::remove_parent(tx, role, parent).await?;
    match role_changed(tx, changed, format!("{role} inherits {parent} no more"), by) {
        Ok(Effect::Changed) => guard_administrators(tx, before).await,
        unchanged => Ok(unchanged),
    }
}

fn role_changed(tx: &mut Tx<'_>, changed: bool, detail: String, by: &Context) -> Result<Effect, RolesError> {
    if !changed {
        return Ok(Effect::Unchanged);
    }
    tx.record(by, Entry::of(Action::RoleChanged).detail(detail));
    tx.invalidate(Invalidation::Roles, by.at);
    Ok(Effect::Changed)
}

pub(super) async fn assign(tx: &mut Tx<'_>, account: Id, role: &str, by: &Context) -> Outcome {
    lock_roles(tx).await?;
    if !account_exists(tx, account).await? {
        return Ok(Err(RolesError::UnknownAccount));
    }
    let Some(brings) = authority::brings(tx, role).await? else {
        return Ok(Err(RolesError::UnknownRole));
    };
    if role == OWNER {
        return Ok(Err(RolesError::Protected));
    }
    let who = authority::of_actor(tx, by).await?;
    if let Some(refused) = beyond(who.missing_to_give(NEEDED, &brings)) {
        return Ok(Err(refused));
    }
    let sql =
        "INSERT INTO portcullis_account_roles (account_id, role) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![account, role]).await? == 0 {
        return Ok(Ok(Effect::Unchanged));
    }
    tx.record(by, Entry::of(Action::RoleAssigned).account(account).detail(role));
    tx.invalidate(Invalidation::Account(account), by.at);
    Ok(Ok(Effect::Changed))
}

pub(super) async fn unassign(tx: &mut Tx<'_>, account: Id, role: &str, by: &Context) -> Outcome {
    lock_roles(tx).await?;
    if !account_exists(tx, account).await? {
        return Ok(Err(RolesError::UnknownAccount));
    }
    let Some(brings) = authority::brings(tx, role).await? else {
        return Ok(Err(RolesError::UnknownRole));
    };
    let who = authority::of_actor(tx, by).await?;
    let mut missing = who.missing_to_take(NEEDED, &brings);
    missing.extend(authority::missing_over(tx, &who, NEEDED, account, by).await?);
    if let Some(refused) = beyond(missing) {
        return Ok(Err(refused));
    }
    let before = administrator_acts(tx).await?;
    let sql = "DELETE FROM portcullis_account_roles WHERE account_id = $1 AND role = $2";
    if tx.execute(sql, params![account, role]).await? == 0 {
        return Ok(Ok(Effect::Unchanged));
    }
    tx.record(
        by,
        Entry::of(Action::RoleUnassigned).account(account).detail(role),
    );
    tx.invalidate(Invalidation::Account(account), by.at);
    guard_administrators(tx, before).await
}

/// Why whoever acts may not take a role from everybody who has `holding`; `None` if they may.
async fn refuses_taking(
    tx: &mut Tx<'_>,
    role: &str,
    holding: &str,
    by: &Context,
) -> Result<Option<RolesError>, Fault> {
    let Some(brings) = authority::brings(tx, role).await? else {
        return Ok(Some(RolesError::UnknownRole));
    };
    let who = authority::of_actor(tx, by).await?;
    let mut missing = who.missing_to_take(NEEDED, &brings);
    missing.extend(authority::missing_over_holders(tx, &who, holding, by).await?);
    Ok(beyond(missing))
}

/// The refusal of who lacks something.
fn beyond(mut missing: Missing) -> Option<RolesError> {
    missing.sort();
    missing.dedup();
    (!missing.is_empty()).then_some(RolesError::Forbidden { missing })
}

async fn role_exists(tx: &mut Tx<'_>, name: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM portcullis_roles WHERE name = $1";
    Ok(tx.query_one(sql, params![name]).await?.is_some())
}

async fn permission_exists(tx: &mut Tx<'_>, name: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM portcullis_permissions WHERE name = $1";
    Ok(tx.query_one(sql, params![name]).await?.is_some())
}

async fn account_exists(tx: &mut Tx<'_>, id: Id) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM portcullis_accounts WHERE id = $1";
    Ok(tx.query_one(sql, params![id]).await?.is_some())
}
