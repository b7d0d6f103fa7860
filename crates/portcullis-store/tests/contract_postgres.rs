//! The contract of the stores, on PostgreSQL.
#![cfg(feature = "postgres")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod postgres;

portcullis_testkit::store_contract!(super::postgres::database);
