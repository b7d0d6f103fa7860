//! Hands over to the benchmark program, built for speed.

use anyhow::{Result, bail};

use crate::stop::Stop;
use crate::{process, workspace};

/// Runs `portcullis-bench` with `arguments`.
///
/// # Errors
/// When there is no benchmark crate, or it fails.
pub(crate) fn run(stop: &Stop, arguments: &[String]) -> Result<()> {
    if !workspace::root().join("bench/Cargo.toml").is_file() {
        bail!("there is no benchmark here: the crate `portcullis-bench` is expected in `bench/`");
    }
    // The benchmark starts the server program that lies beside it.
    let mut server = workspace::cargo();
    server.args(["build", "--profile", "dist", "--package", "portcullis-server"]);
    process::run(stop, &mut server)?;
    let mut command = workspace::cargo();
    command
        .args(["run", "--profile", "dist", "--package", "portcullis-bench", "--"])
        .args(arguments);
    process::run(stop, &mut command)
}
