//! Grants: what is shared with whom.
//!
//! Nothing here is cached: who asks reads the row, so no invalidation is due. The roles that count are those of the
//! same snapshot.

use portcullis_core::account::AccountState;
use portcullis_core::audit::{self, Action, Actor, Context};
use portcullis_core::defends;
use portcullis_core::effect::Effect;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::grants::{
    Grant, GrantError, GrantRecord, Ground, Holder, MOST, Store, Subject, Target, Term,
};
use portcullis_core::organization;

use crate::Database;
use crate::access::inherited;
use crate::event::{self, Entry};
use crate::port::on_database as implement;
use crate::tx::Tx;
use crate::value::{Row, Value, one, params};

portcullis_core::grants_port!();

async fn grants_of(on: &Database, target: Target, now: Timestamp) -> Result<Vec<GrantRecord>, Fault> {
    let sql = "SELECT subject, action, expires_at, granted_by, granted_at FROM portcullis_grants
        WHERE kind = $1 AND resource = $2 AND (expires_at IS NULL OR expires_at > $3)
        ORDER BY subject, action";
    let rows = on.read(sql, params![&target.kind, &target.id, now]).await?;
    rows.into_iter().map(|row| record(row, &target)).collect()
}

async fn held(
    on: &Database,
    holder: Holder,
    target: Target,
    action: String,
    now: Timestamp,
) -> Result<Option<Term>, Fault> {
    defends!("T063");
    let rows = on.read(HELD, &held_by(holder, &target, &action, now)).await?;
    rows.into_iter().next().map_or(Ok(None), term)
}

async fn held_ids(
    on: &Database,
    holder: Holder,
    kind: String,
    action: String,
    now: Timestamp,
    after: String,
    limit: u32,
) -> Result<Vec<String>, Fault> {
    let params = params![
        holder.account,
        holder.organization.map(organization::Id::as_uuid),
        &kind,
        &action,
        now,
        &after,
        limit
    ];
    let rows = on.read(HELD_IDS, params).await?;
    rows.into_iter().map(|mut row| row.take()).collect()
}

/// The roles of account `$1`, those they inherit included.
macro_rules! roles {
    () => {
        inherited!("portcullis_account_roles" where "portcullis_account_roles.account_id = $1")
    };
}

/// How many grants count, how many of them have an end, and the last end.
const HELD: &str = concat!(
    "SELECT count(*), count(expires_at), max(expires_at) FROM portcullis_grants
     WHERE kind = $3 AND resource = $4 AND action = $5 AND (expires_at IS NULL OR expires_at > $6)
     AND (account_id = $1 OR organization_id = $2 OR role IN (",
    roles!(),
    "))"
);

/// The cross joins tell SQLite to begin with the roles: left to itself, it goes through every grant of the kind in order. For
/// PostgreSQL they are joins as any other.
const HELD_IDS: &str = "SELECT resource FROM (
         SELECT resource FROM portcullis_grants WHERE account_id = $1 AND kind = $3 AND action = $4
             AND (expires_at IS NULL OR expires_at > $5) AND resource > $6
         UNION SELECT resource FROM portcullis_grants WHERE organization_id = $2 AND kind = $3 AND action = $4
             AND (expires_at IS NULL OR expires_at > $5) AND resource > $6
         UNION SELECT resource FROM portcullis_account_roles CROSS JOIN portcullis_role_closure CROSS JOIN portcullis_grants
             WHERE portcullis_account_roles.account_id = $1
             AND portcullis_role_closure.role = portcullis_account_roles.role
             AND portcullis_grants.role = portcullis_role_closure.inherited AND kind = $3 AND action = $4
             AND (expires_at IS NULL OR expires_at > $5) AND resource > $6) AS held
     ORDER BY resource LIMIT $7";

/// The parameters of [`HELD`].
fn held_by<'a>(holder: Holder, target: &'a Target, action: &'a str, now: Timestamp) -> Vec<Value<'a>> {
    params![
        holder.account,
        holder.organization.map(organization::Id::as_uuid),
        &target.kind,
        &target.id,
        action,
        now
    ]
    .to_vec()
}

fn term(mut row: Row) -> Result<Option<Term>, Fault> {
    let (all, ending): (i64, i64) = (row.take()?, row.take()?);
    let last: Option<Timestamp> = row.take()?;
    Ok(match last {
        _ if all == 0 => None,
        Some(last) if all == ending => Some(Term::Until(last)),
        _ => Some(Term::Open),
    })
}

fn record(mut row: Row, target: &Target) -> Result<GrantRecord, Fault> {
    let subject: String = row.take()?;
    Ok(GrantRecord {
        grant: Grant {
            target: target.clone(),
            subject: subject
                .parse()
                .map_err(|error| Fault::Corrupt(format!("the subject of a grant: {error}")))?,
            action: row.take()?,
            expires_at: row.take()?,
        },
        granted_by: row.take()?,
        granted_at: row.take()?,
    })
}

async fn share(
    tx: &mut Tx<'_>,
    grant: &Grant,
    on: Ground,
    by: &Context,
) -> Result<Result<Effect, GrantError>, Fault> {
    if !grant.target.is_storable() {
        return Err(Fault::Other("a resource's id can't be stored".to_owned()));
    }
    let Grant {
        target,
        subject,
        action,
        expires_at,
    } = grant;
    if !exists(tx, subject).await? {
        return Ok(Err(GrantError::UnknownSubject));
    }
    // What is locked can't be taken back, nor the number of grants passed by another who shares, before this is written.
    tx.query(LOCK, params![&target.kind, &target.id]).await?;
    if !sharer_acts(tx, by).await? {
        return Ok(Err(GrantError::Escalation));
    }
    if let Ground::Held(holder) = on {
        let rows = tx.query(HELD, &held_by(holder, target, action, by.at)).await?;
        let held = rows.into_iter().next().map_or(Ok(None), term)?;
        if !held.is_some_and(|held| held.covers(*expires_at)) {
            return Ok(Err(GrantError::Escalation));
        }
    }
    let (account, role, organization) = parts(subject);
    let key = subject.to_string();
    let written = params![
        &target.kind,
        &target.id,
        &key,
        action,
        account,
        role,
        organization,
        event::actor(by.actor),
        by.at,
        *expires_at
    ];
    if tx.execute(SHARE, written).await? == 0 {
        return Ok(Ok(Effect::Unchanged));
    }
    let all: i64 = one(tx.query(COUNT, params![&target.kind, &target.id, by.at]).await?)?;
    if all > i64::from(MOST) {
        tx.undo();
        return Ok(Err(GrantError::TooMany));
    }
    let mut detail = format!("{action} on {target} to {subject}");
    if let Some(end) = expires_at {
        detail.push_str(&format!(" until {end}"));
    }
    tx.record(by, about(Action::GrantGiven, subject, detail));
    Ok(Ok(Effect::Changed))
}

/// Whether the sharer, whatever they share by, may act still, and until this is written. Whose the resource is only the
/// application knows.
async fn sharer_acts(tx: &mut Tx<'_>, by: &Context) -> Result<bool, Fault> {
    defends!("T179");
    let Actor::Account(account) = by.actor else {
        return Ok(by.actor == Actor::Operator || by.actor == Actor::System);
    };
    let sql = "SELECT state FROM portcullis_accounts WHERE id = $1 FOR NO KEY UPDATE";
    let row = tx.query_one(sql, params![account]).await?;
    let state: Option<AccountState> = row.map(|mut row| row.take()).transpose()?;
    Ok(state.is_some_and(|state| tx.may_act(state)))
}

/// In one order: two who share the same can't wait for each other.
const LOCK: &str = "SELECT subject FROM portcullis_grants WHERE kind = $1 AND resource = $2
    ORDER BY subject, action FOR UPDATE";

/// Grants that are over count for nothing, also before they are swept away.
const COUNT: &str = "SELECT count(*) FROM portcullis_grants WHERE kind = $1 AND resource = $2
    AND (expires_at IS NULL OR expires_at > $3)";

const SHARE: &str = "INSERT INTO portcullis_grants
    (kind, resource, subject, action, account_id, role, organization_id, granted_by, granted_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (kind, resource, subject, action) DO UPDATE SET
        granted_by = excluded.granted_by, granted_at = excluded.granted_at, expires_at = excluded.expires_at
    WHERE portcullis_grants.expires_at IS DISTINCT FROM excluded.expires_at";

/// Whether there is such an account or role. Organizations are checked by whoever knows the resource's own.
async fn exists(tx: &mut Tx<'_>, subject: &Subject) -> Result<bool, Fault> {
    let found = match subject {
        Subject::Account(id) => {
            tx.query_one("SELECT 1 FROM portcullis_accounts WHERE id = $1", params![*id])
                .await?
        }
        Subject::Role(name) => {
            tx.query_one("SELECT 1 FROM portcullis_roles WHERE name = $1", params![name])
                .await?
        }
        Subject::Organization(_) => return Ok(true),
    };
    Ok(found.is_some())
}

/// The columns that lead to account, role and organization.
fn parts(subject: &Subject) -> (Value<'_>, Value<'_>, Value<'_>) {
    match subject {
        Subject::Account(id) => (Value::from(*id), Value::Null, Value::Null),
        Subject::Role(name) => (Value::Null, Value::from(name), Value::Null),
        Subject::Organization(id) => (Value::Null, Value::Null, Value::from(id.as_uuid())),
    }
}

async fn unshare(
    tx: &mut Tx<'_>,
    target: &Target,
    subject: &Subject,
    action: &str,
    by: &Context,
) -> Result<bool, Fault> {
    let sql =
        "DELETE FROM portcullis_grants WHERE kind = $1 AND resource = $2 AND subject = $3 AND action = $4";
    let key = subject.to_string();
    let gone = tx
        .execute(sql, params![&target.kind, &target.id, &key, action])
        .await?
        > 0;
    if gone {
        let detail = format!("{action} on {target} from {subject}");
        tx.record(by, about(Action::GrantTaken, subject, detail));
    }
    Ok(gone)
}

async fn unshare_all(tx: &mut Tx<'_>, target: &Target, by: &Context) -> Result<u64, Fault> {
    let sql = "DELETE FROM portcullis_grants WHERE kind = $1 AND resource = $2";
    let gone = tx.execute(sql, params![&target.kind, &target.id]).await?;
    if gone > 0 {
        tx.record(by, Entry::of(Action::GrantsTaken).detail(target.to_string()));
    }
    Ok(gone)
}

fn about(action: Action, subject: &Subject, detail: String) -> Entry {
    let entry = Entry::of(action).detail(detail);
    match subject {
        Subject::Account(id) => entry.account(*id),
        Subject::Role(_) | Subject::Organization(_) => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::SQLITE;

    /// However much is shared with others, what somebody may see is looked up by them, their organization and their roles.
    #[test]
    fn what_somebody_may_see_is_looked_up_by_whom_it_is_shared_with() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        database.execute_batch(SQLITE.begin.sql).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", HELD_IDS.replace('$', "?"));
        let mut plan = database.prepare(&sql).unwrap();
        let nothing = rusqlite::params_from_iter([rusqlite::types::Null; 7]);
        let steps = plan.query_map(nothing, |step| step.get::<_, String>("detail"));
        let steps: Vec<_> = steps.unwrap().map(Result::unwrap).collect();
        let by = |subject: &str| {
            let key = format!("({subject}=? AND kind=? AND action=? AND resource>?)");
            steps
                .iter()
                .any(|step| step.contains("INDEX portcullis_grants_") && step.ends_with(&key))
        };
        assert!(
            by("account_id") && by("organization_id") && by("role"),
            "{steps:#?}"
        );
        assert!(
            !steps.iter().any(|step| step.contains("PRIMARY KEY (kind=?")),
            "{steps:#?}"
        );
    }
}
