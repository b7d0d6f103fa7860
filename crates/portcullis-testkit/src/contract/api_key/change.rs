//! Changing what a key may do, and noting its use.

use std::net::IpAddr;

use portcullis_core::api_key::{ApiKey, ApiKeysError, Change, Id, KeyName, Networks};
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::throttle::Rate;

use super::{api_key, given};
use crate::contract::Stores;
use crate::contract::fixtures::{DAY, MINUTE, START, by, event_count, events, fresh_id, registered};

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
            .change_key(account, id, disable.clone(), None, by(START))
            .await;
        assert_eq!(changed.unwrap(), Err(ApiKeysError::UnknownKey));
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
                name: Some(KeyName::parse("new").unwrap()),
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
            .change_key(anna.id, new.id, change, None, by(START))
            .await
            .unwrap();
        assert_eq!(changed, Ok(expected.clone()));
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
        .change_key(anna.id, new.id, Change::default(), None, by(START))
        .await;
    assert_eq!(nothing.unwrap(), Ok(expected));
    assert_eq!(
        events(&db, Action::ApiKeyChanged).await.len(),
        6,
        "nothing was changed"
    );
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
