//! What can be set when a database is opened.

use std::time::Duration;

#[cfg(doc)]
use portcullis_core::fault::Fault;

/// What can be set when a database is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// How many calls may wait before further ones are [`Fault::Busy`] (SQLite).
    pub queue: usize,
    /// How long a call waits for a lock that another program holds.
    pub busy: Duration,
    /// How many pages of 4,096 bytes the file may have at most; beyond it writes are [`Fault::Full`] (SQLite).
    pub max_pages: Option<u32>,
    /// How many connections are kept at most (PostgreSQL).
    pub connections: usize,
    /// How long a call waits for one of them before it is [`Fault::Busy`] (PostgreSQL).
    pub wait: Duration,
    /// How long one statement may run before it is [`Fault::Busy`] (PostgreSQL).
    pub statement: Duration,
    /// What a database without anything in it is.
    pub blank: Blank,
}

/// What a database without anything in it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blank {
    /// A new one: it is made, and filled.
    #[default]
    Filled,
    /// A loss: something was in it before. It is refused with [`Fault::Empty`], and left as it is.
    Refused,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue: 4096,
            busy: Duration::from_secs(2),
            max_pages: None,
            connections: 16,
            wait: Duration::from_secs(1),
            statement: Duration::from_secs(10),
            blank: Blank::Filled,
        }
    }
}
