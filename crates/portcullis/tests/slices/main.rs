//! The slices' routes through the real router, on a database in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod access;
mod account;
mod audit;
mod canary;
mod given;
mod health;
mod matrix;
mod races;
mod session;
mod session_store;
mod token;
mod tour;
