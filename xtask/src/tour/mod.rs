//! The README's five-minute tour, run as a reader would run it: a real server, one shell, every printed line compared.
//!
//! The tour is the ` ```console ` blocks of the section `## Five-minute tour`. `$ cargo run` starts the server in an
//! empty folder; everything else runs in one bash session there, with `portcullis` on the `PATH`. The README's
//! address stands for the real one in both directions. See [`expected`] for what `…` matches.

mod expected;
mod readme;
mod server;
mod shell;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::services::apt::{self, Needed};
use crate::stop::Stop;
use crate::tour::readme::Step;
use crate::tour::server::Server;
use crate::tour::shell::Shell;
use crate::{process, workspace};

/// What the tour's commands use.
pub(crate) const PROGRAMS: [Needed; 2] = [
    Needed {
        program: "curl",
        package: "curl",
    },
    Needed {
        program: "jq",
        package: "jq",
    },
];

/// `cargo xtask tour`: builds the server first.
///
/// # Errors
/// As [`run`]; and when the server can't be built.
pub(crate) fn run_by_hand(stop: &Stop) -> Result<()> {
    apt::install(stop, &PROGRAMS)?;
    process::run(
        stop,
        workspace::cargo().args(["build", "--package", "portcullis-server"]),
    )?;
    let folder = workspace::temporary_folder()?;
    run(stop, folder.path())
}

/// Runs the tour in a new folder inside `scratch`.
///
/// # Errors
/// When the README has no tour, or a line differs; the text holds the command, the expected and the printed lines.
pub(crate) fn run(stop: &Stop, scratch: &Path) -> Result<()> {
    let readme = std::fs::read_to_string(workspace::root().join("README.md")).context("README.md")?;
    let steps = readme::tour(&readme).context("README.md")?;
    let folder = tempfile::tempdir_in(scratch)?;
    walk(stop, &steps, folder.path(), &workspace::server_binary())?;
    println!("{} commands of the tour print what the README says", steps.len());
    Ok(())
}

fn walk(stop: &Stop, steps: &[Step], folder: &Path, binary: &Path) -> Result<()> {
    let mut server: Option<Server> = None;
    let mut shell = Shell::start(folder, binary)?;
    for step in steps {
        if step.starts_server() {
            // The one before must be gone before a second one opens its database.
            drop(server.take());
            let started = server.insert(Server::start(binary, folder)?);
            wait_for_lines(stop, step, started)?;
        } else {
            let address = server.as_ref().map(Server::address);
            let printed = shell.run(stop, &step.command_for(address))?;
            compare(step, &step.as_in_readme(&printed, address), server.as_ref())?;
        }
    }
    Ok(())
}

/// A server prints its lines in its own time, and goes on running.
fn wait_for_lines(stop: &Stop, step: &Step, server: &mut Server) -> Result<()> {
    let deadline = Instant::now() + START;
    loop {
        let running = server.is_running()?;
        let printed = step.as_in_readme(&server.printed(), Some(server.address()));
        if expected::matches(&step.expected, &printed) && server.answers() {
            return Ok(());
        }
        if !running || Instant::now() > deadline {
            return compare(step, &printed, Some(server)).and_then(|()| {
                bail!(
                    "the server printed its lines but doesn't listen\n{}",
                    server.said()
                )
            });
        }
        stop.pause()?;
    }
}

fn compare(step: &Step, printed: &str, server: Option<&Server>) -> Result<()> {
    if expected::matches(&step.expected, printed) {
        return Ok(());
    }
    let said = server.map(Server::said).unwrap_or_default();
    bail!(
        "line {} of README.md\n$ {}\n--- expected\n{}\n--- got\n{}\n{said}",
        step.line,
        step.command,
        step.expected.join("\n"),
        printed.trim_end()
    )
}

/// How long a server may take to print its lines.
const START: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests;
