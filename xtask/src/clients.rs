//! The server as seen by somebody else's client libraries and generators, run by Python's and node's own test runners.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::services::apt::{self, Needed};
use crate::stop::Stop;
use crate::{node, process, workspace};

/// Runs every `tests/clients/test_*.py` with the packages of `tests/clients/requirements.txt`, and every
/// `tests/clients/*.test.mjs` with those of its lock file.
///
/// # Errors
/// When a package can't be installed or a test fails.
pub(crate) fn run(stop: &Stop, scratch: &Path) -> Result<()> {
    let folder = workspace::root().join("tests/clients");
    let python = workspace::target().join("clients-venv");
    install(stop, &folder.join("requirements.txt"), &python)?;
    let mut command = Command::new(python.join("bin/python"));
    command
        .args(["-B", "-m", "unittest", "discover", "--verbose"])
        .current_dir(&folder);
    command
        .env("TMPDIR", scratch)
        .env("PORTCULLIS_BIN", workspace::server_binary());
    process::run(stop, &mut command)?;
    node::run_tests(stop, &folder, scratch)
}

/// Makes the environment anew when the requirements have changed since the last time.
fn install(stop: &Stop, requirements: &Path, environment: &Path) -> Result<()> {
    let stamp = environment.join("installed-requirements.txt");
    if workspace::is_current(&stamp, requirements) {
        return Ok(());
    }
    if process::output(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_err() {
        apt::install(stop, &[VENV])?;
    }
    process::run(
        stop,
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(environment),
    )?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ]);
    process::run(stop, pip.arg(requirements))?;
    std::fs::copy(requirements, &stamp).context("cannot note what is installed")?;
    Ok(())
}

/// Debian's Python comes without the modules that make an environment.
const VENV: Needed = Needed {
    program: "/usr/share/doc/python3-venv",
    package: "python3-venv",
};
