//! The servers that tests talk to: PostgreSQL, poolers before it, and Redis on loopback and free ports, with their data in
//! the temporary folder; and nginx, which tests start themselves. The machine's own clusters are never touched.

pub(crate) mod apt;
mod owner;
mod pgbouncer;
pub(crate) mod port;
mod postgres;
mod redis;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::Process;
use crate::services::apt::Needed;
use crate::stop::Stop;
use crate::workspace;

/// All servers, until they are dropped: whoever talks to another one first.
pub(crate) struct Services {
    by_session: Running,
    by_transaction: Running,
    postgres: Running,
    redis: Running,
}

/// One server and its address.
struct Running {
    process: Process,
    port: u16,
}

/// What the services need from Debian.
pub(crate) const PROGRAMS: [Needed; 5] = [
    postgres::PROGRAM,
    pgbouncer::PROGRAM,
    redis::PROGRAM,
    NGINX,
    port::SETPRIV,
];

/// A proxy that tests start in front of a server, each its own.
const NGINX: Needed = Needed {
    program: "/usr/sbin/nginx",
    package: "nginx-light",
};

impl Services {
    /// Starts them and waits until they answer.
    ///
    /// # Errors
    /// When one doesn't come up; the text holds the end of its log.
    pub(crate) fn start(stop: &Stop, folder: &Path) -> Result<Self> {
        let postgres = postgres::start(stop, folder)?;
        let pooler = |mode| pgbouncer::start(stop, folder, postgres.port, mode);
        Ok(Self {
            by_session: pooler(pgbouncer::SESSION)?,
            by_transaction: pooler(pgbouncer::TRANSACTION)?,
            postgres,
            redis: redis::start(stop, folder)?,
        })
    }

    /// The variables that tests look at.
    pub(crate) fn variables(&self) -> [(&'static str, String); 5] {
        let pooler = |running: &Running| format!("postgres://postgres@127.0.0.1:{}", running.port);
        [
            ("PORTCULLIS_TEST_PGBOUNCER", pooler(&self.by_session)),
            (
                "PORTCULLIS_TEST_PGBOUNCER_TRANSACTION",
                pooler(&self.by_transaction),
            ),
            (
                "PORTCULLIS_TEST_POSTGRES",
                format!("postgres://postgres@127.0.0.1:{}/postgres", self.postgres.port),
            ),
            (
                "PORTCULLIS_TEST_REDIS",
                format!("redis://127.0.0.1:{}/", self.redis.port),
            ),
            ("PORTCULLIS_TEST_NGINX", NGINX.program.to_owned()),
        ]
    }
}

/// `cargo xtask services`: all servers until a signal arrives.
///
/// # Errors
/// When one doesn't come up, or ends by itself.
pub(crate) fn serve(stop: &Stop) -> Result<()> {
    apt::install(stop, &PROGRAMS)?;
    let folder = workspace::temporary_folder()?;
    let mut services = Services::start(stop, folder.path())?;
    for (name, value) in services.variables() {
        println!("export {name}={value}");
    }
    eprintln!("Ctrl-C ends them and removes their data");
    loop {
        for (name, service) in [
            ("PgBouncer", &mut services.by_session),
            ("PgBouncer", &mut services.by_transaction),
            ("PostgreSQL", &mut services.postgres),
            ("Redis", &mut services.redis),
        ] {
            if let Some(status) = service.process.exited()? {
                bail!("{name} ended by itself ({status})");
            }
        }
        if stop.pause().is_err() {
            return Ok(());
        }
    }
}

/// Starts a server on a free port and waits until it answers. A port that somebody else took first is no failure
/// of the server: another one is tried.
fn start_on_free_port(
    stop: &Stop,
    log: &Path,
    mut launch: impl FnMut(u16) -> Result<Process>,
    answers: impl Fn(u16) -> bool,
) -> Result<Running> {
    for _ in 0..ATTEMPTS {
        let port = port::free()?;
        let mut process = launch(port)?;
        loop {
            if process.exited()?.is_some() {
                break;
            }
            if answers(port) {
                return Ok(Running { process, port });
            }
            stop.pause()?;
        }
    }
    let said = std::fs::read_to_string(log).with_context(|| format!("no log at {}", log.display()))?;
    let last: Vec<_> = said.lines().rev().take(20).collect();
    bail!(
        "it ended instead of answering:\n{}",
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    )
}

/// How many ports are tried.
const ATTEMPTS: usize = 3;
