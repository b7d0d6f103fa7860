//! What SQLite's errors mean.

use portcullis_core::fault::Fault;
use rusqlite::ErrorCode;

/// The fault behind an error. SQLite's texts name tables and columns, never values.
pub(super) fn fault(error: &rusqlite::Error) -> Fault {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Fault::Busy("another program holds the file's lock".into())
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Fault::ReadOnly(text),
        Some(ErrorCode::DiskFull) => Fault::Full(text),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Fault::Corrupt(text),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => Fault::Unreachable(text),
        _ => Fault::Other(text),
    }
}
