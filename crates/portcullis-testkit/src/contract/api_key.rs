//! API keys: what every store must do.

use std::net::IpAddr;

use portcullis_core::account::{self, Account, State};
use portcullis_core::api_key::{
    ApiKey, Change, Creation, Id, KeyDigest, Name, Networks, NewApiKey, Rotated, Rotation,
};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::throttle::Rate;

use super::Stores;
use super::given::{
    DAY, HOUR, MICROSECOND, MINUTE, START, by, count, event_count, events, fresh, fresh_id, registered,
    set_state, together,
};

fn digest() -> KeyDigest {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&fresh().to_be_bytes());
    KeyDigest::from_slice(&bytes).unwrap()
}

fn new_key(account: account::Id) -> NewApiKey {
    NewApiKey {
        id: Id::from_uuid(fresh_id()),
        account,
        name: Name::parse("ci").unwrap(),
        permissions: vec!["posts:read".into(), "posts:write".into()],
        digest: digest(),
        hint: "pk_live_…abcd".into(),
        expires_at: None,
        networks: Networks::default(),
        limit: None,
        most: 10,
    }
}

async fn created<S: Stores>(db: &S, new: &NewApiKey) -> ApiKey {
    match api_key(db).create_key(new.clone(), by(START)).await.unwrap() {
        Creation::Created(key) => key,
        other => panic!("no key was made: {other:?}"),
    }
}

/// The port by its own name: several ports of a store have verbs of the same name.
fn api_key<S: Stores>(db: &S) -> &dyn portcullis_core::api_key::Store {
    db
}

async fn given<S: Stores>(db: &S) -> (Account, NewApiKey) {
    let anna = registered(db, "anna").await;
    let new = new_key(anna.id);
    created(db, &new).await;
    (anna, new)
}

async fn known<S: Stores>(db: &S, digest: KeyDigest) -> bool {
    db.find_by_digest(digest).await.unwrap().is_some()
}

/// Instead of the text with this hash.
fn overlapping(from: KeyDigest, until: Option<Timestamp>) -> Rotation {
    Rotation {
        from,
        digest: digest(),
        hint: "pk_live_…wxyz".into(),
        previous_until: until,
    }
}

/// No account, or one that may not act, gets a key.
pub async fn create_for_nobody_is_refused<S: Stores>(db: S) {
    checks!("T016");
    let nobody = new_key(account::Id::from_uuid(fresh_id()));
    let digest = nobody.digest;
    let creation = api_key(&db).create_key(nobody, by(START)).await.unwrap();
    assert_eq!(creation, Creation::UnknownAccount);
    assert!(!known(&db, digest).await);
    let anna = registered(&db, "anna").await;
    for state in [State::Locked, State::Disabled] {
        set_state(&db, anna.id, state).await;
        let creation = api_key(&db)
            .create_key(new_key(anna.id), by(START))
            .await
            .unwrap();
        assert_eq!(creation, Creation::Refused(state));
    }
    assert_eq!(api_key(&db).list(anna.id).await.unwrap(), []);
    assert_eq!(events(&db, Action::ApiKeyCreated).await.len(), 0);
}

/// An account has so many keys and not one more; another's don't count.
pub async fn create_over_the_limit_is_refused<S: Stores>(db: S) {
    let (anna, _) = given(&db).await;
    let otto = registered(&db, "otto").await;
    let of = |account: account::Id| NewApiKey {
        most: 2,
        ..new_key(account)
    };
    created(&db, &of(anna.id)).await;
    let creation = api_key(&db).create_key(of(anna.id), by(START)).await.unwrap();
    assert_eq!(creation, Creation::TooMany);
    created(&db, &of(otto.id)).await;
    assert_eq!(api_key(&db).list(anna.id).await.unwrap().len(), 2);
}

/// Nor do a hundred calls at once make one more.
pub async fn create_in_parallel_keeps_the_limit<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let answers = together(|_| {
        let (db, new) = (db.clone(), new_key(anna.id));
        async move { api_key(&db).create_key(new, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(
        count(&answers, |answer| matches!(answer, Creation::Created(_))),
        10
    );
    assert_eq!(count(&answers, |answer| *answer == Creation::TooMany), 90);
    assert_eq!(api_key(&db).list(anna.id).await.unwrap().len(), 10);
}

/// Everything that was given is there again.
pub async fn create_keeps_everything<S: Stores>(db: S) {
    let (anna, _) = given(&db).await;
    let new = NewApiKey {
        name: Name::parse("Ü\"ber").unwrap(),
        permissions: vec!["a:b".into()],
        expires_at: Some(START.plus(DAY)),
        networks: Networks::parse(&["10.0.0.0/8", "2001:db8::1"]).unwrap(),
        limit: Some(Rate::parse("5/minute").unwrap()),
        ..new_key(anna.id)
    };
    let key = created(&db, &new).await;
    let expected = ApiKey {
        id: new.id,
        account: anna.id,
        name: "Ü\"ber".into(),
        permissions: vec!["a:b".into()],
        digest: new.digest,
        hint: new.hint.clone(),
        expires_at: new.expires_at,
        enabled: true,
        networks: new.networks.clone(),
        limit: new.limit,
        previous_until: None,
        created_at: START,
        last_used: None,
    };
    assert_eq!(key, expected);
    assert_eq!(
        api_key(&db).find(anna.id, new.id).await.unwrap(),
        Some(expected.clone())
    );
    let found = db.find_by_digest(new.digest).await.unwrap().unwrap();
    assert_eq!((found.key, found.until), (expected.clone(), None));
    let all = api_key(&db).list(anna.id).await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1], expected, "oldest first");
    let event = &events(&db, Action::ApiKeyCreated).await[0];
    assert_eq!(event.account, Some(anna.id));
    assert_eq!(event.detail, Some(new.id.to_string()));
}

/// A key is its owner's.
pub async fn find_of_anothers_key_is_refused<S: Stores>(db: S) {
    checks!("T027");
    let (anna, new) = given(&db).await;
    let otto = registered(&db, "otto").await;
    assert_eq!(api_key(&db).find(otto.id, new.id).await.unwrap(), None);
    assert_eq!(api_key(&db).list(otto.id).await.unwrap(), []);
    assert!(api_key(&db).find(anna.id, new.id).await.unwrap().is_some());
}

/// Only the whole hash finds the key.
pub async fn find_by_digest_refuses_all_but_the_text<S: Stores>(db: S) {
    checks!("T015");
    let (_, new) = given(&db).await;
    let mut bytes = *new.digest.as_bytes();
    bytes[31] ^= 1;
    assert!(!known(&db, KeyDigest::from_slice(&bytes).unwrap()).await);
    assert!(!known(&db, KeyDigest::from_slice(&[0; 32]).unwrap()).await);
    assert!(known(&db, new.digest).await);
}

/// A key is changed by its owner alone.
pub async fn change_of_anothers_key_is_refused<S: Stores>(db: S) {
    checks!("T027");
    let (anna, new) = given(&db).await;
    let otto = registered(&db, "otto").await;
    let before = event_count(&db).await;
    let disable = Change {
        enabled: Some(false),
        ..Change::default()
    };
    for (account, id) in [(otto.id, new.id), (anna.id, Id::from_uuid(fresh_id()))] {
        let changed = api_key(&db)
            .change_key(account, id, disable.clone(), by(START))
            .await;
        assert_eq!(changed.unwrap(), None);
    }
    assert_eq!(event_count(&db).await, before);
    assert!(api_key(&db).find(anna.id, new.id).await.unwrap().unwrap().enabled);
}

/// What isn't named stays; what is taken away is gone.
#[allow(
    clippy::too_many_lines,
    clippy::type_complexity,
    reason = "a table is as long as its rows"
)]
pub async fn change_sets_only_what_was_asked_for<S: Stores>(db: S) {
    let (anna, new) = given(&db).await;
    let networks = Networks::parse(&["10.0.0.0/8"]).unwrap();
    let rate = Rate::parse("5/minute").unwrap();
    let mut expected = api_key(&db).find(anna.id, new.id).await.unwrap().unwrap();
    let changes: [(Change, fn(&mut ApiKey)); 6] = [
        (
            Change {
                name: Some(Name::parse("new").unwrap()),
                ..Change::default()
            },
            |key| key.name = "new".into(),
        ),
        (
            Change {
                networks: Some(networks),
                ..Change::default()
            },
            |key| {
                key.networks = Networks::parse(&["10.0.0.0/8"]).unwrap();
            },
        ),
        (
            Change {
                limit: Some(Some(rate)),
                ..Change::default()
            },
            |key| {
                key.limit = Some(Rate::parse("5/minute").unwrap());
            },
        ),
        (
            Change {
                enabled: Some(false),
                ..Change::default()
            },
            |key| key.enabled = false,
        ),
        (
            Change {
                limit: Some(None),
                ..Change::default()
            },
            |key| key.limit = None,
        ),
        (
            Change {
                networks: Some(Networks::default()),
                enabled: Some(true),
                ..Change::default()
            },
            |key| {
                key.networks = Networks::default();
                key.enabled = true;
            },
        ),
    ];
    for (change, expect) in changes {
        expect(&mut expected);
        let changed = api_key(&db)
            .change_key(anna.id, new.id, change, by(START))
            .await
            .unwrap();
        assert_eq!(changed, Some(expected.clone()));
        assert_eq!(
            api_key(&db).find(anna.id, new.id).await.unwrap(),
            Some(expected.clone())
        );
    }
    let told = events(&db, Action::ApiKeyChanged).await;
    let told: Vec<_> = told.iter().filter_map(|event| event.detail.clone()).collect();
    let all = [
        "named new",
        "from 10.0.0.0/8",
        "limit 5/minute",
        "disabled",
        "limit none",
        "enabled, from everywhere",
    ];
    assert_eq!(told.len(), all.len());
    for what in all {
        assert!(
            told.contains(&format!("{}: {what}", new.id)),
            "{what} in {told:?}"
        );
    }
    let nothing = api_key(&db)
        .change_key(anna.id, new.id, Change::default(), by(START))
        .await;
    assert_eq!(nothing.unwrap(), Some(expected));
    assert_eq!(
        events(&db, Action::ApiKeyChanged).await.len(),
        6,
        "nothing was changed"
    );
}

/// Never three texts at once; without overlap a rotation ends every earlier text.
pub async fn rotate_while_an_overlap_runs_is_refused<S: Stores>(db: S) {
    checks!("T045");
    let (anna, new) = given(&db).await;
    let until = START.plus(HOUR);
    let rotate = |rotation: Rotation, at: Timestamp| {
        let db = db.clone();
        async move {
            api_key(&db)
                .rotate_key(anna.id, new.id, rotation, by(at))
                .await
                .unwrap()
        }
    };
    let nobody = account::Id::from_uuid(fresh_id());
    let rotated = api_key(&db)
        .rotate_key(nobody, new.id, overlapping(new.digest, None), by(START))
        .await;
    assert_eq!(rotated.unwrap(), Rotated::Unknown);
    let second = overlapping(new.digest, Some(until));
    assert!(matches!(rotate(second.clone(), START).await, Rotated::Rotated(_)));
    let third = overlapping(second.digest, Some(until.plus(DAY)));
    let just_before = until.minus(MICROSECOND);
    assert_eq!(rotate(third.clone(), just_before).await, Rotated::Running(until));
    assert!(!known(&db, third.digest).await);
    let at_once = overlapping(second.digest, None);
    assert!(matches!(
        rotate(at_once.clone(), just_before).await,
        Rotated::Rotated(_)
    ));
    for (digest, expected) in [
        (new.digest, false),
        (second.digest, false),
        (at_once.digest, true),
    ] {
        assert_eq!(known(&db, digest).await, expected);
    }
    assert_eq!(
        rotate(third, just_before).await,
        Rotated::Overtaken,
        "no overlap runs, but the text is another"
    );
    let fourth = overlapping(at_once.digest, Some(until));
    assert!(matches!(rotate(fourth.clone(), START).await, Rotated::Rotated(_)));
    let fifth = overlapping(fourth.digest, Some(until.plus(DAY)));
    assert!(
        matches!(rotate(fifth, until).await, Rotated::Rotated(_)),
        "the overlap is over"
    );
    assert_eq!(events(&db, Action::ApiKeyRotated).await.len(), 4);
}

/// Both texts lead to the key, each with its own end.
pub async fn rotate_keeps_the_old_text_until_the_overlap_ends<S: Stores>(db: S) {
    let (anna, new) = given(&db).await;
    let rotation = overlapping(new.digest, Some(START.plus(HOUR)));
    let rotated = api_key(&db)
        .rotate_key(anna.id, new.id, rotation.clone(), by(START))
        .await;
    let Rotated::Rotated(key) = rotated.unwrap() else {
        panic!("it was not rotated")
    };
    assert_eq!(
        (key.hint.as_str(), key.previous_until),
        ("pk_live_…wxyz", rotation.previous_until)
    );
    for (digest, until) in [(new.digest, rotation.previous_until), (rotation.digest, None)] {
        let found = db.find_by_digest(digest).await.unwrap().unwrap();
        assert_eq!((found.key.id, found.until), (new.id, until));
    }
}

/// Of a hundred rotations at once one wins, and its text is the key's.
pub async fn rotate_in_parallel_has_one_winner<S: Stores>(db: S) {
    checks!("T045");
    let (anna, new) = given(&db).await;
    let until = START.plus(HOUR);
    let answers = together(|_| {
        let (db, rotation) = (db.clone(), overlapping(new.digest, Some(until)));
        async move {
            let rotated = api_key(&db)
                .rotate_key(anna.id, new.id, rotation.clone(), by(START))
                .await;
            (rotated.unwrap(), rotation.digest)
        }
    })
    .await;
    assert_eq!(
        count(&answers, |(answer, _)| *answer == Rotated::Running(until)),
        99
    );
    for (answer, digest) in &answers {
        assert_eq!(known(&db, *digest).await, matches!(answer, Rotated::Rotated(_)));
    }
    assert!(known(&db, new.digest).await);
    assert_eq!(events(&db, Action::ApiKeyRotated).await.len(), 1);
}

/// Nor do rotations without overlap all win: whoever lost knows it.
pub async fn rotate_without_overlap_in_parallel_has_one_winner<S: Stores>(db: S) {
    checks!("T045");
    let (anna, new) = given(&db).await;
    let answers = together(|_| {
        let (db, rotation) = (db.clone(), overlapping(new.digest, None));
        async move {
            let rotated = api_key(&db)
                .rotate_key(anna.id, new.id, rotation.clone(), by(START))
                .await;
            (rotated.unwrap(), rotation.digest)
        }
    })
    .await;
    assert_eq!(count(&answers, |(answer, _)| *answer == Rotated::Overtaken), 99);
    for (answer, digest) in &answers {
        assert_eq!(known(&db, *digest).await, matches!(answer, Rotated::Rotated(_)));
    }
    assert!(!known(&db, new.digest).await);
    // One with an overlap and one without: whichever comes second is told so.
    let Some((_, winner)) = answers
        .iter()
        .find(|(answer, _)| matches!(answer, Rotated::Rotated(_)))
    else {
        panic!("nobody won")
    };
    for until in [None, Some(START.plus(HOUR))] {
        let late = overlapping(new.digest, until);
        let rotated = api_key(&db).rotate_key(anna.id, new.id, late, by(START)).await;
        assert_eq!(rotated.unwrap(), Rotated::Overtaken);
    }
    assert!(known(&db, *winner).await);
    assert_eq!(events(&db, Action::ApiKeyRotated).await.len(), 1);
}

/// A key is revoked by its owner alone, for ever, with both of its texts.
pub async fn revoke_of_anothers_key_is_refused<S: Stores>(db: S) {
    checks!("T027");
    let (anna, new) = given(&db).await;
    let otto = registered(&db, "otto").await;
    let rotation = overlapping(new.digest, Some(START.plus(HOUR)));
    api_key(&db)
        .rotate_key(anna.id, new.id, rotation.clone(), by(START))
        .await
        .unwrap();
    assert!(!api_key(&db).revoke_key(otto.id, new.id, by(START)).await.unwrap());
    assert!(known(&db, new.digest).await);
    assert!(api_key(&db).revoke_key(anna.id, new.id, by(START)).await.unwrap());
    assert!(!known(&db, new.digest).await);
    assert!(!known(&db, rotation.digest).await);
    assert_eq!(api_key(&db).list(anna.id).await.unwrap(), []);
    assert_eq!(events(&db, Action::ApiKeyRevoked).await.len(), 1);
}

/// One of many is told that it was the one.
pub async fn revoke_in_parallel_has_one_winner<S: Stores>(db: S) {
    let (anna, new) = given(&db).await;
    let answers = together(|_| {
        let db = db.clone();
        async move { api_key(&db).revoke_key(anna.id, new.id, by(START)).await.unwrap() }
    })
    .await;
    assert_eq!(count(&answers, |answer| *answer), 1);
    assert_eq!(events(&db, Action::ApiKeyRevoked).await.len(), 1);
}

/// The latest use stays, wherever it was noted; a revoked key stays gone.
pub async fn touch_never_moves_back_or_revives<S: Stores>(db: S) {
    let (anna, new) = given(&db).await;
    let last = || async {
        let key = api_key(&db).find(anna.id, new.id).await.unwrap().unwrap();
        key.last_used
    };
    let (at, from) = (START.plus(MINUTE * 2), Some(IpAddr::from([203, 0, 113, 9])));
    for (touched, from, expected) in [
        (at, from, Some((at, from))),
        (START.plus(MINUTE), None, Some((at, from))),
        (at, None, Some((at, from))),
        (START.plus(MINUTE * 3), None, Some((START.plus(MINUTE * 3), None))),
    ] {
        api_key(&db)
            .note_used(vec![(new.id, touched, from)])
            .await
            .unwrap();
        assert_eq!(last().await, expected);
    }
    api_key(&db).revoke_key(anna.id, new.id, by(START)).await.unwrap();
    api_key(&db)
        .note_used(vec![(new.id, START.plus(DAY), None)])
        .await
        .unwrap();
    assert_eq!(api_key(&db).list(anna.id).await.unwrap(), []);
}

/// Whoever asks first gets it, and nobody else.
pub async fn take_expiring_answers_each_key_once<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let expires_at = Some(START.plus(DAY * 30));
    let mut new: Vec<_> = (0..3)
        .map(|_| NewApiKey {
            expires_at,
            ..new_key(anna.id)
        })
        .collect();
    new[2].expires_at = None;
    for new in &new {
        created(&db, new).await;
    }
    let take = |at: Timestamp, limit: u32| {
        let db = db.clone();
        async move { db.take_expiring(at.plus(DAY * 7), limit, by(at)).await.unwrap() }
    };
    let in_time = START.plus(DAY * 23);
    assert_eq!(take(in_time.minus(MICROSECOND), 10).await, []);
    let first = take(in_time, 1).await;
    assert_eq!((first.len(), first[0].owner.id), (1, anna.id));
    let answers = together(|_| take(in_time, 10)).await;
    assert_eq!(answers.iter().map(Vec::len).sum::<usize>(), 1);
    assert_eq!(events(&db, Action::ApiKeyExpiring).await.len(), 2);
}

/// Who can't use the key, or made it for so short a time, isn't told.
pub async fn take_expiring_leaves_out_what_needs_no_warning<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let otto = registered(&db, "otto").await;
    let soon = Some(START.plus(DAY * 8));
    let of = |account: account::Id, expires_at| NewApiKey {
        expires_at,
        ..new_key(account)
    };
    let (good, disabled) = (of(anna.id, soon), of(anna.id, soon));
    let (short, lockeds) = (of(anna.id, Some(START.plus(DAY * 7))), of(otto.id, soon));
    for new in [&good, &disabled, &short, &lockeds] {
        created(&db, new).await;
    }
    let change = Change {
        enabled: Some(false),
        ..Change::default()
    };
    api_key(&db)
        .change_key(anna.id, disabled.id, change, by(START))
        .await
        .unwrap();
    set_state(&db, otto.id, State::Locked).await;
    let at = START.plus(DAY * 2);
    let taken = db.take_expiring(at.plus(DAY * 7), 10, by(at)).await.unwrap();
    let ids: Vec<_> = taken.iter().map(|one| one.key.id).collect();
    assert_eq!(ids, [good.id]);
    let over = START.plus(DAY * 9);
    assert_eq!(
        db.take_expiring(over.plus(DAY * 7), 10, by(over)).await.unwrap(),
        []
    );
}

/// A key that nobody could be told of is answered again; one that is gone isn't.
pub async fn give_back_expiring_answers_again<S: Stores>(db: S) {
    let anna = registered(&db, "anna").await;
    let soon = || NewApiKey {
        expires_at: Some(START.plus(DAY * 8)),
        ..new_key(anna.id)
    };
    let (kept, gone) = (soon(), soon());
    for new in [&kept, &gone] {
        created(&db, new).await;
    }
    let at = START.plus(DAY * 2);
    let take = async || {
        let taken = db.take_expiring(at.plus(DAY * 7), 10, by(at)).await.unwrap();
        taken.iter().map(|one| one.key.id).collect::<Vec<_>>()
    };
    assert_eq!(take().await.len(), 2);
    api_key(&db).revoke_key(anna.id, gone.id, by(at)).await.unwrap();
    for _ in 0..2 {
        db.give_back_expiring(vec![kept.id, gone.id], by(at))
            .await
            .unwrap();
    }
    assert_eq!(events(&db, Action::ApiKeyUntold).await.len(), 1);
    assert_eq!(take().await, [kept.id]);
    assert_eq!(take().await, []);
}
