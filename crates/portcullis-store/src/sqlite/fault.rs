//! What SQLite's errors mean.
//!
//! Where a disk is full or read-only SQLite often says no more than that it met an error, or that it can't open a file: the
//! system's own words are lost. So it is tried what the system says to a small file beside the database.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use portcullis_core::fault::Fault;
use rusqlite::ErrorCode;

/// The fault behind an error. SQLite's texts name tables and columns, never values.
pub(super) fn fault(error: &rusqlite::Error, file: Option<&Path>) -> Fault {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Fault::Busy("another program holds the file's lock".into())
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => read_only(&text),
        Some(ErrorCode::DiskFull) => Fault::Full(text),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Fault::Corrupt(text),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => file
            .and_then(|file| because_of(&tried(file).err()?, &text))
            .unwrap_or_else(|| {
                Fault::Unreachable(format!("{text}; check the file, its folder and the disk"))
            }),
        _ => Fault::Other(text),
    }
}

/// The file, its folder or its disk takes no writes.
pub(crate) fn read_only(text: &str) -> Fault {
    Fault::ReadOnly(format!(
        "{text}; check the owner and mode of the file and its folder, and how the disk is mounted"
    ))
}

/// What the system's own words mean, where they mean more than SQLite's.
fn because_of(why: &io::Error, text: &str) -> Option<Fault> {
    match why.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(Fault::Full(format!("{text}: {why}"))),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            Some(read_only(&format!("{text}: {why}")))
        }
        _ => None,
    }
}

/// Opens the file for writing, and makes and removes a small one beside it.
fn tried(file: &Path) -> io::Result<()> {
    match OpenOptions::new().append(true).open(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut beside = file.as_os_str().to_owned();
    beside.push("-room");
    let beside = Path::new(&beside);
    // What a crash left.
    let _ = fs::remove_file(beside);
    let mut made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)?;
    let written = made.write_all(&vec![0; ROOM]).and_then(|()| made.sync_all());
    let removed = fs::remove_file(beside);
    written.and(removed)
}

/// More than SQLite ever asks for at once.
const ROOM: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ErrorKind) -> Option<Fault> {
        because_of(&io::Error::from(kind), "disk I/O error")
    }

    #[test]
    fn full_and_read_only_disks_are_told_from_others() {
        assert!(matches!(check(ErrorKind::StorageFull), Some(Fault::Full(_))));
        assert!(matches!(check(ErrorKind::QuotaExceeded), Some(Fault::Full(_))));
        for kind in [ErrorKind::ReadOnlyFilesystem, ErrorKind::PermissionDenied] {
            assert!(matches!(check(kind), Some(Fault::ReadOnly(text)) if text.contains("mode")));
        }
        assert!(check(ErrorKind::IsADirectory).is_none());
    }
}
