//! Roles of a program's code: what the code says is what they give, no more and no less.
//!
//! A program writes them when it starts, not while it runs: of two versions that run beside each other, the one that started
//! last has said what counts, and neither undoes the other's word later.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_core::audit::{Action, Context};
use portcullis_core::authz::Brings;
use portcullis_core::defends;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::roles::{DeclarationError, RoleRecord};

use super::administrator::{administrator_acts, lock_roles};
use super::{ROLES, authority, inheritance, role};
use crate::event::Entry;
use crate::tx::Tx;
use crate::value::params;

pub(super) async fn declare_roles(
    tx: &mut Tx<'_>,
    roles: &[RoleRecord],
    at: Timestamp,
) -> Result<Result<Vec<String>, DeclarationError>, Fault> {
    lock_roles(tx).await?;
    let by = Context::system(at);
    let before = Before::read(tx, roles).await?;
    let mut changes = 0;
    for role in roles {
        changes += make(tx, role, before.present.get(&role.name), &by).await?;
    }
    // First all that isn't said any more: what is put in place then closes no ring.
    for role in roles {
        changes += take(tx, role, before.present.get(&role.name), &by).await?;
    }
    for role in roles {
        changes += give(tx, role, before.present.get(&role.name), &by).await?;
        mark(tx, role, &before.marked).await?;
    }
    if let Some(refused) = before.refuses(tx).await? {
        tx.undo();
        return Ok(Err(refused));
    }
    if changes > 0 {
        tx.invalidate(Invalidation::Roles, at);
    }
    let declared: BTreeSet<_> = roles.iter().map(|role| &role.name).collect();
    let left = before.marked.iter().filter(|name| !declared.contains(name));
    Ok(Ok(left.cloned().collect()))
}

/// What there was before the declaration.
struct Before {
    present: BTreeMap<String, RoleRecord>,
    /// The roles that code declared before.
    marked: BTreeSet<String>,
    /// What those give that code didn't, and that somebody has.
    held: BTreeMap<String, Brings>,
    administered: bool,
}

impl Before {
    async fn read(tx: &mut Tx<'_>, roles: &[RoleRecord]) -> Result<Self, Fault> {
        let rows = tx.query(ROLES, params![]).await?.into_iter();
        let named = rows.map(|row| role(row).map(|one| (one.name.clone(), one)));
        let present = named.collect::<Result<BTreeMap<_, _>, Fault>>()?;
        let rows = tx.query(MARKED, params![]).await?.into_iter();
        let marked = rows.map(|mut row| row.take());
        let marked = marked.collect::<Result<BTreeSet<String>, Fault>>()?;
        let mut held = BTreeMap::new();
        for role in roles.iter().filter(|role| !marked.contains(&role.name)) {
            if tx.query_one(IS_HELD, params![&role.name]).await?.is_some()
                && let Some(brings) = authority::brings(tx, &role.name).await?
            {
                held.insert(role.name.clone(), brings);
            }
        }
        Ok(Self {
            present,
            marked,
            held,
            administered: administrator_acts(tx).await?,
        })
    }

    /// Why what was just written must not be.
    async fn refuses(&self, tx: &mut Tx<'_>) -> Result<Option<DeclarationError>, Fault> {
        defends!("T210");
        for (role, before) in &self.held {
            let now = authority::brings(tx, role).await?.unwrap_or_default();
            let permissions = now.permissions.difference(&before.permissions);
            let gains: BTreeSet<_> = permissions.chain(now.roles.difference(&before.roles)).collect();
            if !gains.is_empty() {
                return Ok(Some(DeclarationError::Held {
                    role: role.clone(),
                    gains: gains.into_iter().cloned().collect(),
                }));
            }
        }
        if self.administered && !administrator_acts(tx).await? {
            return Ok(Some(DeclarationError::LastAdministrator));
        }
        Ok(None)
    }
}

/// Makes the role, or gives it its words; how many changes that were.
async fn make(
    tx: &mut Tx<'_>,
    role: &RoleRecord,
    present: Option<&RoleRecord>,
    by: &Context,
) -> Result<u32, Fault> {
    if inheritance::create(tx, &role.name, &role.description).await? {
        tx.record(by, Entry::of(Action::RoleCreated).detail(&role.name));
        return Ok(1);
    }
    if present.is_some_and(|present| present.description == role.description) {
        return Ok(0);
    }
    let sql = "UPDATE portcullis_roles SET description = $2 WHERE name = $1";
    tx.execute(sql, params![&role.name, &role.description]).await?;
    changed(tx, format!("{} is described anew", role.name), by);
    Ok(1)
}

/// Takes what the code doesn't say from a role that there was.
async fn take(
    tx: &mut Tx<'_>,
    role: &RoleRecord,
    present: Option<&RoleRecord>,
    by: &Context,
) -> Result<u32, Fault> {
    let mut changes = 0;
    let Some(present) = present else {
        return Ok(changes);
    };
    let name = &role.name;
    for parent in present.inherits.iter().filter(|one| !role.inherits.contains(one)) {
        inheritance::remove_parent(tx, name, parent).await?;
        changed(tx, format!("{name} inherits {parent} no more"), by);
        changes += 1;
    }
    let sql = "DELETE FROM portcullis_role_permissions WHERE role = $1 AND permission = $2";
    for permission in present
        .permissions
        .iter()
        .filter(|one| !role.permissions.contains(one))
    {
        tx.execute(sql, params![name, permission]).await?;
        changed(tx, format!("{name} -{permission}"), by);
        changes += 1;
    }
    Ok(changes)
}

/// Gives the role what the code says and it hadn't.
async fn give(
    tx: &mut Tx<'_>,
    role: &RoleRecord,
    present: Option<&RoleRecord>,
    by: &Context,
) -> Result<u32, Fault> {
    let mut changes = 0;
    let name = &role.name;
    let had = |of: fn(&RoleRecord) -> &Vec<String>, one: &String| {
        present.is_some_and(|present| of(present).contains(one))
    };
    let sql =
        "INSERT INTO portcullis_role_permissions (role, permission) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    for permission in role
        .permissions
        .iter()
        .filter(|one| !had(|role| &role.permissions, one))
    {
        if tx.execute(sql, params![name, permission]).await? > 0 {
            changed(tx, format!("{name} +{permission}"), by);
            changes += 1;
        }
    }
    for parent in role
        .inherits
        .iter()
        .filter(|one| !had(|role| &role.inherits, one))
    {
        if inheritance::put_parent(tx, name, parent).await? {
            changed(tx, format!("{name} inherits {parent}"), by);
            changes += 1;
        }
    }
    Ok(changes)
}

/// Remembers that code declares the role.
async fn mark(tx: &mut Tx<'_>, role: &RoleRecord, marked: &BTreeSet<String>) -> Result<(), Fault> {
    if marked.contains(&role.name) {
        return Ok(());
    }
    let sql = "INSERT INTO portcullis_declared_roles (role) VALUES ($1) ON CONFLICT DO NOTHING";
    tx.execute(sql, params![&role.name]).await.map(drop)
}

fn changed(tx: &mut Tx<'_>, detail: String, by: &Context) {
    tx.record(by, Entry::of(Action::RoleChanged).detail(detail));
}

const MARKED: &str = "SELECT role FROM portcullis_declared_roles";

/// A row if somebody has the role, will have it by an invitation, or has it by another role.
const IS_HELD: &str = "SELECT 1 WHERE EXISTS (SELECT 1 FROM portcullis_account_roles WHERE role = $1)
    OR EXISTS (SELECT 1 FROM portcullis_organization_roles WHERE role = $1)
    OR EXISTS (SELECT 1 FROM portcullis_organization_invitation_roles WHERE role = $1)
    OR EXISTS (SELECT 1 FROM portcullis_role_parents WHERE parent = $1)";
