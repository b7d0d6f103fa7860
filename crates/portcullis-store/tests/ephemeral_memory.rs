//! Sessions in memory: the bound and the sweep.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg(feature = "redis")]

mod ephemeral;

use std::sync::Arc;

use ephemeral::{IDLE, MICROSECOND, START, by, lives, opaque, open, registered};
use portcullis_core::fault::Fault;
use portcullis_core::session::{Ending, Store as _};
use portcullis_store::Database;
use portcullis_store::ephemeral::{Ephemeral as _, Memory, SplitSessions};

#[tokio::test]
async fn a_full_memory_refuses_and_takes_nobodys_session_away() {
    let database = Database::in_memory().await.unwrap();
    let sessions = SplitSessions::new(database.clone(), Arc::new(Memory::with_capacity(3)));
    let (anna, other) = (
        registered(&database, "anna").await,
        registered(&database, "berta").await,
    );
    let first = opaque(&other);
    open(&sessions, &first, START).await;
    for _ in 0..2 {
        open(&sessions, &opaque(&anna), START).await;
    }
    let late = START.plus(IDLE).minus(MICROSECOND);
    for at in [START, late] {
        let answer = sessions.open(opaque(&anna), by(at)).await;
        assert!(matches!(answer, Err(Fault::Busy(_))), "{answer:?}");
    }
    assert!(lives(&sessions, &first).await);
    // Somebody leaves: there is room for one.
    assert!(
        sessions
            .end(other.id, first.id, Ending::Logout, by(late))
            .await
            .unwrap()
    );
    open(&sessions, &opaque(&anna), late).await;
    assert!(sessions.open(opaque(&anna), by(late)).await.is_err());
    // What timed out makes room by itself.
    let timed_out = late.plus(IDLE);
    for _ in 0..3 {
        open(&sessions, &opaque(&anna), timed_out).await;
    }
    assert!(sessions.open(opaque(&anna), by(timed_out)).await.is_err());
}

#[tokio::test]
async fn what_timed_out_is_gone_after_a_sweep_and_nothing_else() {
    let database = Database::in_memory().await.unwrap();
    let memory = Arc::new(Memory::new());
    let sessions = SplitSessions::new(database.clone(), Arc::clone(&memory) as _);
    let anna = registered(&database, "anna").await;
    let (idle, mut brief) = (opaque(&anna), opaque(&anna));
    (brief.idle, brief.expires_at) = (IDLE * 4, START.plus(IDLE * 2));
    open(&sessions, &idle, START).await;
    open(&sessions, &brief, START).await;
    for (at, swept) in [
        (START.plus(IDLE).minus(MICROSECOND), 0),
        (START.plus(IDLE), 1),
        (brief.expires_at.minus(MICROSECOND), 0),
        (brief.expires_at, 1),
        (brief.expires_at, 0),
    ] {
        assert_eq!(sessions.tend(at).await.unwrap(), swept, "{at}");
    }
    assert_eq!(memory.list(anna.id).await.unwrap(), []);
    assert!(!lives(&sessions, &idle).await && !lives(&sessions, &brief).await);
}
