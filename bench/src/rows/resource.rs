//! A list of what the caller may see, out of 10,000 rows: the decision as a condition of the statement, against the same
//! list with no decision at all, and with the condition that somebody would write by hand.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use portcullis_identity::core::authn::{Bearer, Credential};
use portcullis_identity::core::authz::{DecisionContext, Principal, ResourceKind};
use portcullis_identity::core::grants::{Grant, Ground, Store as _, Subject, Target};
use portcullis_identity::core::login::Delivery;
use portcullis_identity::core::{account, audit};
use portcullis_identity::filter::condition;
use portcullis_identity::resource::{ActionOn as _, Actions as _, Column, Columns, Dialect, Tenancy};
use portcullis_identity::{Portcullis, resource_actions};
use rusqlite::{Connection, ToSql, params_from_iter};
use tokio::runtime::Runtime;

use super::Plan;
use crate::deployment::{self, runtime};
use crate::measure::{Side, Stopwatch, in_turns};
use crate::report::{Budget, Line};

struct Row;

resource_actions! {
    Row:
    Read = "measured:read": "Read a row": owner, shared;
}

static KIND: ResourceKind = ResourceKind {
    name: "Row",
    tenancy: Tenancy::Anywhere,
    fields: &[],
    actions: Row::NAMES,
};

const COLUMNS: Columns = Columns {
    id: Column::integer("id"),
    owner: Some(Column::uuid("owner")),
    organization: None,
    fields: &[],
};

pub(super) fn measure(plan: &Plan) -> Result<Vec<Line>> {
    let runtime = runtime()?;
    let (portcullis, principal) = runtime.block_on(caller())?;
    let table = table(principal.id())?;
    let rows = |sql: &str, params: &[&dyn ToSql]| -> Result<usize> {
        let mut statement = table.prepare_cached(sql)?;
        let rows = statement.query_map(params, |row| row.get::<_, i64>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?.len())
    };
    let decided: Side<'_, f64> = Box::new(|_| {
        timed(|| {
            let seen = visible(&runtime, &portcullis, &principal)?;
            let params: Vec<&dyn ToSql> = seen.1.iter().map(|value| value as &dyn ToSql).collect();
            rows(
                &format!("SELECT id, text FROM records WHERE {} ORDER BY id", seen.0),
                &params,
            )
        })
    });
    let shared = (OWNED..OWNED + SHARED)
        .map(|id| id.to_string())
        .collect::<Vec<_>>();
    let shared = format!("[{}]", shared.join(","));
    let owner = principal.id().as_uuid().as_bytes().to_vec();
    let by_hand: Side<'_, f64> = Box::new(|_| {
        let sql = "SELECT id, text FROM records
            WHERE owner = ?1 OR id IN (SELECT value FROM json_each(?2)) ORDER BY id";
        timed(|| rows(sql, &[&owner, &shared]))
    });
    let unguarded: Side<'_, f64> = Box::new(|_| {
        let sql = "SELECT id, text FROM records ORDER BY id LIMIT ?1";
        timed(|| rows(sql, &[&(OWNED + SHARED)]))
    });
    let samples = in_turns(
        plan.rounds(9, 25),
        plan.millis(0, 0),
        &mut [decided, by_hand, unguarded],
    )?;
    let [decided, by_hand, unguarded] = samples.as_slice() else {
        anyhow::bail!("three sides have three lists of samples");
    };
    let what = "list of 150 out of 10,000 rows, decided";
    Ok(vec![
        Line::compared(
            format!("{what} ÷ condition by hand"),
            "µs",
            (decided, by_hand),
            Budget::None,
        ),
        Line::compared(
            format!("{what} ÷ as many rows unasked"),
            "µs",
            (decided, unguarded),
            Budget::None,
        ),
    ])
}

/// Microseconds for one list of the right length.
fn timed(list: impl Fn() -> Result<usize>) -> Result<f64> {
    let watch = Stopwatch::of_process();
    for _ in 0..LISTS {
        let found = black_box(list()?);
        ensure!(
            found == usize::try_from(OWNED + SHARED)?,
            "{found} rows were found"
        );
    }
    Ok(watch.wall().as_secs_f64() * 1e6 / f64::from(LISTS))
}

/// Everything from the caller to the statement's end: reading grants, deciding, writing the condition.
fn visible(
    runtime: &Runtime,
    portcullis: &Portcullis,
    principal: &Arc<Principal>,
) -> Result<(String, Vec<portcullis_identity::resource::SqlValue>)> {
    let decision = DecisionContext::at(portcullis.environment().now());
    let grants = portcullis.gate().grants();
    let seen = runtime.block_on(grants.visible(&Read::RULE, principal, &decision, &KIND))?;
    let condition = condition(&seen.filter, &KIND, Dialect::Sqlite, &COLUMNS, 1)?;
    Ok((condition.sql, condition.params))
}

/// Somebody who was granted some rows.
async fn caller() -> Result<(Portcullis, Arc<Principal>)> {
    let portcullis = deployment::in_memory().open().await?;
    let account = deployment::register(&portcullis, EMAIL).await?;
    let now = portcullis.environment().now();
    for id in OWNED..OWNED + SHARED {
        let grant = Grant {
            target: Target {
                kind: KIND.name.to_owned(),
                id: id.to_string(),
            },
            subject: Subject::Account(account),
            action: Read::RULE.name().to_owned(),
            expires_at: None,
        };
        let shared = portcullis
            .database()
            .share(grant, Ground::Own, audit::Context::system(now));
        shared.await??;
    }
    let token = deployment::log_in(&portcullis, EMAIL, Delivery::Tokens).await?;
    let authenticator = portcullis.gate().authenticator();
    let principal = authenticator
        .authenticate(&Credential::Jwt(Bearer(&token)), None, now)
        .await
        .context("the caller is not known")?;
    Ok((portcullis, principal))
}

/// Ten thousand rows, the first of them the caller's, indexed by owner.
fn table(owner: account::Id) -> Result<Connection> {
    let table = Connection::open_in_memory()?;
    table.execute_batch(
        "CREATE TABLE records (id INTEGER PRIMARY KEY, owner BLOB NOT NULL, text TEXT NOT NULL);
         CREATE INDEX records_owner ON records (owner);
         BEGIN",
    )?;
    for id in 0..ROWS {
        let owner = if id < OWNED {
            owner.as_uuid().as_u128()
        } else {
            u128::try_from(id)?
        };
        let row: [&dyn ToSql; 3] = [&id, &owner.to_be_bytes(), &format!("row {id}")];
        table.execute("INSERT INTO records VALUES (?1, ?2, ?3)", params_from_iter(row))?;
    }
    table.execute_batch("COMMIT; ANALYZE")?;
    Ok(table)
}

const EMAIL: &str = "anna@example.com";
const ROWS: i64 = 10_000;
const OWNED: i64 = 100;
const SHARED: i64 = 50;
const LISTS: u32 = 50;
