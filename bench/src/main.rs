//! Measures Portcullis against its performance budgets.
//!
//! ```text
//! cargo run --release -p portcullis-bench -- [--quick] [--only NAME] [--json FILE] [--check]
//! ```
//! Flow: [`rows`] measures one budget after the other and returns [`report::Line`]s; [`report`] prints them.
//!
//! Invariants: both sides of a ratio are measured in turns in the same run, on the same machine, in the same state
//! ([`measure::in_turns`]); a figure is the median of its rounds and stands beside the lowest and the highest.
//! Nothing leaves loopback, every measurement ends by itself, and what was written is deleted.
//!
//! **Deliberately absent:** stored results to compare with. Another day is another machine.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what this program is for"
)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are rounded for people anyway"
)]

mod child;
mod deployment;
mod load;
mod machine;
mod measure;
mod population;
mod report;
mod routes;
mod rows;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use clap::builder::PossibleValuesParser;
use mimalloc::MiMalloc;

use self::rows::{Plan, Size};

/// The allocator of the server program, for both sides of each ratio.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Measures Portcullis against its performance budgets and prints them as ratios.
#[derive(Parser)]
struct Options {
    /// Ends within a minute: fewer rounds, and 100,000 users in the place of 1,000,000.
    #[arg(long)]
    quick: bool,
    /// Measures as little as shows that it can be measured: for tests.
    #[arg(long, hide = true, conflicts_with = "quick")]
    tried: bool,
    /// Measures only the rows of these names.
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(rows::names()))]
    only: Vec<String>,
    /// Writes the figures to a file as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Ends with status 1 if a budget was missed.
    #[arg(long)]
    check: bool,
    /// Where databases are put: a folder on the disk to be measured. By default beside this program.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The server program to be measured. By default `portcullis` beside this program, and if there is none, this
    /// program serving the same routes.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Serves the routes instead of measuring: the stand-in for a server program.
    #[arg(long, hide = true, value_names = ["ADDRESS", "DIR"], num_args = 2)]
    serve: Option<Vec<String>>,
    /// Serves one route and says where, and what to ask, until its input ends: what is counted.
    #[arg(long, hide = true, value_name = "ROUTE")]
    answer: Option<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if let Some([address, folder]) = options.serve.as_deref() {
        child::serve(address, folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(route) = options.answer.as_deref() {
        child::answer(route)?;
        return Ok(ExitCode::SUCCESS);
    }
    let beside = std::env::current_exe().context("this program's own path is unknown")?;
    let folder = options
        .folder
        .or_else(|| Some(beside.parent()?.to_owned()))
        .context("name a folder for databases with --folder")?;
    let plan = Plan {
        size: match (options.tried, options.quick) {
            (true, _) => Size::Tried,
            (false, true) => Size::Quick,
            (false, false) => Size::Full,
        },
        folder,
        server: options.server.or_else(|| child::beside(&beside)),
    };
    let machine = machine::describe();
    println!("{machine}\n");
    let lines = rows::measure(&plan, &options.only)?;
    println!("\n{}", report::table(&lines));
    if let Some(file) = &options.json {
        let json = report::json(&machine, options.quick, &lines);
        std::fs::write(file, format!("{json:#}\n"))
            .with_context(|| format!("{} can't be written", file.display()))?;
    }
    let missed = lines.iter().any(report::Line::is_missed);
    Ok(ExitCode::from(u8::from(options.check && missed)))
}
