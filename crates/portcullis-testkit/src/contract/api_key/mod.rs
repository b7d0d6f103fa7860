//! API keys: what every store must do.

// This file shows: AK-2

mod change;
mod creation;
mod ending;
mod import;
mod rotation;
mod warning;

use portcullis_core::account::{self, Account};
use portcullis_core::api_key::{ApiKey, Id, KeyDigest, KeyName, KeyRotation, Networks, NewApiKey, NewEnd};
use portcullis_core::environment::Timestamp;

pub use self::change::*;
pub use self::creation::*;
pub use self::ending::*;
pub use self::import::*;
pub use self::rotation::*;
pub use self::warning::*;
use crate::contract::Stores;
use crate::contract::fixtures::{START, by, fresh, fresh_id, registered};

fn digest() -> KeyDigest {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&fresh().to_be_bytes());
    KeyDigest::from_slice(&bytes).unwrap()
}

pub(super) fn new_key(account: account::Id) -> NewApiKey {
    NewApiKey {
        id: Id::from_uuid(fresh_id()),
        account,
        stamp: None,
        name: KeyName::parse("ci").unwrap(),
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
    let made = api_key(db).create_key(new.clone(), by(START)).await;
    made.unwrap().unwrap()
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
fn overlapping(from: KeyDigest, until: Option<Timestamp>) -> KeyRotation {
    KeyRotation {
        stamp: None,
        from,
        digest: digest(),
        hint: "pk_live_…wxyz".into(),
        previous_until: until,
        end: NewEnd::AsBefore,
    }
}
