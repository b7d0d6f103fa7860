//! Grants: what every store must do.

// This file shows: AZ-5

use std::time::Duration;

use portcullis_core::account::{self, AccountState};
use portcullis_core::audit::{Action, Actor, Context};
use portcullis_core::checks;
use portcullis_core::effect::Effect;
use portcullis_core::environment::Timestamp;
use portcullis_core::grants::{Grant, GrantError, Ground, Holder, MOST, Subject, Target, Term};
use portcullis_core::organization;

use super::Stores;
use super::fixtures::{
    CROWD, HOUR, MICROSECOND, START, by, count, event_count, events, fresh_id, registered, set_state,
    together, verified,
};

fn post(id: &str) -> Target {
    Target {
        kind: "Post".into(),
        id: id.into(),
    }
}

fn grant(id: &str, subject: &Subject, action: &str) -> Grant {
    Grant {
        target: post(id),
        subject: subject.clone(),
        action: action.into(),
        expires_at: None,
    }
}

fn holder(account: account::Id) -> Holder {
    Holder {
        account,
        organization: None,
    }
}

async fn share<S: Stores>(db: &S, grant: Grant) -> Result<Effect, GrantError> {
    db.share(grant, Ground::Own, by(START)).await.unwrap()
}

async fn held<S: Stores>(db: &S, who: Holder, id: &str, action: &str, at: Timestamp) -> Option<Term> {
    db.held(who, post(id), action.into(), at).await.unwrap()
}

async fn ids<S: Stores>(db: &S, who: Holder, action: &str, after: &str, limit: u32) -> Vec<String> {
    db.held_ids(who, "Post".into(), action.into(), START, after.into(), limit)
        .await
        .unwrap()
}

/// Nothing is shared with those who don't exist, and under no id that could be read as another.
pub async fn share_of_what_is_unknown_is_refused<S: Stores>(db: S) {
    let before = event_count(&db).await;
    for subject in [
        Subject::Account(account::Id::from_uuid(fresh_id())),
        Subject::Role("ghost".into()),
    ] {
        assert_eq!(
            share(&db, grant("7", &subject, "posts:edit")).await,
            Err(GrantError::UnknownSubject)
        );
    }
    let anna = registered(&db, "anna").await;
    for id in ["", "a\0b", "a\nb", &"x".repeat(256)] {
        let refused = db
            .share(
                grant(id, &Subject::Account(anna.id), "posts:edit"),
                Ground::Own,
                by(START),
            )
            .await;
        assert!(refused.is_err(), "{id:?}");
    }
    assert_eq!(event_count(&db).await, before + 1, "the registration alone");
    assert_eq!(db.grants_of(post("7"), START).await.unwrap(), []);
}

/// A grant is for one subject, one action, one resource of one kind, and nothing beside it.
pub async fn share_counts_for_exactly_what_it_says<S: Stores>(db: S) {
    checks!("T063");
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "ben").await);
    let to_anna = Subject::Account(anna.id);
    assert_eq!(
        share(&db, grant("7", &to_anna, "posts:edit")).await,
        Ok(Effect::Changed)
    );
    for (who, id, action, expected) in [
        (anna.id, "7", "posts:edit", Some(Term::Open)),
        (ben.id, "7", "posts:edit", None),
        (anna.id, "8", "posts:edit", None),
        (anna.id, "7 ", "posts:edit", None),
        (anna.id, "%", "posts:edit", None),
        (anna.id, "7", "posts:read", None),
        (anna.id, "7", "posts:edi_", None),
    ] {
        assert_eq!(
            held(&db, holder(who), id, action, START).await,
            expected,
            "{id:?} {action:?}"
        );
    }
    let page = Target {
        kind: "Page".into(),
        id: "7".into(),
    };
    let of_another_kind = db.held(holder(anna.id), page, "posts:edit".into(), START).await;
    assert_eq!(of_another_kind.unwrap(), None);
}

/// A grant counts until the microsecond before its end.
#[allow(clippy::too_many_lines, reason = "a table is as long as its rows")]
pub async fn share_ends_at_its_moment<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let end = START.plus(HOUR);
    let ending = Grant {
        expires_at: Some(end),
        ..grant("7", &Subject::Account(anna.id), "posts:edit")
    };
    share(&db, ending.clone()).await.unwrap();
    for (at, counts) in [
        (end.minus(MICROSECOND), true),
        (end, false),
        (end.plus(HOUR), false),
    ] {
        let term = held(&db, holder(anna.id), "7", "posts:edit", at).await;
        assert_eq!(term, counts.then_some(Term::Until(end)), "{at}");
        assert_eq!(
            db.grants_of(post("7"), at).await.unwrap().len(),
            usize::from(counts)
        );
        let listed = db
            .held_ids(
                holder(anna.id),
                "Post".into(),
                "posts:edit".into(),
                at,
                String::new(),
                10,
            )
            .await;
        assert_eq!(listed.unwrap().len(), usize::from(counts));
    }
    // Of several that count, the longest decides.
    let later = Grant {
        expires_at: Some(end.plus(HOUR)),
        ..ending
    };
    assert!(
        db.create_role("editor".into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.assign(anna.id, "editor".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    let to_editors = Subject::Role("editor".into());
    share(
        &db,
        Grant {
            subject: to_editors.clone(),
            ..later.clone()
        },
    )
    .await
    .unwrap();
    let term = held(&db, holder(anna.id), "7", "posts:edit", START).await;
    assert_eq!(term, Some(Term::Until(end.plus(HOUR))));
    share(
        &db,
        Grant {
            subject: to_editors,
            expires_at: None,
            ..later
        },
    )
    .await
    .unwrap();
    let term = held(&db, holder(anna.id), "7", "posts:edit", START).await;
    assert_eq!(term, Some(Term::Open));
}

/// A grant to a role counts for whoever has it now, also by inheritance; one to an organization while it is selected.
pub async fn share_with_many_follows_who_belongs<S: Stores>(db: S) {
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "ben").await);
    for role in ["editor", "chief"] {
        assert!(
            db.create_role(role.into(), String::new(), by(START))
                .await
                .unwrap()
                .is_ok()
        );
    }
    assert!(
        db.inherit("chief".into(), "editor".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    share(&db, grant("7", &Subject::Role("editor".into()), "posts:edit"))
        .await
        .unwrap();
    assert_eq!(held(&db, holder(anna.id), "7", "posts:edit", START).await, None);
    assert!(
        db.assign(anna.id, "chief".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert_eq!(
        held(&db, holder(anna.id), "7", "posts:edit", START).await,
        Some(Term::Open)
    );
    assert_eq!(held(&db, holder(ben.id), "7", "posts:edit", START).await, None);
    assert!(
        db.unassign(anna.id, "chief".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert_eq!(held(&db, holder(anna.id), "7", "posts:edit", START).await, None);

    let acme = organization::Id::from_uuid(fresh_id());
    share(&db, grant("8", &Subject::Organization(acme), "posts:edit"))
        .await
        .unwrap();
    let within = |organization| Holder {
        organization,
        ..holder(ben.id)
    };
    assert_eq!(held(&db, within(None), "8", "posts:edit", START).await, None);
    let other = organization::Id::from_uuid(fresh_id());
    assert_eq!(
        held(&db, within(Some(other)), "8", "posts:edit", START).await,
        None
    );
    assert_eq!(
        held(&db, within(Some(acme)), "8", "posts:edit", START).await,
        Some(Term::Open)
    );
    assert_eq!(ids(&db, within(Some(acme)), "posts:edit", "", 10).await, ["8"]);
}

/// A grant that is taken back counts for nobody; the role's end ends those to the role.
pub async fn unshare_counts_at_once<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let to_anna = Subject::Account(anna.id);
    share(&db, grant("7", &to_anna, "posts:edit")).await.unwrap();
    share(&db, grant("7", &to_anna, "posts:read")).await.unwrap();
    let unshare = |id: &str, action: &str| db.unshare(post(id), to_anna.clone(), action.into(), by(START));
    assert!(!unshare("8", "posts:edit").await.unwrap());
    assert!(!unshare("7", "posts:erase").await.unwrap());
    assert!(unshare("7", "posts:edit").await.unwrap());
    assert!(!unshare("7", "posts:edit").await.unwrap());
    assert_eq!(held(&db, holder(anna.id), "7", "posts:edit", START).await, None);
    assert_eq!(
        held(&db, holder(anna.id), "7", "posts:read", START).await,
        Some(Term::Open)
    );
    assert_eq!(events(&db, Action::GrantTaken).await.len(), 1);

    assert!(
        db.create_role("editor".into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    share(&db, grant("7", &Subject::Role("editor".into()), "posts:edit"))
        .await
        .unwrap();
    assert!(db.delete_role("editor".into(), by(START)).await.unwrap().is_ok());
    assert!(
        db.create_role("editor".into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.assign(anna.id, "editor".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert_eq!(
        held(&db, holder(anna.id), "7", "posts:edit", START).await,
        None,
        "another role of the same name"
    );
}

/// A deleted resource leaves no grants to the next one of its id.
pub async fn unshare_all_leaves_nothing_of_one_resource<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    for (id, action) in [("7", "posts:edit"), ("7", "posts:read"), ("77", "posts:edit")] {
        share(&db, grant(id, &Subject::Account(anna.id), action))
            .await
            .unwrap();
    }
    assert_eq!(db.unshare_all(post("7"), by(START)).await.unwrap(), 2);
    assert_eq!(db.unshare_all(post("7"), by(START)).await.unwrap(), 0);
    assert_eq!(db.grants_of(post("7"), START).await.unwrap(), []);
    assert_eq!(db.grants_of(post("77"), START).await.unwrap().len(), 1);
    assert_eq!(events(&db, Action::GrantsTaken).await.len(), 1);
}

/// Every change is told once, with who, what and to whom; what is so already is not written again.
pub async fn share_is_recorded_once<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let ending = Grant {
        expires_at: Some(START.plus(HOUR)),
        ..grant("7", &Subject::Account(anna.id), "posts:edit")
    };
    assert_eq!(share(&db, ending.clone()).await, Ok(Effect::Changed));
    assert_eq!(share(&db, ending.clone()).await, Ok(Effect::Unchanged));
    let open = Grant {
        expires_at: None,
        ..ending
    };
    assert_eq!(share(&db, open.clone()).await, Ok(Effect::Changed));
    assert_eq!(share(&db, open.clone()).await, Ok(Effect::Unchanged));
    let told = events(&db, Action::GrantGiven).await;
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].account, Some(anna.id));
    let detail = told[0].detail.clone().unwrap();
    assert_eq!(detail, format!("posts:edit on Post 7 to account:{}", anna.id));
    let records = db.grants_of(post("7"), START).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].grant, open);
    assert_eq!(records[0].granted_by, "operator");
    assert_eq!(records[0].granted_at, START);
}

/// Ids come in order, page by page, each once, and only those that count.
pub async fn held_ids_pages_in_order<S: Stores>(db: S) {
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "ben").await);
    assert!(
        db.create_role("editor".into(), String::new(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    assert!(
        db.assign(anna.id, "editor".into(), by(START))
            .await
            .unwrap()
            .is_ok()
    );
    for id in ["b", "a", "Z", "ä", "10", "9"] {
        share(&db, grant(id, &Subject::Account(anna.id), "posts:read"))
            .await
            .unwrap();
        share(&db, grant(id, &Subject::Role("editor".into()), "posts:read"))
            .await
            .unwrap();
    }
    share(&db, grant("x", &Subject::Account(ben.id), "posts:read"))
        .await
        .unwrap();
    share(&db, grant("y", &Subject::Account(anna.id), "posts:edit"))
        .await
        .unwrap();
    let who = holder(anna.id);
    assert_eq!(ids(&db, who, "posts:read", "", 4).await, ["10", "9", "Z", "a"]);
    assert_eq!(ids(&db, who, "posts:read", "a", 4).await, ["b", "ä"]);
    assert_eq!(ids(&db, who, "posts:read", "ä", 4).await, [""; 0]);
}

/// One resource can't be given more grants than fit a list.
pub async fn share_beyond_the_limit_is_refused<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let to_anna = Subject::Account(anna.id);
    for round in 0..u64::from(MOST) / CROWD {
        let outcomes = together(|n| {
            let (db, subject) = (db.clone(), to_anna.clone());
            async move {
                share(
                    &db,
                    grant("7", &subject, &format!("posts:a{}", round * CROWD + n)),
                )
                .await
            }
        })
        .await;
        assert_eq!(outcomes, vec![Ok(Effect::Changed); outcomes.len()]);
    }
    let before = event_count(&db).await;
    assert_eq!(
        share(&db, grant("7", &to_anna, "posts:more")).await,
        Err(GrantError::TooMany)
    );
    assert_eq!(event_count(&db).await, before);
    assert_eq!(held(&db, holder(anna.id), "7", "posts:more", START).await, None);
    assert_eq!(
        share(&db, grant("8", &to_anna, "posts:more")).await,
        Ok(Effect::Changed)
    );
    db.unshare(post("7"), to_anna.clone(), "posts:a0".into(), by(START))
        .await
        .unwrap();
    assert_eq!(
        share(&db, grant("7", &to_anna, "posts:more")).await,
        Ok(Effect::Changed)
    );
}

/// Whoever shares what was shared with them does so only while it is, and only for as long.
pub async fn share_on_a_grant_that_is_gone_is_refused<S: Stores>(db: S) {
    checks!("T100");
    let (ben, carl) = (registered(&db, "ben").await, registered(&db, "carl").await);
    let end = START.plus(HOUR);
    let ending = |who: account::Id, expires_at| Grant {
        expires_at,
        ..grant("7", &Subject::Account(who), "posts:edit")
    };
    share(&db, ending(ben.id, Some(end))).await.unwrap();
    let before = event_count(&db).await;
    for (holder, until, outcome) in [
        (holder(carl.id), Some(end), Err(GrantError::Escalation)),
        (
            holder(ben.id),
            Some(end.plus(MICROSECOND)),
            Err(GrantError::Escalation),
        ),
        (holder(ben.id), None, Err(GrantError::Escalation)),
        (holder(ben.id), Some(end), Ok(Effect::Changed)),
    ] {
        let shared = db.share(ending(carl.id, until), Ground::Held(holder), by(START));
        assert_eq!(shared.await.unwrap(), outcome, "{holder:?} {until:?}");
    }
    assert_eq!(event_count(&db).await, before + 1);
    let over = db.share(
        ending(carl.id, Some(end.plus(HOUR))),
        Ground::Held(holder(ben.id)),
        by(end),
    );
    assert_eq!(over.await.unwrap(), Err(GrantError::Escalation));
    let to_ben = Subject::Account(ben.id);
    let gone = db.unshare(post("7"), to_ben, "posts:edit".into(), by(START));
    assert!(gone.await.unwrap());
    let late = db.share(
        ending(carl.id, Some(end)),
        Ground::Held(holder(ben.id)),
        by(START),
    );
    assert_eq!(late.await.unwrap(), Err(GrantError::Escalation));
}

/// Many who share at once don't pass the limit together, and what is over takes nobody's place.
pub async fn share_in_parallel_keeps_the_limit<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let named = |name: String, expires_at| Grant {
        expires_at,
        ..grant("7", &Subject::Account(anna.id), &format!("posts:{name}"))
    };
    let end = START.plus(HOUR);
    share(&db, named("over".into(), Some(end))).await.unwrap();
    for n in 0..MOST - 2 {
        share(&db, named(format!("a{n}"), None)).await.unwrap();
    }
    let outcomes = together(|n| {
        let (db, grant) = (db.clone(), named(format!("b{n}"), None));
        async move { db.share(grant, Ground::Own, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&outcomes, |outcome| *outcome == Ok(Effect::Changed)), 1);
    let records = db.grants_of(post("7"), START).await.unwrap();
    assert_eq!(records.len(), MOST as usize);
    let later = db.share(named("later".into(), None), Ground::Own, by(end)).await;
    assert_eq!(later.unwrap(), Ok(Effect::Changed));
}

/// Many who share and take back the same at once leave one grant or none, and an event for each change.
pub async fn share_in_parallel_makes_one_grant<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let outcomes = together(|_| {
        let (db, grant) = (db.clone(), grant("7", &Subject::Account(anna.id), "posts:edit"));
        async move { db.share(grant, Ground::Own, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&outcomes, |outcome| *outcome == Ok(Effect::Changed)), 1);
    assert_eq!(events(&db, Action::GrantGiven).await.len(), 1);
    let gone = together(|_| {
        let (db, subject) = (db.clone(), Subject::Account(anna.id));
        async move {
            db.unshare(post("7"), subject, "posts:edit".into(), by(START))
                .await
                .unwrap()
        }
    })
    .await;
    assert_eq!(count(&gone, |gone| *gone), 1);
    assert_eq!(events(&db, Action::GrantTaken).await.len(), 1);
}

/// What is over is swept away, what counts stays.
pub async fn sweep_takes_grants_that_are_over<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let end = START.plus(HOUR);
    for (id, expires_at) in [("1", Some(end)), ("2", Some(end.plus(MICROSECOND))), ("3", None)] {
        let grant = Grant {
            expires_at,
            ..grant(id, &Subject::Account(anna.id), "posts:edit")
        };
        share(&db, grant).await.unwrap();
    }
    assert_eq!(db.sweep(end.minus(MICROSECOND), 100).await.unwrap(), 0);
    assert_eq!(db.sweep(end, 100).await.unwrap(), 1);
    for (id, left) in [("1", 0), ("2", 1), ("3", 1)] {
        let records = db.grants_of(post(id), START).await.unwrap();
        assert_eq!(records.len(), left, "{id}");
    }
    let swept = db
        .sweep(START.plus(Duration::from_secs(100 * 24 * 3600)), 100)
        .await
        .unwrap();
    assert!(swept >= 1);
    assert_eq!(db.grants_of(post("3"), START).await.unwrap().len(), 1);
}

/// Whoever may act no more shares nothing, whatever they were found to own a moment ago.
pub async fn share_by_who_may_not_act_is_refused<S: Stores>(db: S) {
    checks!("T179");
    let (anna, ben) = (registered(&db, "anna").await, registered(&db, "ben").await);
    let as_anna = Context {
        actor: Actor::Account(anna.id),
        ..by(START)
    };
    let shared = async |action: &str| {
        let grant = grant("7", &Subject::Account(ben.id), action);
        db.share(grant, Ground::Own, as_anna.clone()).await.unwrap()
    };
    assert_eq!(shared("posts:read").await, Ok(Effect::Changed));
    for state in [AccountState::Locked, AccountState::Disabled] {
        set_state(&db, anna.id, state).await;
        assert_eq!(shared("posts:edit").await, Err(GrantError::Escalation));
    }
    set_state(&db, anna.id, AccountState::Active).await;
    db.require_verified_email();
    assert_eq!(shared("posts:edit").await, Err(GrantError::Escalation));
    assert_eq!(held(&db, holder(ben.id), "7", "posts:edit", START).await, None);
    verified(&db, anna.id).await;
    assert_eq!(shared("posts:edit").await, Ok(Effect::Changed));
}
