//! What a store answers when it can't do its work.
//!
//! A fault is never an outcome of the domain ("taken", "expired"): those are values. A fault means nobody was let
//! in, nothing was half done, and the caller may try again or an operator must act. It becomes 503 (with
//! `Retry-After`) or 500 at the edge, and its text goes to the log only.

use std::time::Duration;

use crate::defends;
use crate::problem::{Details, Refusal, Text};

/// Why a store could not do what it was asked. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The database is busy or its queue is full; the same call may succeed in a moment.
    #[error("the database is busy: {0}; try again in a moment")]
    Busy(String),
    /// The database can't be reached.
    #[error("the database can't be reached: {0}")]
    Unreachable(String),
    /// The database was closed by this process, which is ending.
    #[error("the database was closed")]
    Closed,
    /// The database refuses writes.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// There is no room left.
    #[error("the disk of the database is full: {0}; free some space, no restart is needed")]
    Full(String),
    /// A record isn't what was written.
    #[error("a stored record can't be read: {0}; restore it from a backup")]
    Corrupt(String),
    /// The database was made by a newer Portcullis.
    #[error(
        "the database is from a newer version: {0}; run that version, or restore a backup made by this one"
    )]
    NewerSchema(String),
    /// The database has to be changed in a way that an older Portcullis can't work with, and one may be working with it.
    #[error(
        "the database is in use, but must be migrated exclusively: {0}; stop all nodes of the former version, and everything \
         else that has it open, then start again"
    )]
    InUse(String),
    /// There is nothing in the database, though there should be.
    #[error("the database is empty: {0}")]
    Empty(String),
    /// The issuer's keys can't be had; the time is how long to wait before asking again.
    #[error("no key of the issuer is known: see the earlier log lines for why it can't be reached")]
    Keys(Duration),
    /// Anything else the database said.
    #[error("the database refused: {0}")]
    Other(String),
}

impl Refusal for Fault {
    fn details(&self) -> Details {
        defends!("T037");
        match self.retry_after() {
            Some(wait) => Details::unavailable(wait).with_text(Text::Alarming),
            None => Details::internal(),
        }
    }
}

impl Fault {
    /// After how long the same call may succeed, where waiting helps at all.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(_) => Some(Duration::from_secs(1)),
            Self::Unreachable(_) | Self::Closed | Self::Full(_) | Self::ReadOnly(_) => {
                Some(Duration::from_secs(5))
            }
            Self::Keys(after) => Some(*after),
            _ => None,
        }
    }
}
