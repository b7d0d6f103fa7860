//! The one bash session in which the tour's commands run.
//!
//! Each command is a file that the session reads, so that a variable set by one is there for the next, and no command
//! can eat the session's own input. After each, the session prints a mark that no command can guess.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{self, Process};
use crate::stop::{BEAT, Stop};

/// A running session; dropping it ends it and what it started.
pub(crate) struct Shell {
    _process: Process,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    scripts: TempDir,
    mark: String,
}

impl Shell {
    /// Starts a session in `folder`, with the folder of `binary` first on its `PATH`.
    ///
    /// # Errors
    /// When bash can't be started.
    pub(crate) fn start(folder: &Path, binary: &Path) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let first = binary.parent().unwrap_or(Path::new("/")).to_owned();
        let path = std::env::join_paths(std::iter::once(first).chain(std::env::split_paths(&path)))?;
        let mut command = process::tied("bash");
        command
            .args(["--noprofile", "--norc"])
            .current_dir(folder)
            .env("PATH", path)
            .env("TERM", "dumb");
        let mut process = Process::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let (input, output) = (process.child().stdin.take(), process.child().stdout.take());
        let mut input = input.context("bash has no input")?;
        let output = chunks(output.context("bash has no output")?);
        input.write_all(b"exec 2>&1\n")?;
        let scripts = tempfile::tempdir_in(folder.parent().unwrap_or(folder))?;
        let mark = format!(
            "end-of-{}",
            scripts.path().file_name().unwrap_or_default().display()
        );
        Ok(Self {
            _process: process,
            input,
            output,
            scripts,
            mark,
        })
    }

    /// Runs one command and returns what it printed, errors included.
    ///
    /// # Errors
    /// When the session ends or the command takes too long.
    pub(crate) fn run(&mut self, stop: &Stop, command: &str) -> Result<String> {
        let script: PathBuf = self.scripts.path().join("command");
        std::fs::write(&script, format!("{command}\n"))?;
        let end = format!("\n{}\n", self.mark);
        writeln!(
            self.input,
            ". '{}' </dev/null; printf '\\n%s\\n' {}",
            script.display(),
            self.mark
        )?;
        let deadline = Instant::now() + PATIENCE;
        let mut printed = Vec::new();
        loop {
            match self.output.recv_timeout(BEAT) {
                Ok(chunk) => printed.extend(chunk),
                Err(RecvTimeoutError::Timeout) => stop.check()?,
                Err(RecvTimeoutError::Disconnected) => bail!("`{command}` ended the session"),
            }
            let text = String::from_utf8_lossy(&printed);
            if let Some(output) = text.strip_suffix(&end) {
                return Ok(output.to_owned());
            }
            if Instant::now() > deadline {
                bail!("`{command}` doesn't end; it printed\n{text}");
            }
        }
    }
}

fn chunks(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = output.read(&mut buffer) {
            if sender
                .send(buffer.iter().take(length).copied().collect())
                .is_err()
            {
                return;
            }
        }
    });
    receiver
}

/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(60);
