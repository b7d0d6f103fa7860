//! The audit log: appended to by every verb ([`Tx::record`](crate::tx::Tx::record)), read by administrators.

use portcullis_core::audit::{Context, Event, EventFilter, Occurrence, Store};
use portcullis_core::fault::Fault;
use uuid::Uuid;

use crate::Database;
use crate::event::Entry;
use crate::port::on_database as implement;
use crate::tx::Tx;
use crate::value::{Row, params};

portcullis_core::audit_port!();

async fn append(tx: &mut Tx<'_>, occurrence: &Occurrence, by: &Context) -> Result<(), Fault> {
    tx.alone()?;
    tx.record(by, Entry::from(occurrence.clone()));
    Ok(())
}

async fn list(on: &Database, filter: EventFilter, limit: u32) -> Result<Vec<Event>, Fault> {
    let before = filter.before.unwrap_or(Uuid::max());
    let about = filter.account.map(|id| id.to_string());
    let (account, action) = (filter.account, filter.action.as_ref());
    if filter.api_key.is_some() {
        let asked = params![
            before,
            limit,
            filter.api_key,
            account,
            about,
            action,
            filter.trace
        ];
        return on.read(WITH_KEY, asked).await?.into_iter().map(event).collect();
    }
    let all = params![before, limit, account, about, action, filter.trace];
    let asked = all.get(..2).into_iter().chain([
        account.and(all.get(2..4)).unwrap_or_default(),
        action.and(all.get(4..5)).unwrap_or_default(),
        filter.trace.and(all.get(5..6)).unwrap_or_default(),
    ]);
    let asked: Vec<_> = asked.flatten().cloned().collect();
    let sql = statement(account.is_some(), action.is_some(), filter.trace.is_some());
    on.read(sql, &asked).await?.into_iter().map(event).collect()
}

macro_rules! list {
    ($($condition:literal)*) => { concat!(
        "SELECT id, at, action, actor, account_id, session_id, api_key_id, ip, user_agent, trace, detail
         FROM portcullis_audit_events WHERE id < $1", $(" AND ", $condition,)* " ORDER BY id DESC LIMIT $2"
    ) };
}

/// The statement for the parts of the filter that are set: only so do the indexes serve each.
fn statement(account: bool, action: bool, trace: bool) -> &'static str {
    match (account, action, trace) {
        (false, false, false) => list!(),
        (false, false, true) => list!("trace = $3"),
        (false, true, false) => list!("action = $3"),
        (false, true, true) => list!("action = $3" "trace = $4"),
        (true, false, false) => list!("(account_id = $3 OR actor = $4)"),
        (true, false, true) => list!("(account_id = $3 OR actor = $4)" "trace = $5"),
        (true, true, false) => list!("(account_id = $3 OR actor = $4)" "action = $5"),
        (true, true, true) => list!("(account_id = $3 OR actor = $4)" "action = $5" "trace = $6"),
    }
}

/// What one key did is little: its own index serves, and the rest is filtered. A parameter is compared first, so that
/// PostgreSQL knows its type.
const WITH_KEY: &str = list!(
    "api_key_id = $3"
    "(account_id = $4 OR actor = $5 OR $4 IS NULL)"
    "(action = $6 OR $6 IS NULL)"
    "(trace = $7 OR $7 IS NULL)"
);

fn event(mut row: Row) -> Result<Event, Fault> {
    Ok(Event {
        id: row.take()?,
        at: row.take()?,
        action: row.take()?,
        actor: row.take()?,
        account: row.take()?,
        session: row.take()?,
        api_key: row.take()?,
        ip: row.take()?,
        user_agent: row.take()?,
        trace: row.take()?,
        detail: row.take()?,
    })
}
