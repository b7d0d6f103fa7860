//! A PostgreSQL cluster of our own: durable, small, open to every loopback caller, and gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::process::{self, Process};
use crate::services::apt::Needed;
use crate::services::owner::Owner;
use crate::services::{Running, start_on_free_port};
use crate::stop::Stop;

/// Debian's package keeps its programs in a folder per version, so its own wrapper tells whether it is there.
pub(crate) const PROGRAM: Needed = Needed {
    program: "pg_createcluster",
    package: "postgresql",
};

/// Makes a cluster in `folder` and starts it.
pub(crate) fn start(stop: &Stop, folder: &Path) -> Result<Running> {
    let programs = programs()?;
    let home = folder.join("postgres");
    fs::create_dir(&home)?;
    let owner = Owner::find()?;
    owner.take(&home)?;
    let data = home.join("data");
    process::output(
        owner
            .command(&programs.join("initdb"))
            .current_dir(&home)
            .arg("--pgdata")
            .arg(&data)
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ]),
    )?;
    let log = home.join("log");
    start_on_free_port(
        stop,
        &log,
        |port| {
            let out = fs::File::options().create(true).append(true).open(&log)?;
            let mut command = owner.command(&programs.join("postgres"));
            command
                .current_dir(&home)
                .arg("-D")
                .arg(&data)
                .args(["-p", &port.to_string()]);
            for setting in SETTINGS {
                command.args(["-c", setting]);
            }
            command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
            Process::start_ending_with(FAST_SHUTDOWN, &mut command)
        },
        |port| is_ready(&programs, port),
    )
    .context("PostgreSQL")
}

fn is_ready(programs: &Path, port: u16) -> bool {
    Command::new(programs.join("pg_isready"))
        .args(["--quiet", "--host=127.0.0.1", &format!("--port={port}")])
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The newest version's programs.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir(VERSIONS).with_context(|| format!("no PostgreSQL in {VERSIONS}"))?;
    versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|programs| programs.join("postgres").is_file())
        .max_by_key(|programs| version(programs))
        .with_context(|| format!("no PostgreSQL server in {VERSIONS}"))
}

fn version(programs: &Path) -> u32 {
    let name = programs.parent().and_then(Path::file_name).unwrap_or_default();
    name.to_string_lossy().parse().unwrap_or_default()
}

const VERSIONS: &str = "/usr/lib/postgresql";

/// `SIGTERM` would wait for clients to leave; this doesn't.
const FAST_SHUTDOWN: Signal = Signal::INT;

/// Durable as in production, but small: many tests connect at once and no standby listens.
const SETTINGS: [&str; 10] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=on",
    "synchronous_commit=on",
    "shared_buffers=64MB",
    "max_connections=300",
    "wal_level=minimal",
    "max_wal_senders=0",
    "timezone=UTC",
    "log_timezone=UTC",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version(Path::new("/x/15/bin")) > version(Path::new("/x/9/bin")));
        assert_eq!(version(Path::new("/x/other/bin")), 0);
    }
}
