//! PostgreSQL as a client sees it: from an address to connections, single statements, and what its errors mean.
//!
//! How a verb becomes a transaction, and how often it is tried, is the [engine](crate::engine)'s.

mod address;
mod fault;
mod statement;

pub(crate) use self::address::pool;
pub(crate) use self::fault::{Failure, Fate, of_pool};
pub(crate) use self::statement::{execute, execute_many, query};
