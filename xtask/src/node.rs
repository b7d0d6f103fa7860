//! Tests that node's own runner runs, with the locked packages of their folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::stop::Stop;
use crate::{process, workspace};

/// Runs every `*.test.mjs` of `folder`.
///
/// # Errors
/// When a package can't be installed, there is no test, or one fails.
pub(crate) fn run_tests(stop: &Stop, folder: &Path, scratch: &Path) -> Result<()> {
    install(stop, folder)?;
    let files = test_files(folder)?;
    if files.is_empty() {
        bail!("no test in {}", folder.display());
    }
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-reporter=spec", "--test-timeout=180000"])
        .args(files);
    command
        .current_dir(folder)
        .env("TMPDIR", scratch)
        .env("PORTCULLIS_BIN", workspace::server_binary());
    process::run(stop, &mut command)
}

/// Installs the locked packages when the lock file has changed since the last time.
fn install(stop: &Stop, folder: &Path) -> Result<()> {
    let (lock, stamp) = (
        folder.join("package-lock.json"),
        folder.join("node_modules/.installed-lock"),
    );
    if workspace::is_current(&stamp, &lock) {
        return Ok(());
    }
    process::run(
        stop,
        Command::new("npm")
            .args(["ci", "--loglevel=error"])
            .current_dir(folder),
    )?;
    std::fs::copy(&lock, &stamp).context("cannot note what is installed")?;
    Ok(())
}

fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))?;
    let paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    let mut files: Vec<_> = paths
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    Ok(files)
}
