//! What one process takes away, another forgets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[cfg(feature = "postgres")]
mod postgres;

use std::time::Duration;

use portcullis_core::audit::Context;
use portcullis_core::checks;
use portcullis_core::environment::Timestamp;
use portcullis_core::invalidation::Invalidation;
use portcullis_core::roles::{self, PermissionRecord};
use portcullis_core::{account, token};
use portcullis_store::Database;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);
const POLL: Duration = Duration::from_millis(50);
/// Nodes promise one second; a machine that is busy with other tests may take longer.
const BOUND: Duration = Duration::from_secs(5);

fn heard_by(database: &Database) -> UnboundedReceiver<Invalidation> {
    let (tell, heard) = unbounded_channel();
    database.subscribe(std::sync::Arc::new(move |what| {
        let _ = tell.send(what);
    }));
    heard
}

async fn revoke(database: &Database, n: u128) -> Invalidation {
    let id = token::Id::from_uuid(Uuid::from_u128(n));
    let account = account::Id::from_uuid(Uuid::from_u128(1));
    let by = Context::system(NOW);
    token::Store::revoke(database, id, account, NOW, by)
        .await
        .unwrap();
    Invalidation::Token(id)
}

/// Both nodes hear of what one of them did: itself at once, the other within its bound, in spite of a crowd.
async fn reaches_the_other_node(one: Database, two: Database) {
    checks!("T020");
    let (mut here, mut there) = (heard_by(&one), heard_by(&two));
    // What happened before the follower began, but after its database was opened, is heard too.
    let early = revoke(&one, 1).await;
    assert_eq!(here.try_recv().unwrap(), early);
    assert!(there.try_recv().is_err());
    let _follower = two.follow(POLL);
    assert_eq!(timeout(BOUND, there.recv()).await.unwrap(), Some(early));

    let began = Instant::now();
    let late = revoke(&one, 2).await;
    assert_eq!(here.try_recv().unwrap(), late);
    assert_eq!(timeout(BOUND, there.recv()).await.unwrap(), Some(late));
    assert!(began.elapsed() < BOUND);
    assert!(two.freshness() < BOUND);

    // Revoking once more is no news, nor is declaring what is declared.
    revoke(&one, 2).await;
    let all = vec![PermissionRecord {
        name: "a:b".into(),
        description: "May".into(),
        action: false,
    }];
    for _ in 0..3 {
        roles::Store::declare(&one, all.clone(), NOW).await.unwrap();
    }
    assert_eq!(here.try_recv().unwrap(), Invalidation::Roles);
    assert!(here.try_recv().is_err());
    assert_eq!(
        timeout(BOUND, there.recv()).await.unwrap(),
        Some(Invalidation::Roles)
    );
}

/// A crowd on both nodes: everyone hears everything, however the commits are ordered.
async fn reaches_everybody_in_a_crowd(one: Database, two: Database) {
    checks!("T020");
    let mut there = heard_by(&two);
    let _followers = (one.follow(POLL), two.follow(POLL));
    let crowd = (100..300).map(|n| {
        let node = one.clone();
        tokio::spawn(async move { revoke(&node, n).await })
    });
    let mut expected = Vec::new();
    for call in crowd.collect::<Vec<_>>() {
        expected.push(call.await.unwrap());
    }
    let mut heard = Vec::new();
    while heard.len() < expected.len() {
        heard.push(timeout(BOUND, there.recv()).await.unwrap().unwrap());
    }
    let key = |what: &Invalidation| what.to_parts().1;
    heard.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(heard, expected);
}

/// A follower that was dropped hears nothing more; freshness tells.
async fn ends_with_its_follower(one: Database, two: Database) {
    let mut there = heard_by(&two);
    let follower = two.follow(POLL);
    let what = revoke(&one, 1).await;
    assert_eq!(timeout(BOUND, there.recv()).await.unwrap(), Some(what));
    drop(follower);
    revoke(&one, 2).await;
    assert!(timeout(POLL * 4, there.recv()).await.is_err());
    assert!(two.freshness() >= POLL);
}

/// A database that can't be read any more is not fresh, and its follower goes on trying.
async fn freshness_ends_with_the_database(one: Database, two: Database) {
    let mut there = heard_by(&two);
    let _follower = two.follow(POLL);
    let what = revoke(&one, 1).await;
    assert_eq!(timeout(BOUND, there.recv()).await.unwrap(), Some(what));
    two.close().await;
    // One poll may still have been on its way; of the next four none succeeds.
    assert!(timeout(POLL * 5, there.recv()).await.is_err());
    assert!(two.freshness() >= POLL * 3, "{:?}", two.freshness());
}

mod sqlite {
    use tempfile::TempDir;

    use super::*;

    async fn nodes() -> (Database, Database, TempDir) {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("two.db").display());
        let one = Database::open(&url).await.unwrap();
        let two = Database::open(&url).await.unwrap();
        (one, two, folder)
    }

    #[tokio::test]
    async fn invalidation_reaches_another_process_on_the_same_file() {
        let (one, two, _folder) = nodes().await;
        reaches_the_other_node(one, two).await;
    }

    #[tokio::test]
    async fn invalidations_of_a_crowd_all_arrive() {
        let (one, two, _folder) = nodes().await;
        reaches_everybody_in_a_crowd(one, two).await;
    }

    #[tokio::test]
    async fn invalidations_end_with_the_follower() {
        let (one, two, _folder) = nodes().await;
        ends_with_its_follower(one, two).await;
    }

    // Shows: OP-7
    #[tokio::test]
    async fn freshness_grows_when_the_database_is_gone() {
        let (one, two, _folder) = nodes().await;
        freshness_ends_with_the_database(one, two).await;
    }

    #[tokio::test]
    async fn freshness_of_a_follower_that_never_succeeded_grows_from_the_start() {
        checks!("T083");
        let (_one, two, folder) = nodes().await;
        let raw = rusqlite::Connection::open(folder.path().join("two.db")).unwrap();
        raw.execute("ALTER TABLE portcullis_invalidations RENAME TO broken", [])
            .unwrap();
        let before = two.freshness();
        let mut there = heard_by(&two);
        let _follower = two.follow(POLL);
        assert!(timeout(POLL * 5, there.recv()).await.is_err());
        assert!(two.freshness() >= before + POLL * 5, "{:?}", two.freshness());
        raw.execute("ALTER TABLE broken RENAME TO portcullis_invalidations", [])
            .unwrap();
        let what = revoke(&two, 1).await;
        assert_eq!(timeout(BOUND, there.recv()).await.unwrap(), Some(what));
    }

    #[tokio::test]
    async fn a_kind_of_a_newer_node_forgets_everything() {
        let (_one, two, folder) = nodes().await;
        let mut there = heard_by(&two);
        let _follower = two.follow(POLL);
        let raw = rusqlite::Connection::open(folder.path().join("two.db")).unwrap();
        raw.execute(
            "INSERT INTO portcullis_invalidations (kind, at) VALUES ('planet', 0)",
            [],
        )
        .unwrap();
        assert_eq!(
            timeout(BOUND, there.recv()).await.unwrap(),
            Some(Invalidation::Roles)
        );
    }
}

#[cfg(feature = "postgres")]
mod on_postgres {
    use super::*;
    use crate::postgres::{Borrowed, fresh, patient, server};

    async fn nodes() -> Option<(Database, Database, Borrowed)> {
        let url = fresh(&server()?).await;
        let one = Database::open_with(&url, &patient()).await.unwrap();
        let two = Database::open_with(&url, &patient()).await.unwrap();
        Some((one, two, Borrowed(url)))
    }

    // Shows: OP-2
    #[tokio::test]
    async fn invalidation_reaches_another_node() {
        if let Some((one, two, _kept)) = nodes().await {
            reaches_the_other_node(one, two).await;
        }
    }

    #[tokio::test]
    async fn invalidations_of_a_crowd_all_arrive() {
        if let Some((one, two, _kept)) = nodes().await {
            reaches_everybody_in_a_crowd(one, two).await;
        }
    }

    // Shows: OP-7
    #[tokio::test]
    async fn freshness_grows_when_the_database_is_gone() {
        if let Some((one, two, _kept)) = nodes().await {
            freshness_ends_with_the_database(one, two).await;
        }
    }

    // Shows: OP-2
    /// A row whose number is lower but whose commit is later than others' is not missed.
    #[tokio::test]
    async fn invalidation_that_commits_late_is_heard() {
        checks!("T020");
        let Some((one, two, kept)) = nodes().await else {
            return;
        };
        let mut there = heard_by(&two);
        let _follower = two.follow(POLL);
        let (mut slow, connection) = tokio_postgres::connect(&kept.0, tokio_postgres::NoTls)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let transaction = slow.transaction().await.unwrap();
        let insert = "INSERT INTO portcullis_invalidations (kind, at) VALUES ('keys', 0)";
        transaction.batch_execute(insert).await.unwrap();
        let quick = revoke(&one, 1).await;
        assert_eq!(timeout(BOUND, there.recv()).await.unwrap(), Some(quick));
        // Two more polls go by; they tell nothing twice.
        assert!(timeout(POLL * 3, there.recv()).await.is_err());
        transaction.commit().await.unwrap();
        assert_eq!(
            timeout(BOUND, there.recv()).await.unwrap(),
            Some(Invalidation::Keys)
        );
        drop(slow);
        connection.await.unwrap().unwrap();
    }
}
