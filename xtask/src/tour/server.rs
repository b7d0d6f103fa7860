//! The server of the tour, as `cargo run` would start it but on a free port.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};

use crate::process::{self, Process};
use crate::services::port;

/// A running server; dropping it ends it.
pub(crate) struct Server {
    process: Process,
    port: u16,
    /// By the name that it tells people.
    address: String,
    out: PathBuf,
    log: PathBuf,
}

impl Server {
    /// Starts `binary` in `folder` with its data in `folder/data`.
    ///
    /// # Errors
    /// When it can't be started.
    pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let port = port::free()?;
        // Outside the reader's folder: a tour that lists its files sees only the server's.
        let beside = folder.parent().context("the tour's folder has no parent")?;
        let (out, log) = (beside.join("server.out"), beside.join("server.err"));
        let mut command = process::tied(binary);
        command
            .args([
                "serve",
                "--listen",
                &format!("127.0.0.1:{port}"),
                "--data",
                "./data",
            ])
            .current_dir(folder);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PORTCULLIS_") {
                command.env_remove(name);
            }
        }
        command
            .stdin(Stdio::null())
            .stdout(File::create(&out)?)
            .stderr(File::create(&log)?);
        Ok(Self {
            process: Process::start(&mut command)?,
            port,
            address: format!("localhost:{port}"),
            out,
            log,
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.exited()?.is_none())
    }

    pub(crate) fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    /// What it printed for its user so far.
    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// The end of its log, for whoever looks for a reason.
    pub(crate) fn said(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<_> = log.lines().rev().take(20).collect();
        format!(
            "--- the server's log\n{}",
            last.into_iter().rev().collect::<Vec<_>>().join("\n")
        )
    }
}
