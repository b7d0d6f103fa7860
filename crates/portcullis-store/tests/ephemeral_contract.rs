//! The contract of the session stores, on opaque sessions kept in memory and in Redis; and the contract of all
//! stores where such a session store stands before the database.

// This file shows: SE-2

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg(feature = "redis")]

mod ephemeral;

use std::sync::Arc;

use portcullis_store::Database;
use portcullis_store::ephemeral::{Ephemeral, SplitSessions};
use portcullis_testkit::contract::{Composed, Holding};

type Stores = Composed<Database, SplitSessions>;

async fn composed(ephemeral: Arc<dyn Ephemeral>, holding: Holding) -> Stores {
    let rest = Database::in_memory().await.unwrap();
    let sessions = SplitSessions::new(rest.clone(), ephemeral);
    Composed {
        rest,
        sessions,
        holding,
    }
}

async fn memory() -> Option<(Stores, ())> {
    let (ephemeral, kept) = ephemeral::memory().await?;
    Some((composed(ephemeral, Holding::Token).await, kept))
}

async fn in_redis() -> Option<(Stores, ephemeral::Keys)> {
    let (ephemeral, kept) = ephemeral::in_redis().await?;
    Some((composed(ephemeral, Holding::Token).await, kept))
}

async fn beside() -> Option<(Stores, ())> {
    let (ephemeral, kept) = ephemeral::memory().await?;
    Some((composed(ephemeral, Holding::Both).await, kept))
}

mod opaque_in_memory {
    portcullis_testkit::store_contract!(super::super::memory, sessions);
}

mod opaque_in_redis {
    portcullis_testkit::store_contract!(super::super::in_redis, sessions);
}

mod refreshing_beside_memory {
    portcullis_testkit::store_contract!(super::super::beside);
}
