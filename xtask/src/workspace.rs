//! Where things lie: the repository, its build folder, the server's binary, the one temporary folder.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

/// The repository's root: the folder above xtask's own.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Cargo's build folder: `CARGO_TARGET_DIR`, or `target` below the root.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The server's binary as `cargo build` leaves it.
pub(crate) fn server_binary() -> PathBuf {
    target().join("debug").join("portcullis")
}

/// Cargo, at the repository's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// A temporary folder that other users may enter: PostgreSQL doesn't run as root.
pub(crate) fn temporary_folder() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("portcullis-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .context("cannot make a temporary folder")
}

/// Whether the files in `stamp` and `source` say the same: what was made from `source` is still good.
pub(crate) fn is_current(stamp: &Path, source: &Path) -> bool {
    matches!((std::fs::read(stamp), std::fs::read(source)), (Ok(old), Ok(new)) if old == new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_current_only_with_the_same_content() {
        let folder = temporary_folder().unwrap();
        let (stamp, source) = (folder.path().join("stamp"), folder.path().join("source"));
        assert!(!is_current(&stamp, &source));
        std::fs::write(&source, "a").unwrap();
        assert!(!is_current(&stamp, &source));
        std::fs::write(&stamp, "a").unwrap();
        assert!(is_current(&stamp, &source));
        std::fs::write(&source, "b").unwrap();
        assert!(!is_current(&stamp, &source));
    }
}
