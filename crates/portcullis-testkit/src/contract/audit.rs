//! The audit log: what every store must do.

// This file shows: OP-5

use portcullis_core::audit::{self, Action, Actor, Context, Event, EventFilter, Occurrence};
use portcullis_core::session;
use portcullis_core::{account, api_key};
use uuid::Uuid;

use super::Stores;
use super::fixtures::{MICROSECOND, START, by, fresh_id, registered};

fn refusal(detail: &str) -> Occurrence {
    Occurrence {
        action: Action::LoginRefused,
        account: None,
        session: None,
        detail: detail.into(),
    }
}

async fn list<S: Stores>(db: &S, filter: EventFilter, limit: u32) -> Vec<Event> {
    audit::Store::list(db, filter, limit).await.unwrap()
}

/// Every field comes back as it was appended.
pub async fn append_keeps_every_field<S: Stores>(db: S) {
    let (account, session) = (
        account::Id::from_uuid(fresh_id()),
        session::Id::from_uuid(fresh_id()),
    );
    let key = api_key::Id::from_uuid(fresh_id());
    let full = Occurrence {
        account: Some(account),
        session: Some(session),
        ..refusal("wrong password")
    };
    let with_key = Context {
        api_key: Some(key),
        ..by(START)
    };
    db.append(full, with_key).await.unwrap();
    let event = list(&db, EventFilter::default(), 10).await.remove(0);
    assert_eq!(event.id.get_version_num(), 7);
    assert_eq!(
        (event.at, &*event.action, &*event.actor),
        (START, "login.refused", "operator")
    );
    assert_eq!((event.account, event.session), (Some(account), Some(session)));
    assert_eq!(event.api_key, Some(key));
    assert_eq!(event.ip.as_deref(), Some("203.0.113.7"));
    assert_eq!(event.user_agent.as_deref(), Some("Contract/1"));
    assert_eq!(event.trace, Some(Uuid::from_u128(7)));
    assert_eq!(event.detail.as_deref(), Some("wrong password"));
    for (context, actor) in [
        (Context::system(START), "system"),
        (Context::operator(START), "operator"),
    ] {
        db.append(refusal("none"), context).await.unwrap();
        let event = list(&db, EventFilter::default(), 1).await.remove(0);
        assert_eq!(
            (
                &*event.actor,
                event.api_key,
                event.ip,
                event.user_agent,
                event.trace
            ),
            (actor, None, None, None, None)
        );
    }
}

/// Newest first, without gap or overlap from page to page; events of one moment keep their order.
pub async fn list_pages_newest_first<S: Stores>(db: S) {
    assert!(list(&db, EventFilter::default(), 10).await.is_empty());
    for n in 0..7 {
        let at = START.plus(MICROSECOND * (n / 2));
        db.append(refusal(&n.to_string()), by(at)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let filter = EventFilter {
            before,
            ..EventFilter::default()
        };
        let page = list(&db, filter, 3).await;
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.into_iter().map(|event| event.detail.unwrap()));
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
    assert!(list(&db, EventFilter::default(), 0).await.is_empty());
}

/// Each part of the filter narrows the list, and all of them together.
pub async fn list_shows_only_what_was_asked_for<S: Stores>(db: S) {
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let traced = Context {
        actor: Actor::Account(anna.id),
        trace: Some(Uuid::from_u128(8)),
        ..by(START)
    };
    let about_other = Occurrence {
        account: Some(other.id),
        ..refusal("by anna about berta")
    };
    db.append(about_other, traced).await.unwrap();
    db.append(refusal("nobody"), by(START)).await.unwrap();
    let action = |name: Action| Some(name.as_str().to_owned());
    let refused = action(Action::LoginRefused);
    let created = action(Action::AccountRegistered);
    let trace = Some(Uuid::from_u128(8));
    for (account, action, trace, expected) in [
        (None, None, None, 4),
        (Some(anna.id), None, None, 2),
        (Some(other.id), None, None, 2),
        (None, refused.clone(), None, 2),
        (None, None, trace, 1),
        (Some(anna.id), created.clone(), None, 1),
        (Some(anna.id), None, trace, 1),
        (None, created.clone(), trace, 0),
        (None, refused.clone(), trace, 1),
        (Some(other.id), refused, trace, 1),
        (Some(other.id), created, trace, 0),
        (None, Some("' OR 1=1 --".into()), None, 0),
        (Some(account::Id::from_uuid(fresh_id())), None, None, 0),
    ] {
        let filter = EventFilter {
            account,
            action,
            trace,
            ..EventFilter::default()
        };
        assert_eq!(list(&db, filter.clone(), 10).await.len(), expected, "{filter:?}");
    }
}

/// What was done with one key, and with no other or none; the other parts of the filter narrow it further.
pub async fn list_shows_what_one_key_did<S: Stores>(db: S) {
    let (anna, other) = (registered(&db, "anna").await, registered(&db, "berta").await);
    let [key, another] = [(); 2].map(|()| api_key::Id::from_uuid(fresh_id()));
    let trace = Some(Uuid::from_u128(8));
    for (api_key, actor, trace) in [
        (Some(key), Actor::Account(anna.id), None),
        (Some(key), Actor::Account(anna.id), trace),
        (Some(another), Actor::Account(other.id), trace),
        (None, Actor::Account(anna.id), trace),
    ] {
        let by = Context {
            api_key,
            actor,
            trace,
            ..by(START)
        };
        db.append(refusal("with a key"), by).await.unwrap();
    }
    let refused = Some(Action::LoginRefused.as_str().to_owned());
    let created = Some(Action::ApiKeyCreated.as_str().to_owned());
    for (asked, account, action, trace, expected) in [
        (key, None, None, None, 2),
        (another, None, None, None, 1),
        (key, Some(anna.id), refused.clone(), trace, 1),
        (key, Some(anna.id), None, None, 2),
        (key, Some(other.id), None, None, 0),
        (key, None, refused, None, 2),
        (key, None, created, None, 0),
        (another, None, None, trace, 1),
        (api_key::Id::from_uuid(fresh_id()), None, None, None, 0),
    ] {
        let filter = EventFilter {
            api_key: Some(asked),
            account,
            action,
            trace,
            before: None,
        };
        let listed = list(&db, filter.clone(), 10).await;
        assert_eq!(listed.len(), expected, "{filter:?}");
        assert!(listed.iter().all(|event| event.api_key == Some(asked)));
    }
    let filter = EventFilter {
        api_key: Some(key),
        ..EventFilter::default()
    };
    let newest = list(&db, filter.clone(), 1).await.remove(0);
    let before = EventFilter {
        before: Some(newest.id),
        ..filter
    };
    let older = list(&db, before, 1).await.remove(0);
    assert!(older.id < newest.id && older.api_key == Some(key));
}
