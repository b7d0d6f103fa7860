//! Everything a developer of Portcullis runs.
//!
//! ```text
//! cargo xtask test [--fast] [step|filter…]   install what is missing, start the services, run every check
//! cargo xtask services                       PostgreSQL and Redis for tests run by hand, until Ctrl-C
//! cargo xtask tour                           the tours of README.md and docs/run-it.md against the real server
//! cargo xtask bench …                        the performance budgets, printed as ratios
//! cargo xtask fuzz [target [seconds]]        random input for a parser that reads credentials
//! cargo xtask docs                           the parts of the docs that are made from the code, written anew
//! cargo xtask slices [crate…]                what the slices of a crate import of each other
//! ```
//!
//! **Invariants.** Every child process runs in a process group of its own and is ended by its id, also after a
//! failure or a signal; every file that is not a build product lies in one temporary folder that goes away.
//!
//! **Deliberately absent:** anything that a shipped binary needs. It compiles in a few seconds on purpose.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a developer's command line: it prints, reads the environment, and polls the programs it starts"
)]

mod bench;
mod browser;
mod clients;
mod dependencies;
mod docs;
mod fuzz;
mod node;
mod process;
mod services;
mod steps;
mod stop;
mod stranger;
mod test;
mod tidy;
mod tour;
mod workspace;

use std::process::ExitCode;

use crate::stop::{Stop, Stopped};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Stopped>() => {
            eprintln!("xtask: {error}");
            ExitCode::from(STOPPED_BY_SIGNAL)
        }
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<()> {
    let Some((command, rest)) = arguments.split_first() else {
        anyhow::bail!("{USAGE}")
    };
    let stop = Stop::listen()?;
    match command.as_str() {
        "test" => test::run(&stop, rest),
        "services" => services::serve(&stop),
        "tour" => tour::run_by_hand(&stop),
        "bench" => bench::run(&stop, rest),
        "fuzz" => fuzz::run(&stop, rest),
        "docs" => docs::run(&stop, rest),
        "slices" => tidy::print_slices(rest),
        other => anyhow::bail!("no command `{other}`\n{USAGE}"),
    }
}

const STOPPED_BY_SIGNAL: u8 = 130;

const USAGE: &str =
    "usage: cargo xtask test [--fast] [step|filter…] | services | tour | bench … | fuzz … | docs | slices …";
