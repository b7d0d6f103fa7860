//! Tiers: what every store must do.

// This file shows: AB-1

use std::collections::BTreeMap;

use portcullis_core::audit::Action;
use portcullis_core::throttle::Limits;
use portcullis_core::tier::Kept;

use super::Stores;
use super::fixtures::{START, by, events};

fn kept(default: &str, tiers: &[(&str, &str)]) -> Kept {
    let read = |(name, text): &(&str, &str)| ((*name).to_owned(), Limits::parse(text).unwrap());
    Kept {
        default: default.to_owned(),
        tiers: tiers.iter().map(read).collect::<BTreeMap<_, _>>(),
    }
}

/// All of them are others at once, and it is on record what they are.
pub async fn tiers_are_replaced_as_a_whole_with_their_event<S: Stores>(db: S) {
    assert_eq!(db.tiers().await.unwrap(), None);
    let first = kept(
        "free",
        &[("free", "60/minute, 1000/day"), ("pro", "9/second; burst 20")],
    );
    db.set_tiers(first.clone(), by(START)).await.unwrap();
    assert_eq!(db.tiers().await.unwrap(), Some(first));
    let next = kept("basic", &[("basic", "5/minute; sliding"), ("pro", "10/second")]);
    db.set_tiers(next.clone(), by(START)).await.unwrap();
    assert_eq!(db.tiers().await.unwrap(), Some(next));
    let events = events(&db, Action::TiersSet).await;
    let details: Vec<_> = events
        .iter()
        .filter_map(|event| event.detail.as_deref())
        .collect();
    assert_eq!(details.len(), 2);
    assert!(
        details.contains(&"basic: 5/minute; sliding; pro: 10/second"),
        "{details:?}"
    );
}
