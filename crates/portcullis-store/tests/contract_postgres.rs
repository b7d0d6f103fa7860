//! The contract of the stores, on PostgreSQL.

// This file shows: SE-2

#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod postgres;

use portcullis_store::Database;

use crate::postgres::{Borrowed, fresh, patient, server};

async fn open() -> Option<(Database, Borrowed)> {
    let url = fresh(&server()?).await;
    let database = Database::open_with(&url, &patient()).await.unwrap();
    Some((database, Borrowed(url)))
}

portcullis_testkit::store_contract!(super::open);
