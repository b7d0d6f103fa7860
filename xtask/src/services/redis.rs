//! A Redis of our own that keeps nothing on disk.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{self, Process};
use crate::services::apt::Needed;
use crate::services::{Running, start_on_free_port};
use crate::stop::Stop;

/// The program and the Debian package that has it.
pub(crate) const PROGRAM: Needed = Needed {
    program: "redis-server",
    package: "redis-server",
};

/// Starts it with `folder` as its home.
pub(crate) fn start(stop: &Stop, folder: &Path) -> Result<Running> {
    let home = folder.join("redis");
    fs::create_dir(&home)?;
    let log = home.join("log");
    start_on_free_port(
        stop,
        &log,
        |port| {
            let mut command = process::tied("redis-server");
            command
                .current_dir(&home)
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
            command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
            command.arg("--dir").arg(&home).arg("--logfile").arg(&log);
            Process::start(
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null()),
            )
        },
        |port| ping(port).is_ok_and(|answer| answer == *PONG),
    )
    .context("Redis")
}

fn ping(port: u16) -> std::io::Result<[u8; PONG.len()]> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; PONG.len()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

const PONG: &[u8; 7] = b"+PONG\r\n";

const PATIENCE: Duration = Duration::from_secs(1);
