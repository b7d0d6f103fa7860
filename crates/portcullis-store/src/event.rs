//! Events of the audit log as verbs write them: what is told, by which id, in which columns.
//!
//! An event's id is a UUID v7 made of the event's own time, a counter and the writer's name, so that ids are ordered
//! by time, events of one moment keep their order, and no two writers make the same id.

use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_core::account;
use portcullis_core::audit::{Action, Actor, Context, Occurrence};
use portcullis_core::environment::Timestamp;
use portcullis_core::session;
use portcullis_core::text::shown;
use uuid::Uuid;

use crate::value::Value;

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

impl From<Occurrence> for Entry {
    fn from(occurrence: Occurrence) -> Self {
        Self {
            action: occurrence.action,
            account: occurrence.account,
            session: occurrence.session,
            detail: Some(occurrence.detail),
        }
    }
}

/// Where events take their ids from.
pub(crate) struct Ids {
    node: u64,
    counter: AtomicU64,
}

impl Ids {
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

pub(crate) const INSERT: &str = "INSERT INTO portcullis_audit_events
    (id, at, action, actor, account_id, session_id, api_key_id, ip, user_agent, trace, detail)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The parameters of [`INSERT`]. Who reads the log reads what is there: nothing in it hides or turns (`T141`).
pub(crate) fn params(id: Uuid, by: &Context, entry: Entry) -> Vec<Value<'static>> {
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

/// Who did it, as the log keeps it.
pub(crate) fn actor(actor: Actor) -> Value<'static> {
    match actor {
        Actor::Anonymous => Value::from("anonymous"),
        Actor::Operator => Value::from("operator"),
        Actor::System => Value::from("system"),
        Actor::Account(id) => Value::from(id.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Shows: OP-5
    #[test]
    fn ids_are_version_7_unique_and_ordered_by_time_then_by_count() {
        let ids = Ids::new(Uuid::max());
        let other = Ids::new(Uuid::from_u128(3));
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
        let ids = Ids::new(Uuid::nil());
        assert_eq!(ids.next(Timestamp::from_micros(-1)).get_version_num(), 7);
    }
}
