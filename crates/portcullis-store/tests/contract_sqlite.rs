//! The contract of the stores, on SQLite: in a file, as a server has it, and in memory.

// This file shows: SE-2

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use portcullis_store::Database;
use tempfile::TempDir;

async fn in_file() -> Option<(Database, TempDir)> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("contract.db");
    let database = Database::open(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    Some((database, folder))
}

async fn in_memory() -> Option<(Database, ())> {
    Some((Database::in_memory().await.unwrap(), ()))
}

mod file {
    portcullis_testkit::store_contract!(super::super::in_file);
}

mod memory {
    portcullis_testkit::store_contract!(super::super::in_memory);
}
