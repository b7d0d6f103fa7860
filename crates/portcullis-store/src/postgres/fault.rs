//! What PostgreSQL's errors mean.

use std::error::Error as _;
use std::io;

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use portcullis_core::fault::Fault;
use tokio_postgres::error::SqlState;

/// A fault, and what becomes of the transaction and its connection.
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) fate: Fate,
}

/// What is done after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fate {
    /// Nothing: the caller hears of it.
    #[default]
    Told,
    /// The transaction may succeed when it is run again.
    Again,
    /// The connection leads to a server that takes no writes: it is closed, and another one made.
    Closed,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            fate: Fate::Told,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let fate = match error.code() {
            Some(code) if CONFLICTS.contains(code) => Fate::Again,
            Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => Fate::Closed,
            _ => Fate::Told,
        };
        let fault = fault(&error);
        Self { fault, fate }
    }
}

/// The server broke the transaction off for another's sake.
const CONFLICTS: [SqlState; 2] = [
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
];

/// The fault behind a connection that could not be had.
pub(crate) fn of_pool(error: &PoolError) -> Fault {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => Fault::Busy("all connections are in use".into()),
        PoolError::Timeout(_) => unreachable("it does not answer"),
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => fault(error),
        PoolError::Closed => Fault::Closed,
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => Fault::Other(error.to_string()),
    }
}

/// The fault behind an error. Only the server's message is repeated: its detail may quote values.
fn fault(error: &tokio_postgres::Error) -> Fault {
    let Some(answer) = error.as_db_error() else {
        return without_answer(error);
    };
    let text = format!("{} ({})", answer.message(), answer.code().code());
    match answer.code() {
        code if CONFLICTS.contains(code) => Fault::Busy(text),
        &SqlState::LOCK_NOT_AVAILABLE | &SqlState::QUERY_CANCELED | &SqlState::TOO_MANY_CONNECTIONS => {
            Fault::Busy(text)
        }
        &SqlState::DISK_FULL => Fault::Full(text),
        &SqlState::READ_ONLY_SQL_TRANSACTION => read_only(&text),
        &SqlState::INSUFFICIENT_PRIVILEGE => Fault::ReadOnly(format!("{text}; check the role's rights")),
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            unreachable("it refuses the user or the password of the address")
        }
        &SqlState::INVALID_CATALOG_NAME => unreachable(&text),
        // A pooler that doesn't pass on what it was sent.
        &SqlState::PROTOCOL_VIOLATION => Fault::Other(format!(
            "{text}; if a pooler stands in between, see \"Poolers\" in docs/operations.md, or name the server itself"
        )),
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => Fault::Corrupt(text),
        // Class 08 is a broken connection, 57P a server that stops or starts.
        code if code.code().starts_with("08") || code.code().starts_with("57P") => unreachable(&text),
        _ => Fault::Other(text),
    }
}

/// An error of this side: the connection, or a value that does not fit.
fn without_answer(error: &tokio_postgres::Error) -> Fault {
    let cause = error.source();
    let text = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    let broken = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    // What the client library says of a server that takes no writes when such a one was asked for.
    if broken.is_some_and(|broken| broken.to_string() == NO_WRITES) {
        return read_only(NO_WRITES);
    }
    if broken.is_some() || error.is_closed() {
        return unreachable(&text);
    }
    Fault::Other(text)
}

const NO_WRITES: &str = "database does not allow writes";

fn unreachable(text: &str) -> Fault {
    Fault::Unreachable(format!(
        "{text}; check that it runs and that the address is right"
    ))
}

fn read_only(text: &str) -> Fault {
    Fault::ReadOnly(format!(
        "{text}; it is a standby, or set to read only: lead the address to the primary"
    ))
}
