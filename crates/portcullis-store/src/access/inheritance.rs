//! Which roles come with a role: the closure of what they inherit, and the statements that join it.
//!
//! `portcullis_role_closure (role, inherited)` holds every role with itself and with all that it inherits over however many
//! steps. It is kept by the verbs that change the graph, in their transaction and under the lock of the roles, so that
//! nothing which asks what somebody has walks the graph. Only taking a parent away does: what is left is found from the
//! graph anew, for roles may inherit the same over several ways.

use portcullis_core::fault::Fault;

use crate::tx::Tx;
use crate::value::params;

/// A selection of `role`: the roles that rows of `$table` give where `$condition`, with all they inherit.
macro_rules! inherited {
    ($table:literal where $condition:expr) => {
        concat!(
            "SELECT portcullis_role_closure.inherited AS role FROM ",
            $table,
            " JOIN portcullis_role_closure ON portcullis_role_closure.role = ",
            $table,
            ".role WHERE ",
            $condition
        )
    };
}
pub(crate) use inherited;

/// A selection of `role`: `$role` with all it inherits.
macro_rules! inherited_by {
    ($role:literal) => {
        concat!(
            "SELECT inherited AS role FROM portcullis_role_closure WHERE role = ",
            $role
        )
    };
}
pub(super) use inherited_by;

/// A selection of `role`: `$role` and all that inherit it.
macro_rules! inheriting {
    ($role:literal) => {
        concat!(
            "SELECT role FROM portcullis_role_closure WHERE inherited = ",
            $role
        )
    };
}
pub(super) use inheriting;

/// A column of names: the permissions that the roles of the selection `$held` have, each once.
macro_rules! permissions_of {
    ($held:expr) => {
        concat!(
            "(SELECT string_agg(permission, '\n') FROM (SELECT DISTINCT permission FROM portcullis_role_permissions
                WHERE role IN (",
            $held,
            ")) AS allowed)"
        )
    };
}
pub(crate) use permissions_of;

/// Two columns of names: the roles of the selection `$held`, and the permissions that they have, each once.
macro_rules! roles_and_permissions_of {
    ($held:expr) => {
        concat!(
            "(SELECT string_agg(role, '\n') FROM (SELECT DISTINCT role FROM (",
            $held,
            ") AS given) AS held), ",
            $crate::access::permissions_of!($held)
        )
    };
}
pub(crate) use roles_and_permissions_of;

/// Writes a role that inherits nothing, if there is none of this name; whether there was none.
pub(super) async fn create(tx: &mut Tx<'_>, name: &str, description: &str) -> Result<bool, Fault> {
    let sql = "INSERT INTO portcullis_roles (name, description) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![name, description]).await? == 0 {
        return Ok(false);
    }
    let itself = "INSERT INTO portcullis_role_closure (role, inherited) VALUES ($1, $1)";
    tx.execute(itself, params![name]).await?;
    Ok(true)
}

/// Deletes a role, from everybody who has it and from the graph.
pub(super) async fn delete(tx: &mut Tx<'_>, name: &str) -> Result<(), Fault> {
    let parents = "DELETE FROM portcullis_role_parents WHERE role = $1";
    tx.execute(parents, params![name]).await?;
    forget_unreached(tx, name).await?;
    let sql = "DELETE FROM portcullis_roles WHERE name = $1";
    tx.execute(sql, params![name]).await.map(drop)
}

/// Whether `role` is `other`, or inherits it over any number of steps.
pub(super) async fn reaches(tx: &mut Tx<'_>, role: &str, other: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM portcullis_role_closure WHERE role = $1 AND inherited = $2";
    Ok(tx.query_one(sql, params![role, other]).await?.is_some())
}

/// Puts a parent over a role, which it must not reach; whether it wasn't there before.
pub(super) async fn put_parent(tx: &mut Tx<'_>, role: &str, parent: &str) -> Result<bool, Fault> {
    let sql = "INSERT INTO portcullis_role_parents (role, parent) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, params![role, parent]).await? == 0 {
        return Ok(false);
    }
    // Whoever has the role has from now on what comes with the parent.
    let closure = "INSERT INTO portcullis_role_closure (role, inherited)
        SELECT below.role, above.inherited FROM portcullis_role_closure AS below, portcullis_role_closure AS above
        WHERE below.inherited = $1 AND above.role = $2 ON CONFLICT DO NOTHING";
    tx.execute(closure, params![role, parent]).await?;
    Ok(true)
}

/// Takes a parent from a role; whether it had it.
pub(super) async fn remove_parent(tx: &mut Tx<'_>, role: &str, parent: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM portcullis_role_parents WHERE role = $1 AND parent = $2";
    if tx.execute(sql, params![role, parent]).await? == 0 {
        return Ok(false);
    }
    forget_unreached(tx, role).await?;
    Ok(true)
}

/// After the role lost parents: it and all that inherit it keep what the graph still leads them to.
async fn forget_unreached(tx: &mut Tx<'_>, role: &str) -> Result<(), Fault> {
    let sql = concat!(
        "WITH RECURSIVE reached (role, inherited) AS (
            SELECT role, role FROM portcullis_role_closure WHERE inherited = $1
            UNION SELECT reached.role, portcullis_role_parents.parent FROM reached
                JOIN portcullis_role_parents ON portcullis_role_parents.role = reached.inherited)
        DELETE FROM portcullis_role_closure WHERE role IN (",
        inheriting!("$1"),
        ") AND (role, inherited) NOT IN (SELECT role, inherited FROM reached)"
    );
    tx.execute(sql, params![role]).await.map(drop)
}
