//! The tests of a program that isn't of this workspace: its own manifest and profile, as somebody writes it who has read
//! `docs/use-it.md`. It shares the workspace's target folder and lock; its table row says what building the library anew,
//! with the profile that such a program has, takes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::stop::Stop;
use crate::{process, workspace};

/// Builds and tests the program.
///
/// # Errors
/// When it doesn't build, or a test fails.
pub(crate) fn run(stop: &Stop, scratch: &Path) -> Result<()> {
    let root = workspace::root();
    let folder = root.join("tests/stranger");
    let lock = folder.join("Cargo.lock");
    // The versions that everything else is tested with.
    fs::copy(root.join("Cargo.lock"), &lock).context("the workspace has a lock")?;
    let mut command = workspace::cargo();
    command
        .args(["test", "--quiet", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(workspace::target())
        .env("TMPDIR", scratch);
    let done = process::run(stop, &mut command);
    fs::remove_file(&lock).context("the lock is removed again")?;
    done
}
