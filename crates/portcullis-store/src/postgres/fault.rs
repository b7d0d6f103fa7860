//! What PostgreSQL's errors mean.

use std::error::Error as _;

use deadpool_postgres::{PoolError, TimeoutType};
use portcullis_core::fault::Fault;
use tokio_postgres::error::SqlState;

/// A fault, and whether the transaction may succeed when it is run again.
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) conflict: bool,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            conflict: false,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let conflict = error.code().is_some_and(|code| CONFLICTS.contains(code));
        let fault = fault(&error);
        Self { fault, conflict }
    }
}

/// The server broke the transaction off for another's sake.
const CONFLICTS: [SqlState; 2] = [
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
];

pub(super) fn of_pool(error: &PoolError) -> Fault {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => Fault::Busy("all connections are in use".into()),
        PoolError::Timeout(_) => Fault::Unreachable("it does not answer".into()),
        PoolError::Backend(error) => fault(error),
        PoolError::Closed => Fault::Unreachable("it was closed".into()),
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
        &SqlState::READ_ONLY_SQL_TRANSACTION | &SqlState::INSUFFICIENT_PRIVILEGE => Fault::ReadOnly(text),
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Fault::Unreachable("it refuses the user or the password of the address".into())
        }
        &SqlState::INVALID_CATALOG_NAME => Fault::Unreachable(text),
        &SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED => Fault::Corrupt(text),
        // Class 08 is a broken connection, 57P a server that stops or starts.
        code if code.code().starts_with("08") || code.code().starts_with("57P") => Fault::Unreachable(text),
        _ => Fault::Other(text),
    }
}

/// An error of this side: the connection, or a value that does not fit.
fn without_answer(error: &tokio_postgres::Error) -> Fault {
    let cause = error.source();
    let text = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    let broken = cause.is_some_and(|cause| cause.downcast_ref::<std::io::Error>().is_some());
    if broken || error.is_closed() {
        return Fault::Unreachable(text);
    }
    Fault::Other(text)
}
