//! All peers in turns, and the table.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::guards;

/// A server as a process of its own, on the first core.
struct Server {
    name: String,
    child: Child,
    address: String,
    request: String,
    samples: Vec<f64>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(name: &str) -> Result<Self> {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]);
        match name.strip_prefix("FastAPI ") {
            Some(kind) => {
                let python =
                    std::env::var("PEERS_PYTHON").context("PEERS_PYTHON names a Python with FastAPI")?;
                command.args([python.as_str(), "fastapi/app.py", kind]);
            }
            None => {
                command.arg(std::env::current_exe()?).args(["serve", name]);
            }
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{name} can't be started"))?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut line = || {
            lines
                .next()
                .context("it ended before it was ready")?
                .map_err(anyhow::Error::from)
        };
        let (address, request) = (line()?, line()?);
        Ok(Self {
            name: name.to_owned(),
            child,
            address,
            request,
            samples: Vec::new(),
        })
    }

    /// Microseconds of processor time for one request.
    fn measure(&self, millis: u64) -> Result<f64> {
        let before = self.processor()?;
        let output = Command::new("taskset")
            .args(["-c", "1"])
            .arg(std::env::current_exe()?)
            .args(["load", &self.address, &self.request, "32", &millis.to_string()])
            .output()?;
        if !output.status.success() {
            bail!("{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        }
        let answered: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        Ok((self.processor()? - before) / 1e3 / answered)
    }

    /// Nanoseconds that all threads of the process ran so far.
    fn processor(&self) -> Result<f64> {
        let mut all = 0.0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let ran: f64 = text.split(' ').next().context("schedstat is empty")?.parse()?;
            all += ran;
        }
        Ok(all)
    }
}

pub fn all(rounds: usize) -> Result<()> {
    let python = std::env::var_os("PEERS_PYTHON").is_some();
    let names = guards::NAMES
        .iter()
        .chain(if python { &FASTAPI[..] } else { &[] });
    let mut servers = names
        .map(|name| Server::start(name))
        .collect::<Result<Vec<_>>>()?;
    for server in &servers {
        server.measure(300)?;
    }
    for round in 0..rounds {
        let mut turn: Vec<&mut Server> = servers.iter_mut().collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for server in turn {
            let sample = server.measure(700)?;
            server.samples.push(sample);
        }
    }
    let median = |server: &Server| {
        let mut sorted = server.samples.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let of = |name: &str| servers.iter().find(|server| server.name == name).map(median);
    let (wire, ours) = (
        of("axum").unwrap_or(f64::NAN),
        of("Portcullis JWT HS256").unwrap_or(f64::NAN),
    );
    println!(
        "| {:<40} | {:>9} | {:>8} | {:>22} |",
        "guard", "µs", "÷ axum", "÷ Portcullis JWT HS256"
    );
    println!(
        "|{}|{}|{}|{}|",
        "-".repeat(42),
        "-".repeat(11),
        "-".repeat(10),
        "-".repeat(24)
    );
    for server in &servers {
        let cost = median(server);
        println!(
            "| {:<40} | {cost:>9.2} | {:>8.2} | {:>22.2} |",
            server.name,
            cost / wire,
            cost / ours
        );
    }
    Ok(())
}

const FASTAPI: [&str; 2] = ["FastAPI JWT", "FastAPI key"];
