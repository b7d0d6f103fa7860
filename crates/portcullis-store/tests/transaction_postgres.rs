//! A program's own transactions on PostgreSQL.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "each test of PostgreSQL uses what it needs")]
mod postgres;
mod transaction;

use portcullis_store::Database;

use crate::postgres::{Borrowed, fresh, server};
use crate::transaction::{TABLES, transactions};

async fn open() -> Option<(Database, Borrowed)> {
    let url = fresh(&server()?).await;
    let kept = Borrowed(url.clone());
    Some((Database::open(&url).await.unwrap(), kept))
}

transactions!(open);

#[tokio::test]
async fn what_is_cached_is_never_read_from_an_open_one() {
    let Some((on, _kept)) = open().await else { return };
    on.make_tables(TABLES).await.unwrap();
    transaction::what_is_cached_is_never_read_from_an_open_one(&on, true).await;
}

#[tokio::test]
async fn another_database_takes_no_part_in_it() {
    let (Some((on, _kept)), Some((other, _other_kept))) = (open().await, open().await) else {
        return;
    };
    on.make_tables(TABLES).await.unwrap();
    transaction::another_database_takes_no_part_in_it(&on, &other).await;
}
