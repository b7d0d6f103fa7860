//! Giving a key another text.

use portcullis_core::account;
use portcullis_core::api_key::{ApiKeysError, KeyRotation, NewApiKey, NewEnd};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;

use super::warning::warned;
use super::{api_key, created, given, known, new_key, overlapping};
use crate::contract::Stores;
use crate::contract::fixtures::{
    DAY, HOUR, MICROSECOND, START, by, count, events, fresh_id, registered, together,
};

/// Never three texts at once; without overlap a rotation ends every earlier text.
pub async fn rotate_while_an_overlap_runs_is_refused<S: Stores>(db: S) {
    checks!("T045");
    let (anna, new) = given(&db).await;
    let until = START.plus(HOUR);
    let rotate = |rotation: KeyRotation, at: Timestamp| {
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
    assert_eq!(rotated.unwrap(), Err(ApiKeysError::UnknownKey));
    let second = overlapping(new.digest, Some(until));
    assert!(rotate(second.clone(), START).await.is_ok());
    let third = overlapping(second.digest, Some(until.plus(DAY)));
    let just_before = until.minus(MICROSECOND);
    assert_eq!(
        rotate(third.clone(), just_before).await,
        Err(ApiKeysError::OverlapRuns(until))
    );
    assert!(!known(&db, third.digest).await);
    let at_once = overlapping(second.digest, None);
    assert!(rotate(at_once.clone(), just_before).await.is_ok());
    for (digest, expected) in [
        (new.digest, false),
        (second.digest, false),
        (at_once.digest, true),
    ] {
        assert_eq!(known(&db, digest).await, expected);
    }
    assert_eq!(
        rotate(third, just_before).await,
        Err(ApiKeysError::Overtaken),
        "no overlap runs, but the text is another"
    );
    let fourth = overlapping(at_once.digest, Some(until));
    assert!(rotate(fourth.clone(), START).await.is_ok());
    let fifth = overlapping(fourth.digest, Some(until.plus(DAY)));
    assert!(rotate(fifth, until).await.is_ok(), "the overlap is over");
    assert_eq!(events(&db, Action::ApiKeyRotated).await.len(), 4);
}

/// Both texts lead to the key, each with its own end.
pub async fn rotate_keeps_the_old_text_until_the_overlap_ends<S: Stores>(db: S) {
    let (anna, new) = given(&db).await;
    let rotation = overlapping(new.digest, Some(START.plus(HOUR)));
    let rotated = api_key(&db)
        .rotate_key(anna.id, new.id, rotation.clone(), by(START))
        .await;
    let key = rotated.unwrap().unwrap();
    assert_eq!(
        (key.hint.as_str(), key.previous_until),
        ("pk_live_…wxyz", rotation.previous_until)
    );
    for (digest, until) in [(new.digest, rotation.previous_until), (rotation.digest, None)] {
        let found = db.find_by_digest(digest).await.unwrap().unwrap();
        assert_eq!((found.key.id, found.until), (new.id, until));
    }
}

/// When an overlap is over its text is forgotten, so that no clock brings it back; the key stays.
pub async fn sweep_forgets_the_text_before_a_rotation<S: Stores>(db: S) {
    let (anna, new) = given(&db).await;
    // Sooner than anything else that a rotation leaves is swept.
    let until = START.plus(HOUR / 2);
    let rotation = overlapping(new.digest, Some(until));
    let rotated = api_key(&db).rotate_key(anna.id, new.id, rotation.clone(), by(START));
    assert!(rotated.await.unwrap().is_ok());
    assert_eq!(db.sweep(until.minus(MICROSECOND), 100).await.unwrap(), 0);
    assert!(known(&db, new.digest).await);
    assert_eq!(db.sweep(until, 100).await.unwrap(), 1);
    assert!(!known(&db, new.digest).await && known(&db, rotation.digest).await);
    assert_eq!(db.sweep(until, 100).await.unwrap(), 0);
    let key = api_key(&db).find(anna.id, new.id).await.unwrap().unwrap();
    assert_eq!(key.previous_until, None);
}

/// A rotation moves the key's end only where it says so, and what is told before an end is told again before the new one.
pub async fn rotate_moves_the_end_if_it_is_asked_to<S: Stores>(db: S) {
    let (anna, month) = (registered(&db, "anna").await, START.plus(DAY * 30));
    let new = NewApiKey {
        expires_at: Some(month),
        ..new_key(anna.id)
    };
    created(&db, &new).await;
    let told = async |at: Timestamp| warned(&db, at, 10).await.len();
    assert_eq!(told(START.plus(DAY * 23)).await, 1);
    let mut from = new.digest;
    let mut rotate = async |end: NewEnd| {
        let rotation = KeyRotation {
            end,
            ..overlapping(from, None)
        };
        from = rotation.digest;
        let rotated = api_key(&db)
            .rotate_key(anna.id, new.id, rotation, by(START))
            .await;
        rotated.unwrap().unwrap().expires_at
    };
    assert_eq!(rotate(NewEnd::AsBefore).await, Some(month));
    assert_eq!(told(START.plus(DAY * 23)).await, 0, "once for one end");
    let later = START.plus(DAY * 60);
    assert_eq!(rotate(NewEnd::At(later)).await, Some(later));
    assert_eq!(told(START.plus(DAY * 23)).await, 0, "too early");
    assert_eq!(told(START.plus(DAY * 53)).await, 1);
    assert_eq!(rotate(NewEnd::Never).await, None);
    assert_eq!(told(START.plus(DAY * 53)).await, 0);
    let recorded = events(&db, Action::ApiKeyRotated).await;
    let details: Vec<_> = recorded
        .iter()
        .map(|event| event.detail.clone().unwrap())
        .collect();
    let ends = [
        ": never ends".to_owned(),
        format!(": ends {later}"),
        String::new(),
    ];
    assert_eq!(details, ends.map(|end| format!("{}{end}", new.id)));
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
        count(&answers, |(answer, _)| *answer
            == Err(ApiKeysError::OverlapRuns(until))),
        99
    );
    for (answer, digest) in &answers {
        assert_eq!(known(&db, *digest).await, answer.is_ok());
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
    assert_eq!(
        count(&answers, |(answer, _)| *answer == Err(ApiKeysError::Overtaken)),
        99
    );
    for (answer, digest) in &answers {
        assert_eq!(known(&db, *digest).await, answer.is_ok());
    }
    assert!(!known(&db, new.digest).await);
    // One with an overlap and one without: whichever comes second is told so.
    let Some((_, winner)) = answers.iter().find(|(answer, _)| answer.is_ok()) else {
        panic!("nobody won")
    };
    for until in [None, Some(START.plus(HOUR))] {
        let late = overlapping(new.digest, until);
        let rotated = api_key(&db).rotate_key(anna.id, new.id, late, by(START)).await;
        assert_eq!(rotated.unwrap(), Err(ApiKeysError::Overtaken));
    }
    assert!(known(&db, *winner).await);
    assert_eq!(events(&db, Action::ApiKeyRotated).await.len(), 1);
}
