//! Roles, permissions, and what an account may do.
//!
//! Every verb that changes roles first takes one lock, so that two of them never see each other's graph half done:
//! a cycle can't be closed from two sides, and the last administrator can't be lost by two calls of which each
//! leaves one.

mod administrator;
mod authority;
mod change;
mod decisions;
mod declared;
mod inheritance;

use std::collections::{BTreeMap, HashSet};

use portcullis_core::account::{self, Account, Id};
use portcullis_core::audit::{self, Action, Context};
use portcullis_core::authz::{AccountFacts, InvalidName, is_the_servers, valid_permission_name};
use portcullis_core::effect::Effect;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::organization::OWNER;
use portcullis_core::roles::{
    DeclarationError, MemberFacts, PermissionRecord, RoleRecord, RolesError, Store,
};
use portcullis_core::scopes::ADMINISTRATOR;
use uuid::Uuid;

pub(crate) use self::administrator::{
    ADMINISTRATORS, administrator_acts, administrator_exists, lock_roles, people_who_administer,
};
pub(crate) use self::authority::{all_bring, brings, missing_over, of_actor, of_actor_in, of_member};
use self::change::{
    allow, assign, create_role, declare_permission, delete_role, disallow, disinherit, inherit, unassign,
    withdraw_permission,
};
use self::declared::declare_roles;
pub(crate) use self::inheritance::{inherited, permissions_of, roles_and_permissions_of};
use crate::Database;
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::row::{account, account_columns};
use crate::tx::Tx;
use crate::value::{Row, names, params};

portcullis_core::roles_port!();

/// What came of a change: a refusal wrote nothing, a fault means that nobody knows yet why.
type Outcome = Result<Result<Effect, RolesError>, Fault>;

async fn facts(on: &Database, id: Id) -> Result<Option<AccountFacts>, Fault> {
    let row = on.read(FACTS, params![id]).await?.into_iter().next();
    let facts = |mut row: Row| {
        Ok(AccountFacts {
            account: account(&mut row)?,
            roles: names(&mut row)?,
            permissions: names(&mut row)?,
            attributes: row.take()?,
        })
    };
    row.map(facts).transpose()
}

async fn as_member(on: &Database, account: Id) -> Result<MemberFacts, Fault> {
    let row = on.read(AS_MEMBER, params![account]).await?.into_iter().next();
    let facts = |mut row: Row| {
        Ok(MemberFacts {
            organizations: u64::try_from(row.take::<i64>()?).unwrap_or(u64::MAX),
            permissions: names(&mut row)?,
        })
    };
    row.map_or_else(|| Ok(MemberFacts::default()), facts)
}

async fn permissions(on: &Database) -> Result<Vec<PermissionRecord>, Fault> {
    let rows = on.read(PERMISSIONS, params![]).await?;
    let mut permissions: Vec<_> = rows.into_iter().map(permission).collect::<Result<_, Fault>>()?;
    // Sorted here: PostgreSQL sorts by its locale.
    permissions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(permissions)
}

fn permission(mut row: Row) -> Result<PermissionRecord, Fault> {
    Ok(PermissionRecord {
        name: row.take()?,
        description: row.take()?,
        action: row.take()?,
    })
}

const PERMISSIONS: &str = "SELECT name, description, action FROM portcullis_permissions";

async fn roles(on: &Database) -> Result<Vec<RoleRecord>, Fault> {
    let rows = on.read(ROLES, params![]).await?;
    let mut roles: Vec<_> = rows.into_iter().map(role).collect::<Result<_, Fault>>()?;
    roles.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(roles)
}

fn role(mut row: Row) -> Result<RoleRecord, Fault> {
    Ok(RoleRecord {
        name: row.take()?,
        description: row.take()?,
        permissions: names(&mut row)?,
        inherits: names(&mut row)?,
    })
}

const ROLES: &str = "SELECT name, description,
    (SELECT string_agg(permission, '\n') FROM portcullis_role_permissions WHERE role = portcullis_roles.name),
    (SELECT string_agg(parent, '\n') FROM portcullis_role_parents WHERE role = portcullis_roles.name)
    FROM portcullis_roles";

async fn holders(
    on: &Database,
    role: String,
    after: Option<Id>,
    limit: u32,
) -> Result<Option<Vec<Account>>, Fault> {
    let sql = concat!(
        "SELECT ",
        account_columns!(),
        " FROM portcullis_accounts WHERE id > $2 AND id IN (SELECT account_id FROM portcullis_account_roles WHERE role = $1)
         ORDER BY id LIMIT $3"
    );
    let after = after.map_or(Uuid::nil(), Id::as_uuid);
    let rows = on.read(sql, params![&role, after, limit]).await?;
    let exists = "SELECT 1 FROM portcullis_roles WHERE name = $1";
    if rows.is_empty() && on.read(exists, params![&role]).await?.is_empty() {
        return Ok(None);
    }
    let accounts = rows.into_iter().map(|mut row| account(&mut row));
    accounts.collect::<Result<_, _>>().map(Some)
}

async fn assigned(on: &Database, account: Id) -> Result<Option<Vec<String>>, Fault> {
    let sql = "SELECT (SELECT string_agg(role, '\n') FROM portcullis_account_roles WHERE account_id = portcullis_accounts.id)
        FROM portcullis_accounts WHERE id = $1";
    let row = on.read(sql, params![account]).await?.into_iter().next();
    row.map(|mut row| names(&mut row)).transpose()
}

/// One statement, so that account, roles and permissions are of one moment.
const FACTS: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", ",
    roles_and_permissions_of!(
        inherited!("portcullis_account_roles" where "portcullis_account_roles.account_id = $1")
    ),
    ", portcullis_accounts.attributes FROM portcullis_accounts WHERE id = $1"
);

const AS_MEMBER: &str = concat!(
    "SELECT (SELECT count(*) FROM portcullis_organization_members WHERE account_id = $1), ",
    permissions_of!(
        inherited!("portcullis_organization_roles" where "portcullis_organization_roles.account_id = $1
        AND EXISTS (SELECT 1 FROM portcullis_organizations
            WHERE id = portcullis_organization_roles.organization_id AND state = 'active')")
    )
);

/// Answers whether anything changed. Each permission that is new, has other words or wasn't the administrators' is on
/// record.
async fn declare(tx: &mut Tx<'_>, permissions: &[PermissionRecord], at: Timestamp) -> Result<(), Fault> {
    make_known(tx, permissions, &Context::system(at)).await.map(drop)
}

/// Declares the permissions, if all of them are well formed; whether something changed.
async fn make_known(tx: &mut Tx<'_>, permissions: &[PermissionRecord], by: &Context) -> Result<bool, Fault> {
    if let Some(PermissionRecord { name, .. }) =
        permissions.iter().find(|one| !valid_permission_name(&one.name))
    {
        return Err(Fault::Other(format!("{name:?}: {}", InvalidName::Permission)));
    }
    let give =
        "INSERT INTO portcullis_role_permissions (role, permission) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let known = "INSERT INTO portcullis_permissions (name, description, action) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET description = excluded.description,
            action = CASE WHEN excluded.action = 1 THEN 1 ELSE portcullis_permissions.action END";
    lock_roles(tx).await?;
    let (present, given) = (declared(tx).await?, given_to_administrator(tx).await?);
    let mut changed = inheritance::create(tx, ADMINISTRATOR, "May do everything").await?;
    for (name, wanted) in by_name(permissions) {
        let is_known = present.get(name).is_some_and(|present| says(present, &wanted));
        let is_given = given.contains(name);
        if is_known && is_given {
            continue;
        }
        if !is_known {
            let action = i64::from(wanted.action);
            tx.execute(known, params![name, &wanted.description, action])
                .await?;
        }
        if !is_given {
            tx.execute(give, params![ADMINISTRATOR, name]).await?;
            if !is_the_servers(name) {
                tx.execute(give, params![OWNER, name]).await?;
            }
        }
        tx.record(by, Entry::of(Action::PermissionDeclared).detail(name));
        changed = true;
    }
    if changed {
        tx.invalidate(Invalidation::Roles, by.at);
    }
    Ok(changed)
}

/// Of a name that is declared twice the last description counts, every time; it is an action if it is one once.
fn by_name(permissions: &[PermissionRecord]) -> BTreeMap<&str, PermissionRecord> {
    let mut wanted = BTreeMap::<&str, PermissionRecord>::new();
    for permission in permissions {
        let before = wanted.get(permission.name.as_str()).is_some_and(|one| one.action);
        let action = permission.action || before;
        wanted.insert(
            &permission.name,
            PermissionRecord {
                action,
                ..permission.clone()
            },
        );
    }
    wanted
}

/// Whether what is kept says already what is wanted. A name that was an action once stays one.
fn says(present: &PermissionRecord, wanted: &PermissionRecord) -> bool {
    present.description == wanted.description && (present.action || !wanted.action)
}

async fn declared(tx: &mut Tx<'_>) -> Result<BTreeMap<String, PermissionRecord>, Fault> {
    let rows = tx.query(PERMISSIONS, params![]).await?.into_iter();
    let named = rows.map(|row| permission(row).map(|one| (one.name.clone(), one)));
    named.collect()
}

async fn given_to_administrator(tx: &mut Tx<'_>) -> Result<HashSet<String>, Fault> {
    let sql = "SELECT permission FROM portcullis_role_permissions WHERE role = $1";
    let rows = tx.query(sql, params![ADMINISTRATOR]).await?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::SQLITE;

    /// However many accounts, organizations and roles there are, what is asked at a decision looks up what it needs.
    #[test]
    fn what_is_asked_at_a_decision_scans_no_table() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        let (mut version, mut next) = (0, Some(&SQLITE.begin));
        while let Some(step) = next {
            database.execute_batch(step.sql).unwrap();
            version = step.version;
            next = SQLITE.next(version);
        }
        assert_eq!(version, SQLITE.latest());
        for sql in [FACTS, AS_MEMBER] {
            let sql = format!("EXPLAIN QUERY PLAN {}", sql.replace('$', "?"));
            let mut plan = database.prepare(&sql).unwrap();
            let steps = plan.query_map([&[0_u8; 16][..]], |step| step.get::<_, String>("detail"));
            let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
            let scans = |step: &String| step.contains("SCAN portcullis_");
            assert!(!steps.iter().any(scans), "{sql}: {steps:#?}");
        }
    }
}
