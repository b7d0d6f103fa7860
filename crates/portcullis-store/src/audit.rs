//! The audit log: appended to by every verb, read by administrators.
//!
//! An event's id is a UUID v7 made of the event's own time, a counter and the writer's name, so that ids are ordered
//! by time, events of one moment keep their order, and no two writers make the same id.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use portcullis_core::account;
use portcullis_core::audit::{Action, Actor, Context, Event, Filter, Refusal, Store};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::session;
use portcullis_core::text::shown;
use uuid::Uuid;

use crate::Database;
use crate::value::{Row, Value, params};

/// What a verb says of its change. It has no field for a secret.
pub(crate) struct Entry {
    action: Action,
    account: Option<account::Id>,
    session: Option<session::Id>,
    detail: Option<String>,
}

impl Entry {
    pub(crate) fn of(action: Action) -> Self {
        Self {
            action,
            account: None,
            session: None,
            detail: None,
        }
    }

    pub(crate) fn account(mut self, account: account::Id) -> Self {
        self.account = Some(account);
        self
    }

    pub(crate) fn session(mut self, session: session::Id) -> Self {
        self.session = Some(session);
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl From<Refusal> for Entry {
    fn from(refusal: Refusal) -> Self {
        Self {
            action: refusal.action,
            account: refusal.account,
            session: refusal.session,
            detail: Some(refusal.detail),
        }
    }
}

/// Where events take their ids from.
pub(crate) struct EventIds {
    node: u64,
    counter: AtomicU64,
}

impl EventIds {
    /// `node` is random: it names this writer.
    pub(crate) fn new(node: Uuid) -> Self {
        Self {
            node: node.as_u64_pair().1 & NODE_MASK,
            counter: AtomicU64::new(0),
        }
    }

    /// The id of the next event.
    ///
    /// Source: RFC 9562 §5.7, §6.2 methods 1 and 3
    pub(crate) fn next(&self, at: Timestamp) -> Uuid {
        let micros = u64::try_from(at.as_micros()).unwrap_or(0);
        let (millis, rest) = (micros / 1_000, micros % 1_000);
        let count = self.counter.fetch_add(1, Ordering::Relaxed) & COUNTER_MASK;
        let high = (millis << 16) | (0x7 << 12) | (rest * 4096 / 1000);
        let low = (0b10 << 62) | (count << NODE_BITS) | self.node;
        Uuid::from_u64_pair(high, low)
    }
}

const NODE_BITS: u32 = 40;
const NODE_MASK: u64 = (1 << NODE_BITS) - 1;
const COUNTER_MASK: u64 = (1 << (62 - NODE_BITS)) - 1;

pub(crate) const INSERT_EVENT: &str = "INSERT INTO audit_events
    (id, at, action, actor, account_id, session_id, api_key_id, ip, user_agent, trace, detail)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The parameters of [`INSERT_EVENT`]. Who reads the log reads what is there: nothing in it hides or turns (`T141`).
pub(crate) fn event_params(id: Uuid, by: &Context, entry: Entry) -> Vec<Value<'static>> {
    vec![
        Value::from(id),
        Value::from(by.at),
        Value::from(entry.action.as_str()),
        actor(by.actor),
        Value::from(entry.account),
        Value::from(entry.session),
        Value::from(by.api_key),
        Value::from(by.ip),
        Value::from(by.user_agent.as_deref().map(|text| shown(text).into_owned())),
        Value::from(by.trace),
        Value::from(entry.detail.map(|text| shown(&text).into_owned())),
    ]
}

pub(crate) fn actor(actor: Actor) -> Value<'static> {
    match actor {
        Actor::Anonymous => Value::from("anonymous"),
        Actor::Operator => Value::from("operator"),
        Actor::System => Value::from("system"),
        Actor::Account(id) => Value::from(id.to_string()),
    }
}

#[async_trait]
impl Store for Database {
    async fn append(&self, refusal: Refusal, by: Context) -> Result<(), Fault> {
        self.write((refusal, by), |tx, (refusal, by)| {
            Box::pin(async move {
                tx.record(by, Entry::from(refusal.clone()));
                Ok(())
            })
        })
        .await
    }

    async fn list(&self, filter: Filter, limit: u32) -> Result<Vec<Event>, Fault> {
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
            return self.read(WITH_KEY, asked).await?.into_iter().map(event).collect();
        }
        let all = params![before, limit, account, about, action, filter.trace];
        let asked = all.get(..2).into_iter().chain([
            account.and(all.get(2..4)).unwrap_or_default(),
            action.and(all.get(4..5)).unwrap_or_default(),
            filter.trace.and(all.get(5..6)).unwrap_or_default(),
        ]);
        let asked: Vec<_> = asked.flatten().cloned().collect();
        let sql = statement(account.is_some(), action.is_some(), filter.trace.is_some());
        self.read(sql, &asked).await?.into_iter().map(event).collect()
    }
}

macro_rules! list {
    ($($condition:literal)*) => { concat!(
        "SELECT id, at, action, actor, account_id, session_id, api_key_id, ip, user_agent, trace, detail
         FROM audit_events WHERE id < $1", $(" AND ", $condition,)* " ORDER BY id DESC LIMIT $2"
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_unique_and_ordered_by_time_then_by_count() {
        let ids = EventIds::new(Uuid::max());
        let other = EventIds::new(Uuid::from_u128(3));
        let mut made = Vec::new();
        for micros in [0, 1, 999, 1_000, 1_700_000_000_000_000, 1_700_000_000_000_001] {
            for _ in 0..3 {
                made.push(ids.next(Timestamp::from_micros(micros)));
            }
        }
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
        assert!(made.iter().all(|id| id.get_variant() == uuid::Variant::RFC4122));
        assert!(!made.contains(&other.next(Timestamp::from_micros(0))));
    }

    #[test]
    fn a_moment_before_1970_still_has_an_id() {
        let ids = EventIds::new(Uuid::nil());
        assert_eq!(ids.next(Timestamp::from_micros(-1)).get_version_num(), 7);
    }
}
