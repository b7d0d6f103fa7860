//! Roles, permissions, and what an account may do.
//!
//! Every verb that changes roles first takes one lock, so that two of them never see each other's graph half done:
//! a cycle can't be closed from two sides, and the last administrator can't be lost by two calls of which each
//! leaves one.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use portcullis_core::access::{
    ADMINISTRATOR, AccountFacts, Change, InvalidName, PermissionRecord, RoleRecord, Store,
    valid_permission_name, valid_role_name,
};
use portcullis_core::account::Id;
use portcullis_core::audit::{Action, Context};
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;

use crate::Database;
use crate::account::{account, account_columns};
use crate::audit::Entry;
use crate::tx::Tx;
use crate::value::{Row, params};

#[async_trait]
impl Store for Database {
    async fn declare(&self, permissions: Vec<PermissionRecord>, at: Timestamp) -> Result<(), Fault> {
        let ill_formed = permissions.iter().find(|one| !valid_permission_name(&one.name));
        if let Some(PermissionRecord { name, .. }) = ill_formed {
            return Err(Fault::Other(format!("{name:?}: {}", InvalidName::Permission)));
        }
        self.write((permissions, at), |tx, (permissions, at)| {
            Box::pin(declare(tx, permissions, *at))
        })
        .await
    }

    async fn facts(&self, id: Id) -> Result<Option<AccountFacts>, Fault> {
        let row = self.read(FACTS, params![id]).await?.into_iter().next();
        let facts = |mut row: Row| {
            Ok(AccountFacts {
                account: account(&mut row)?,
                roles: names(&mut row)?,
                permissions: names(&mut row)?,
            })
        };
        row.map(facts).transpose()
    }

    async fn permissions(&self) -> Result<Vec<PermissionRecord>, Fault> {
        let rows = self
            .read("SELECT name, description FROM permissions", params![])
            .await?;
        let permission = |mut row: Row| {
            let (name, description) = (row.take()?, row.take()?);
            Ok(PermissionRecord { name, description })
        };
        let mut permissions: Vec<_> = rows.into_iter().map(permission).collect::<Result<_, Fault>>()?;
        // Sorted here: PostgreSQL sorts by its locale.
        permissions.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(permissions)
    }

    async fn roles(&self) -> Result<Vec<RoleRecord>, Fault> {
        let sql = "SELECT name, description,
            (SELECT string_agg(permission, '\n') FROM role_permissions WHERE role = roles.name),
            (SELECT string_agg(parent, '\n') FROM role_parents WHERE role = roles.name)
            FROM roles";
        let role = |mut row: Row| {
            Ok(RoleRecord {
                name: row.take()?,
                description: row.take()?,
                permissions: names(&mut row)?,
                inherits: names(&mut row)?,
            })
        };
        let rows = self.read(sql, params![]).await?;
        let mut roles: Vec<_> = rows.into_iter().map(role).collect::<Result<_, Fault>>()?;
        roles.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(roles)
    }

    async fn create_role(&self, name: String, description: String, by: Context) -> Result<Change, Fault> {
        if !valid_role_name(&name) {
            return Err(Fault::Other(format!("{name:?}: {}", InvalidName::Role)));
        }
        self.write((name, description, by), |tx, (name, description, by)| {
            Box::pin(create_role(tx, name, description, by))
        })
        .await
    }

    async fn delete_role(&self, name: String, by: Context) -> Result<Change, Fault> {
        self.write((name, by), |tx, (name, by)| Box::pin(delete_role(tx, name, by)))
            .await
    }

    async fn allow(&self, role: String, permission: String, by: Context) -> Result<Change, Fault> {
        self.write((role, permission, by), |tx, (role, permission, by)| {
            Box::pin(allow(tx, role, permission, by))
        })
        .await
    }

    async fn disallow(&self, role: String, permission: String, by: Context) -> Result<Change, Fault> {
        self.write((role, permission, by), |tx, (role, permission, by)| {
            Box::pin(disallow(tx, role, permission, by))
        })
        .await
    }

    async fn inherit(&self, role: String, parent: String, by: Context) -> Result<Change, Fault> {
        self.write((role, parent, by), |tx, (role, parent, by)| {
            Box::pin(inherit(tx, role, parent, by))
        })
        .await
    }

    async fn disinherit(&self, role: String, parent: String, by: Context) -> Result<Change, Fault> {
        self.write((role, parent, by), |tx, (role, parent, by)| {
            Box::pin(disinherit(tx, role, parent, by))
        })
        .await
    }

    async fn assign(&self, account: Id, role: String, by: Context) -> Result<Change, Fault> {
        self.write((account, role, by), |tx, (account, role, by)| {
            Box::pin(assign(tx, *account, role, by))
        })
        .await
    }

    async fn unassign(&self, account: Id, role: String, by: Context) -> Result<Change, Fault> {
        self.write((account, role, by), |tx, (account, role, by)| {
            Box::pin(unassign(tx, *account, role, by))
        })
        .await
    }

    async fn assigned(&self, account: Id) -> Result<Option<Vec<String>>, Fault> {
        let sql = "SELECT (SELECT string_agg(role, '\n') FROM account_roles WHERE account_id = accounts.id)
            FROM accounts WHERE id = $1";
        let row = self.read(sql, params![account]).await?.into_iter().next();
        row.map(|mut row| names(&mut row)).transpose()
    }
}

/// One statement, so that account, roles and permissions are of one moment. `UNION` ends also on a graph that has a
/// cycle after all.
const FACTS: &str = concat!(
    "WITH RECURSIVE held (name) AS (
        SELECT role FROM account_roles WHERE account_id = $1
        UNION SELECT role_parents.parent FROM role_parents JOIN held ON role_parents.role = held.name)
     SELECT ",
    account_columns!(),
    ", (SELECT string_agg(name, '\n') FROM held),
     (SELECT string_agg(permission, '\n') FROM (SELECT DISTINCT permission FROM role_permissions
        WHERE role IN (SELECT name FROM held)) AS allowed)
     FROM accounts WHERE id = $1"
);

/// Reads a list of names that the database joined by line breaks, which no name contains; sorted.
fn names(row: &mut Row) -> Result<Vec<String>, Fault> {
    let joined: Option<String> = row.take()?;
    let mut names: Vec<_> = joined
        .iter()
        .flat_map(|text| text.split('\n'))
        .map(str::to_owned)
        .collect();
    names.sort();
    Ok(names)
}

/// Lets one transaction at a time change who may do what.
pub(crate) async fn lock_roles(tx: &mut Tx<'_>) -> Result<(), Fault> {
    tx.query(
        "SELECT name FROM locks WHERE name = 'roles' FOR UPDATE",
        params![],
    )
    .await
    .map(drop)
}

/// Whether any account, in whatever state, holds the role `administrator`, directly or by inheritance.
pub(crate) async fn administrator_exists(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    Ok(tx
        .query_one(ADMINISTRATORS, params!["disabled", "locked"])
        .await?
        .is_some()
        || tx
            .query_one(ADMINISTRATORS, params!["active", "unverified"])
            .await?
            .is_some())
}

/// Whether an administrator is left who can act.
pub(crate) async fn administrator_acts(tx: &mut Tx<'_>) -> Result<bool, Fault> {
    Ok(tx
        .query_one(ADMINISTRATORS, params!["active", "unverified"])
        .await?
        .is_some())
}

const ADMINISTRATORS: &str = "WITH RECURSIVE carrying (name) AS (
        SELECT name FROM roles WHERE name = 'administrator'
        UNION SELECT role_parents.role FROM role_parents JOIN carrying ON role_parents.parent = carrying.name)
    SELECT 1 FROM account_roles JOIN accounts ON accounts.id = account_roles.account_id
    WHERE account_roles.role IN (SELECT name FROM carrying) AND accounts.state IN ($1, $2) LIMIT 1";

/// Whether the change just made took the last administrator who could act away; then it is undone.
async fn guard_administrators(tx: &mut Tx<'_>, before: bool) -> Result<Change, Fault> {
    if before && !administrator_acts(tx).await? {
        tx.undo();
        return Ok(Change::Protected);
    }
    Ok(Change::Done)
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

async fn declare(tx: &mut Tx<'_>, permissions: &[PermissionRecord], at: Timestamp) -> Result<(), Fault> {
    let role =
        "INSERT INTO roles (name, description) VALUES ($1, 'May do everything') ON CONFLICT DO NOTHING";
    let give = "INSERT INTO role_permissions (role, permission) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let known = "INSERT INTO permissions (name, description) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET description = excluded.description";
    lock_roles(tx).await?;
    let (present, given) = (declared(tx).await?, given_to_administrator(tx).await?);
    let mut changed = tx.execute(role, params![ADMINISTRATOR]).await? > 0;
    // By name: of a name that is declared twice the last description counts, every time.
    let wanted: BTreeMap<_, _> = permissions.iter().map(|p| (&p.name, &p.description)).collect();
    for (name, description) in wanted {
        if present.get(name) != Some(description) {
            tx.execute(known, params![name, description]).await?;
            changed = true;
        }
        if !given.contains(name) {
            tx.execute(give, params![ADMINISTRATOR, name]).await?;
            changed = true;
        }
    }
    if changed {
        tx.invalidate(Invalidation::Roles, at);
    }
    Ok(())
}

async fn declared(tx: &mut Tx<'_>) -> Result<BTreeMap<String, String>, Fault> {
    let rows = tx
        .query("SELECT name, description FROM permissions", params![])
        .await?;
    rows.into_iter()
        .map(|mut row| Ok((row.take()?, row.take()?)))
        .collect()
}

async fn given_to_administrator(tx: &mut Tx<'_>) -> Result<HashSet<String>, Fault> {
    let sql = "SELECT permission FROM role_permissions WHERE role = $1";
    let rows = tx.query(sql, params![ADMINISTRATOR]).await?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

async fn create_role(tx: &mut Tx<'_>, name: &str, description: &str, by: &Context) -> Result<Change, Fault> {
    let sql = "INSERT INTO roles (name, description) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![name, description]).await? == 0 {
        return Ok(Change::Taken);
    }
    tx.record(by, Entry::of(Action::RoleCreated).detail(name));
    tx.invalidate(Invalidation::Roles, by.at);
    Ok(Change::Done)
}

async fn delete_role(tx: &mut Tx<'_>, name: &str, by: &Context) -> Result<Change, Fault> {
    if name == ADMINISTRATOR {
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

async fn allow(tx: &mut Tx<'_>, role: &str, permission: &str, by: &Context) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? {
        return Ok(Change::UnknownRole);
    }
    if !permission_exists(tx, permission).await? {
        return Ok(Change::UnknownPermission);
    }
    let sql = "INSERT INTO role_permissions (role, permission) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let changed = tx.execute(sql, params![role, permission]).await?;
    Ok(role_changed(tx, changed, format!("{role} +{permission}"), by))
}

async fn disallow(tx: &mut Tx<'_>, role: &str, permission: &str, by: &Context) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? {
        return Ok(Change::UnknownRole);
    }
    if !permission_exists(tx, permission).await? {
        return Ok(Change::UnknownPermission);
    }
    if role == ADMINISTRATOR {
        return Ok(Change::Protected);
    }
    let sql = "DELETE FROM role_permissions WHERE role = $1 AND permission = $2";
    let changed = tx.execute(sql, params![role, permission]).await?;
    Ok(role_changed(tx, changed, format!("{role} -{permission}"), by))
}

async fn inherit(tx: &mut Tx<'_>, role: &str, parent: &str, by: &Context) -> Result<Change, Fault> {
    defends!("T025");
    lock_roles(tx).await?;
    if !role_exists(tx, role).await? || !role_exists(tx, parent).await? {
        return Ok(Change::UnknownRole);
    }
    if role == ADMINISTRATOR {
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

async fn disinherit(tx: &mut Tx<'_>, role: &str, parent: &str, by: &Context) -> Result<Change, Fault> {
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

async fn assign(tx: &mut Tx<'_>, account: Id, role: &str, by: &Context) -> Result<Change, Fault> {
    lock_roles(tx).await?;
    if !account_exists(tx, account).await? {
        return Ok(Change::UnknownAccount);
    }
    if !role_exists(tx, role).await? {
        return Ok(Change::UnknownRole);
    }
    let sql = "INSERT INTO account_roles (account_id, role) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![account, role]).await? == 0 {
        return Ok(Change::Unchanged);
    }
    tx.record(by, Entry::of(Action::RoleAssigned).account(account).detail(role));
    tx.invalidate(Invalidation::Account(account), by.at);
    Ok(Change::Done)
}

async fn unassign(tx: &mut Tx<'_>, account: Id, role: &str, by: &Context) -> Result<Change, Fault> {
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
