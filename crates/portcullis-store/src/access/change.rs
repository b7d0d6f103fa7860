//! Changes of roles and of who has them.

use portcullis_core::access::{ADMINISTRATOR, Change, PermissionRecord, is_reserved};
use portcullis_core::account::Id;
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::organization::OWNER;

use super::administrator::{administrator_acts, guard_administrators, lock_roles};
use super::declare;
use crate::audit::Entry;
use crate::tx::Tx;
use crate::value::params;

pub(super) async fn declare_permission(
    tx: &mut Tx<'_>,
    permission: &PermissionRecord,
    by: &Context,
) -> Result<Change, Fault> {
    if is_reserved(&permission.name) {
        return Ok(Change::Protected);
    }
    if !declare(tx, std::slice::from_ref(permission), by.at).await? {
        return Ok(Change::Unchanged);
    }
    tx.record(by, Entry::of(Action::PermissionDeclared).detail(&permission.name));
    Ok(Change::Done)
}

pub(super) async fn withdraw_permission(tx: &mut Tx<'_>, name: &str, by: &Context) -> Result<Change, Fault> {
    if is_reserved(name) {
        return Ok(Change::Protected);
    }
    lock_roles(tx).await?;
    let sql = "DELETE FROM permissions WHERE name = $1";
    if tx.execute(sql, params![name]).await? == 0 {
        return Ok(Change::UnknownPermission);
    }
    tx.record(by, Entry::of(Action::PermissionWithdrawn).detail(name));
    tx.invalidate(Invalidation::Roles, by.at);
    Ok(Change::Done)
}

pub(super) async fn create_role(
    tx: &mut Tx<'_>,
    name: &str,
    description: &str,
    by: &Context,
) -> Result<Change, Fault> {
    let sql = "INSERT INTO roles (name, description) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![name, description]).await? == 0 {
        return Ok(Change::Taken);
    }
    tx.record(by, Entry::of(Action::RoleCreated).detail(name));
    tx.invalidate(Invalidation::Roles, by.at);
    Ok(Change::Done)
}

pub(super) async fn delete_role(tx: &mut Tx<'_>, name: &str, by: &Context) -> Result<Change, Fault> {
    if matches!(name, ADMINISTRATOR | OWNER) {
        return Ok(Change::Protected);
    }
    lock_roles(tx).await?;
    let before = administrator_acts(tx).await?;
    if tx
        .execute("DELETE FROM roles WHERE name = $1", params![name])
        .await?
        == 0
    {
        return Ok(Change::UnknownRole);
    }
    tx.record(by, Entry::of(Action::RoleDeleted).detail(name));
    tx.invalidate(Invalidation::Roles, by.at);
    guard_administrators(tx, before).await
}

pub(super) async fn allow(
    tx: &mut Tx<'_>,
    role: &str,
    permission: &str,
    by: &Context,
) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? {
        return Ok(Change::UnknownRole);
    }
    if !permission_exists(tx, permission).await? {
        return Ok(Change::UnknownPermission);
    }
    if role == OWNER {
        return Ok(Change::Protected);
    }
    let sql = "INSERT INTO role_permissions (role, permission) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let changed = tx.execute(sql, params![role, permission]).await?;
    Ok(role_changed(tx, changed, format!("{role} +{permission}"), by))
}

pub(super) async fn disallow(
    tx: &mut Tx<'_>,
    role: &str,
    permission: &str,
    by: &Context,
) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? {
        return Ok(Change::UnknownRole);
    }
    if !permission_exists(tx, permission).await? {
        return Ok(Change::UnknownPermission);
    }
    if matches!(role, ADMINISTRATOR | OWNER) {
        return Ok(Change::Protected);
    }
    let sql = "DELETE FROM role_permissions WHERE role = $1 AND permission = $2";
    let changed = tx.execute(sql, params![role, permission]).await?;
    Ok(role_changed(tx, changed, format!("{role} -{permission}"), by))
}

pub(super) async fn inherit(
    tx: &mut Tx<'_>,
    role: &str,
    parent: &str,
    by: &Context,
) -> Result<Change, Fault> {
    defends!("T025");
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? || !role_exists(tx, parent).await? {
        return Ok(Change::UnknownRole);
    }
    if matches!(role, ADMINISTRATOR | OWNER) || parent == OWNER {
        return Ok(Change::Protected);
    }
    if reaches(tx, parent, role).await? {
        return Ok(Change::Cycle);
    }
    let sql = "INSERT INTO role_parents (role, parent) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let changed = tx.execute(sql, params![role, parent]).await?;
    Ok(role_changed(tx, changed, format!("{role} inherits {parent}"), by))
}

/// Whether `from` is `to`, or inherits from it over any number of steps.
async fn reaches(tx: &mut Tx<'_>, from: &str, to: &str) -> Result<bool, Fault> {
    let sql = "WITH RECURSIVE above (name) AS (
            SELECT name FROM roles WHERE name = $1
            UNION SELECT role_parents.parent FROM role_parents JOIN above ON role_parents.role = above.name)
        SELECT 1 FROM above WHERE name = $2";
    Ok(tx.query_one(sql, params![from, to]).await?.is_some())
}

pub(super) async fn disinherit(
    tx: &mut Tx<'_>,
    role: &str,
    parent: &str,
    by: &Context,
) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? || !role_exists(tx, parent).await? {
        return Ok(Change::UnknownRole);
    }
    let before = administrator_acts(tx).await?;
    let sql = "DELETE FROM role_parents WHERE role = $1 AND parent = $2";
    let changed = tx.execute(sql, params![role, parent]).await?;
    match role_changed(tx, changed, format!("{role} inherits {parent} no more"), by) {
        Change::Done => guard_administrators(tx, before).await,
        unchanged => Ok(unchanged),
    }
}

fn role_changed(tx: &mut Tx<'_>, rows: u64, detail: String, by: &Context) -> Change {
    if rows == 0 {
        return Change::Unchanged;
    }
    tx.record(by, Entry::of(Action::RoleChanged).detail(detail));
    tx.invalidate(Invalidation::Roles, by.at);
    Change::Done
}

pub(super) async fn assign(tx: &mut Tx<'_>, account: Id, role: &str, by: &Context) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    if !account_exists(tx, account).await? {
        return Ok(Change::UnknownAccount);
    }
    if !role_exists(tx, role).await? {
        return Ok(Change::UnknownRole);
    }
    if role == OWNER {
        return Ok(Change::Protected);
    }
    let sql = "INSERT INTO account_roles (account_id, role) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![account, role]).await? == 0 {
        return Ok(Change::Unchanged);
    }
    tx.record(by, Entry::of(Action::RoleAssigned).account(account).detail(role));
    tx.invalidate(Invalidation::Account(account), by.at);
    Ok(Change::Done)
}

pub(super) async fn unassign(
    tx: &mut Tx<'_>,
    account: Id,
    role: &str,
    by: &Context,
) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    if !account_exists(tx, account).await? {
        return Ok(Change::UnknownAccount);
    }
    if !role_exists(tx, role).await? {
        return Ok(Change::UnknownRole);
    }
    let before = administrator_acts(tx).await?;
    let sql = "DELETE FROM account_roles WHERE account_id = $1 AND role = $2";
    if tx.execute(sql, params![account, role]).await? == 0 {
        return Ok(Change::Unchanged);
    }
    tx.record(
        by,
        Entry::of(Action::RoleUnassigned).account(account).detail(role),
    );
    tx.invalidate(Invalidation::Account(account), by.at);
    guard_administrators(tx, before).await
}

async fn role_exists(tx: &mut Tx<'_>, name: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM roles WHERE name = $1";
    Ok(tx.query_one(sql, params![name]).await?.is_some())
}

async fn permission_exists(tx: &mut Tx<'_>, name: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM permissions WHERE name = $1";
    Ok(tx.query_one(sql, params![name]).await?.is_some())
}

async fn account_exists(tx: &mut Tx<'_>, id: Id) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM accounts WHERE id = $1";
    Ok(tx.query_one(sql, params![id]).await?.is_some())
}
