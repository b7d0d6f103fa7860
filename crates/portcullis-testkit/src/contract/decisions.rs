//! Why requests were refused: what every store must do.

// This file shows: AZ-7

use portcullis_core::audit::{self, Actor, Context, Event, EventFilter};
use portcullis_core::authz::explain::Bounds;
use portcullis_core::authz::{Decision, Explanation};
use portcullis_core::environment::Timestamp;
use portcullis_core::{account, api_key, session};
use uuid::Uuid;

use super::Stores;
use super::fixtures::{MICROSECOND, START, by, fresh_id};

fn against_a_stranger(at: Timestamp) -> Decision {
    Decision {
        trace: fresh_id(),
        at,
        operation: "PUT /posts/{id}".to_owned(),
        rule: "posts:write and fresh-login(300)".to_owned(),
        code: "invalid_token".to_owned(),
        why: "the session has timed out; ä, \u{1f512} and a \0 between".to_owned(),
        credential: Some("session".to_owned()),
        account: None,
        session: None,
        key: None,
        scopes: None,
        authenticated_at: None,
        tree: None,
    }
}

fn against_an_account(at: Timestamp) -> Decision {
    let part = Explanation {
        rule: "posts:write".to_owned(),
        holds: false,
        within: "account".to_owned(),
        code: "insufficient_scope".to_owned(),
        why: "the account has it, but the credential's scopes leave it out".to_owned(),
        parts: Vec::new(),
    };
    Decision {
        code: "insufficient_scope".to_owned(),
        account: Some(account::Id::from_uuid(fresh_id())),
        session: Some(session::Id::from_uuid(fresh_id())),
        key: Some(api_key::Id::from_uuid(fresh_id())),
        scopes: Some(vec!["posts:read".to_owned()]),
        authenticated_at: Some(at),
        tree: Some(Explanation {
            rule: "posts:write and fresh-login(300)".to_owned(),
            parts: vec![part.clone()],
            ..part
        }),
        ..against_a_stranger(at)
    }
}

fn in_request(decision: &Decision) -> Context {
    Context {
        actor: decision.account.map_or(Actor::Anonymous, Actor::Account),
        trace: Some(decision.trace),
        ..by(decision.at)
    }
}

async fn keep<S: Stores>(db: &S, decision: &Decision) {
    db.keep(decision.clone(), in_request(decision)).await.unwrap();
}

async fn events<S: Stores>(db: &S, trace: Uuid) -> Vec<Event> {
    let filter = EventFilter {
        trace: Some(trace),
        ..EventFilter::default()
    };
    audit::Store::list(db, filter, 10).await.unwrap()
}

/// Every field comes back, and the audit event says the same.
pub async fn keep_writes_the_event_with_the_decision<S: Stores>(db: S) {
    let decision = against_an_account(START);
    keep(&db, &decision).await;
    assert_eq!(db.recall(decision.trace).await.unwrap().as_ref(), Some(&decision));
    let [event] = events(&db, decision.trace).await.try_into().unwrap();
    assert_eq!((event.at, &*event.action), (START, "access.denied"));
    assert_eq!(
        (event.account, event.session),
        (decision.account, decision.session)
    );
    let detail = "posts:write and fresh-login(300): insufficient_scope";
    assert_eq!(event.detail.as_deref(), Some(detail));
    assert!(event.api_key.is_some() && event.api_key == decision.key);
    let decision = Decision {
        key: None,
        ..against_an_account(START)
    };
    keep(&db, &decision).await;
    let [event] = events(&db, decision.trace).await.try_into().unwrap();
    assert_eq!(event.api_key, None);
}

/// The first decision stays; the second refusal is audited all the same.
pub async fn keep_of_a_kept_trace_keeps_the_first<S: Stores>(db: S) {
    let first = against_an_account(START);
    keep(&db, &first).await;
    let second = Decision {
        trace: first.trace,
        code: "missing_permission".to_owned(),
        ..against_an_account(START.plus(MICROSECOND))
    };
    keep(&db, &second).await;
    assert_eq!(db.recall(first.trace).await.unwrap(), Some(first.clone()));
    assert_eq!(events(&db, first.trace).await.len(), 2);
}

/// Nobody unknown fills the audit log.
pub async fn keep_against_a_stranger_writes_no_event<S: Stores>(db: S) {
    let decision = against_a_stranger(START);
    keep(&db, &decision).await;
    assert_eq!(db.recall(decision.trace).await.unwrap().as_ref(), Some(&decision));
    assert!(events(&db, decision.trace).await.is_empty());
}

/// Another trace id brings nothing.
pub async fn recall_of_an_unknown_trace_is_nothing<S: Stores>(db: S) {
    assert_eq!(db.recall(fresh_id()).await.unwrap(), None);
    keep(&db, &against_a_stranger(START)).await;
    assert_eq!(db.recall(fresh_id()).await.unwrap(), None);
}

/// Which of `decisions` are still kept.
async fn kept<S: Stores>(db: &S, decisions: &[Decision]) -> Vec<bool> {
    let mut kept = Vec::new();
    for decision in decisions {
        kept.push(db.recall(decision.trace).await.unwrap().is_some());
    }
    kept
}

/// What is exactly as old as the bound goes, what is younger stays; of too many the newest stay.
pub async fn forget_spares_what_is_within_its_bounds<S: Stores>(db: S) {
    for make in [against_a_stranger, against_an_account] {
        let decisions: Vec<_> = (0..4).map(|n| make(START.plus(MICROSECOND * n))).collect();
        for decision in &decisions {
            keep(&db, decision).await;
        }
        let bounds = |after: Timestamp, most| Bounds {
            after,
            known: most,
            unknown: most,
        };
        let before = START.minus(MICROSECOND);
        assert_eq!(db.forget(bounds(before, 4), 10).await.unwrap(), 0);
        assert_eq!(db.forget(bounds(START, 4), 10).await.unwrap(), 1);
        assert_eq!(kept(&db, &decisions).await, [false, true, true, true]);
        assert_eq!(db.forget(bounds(before, 3), 10).await.unwrap(), 0);
        assert_eq!(db.forget(bounds(before, 1), 10).await.unwrap(), 2);
        assert_eq!(kept(&db, &decisions).await, [false, false, false, true]);
        assert_eq!(db.forget(bounds(before, 0), 10).await.unwrap(), 1);
    }
}

/// However many strangers come, what is known of accounts stays.
pub async fn forget_of_strangers_spares_the_known<S: Stores>(db: S) {
    let known = against_an_account(START);
    keep(&db, &known).await;
    let strangers: Vec<_> = (1..4)
        .map(|n| against_a_stranger(START.plus(MICROSECOND * n)))
        .collect();
    for stranger in &strangers {
        keep(&db, stranger).await;
    }
    let bounds = Bounds {
        after: START.minus(MICROSECOND),
        known: 1,
        unknown: 1,
    };
    assert_eq!(db.forget(bounds, 10).await.unwrap(), 2);
    assert!(db.recall(known.trace).await.unwrap().is_some());
    assert_eq!(kept(&db, &strangers).await, [false, false, true]);
}

/// One call deletes no more than it was told, and the calls together delete everything.
pub async fn forget_is_bounded<S: Stores>(db: S) {
    for n in 0..3 {
        keep(&db, &against_a_stranger(START.plus(MICROSECOND * n))).await;
        keep(&db, &against_an_account(START.plus(MICROSECOND * n))).await;
    }
    let everything = Bounds {
        after: START.plus(MICROSECOND * 10),
        known: 0,
        unknown: 0,
    };
    for (limit, expected) in [(0, 0), (4, 4), (4, 2), (4, 0)] {
        assert_eq!(db.forget(everything, limit).await.unwrap(), expected);
    }
}
