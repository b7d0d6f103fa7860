//! Two poolers before our PostgreSQL, one that shares its sessions by session and one by transaction, with the defaults of
//! the Debian package otherwise.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};

use crate::process::Process;
use crate::services::apt::Needed;
use crate::services::owner::Owner;
use crate::services::{Running, start_on_free_port};
use crate::stop::Stop;

/// The program and the Debian package that has it.
pub(crate) const PROGRAM: Needed = Needed {
    program: "/usr/sbin/pgbouncer",
    package: "pgbouncer",
};

/// When a session of the server goes back to the pool, and how many there are for one database.
#[derive(Clone, Copy)]
pub(super) struct Mode {
    name: &'static str,
    sessions: u32,
}

/// A client has a session for itself: there must be enough for all that tests open.
pub(super) const SESSION: Mode = Mode {
    name: "session",
    sessions: 64,
};

/// A client has a session for the length of a transaction: few, so that many share them.
pub(super) const TRANSACTION: Mode = Mode {
    name: "transaction",
    sessions: 4,
};

/// Starts one before the server on `postgres`.
pub(super) fn start(stop: &Stop, folder: &Path, postgres: u16, mode: Mode) -> Result<Running> {
    let home = folder.join(format!("pgbouncer-{}", mode.name));
    fs::create_dir(&home)?;
    let owner = Owner::find()?;
    let (settings, log) = (home.join("pgbouncer.ini"), home.join("log"));
    fs::File::create(&log)?;
    owner.take(&home)?;
    start_on_free_port(
        stop,
        &log,
        |port| {
            fs::write(&settings, text(port, postgres, mode))?;
            let out = fs::File::options().append(true).open(&log)?;
            let mut command = owner.command(Path::new(PROGRAM.program));
            command.current_dir(&home).arg(&settings);
            command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
            Process::start(&mut command)
        },
        |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok(),
    )
    .context("PgBouncer")
}

fn text(port: u16, postgres: u16, mode: Mode) -> String {
    let Mode { name, sessions } = mode;
    format!(
        "[databases]\n\
         * = host=127.0.0.1 port={postgres} user=postgres\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = any\n\
         pool_mode = {name}\n\
         default_pool_size = {sessions}\n\
         max_client_conn = 500\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_has_its_own_settings() {
        let settings = text(1, 2, TRANSACTION);
        assert!(settings.contains("port=2 ") && settings.contains("listen_port = 1\n"));
        assert!(settings.contains("pool_mode = transaction\n"));
        assert!(text(1, 2, SESSION).contains("pool_mode = session\n"));
    }
}
