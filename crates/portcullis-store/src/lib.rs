//! Where Portcullis keeps its records.
//!
//! [`Database`] makes every `Store` port of `portcullis-core` real, on SQLite (embedded, the default) and on
//! PostgreSQL. Each verb is written once, in the file named after its slice, over a transaction that both
//! databases know.
//!
//! Flow of a write: a port's method → [`Database`] → one transaction that changes the state, writes its audit event
//! and its invalidations → commit → subscribers of this process → the caller's answer. Flow of a read: one
//! statement, which sees one snapshot.
//!
//! **Invariants:** an answer means the change is durable; a [`Fault`](portcullis_core::fault::Fault) means nothing
//! was changed (one exception, see [`Database`]); no statement is put together from a caller's text.
//!
//! **Deliberately absent:** an update of a row as such (verbs only), and secrets: tokens come as digests, passwords
//! and keys sealed.

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("portcullis-store needs a database: switch on its feature `sqlite`, `postgres` or both");

mod access;
mod account;
mod api_key;
mod audit;
mod budget;
mod bus;
mod claim;
mod database;
mod engine;
pub mod ephemeral;
mod event;
mod grant;
mod job;
mod key;
mod migration;
mod organization;
mod port;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod queue;
mod row;
mod session;
mod settings;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tier;
mod token;
mod tx;
mod value;

pub use self::transaction::Transaction;
pub use account::Unsettled;
pub use bus::Subscriber;
pub use database::{Database, Follower, transaction};
pub use settings::{Blank, Settings};
