//! Signing keys: what every store must do.

use portcullis_core::audit::Action;
use portcullis_core::environment::Timestamp;
use portcullis_core::key::{self, KeyRecord, Phase};

use super::Stores;
use super::fixtures::{CROWD, DAY, MICROSECOND, START, by, count, event_count, events, fresh, together};

fn record(algorithm: &str, phase: Phase) -> KeyRecord {
    let kid = format!("key{}", fresh());
    KeyRecord {
        sealed: kid.as_bytes().to_vec(),
        kid,
        algorithm: algorithm.into(),
        phase,
        created_at: START,
        delete_at: None,
    }
}

fn pair(algorithm: &str) -> Vec<KeyRecord> {
    vec![record(algorithm, Phase::Current), record(algorithm, Phase::Next)]
}

async fn phases<S: Stores>(db: &S) -> Vec<(String, Phase)> {
    let ring = key::Store::load(db).await.unwrap();
    ring.into_iter().map(|key| (key.kid, key.phase)).collect()
}

/// An algorithm that has keys gets no others.
pub async fn found_where_keys_exist_changes_nothing<S: Stores>(db: S) {
    assert_eq!(key::Store::load(&db).await.unwrap(), []);
    let first = pair("ES256");
    let ring = db.initialize(first.clone(), by(START)).await.unwrap();
    assert_eq!(ring, first);
    assert_eq!(db.initialize(pair("ES256"), by(START)).await.unwrap(), first);
    let second = pair("EdDSA");
    let mut both = pair("ES256");
    both.extend(second.clone());
    let ring = db.initialize(both, by(START)).await.unwrap();
    assert_eq!(ring, [first, second].concat());
    assert_eq!(key::Store::load(&db).await.unwrap(), ring);
    assert_eq!(events(&db, Action::KeyAdded).await.len(), 4);
}

/// Retired keys of an algorithm don't keep it from being founded anew: it was changed, and changed back.
pub async fn found_after_all_retired_adds_the_ring<S: Stores>(db: S) {
    db.initialize(pair("ES256"), by(START)).await.unwrap();
    let second = pair("EdDSA");
    db.initialize(second.clone(), by(START)).await.unwrap();
    let before = event_count(&db).await;
    let until = START.plus(DAY);
    assert_eq!(
        db.retire_others("EdDSA".into(), until, by(START)).await.unwrap(),
        2
    );
    assert_eq!(events(&db, Action::KeyRetired).await.len(), 2);
    assert_eq!(event_count(&db).await, before + 2);
    for key in key::Store::load(&db).await.unwrap() {
        let retired = key.algorithm == "ES256";
        assert_eq!(key.phase == Phase::Retired, retired, "{}", key.algorithm);
        assert_eq!(key.delete_at, retired.then_some(until));
    }
    let later = START.plus(DAY * 2);
    assert_eq!(
        db.retire_others("EdDSA".into(), later, by(START)).await.unwrap(),
        0
    );
    assert_eq!(event_count(&db).await, before + 2);
    let ring = db.initialize(pair("ES256"), by(START)).await.unwrap();
    assert_eq!(ring.len(), 6);
    assert_eq!(db.initialize(pair("ES256"), by(START)).await.unwrap(), ring);
}

/// A key that signs stays, a next one is replaced, a retired one goes.
pub async fn withdraw_takes_no_key_that_signs<S: Stores>(db: S) {
    let ring = db.initialize(pair("ES256"), by(START)).await.unwrap();
    let (current, next) = (ring[0].kid.clone(), ring[1].kid.clone());
    let before = event_count(&db).await;
    let new = record("ES256", Phase::Next);
    for (kid, replacement) in [
        ("nothing".to_owned(), Some(new.clone())),
        (current.clone(), Some(new.clone())),
        (current.clone(), None),
        (next.clone(), None),
    ] {
        assert!(!db.withdraw(kid, replacement, by(START)).await.unwrap());
    }
    assert_eq!(event_count(&db).await, before);
    assert_eq!(key::Store::load(&db).await.unwrap(), ring);

    assert!(db.withdraw(next, Some(new.clone()), by(START)).await.unwrap());
    let expected = [(current.clone(), Phase::Current), (new.kid.clone(), Phase::Next)];
    assert_eq!(phases(&db).await, expected);
    let newest = record("ES256", Phase::Next);
    let last = newest.kid.clone();
    let rotated = db.rotate(current.clone(), newest, START.plus(DAY), by(START));
    assert!(rotated.await.unwrap());
    assert!(db.withdraw(current.clone(), None, by(START)).await.unwrap());
    assert!(!db.withdraw(current, None, by(START)).await.unwrap());
    assert_eq!(
        phases(&db).await,
        [(new.kid, Phase::Current), (last, Phase::Next)]
    );
    assert_eq!(events(&db, Action::KeyWithdrawn).await.len(), 2);
}

/// A crowd of nodes starts at once: all have the ring of one of them.
pub async fn found_in_parallel_makes_one_ring<S: Stores>(db: S) {
    let answers = together(|_| {
        let (db, keys) = (db.clone(), pair("ES256"));
        async move { db.initialize(keys, by(START)).await.unwrap() }
    })
    .await;
    let ring = key::Store::load(&db).await.unwrap();
    assert_eq!(ring.len(), 2);
    assert_eq!(
        count(&answers, |answer| *answer == ring),
        usize::try_from(CROWD).unwrap()
    );
}

/// Rotating from a key that isn't current, or to another algorithm, changes nothing.
pub async fn rotate_from_another_key_is_refused<S: Stores>(db: S) {
    let ring = db.initialize(pair("ES256"), by(START)).await.unwrap();
    let (current, next) = (ring[0].kid.clone(), ring[1].kid.clone());
    let before = event_count(&db).await;
    let delete_at = START.plus(DAY);
    for (expected, new) in [
        ("nothing".to_owned(), record("ES256", Phase::Next)),
        (next.clone(), record("ES256", Phase::Next)),
        (current.clone(), record("EdDSA", Phase::Next)),
    ] {
        assert!(!db.rotate(expected, new, delete_at, by(START)).await.unwrap());
    }
    assert_eq!(event_count(&db).await, before);
    let new = record("ES256", Phase::Next);
    let newest = new.kid.clone();
    assert!(
        db.rotate(current.clone(), new, delete_at, by(START))
            .await
            .unwrap()
    );
    let expected = [
        (current.clone(), Phase::Retired),
        (next, Phase::Current),
        (newest, Phase::Next),
    ];
    assert_eq!(phases(&db).await, expected);
    assert_eq!(key::Store::load(&db).await.unwrap()[0].delete_at, Some(delete_at));
    assert!(
        !db.rotate(current, record("ES256", Phase::Next), delete_at, by(START))
            .await
            .unwrap()
    );
}

/// A ring without a next key doesn't lose its current one.
pub async fn rotate_without_a_next_key_changes_nothing<S: Stores>(db: S) {
    let ring = db
        .initialize(vec![record("ES256", Phase::Current)], by(START))
        .await
        .unwrap();
    let new = record("ES256", Phase::Next);
    assert!(
        db.rotate(ring[0].kid.clone(), new, START, by(START))
            .await
            .is_err()
    );
    assert_eq!(key::Store::load(&db).await.unwrap(), ring);
}

/// A crowd of nodes rotates at once: the ring turns once.
pub async fn rotate_in_parallel_turns_once<S: Stores>(db: S) {
    let ring = db.initialize(pair("ES256"), by(START)).await.unwrap();
    let answers = together(|_| {
        let (db, current) = (db.clone(), ring[0].kid.clone());
        let next = record("ES256", Phase::Next);
        async move {
            db.rotate(current, next, START.plus(DAY), by(START))
                .await
                .unwrap()
        }
    })
    .await;
    assert_eq!(count(&answers, |rotated| *rotated), 1);
    assert_eq!(key::Store::load(&db).await.unwrap().len(), 3);
}

/// Only retired keys go, at their moment and not before.
pub async fn delete_retired_spares_what_still_verifies<S: Stores>(db: S) {
    let ring = db.initialize(pair("ES256"), by(START)).await.unwrap();
    let delete_at = START.plus(DAY);
    let next = record("ES256", Phase::Next);
    assert!(
        db.rotate(ring[0].kid.clone(), next, delete_at, by(START))
            .await
            .unwrap()
    );
    assert_eq!(db.delete_retired(delete_at.minus(MICROSECOND)).await.unwrap(), 0);
    assert_eq!(phases(&db).await.len(), 3);
    assert_eq!(db.delete_retired(delete_at).await.unwrap(), 1);
    assert_eq!(
        db.delete_retired(Timestamp::from_micros(i64::MAX)).await.unwrap(),
        0
    );
    let left = phases(&db).await;
    assert_eq!(
        left.iter().map(|(_, phase)| *phase).collect::<Vec<_>>(),
        [Phase::Current, Phase::Next]
    );
}

/// Sealed bytes are replaced only while they are what was read.
pub async fn reseal_of_changed_bytes_is_refused<S: Stores>(db: S) {
    let ring = db.initialize(pair("ES256"), by(START)).await.unwrap();
    let (kid, old) = (ring[0].kid.clone(), ring[0].sealed.clone());
    assert!(!db.reseal(kid.clone(), vec![1], vec![2]).await.unwrap());
    assert!(!db.reseal("nothing".into(), old.clone(), vec![2]).await.unwrap());
    assert_eq!(key::Store::load(&db).await.unwrap(), ring);
    assert!(db.reseal(kid.clone(), old.clone(), vec![2]).await.unwrap());
    assert!(!db.reseal(kid, old, vec![3]).await.unwrap());
    assert_eq!(key::Store::load(&db).await.unwrap()[0].sealed, [2]);
    assert_eq!(key::Store::load(&db).await.unwrap()[1], ring[1]);
}
