//! The server as a process of its own, whose start and memory are measured.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener as Port};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use portcullis_identity::Portcullis;
use portcullis_identity::listener::Limits;
use rustix::process::{Pid, Signal, kill_process};

use crate::deployment;
use crate::load::{self, Connection, Server};
use crate::routes::{Kind, Route};
use crate::rows::write_request;

/// The server program beside this one, if it was built.
pub(crate) fn beside(this: &Path) -> Option<PathBuf> {
    let program = this.with_file_name(format!("portcullis{}", std::env::consts::EXE_SUFFIX));
    program.is_file().then_some(program)
}

/// The stand-in for a server program: [`Portcullis::api`] on a file in `folder`.
pub(crate) fn serve(address: &str, folder: &str) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let portcullis = Portcullis::open(&deployment::url(&database(Path::new(folder)))).await?;
        let listener = tokio::net::TcpListener::bind(address).await?;
        let interrupted = async {
            let _ = tokio::signal::ctrl_c().await;
        };
        let api = portcullis.api();
        portcullis
            .serve_on(api, listener, Limits::default(), interrupted)
            .await?;
        Ok(())
    })
}

/// Serves the route of this name until the standard input ends. Says its address and its request, each on a line.
pub(crate) fn answer(route: &str) -> Result<()> {
    let kind = Kind::named(route)?;
    let route = deployment::runtime()?.block_on(Route::of(kind))?;
    let server = Server::start(vec![(route.router.clone(), route.by)])?;
    println!("{}\n{}", server.address(0)?, write_request(&route.request()));
    std::io::stdout().flush()?;
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// Where a server keeps its database.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("portcullis.db")
}

/// A running server. Dropping it ends it.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the program to its first good answer.
    pub(crate) started_in: Duration,
}

impl Running {
    /// Starts `program`, or the stand-in, with its data in `folder`, and waits for its first good answer.
    pub(crate) async fn start(program: Option<&Path>, folder: &Path) -> Result<Self> {
        // The port is free again at once: nobody was connected to it.
        let address = Port::bind(("127.0.0.1", 0))?.local_addr()?;
        let mut command = match program {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(["serve", "--listen", &address.to_string(), "--data"]);
                command
            }
            None => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["--serve", &address.to_string()]);
                command
            }
        };
        command.arg(folder).current_dir(folder);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let begun = Instant::now();
        let child = command.spawn().context("the server program can't be started")?;
        let mut running = Self {
            child,
            address,
            started_in: Duration::ZERO,
        };
        running.first_answer(begun).await?;
        running.started_in = begun.elapsed();
        Ok(running)
    }

    /// The system's id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.context("a process has an impossible id")?, Signal::INT)?;
        self.child.wait()?;
        Ok(())
    }

    async fn first_answer(&mut self, begun: Instant) -> Result<()> {
        let request = load::get("/health/live", None);
        loop {
            if let Ok(mut connection) = Connection::open(self.address).await
                && connection.ask(&request).await.is_ok_and(|status| status == 200)
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended before it answered: {status}");
            }
            if begun.elapsed() > LONGEST_START {
                bail!("the server didn't answer for {LONGEST_START:?}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that was stopped already is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LONGEST_START: Duration = Duration::from_secs(20);
