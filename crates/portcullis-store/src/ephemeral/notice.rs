//! What is to be told of a change to an ephemeral session: an audit event, and what nodes must forget.

use std::net::IpAddr;

use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::scopes::Scopes;
use portcullis_core::session::{Ending, Id};
use portcullis_core::{account, api_key};
use serde_json::{Value, json};
use uuid::Uuid;

/// One change, waiting to be written to the database. It has no field for a secret.
#[derive(Debug, Clone)]
pub struct Notice {
    pub(super) action: Action,
    pub(super) account: account::Id,
    pub(super) session: Id,
    pub(super) detail: Option<String>,
    pub(super) forget: Option<Invalidation>,
    pub(super) by: Context,
}

impl Notice {
    /// The session was given a name.
    pub(super) fn named(account: account::Id, session: Id, by: Context) -> Self {
        Self {
            action: Action::SessionNamed,
            account,
            session,
            detail: None,
            forget: None,
            by,
        }
    }

    /// The session was given another token: the old one must be known nowhere.
    pub(super) fn renewed(account: account::Id, session: Id, by: Context) -> Self {
        Self {
            action: Action::SessionRenewed,
            forget: Some(Invalidation::Session(session)),
            ..Self::named(account, session, by)
        }
    }

    /// The notice that the session ended, and why.
    pub(super) fn ended(account: account::Id, session: Id, why: Ending, by: Context) -> Self {
        Self {
            action: Action::SessionEnded,
            detail: Some(why.as_str().to_owned()),
            ..Self::renewed(account, session, by)
        }
    }

    /// All of the account's sessions but this one ended.
    pub(super) fn others_ended(account: account::Id, keep: Id, by: Context) -> Self {
        Self {
            action: Action::SessionsEnded,
            detail: Some("others".to_owned()),
            forget: Some(Invalidation::Account(account)),
            ..Self::named(account, keep, by)
        }
    }

    /// When it happened: the moment of its audit event.
    pub fn at(&self) -> Timestamp {
        self.by.at
    }

    /// The stored form. Two notices with one text are the same.
    pub fn to_text(&self) -> String {
        let (kind, subject) = self.forget.map(Invalidation::to_parts).unzip();
        json!({
            "action": self.action.as_str(),
            "account": self.account,
            "session": self.session,
            "detail": self.detail,
            "forget": kind,
            "subject": subject.flatten(),
            "at": self.by.at.as_micros(),
            "actor": actor(self.by.actor),
            "api_key": self.by.api_key,
            "ip": self.by.ip,
            "user_agent": self.by.user_agent,
            "trace": self.by.trace,
        })
        .to_string()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`Fault::Corrupt`]: it isn't one.
    pub fn from_text(text: &str) -> Result<Self, Fault> {
        read(text).ok_or_else(|| Fault::Corrupt("a notice of a session's change".into()))
    }
}

fn read(text: &str) -> Option<Notice> {
    let all: Value = serde_json::from_str(text).ok()?;
    let field = |name: &str| all.get(name).and_then(Value::as_str);
    let uuid = |name: &str| Uuid::try_parse(field(name)?).ok();
    let forget = match field("forget") {
        Some(kind) => Some(Invalidation::from_parts(kind, uuid("subject"))?),
        None => None,
    };
    let action = field("action")?;
    Some(Notice {
        action: *Action::ALL.iter().find(|known| known.as_str() == action)?,
        account: account::Id::from_uuid(uuid("account")?),
        session: Id::from_uuid(uuid("session")?),
        detail: field("detail").map(str::to_owned),
        forget,
        by: Context {
            at: Timestamp::from_micros(all.get("at")?.as_i64()?),
            actor: read_actor(field("actor")?)?,
            // A notice is recorded, and never checked.
            scopes: Scopes::Only(Vec::new()),
            api_key: uuid("api_key").map(api_key::Id::from_uuid),
            ip: field("ip").and_then(|ip| ip.parse::<IpAddr>().ok()),
            user_agent: field("user_agent").map(str::to_owned),
            trace: uuid("trace"),
        },
    })
}

fn actor(actor: Actor) -> String {
    match actor {
        Actor::Anonymous => "anonymous".to_owned(),
        Actor::Operator => "operator".to_owned(),
        Actor::System => "system".to_owned(),
        Actor::Account(id) => id.to_string(),
    }
}

fn read_actor(text: &str) -> Option<Actor> {
    Some(match text {
        "anonymous" => Actor::Anonymous,
        "operator" => Actor::Operator,
        "system" => Actor::System,
        id => Actor::Account(id.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_as_it_was_written() {
        let (account, id) = (
            account::Id::from_uuid(Uuid::from_u128(1)),
            Id::from_uuid(Uuid::from_u128(2)),
        );
        let mut by = Context::operator(Timestamp::from_micros(1_700_000_000_123_456));
        // Nothing is given or taken by a notice: what its credential could do is not kept.
        by.scopes = Scopes::Only(Vec::new());
        for actor in [
            Actor::Anonymous,
            Actor::Operator,
            Actor::System,
            Actor::Account(account),
        ] {
            by.actor = actor;
            by.ip = Some(IpAddr::from([192, 0, 2, 1]));
            by.user_agent = Some("\"quoted\" 🦀".into());
            by.trace = Some(Uuid::from_u128(7));
            by.api_key = Some(api_key::Id::from_uuid(Uuid::from_u128(8)));
            for notice in [
                Notice::named(account, id, by.clone()),
                Notice::renewed(account, id, by.clone()),
                Notice::ended(account, id, Ending::Logout, by.clone()),
                Notice::others_ended(account, id, by.clone()),
            ] {
                let read = Notice::from_text(&notice.to_text()).unwrap();
                assert_eq!(format!("{read:?}"), format!("{notice:?}"));
            }
        }
    }

    #[test]
    fn anything_else_is_corrupt() {
        let notice = Notice::named(
            account::Id::from_uuid(Uuid::nil()),
            Id::from_uuid(Uuid::nil()),
            Context::system(Timestamp::from_seconds(1)),
        );
        let good = notice.to_text();
        for broken in [
            "",
            "[]",
            "{}",
            &good.replace("session.named", "session.eaten"),
            &good.replace("system", "somebody"),
            &good.replace("\"forget\":null", "\"forget\":\"planet\""),
            &good[1..],
        ] {
            assert!(
                matches!(Notice::from_text(broken), Err(Fault::Corrupt(_))),
                "{broken}"
            );
        }
    }
}
