//! The README's five-minute tour and the operator's ten minutes, run as a reader would run them: a real server, one
//! shell, every printed line compared.
//!
//! A tour is the ` ```console ` blocks of one section ([`TOURS`]). `$ cargo run`, or `$ portcullis`, starts the server in an
//! empty folder, or anew; everything else runs in one bash session there, with `portcullis` on the `PATH`. The page's
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

/// The pages with a tour, each with the heading of its section.
const TOURS: [(&str, &str); 2] = [
    ("README.md", "## Five-minute tour"),
    ("docs/run-it.md", "## Ten minutes"),
];

/// What the tours' commands use.
pub(crate) const PROGRAMS: [Needed; 3] = [
    Needed {
        program: "curl",
        package: "curl",
    },
    Needed {
        program: "jq",
        package: "jq",
    },
    Needed {
        program: "sqlite3",
        package: "sqlite3",
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

/// Runs each tour in a new folder inside `scratch`.
///
/// # Errors
/// When a page has no tour, or a line differs; the text holds the command, the expected and the printed lines.
pub(crate) fn run(stop: &Stop, scratch: &Path) -> Result<()> {
    for (page, heading) in TOURS {
        let text = std::fs::read_to_string(workspace::root().join(page)).context(page)?;
        let steps = readme::tour(&text, heading).context(page)?;
        // The server's lines go beside the tour's folder.
        let outside = tempfile::tempdir_in(scratch)?;
        let folder = outside.path().join("tour");
        std::fs::create_dir(&folder)?;
        walk(stop, &steps, &folder, &workspace::server_binary()).context(page)?;
        println!("{} commands print what {page} says", steps.len());
    }
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
        "line {}\n$ {}\n--- expected\n{}\n--- got\n{}\n{said}",
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
