//! The real binary, as its users meet it: first and second starts, faults at the start, orderly stops, and the
//! command line beside a running server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod alone;
mod api_keys;
mod commands;
mod faults;
mod key_import;
mod nginx;
mod nodes;
mod pages;
mod server;
mod start;
