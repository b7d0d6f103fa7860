//! The slices' routes through the real router, on a database in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(
    clippy::too_many_lines,
    reason = "a table is as long as its rows, and a walk as its steps"
)]

mod access;
mod account;
mod api_key;
mod appointing;
mod attributes;
mod audit;
mod basic;
mod body_readers;
mod bounds;
mod canary;
mod claims;
mod cookie_session;
mod csrf;
mod decisions;
mod declared_roles;
mod document;
mod emails;
mod fixtures;
mod giving;
mod health;
mod hooks;
mod hosts;
mod layered;
mod matrix;
mod naming;
mod narrowed;
mod oauth_errors;
mod organization;
mod ownership;
mod password_rule;
#[cfg(feature = "policies")]
mod policy;
mod policy_function;
mod probing;
mod proxies;
mod purpose;
mod races;
mod rates;
mod reading;
mod remote;
mod resource;
mod serving;
mod session;
mod session_store;
mod slow_body;
mod staleness;
mod step_up;
mod tenant;
mod together;
mod token;
mod tour;
mod two_credentials;
