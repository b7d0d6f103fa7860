//! What is measured, one file for each kind of budget.

mod decision;
mod login;
mod policy;
mod process;
mod protected;
mod refresh;
mod resource;
mod scale;
mod verification;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::report::Line;
use crate::{machine, report};

/// How much is measured, and where.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Fewer rounds, smaller numbers.
    pub(crate) quick: bool,
    /// Where databases are put.
    pub(crate) folder: PathBuf,
    /// The server program, if there is one.
    pub(crate) server: Option<PathBuf>,
}

impl Plan {
    /// One of two numbers.
    fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// A span of so many milliseconds.
    fn millis(&self, quick: u64, full: u64) -> Duration {
        Duration::from_millis(self.pick(quick, full))
    }

    /// A folder for databases that is deleted with its handle.
    fn temporary(&self) -> Result<TempDir> {
        TempDir::with_prefix_in("portcullis-bench-", &self.folder)
            .with_context(|| format!("no folder can be made in {}", self.folder.display()))
    }
}

type Measurement = fn(&Plan) -> Result<Vec<Line>>;

const ALL: [(&str, Measurement); 9] = [
    ("protected", protected::measure),
    ("decision", decision::measure),
    ("resource", resource::measure),
    ("policy", policy::measure),
    ("verification", verification::measure),
    ("login", login::measure),
    ("refresh", refresh::measure),
    ("scale", scale::measure),
    ("process", process::measure),
];

/// Measures everything, or only what is named.
pub(crate) fn measure(plan: &Plan, only: &[String]) -> Result<Vec<Line>> {
    for name in only {
        if !ALL.iter().any(|(known, _)| known == name) {
            let names = ALL.map(|(name, _)| name).join(", ");
            bail!("there is nothing called {name} to measure; choose among {names}");
        }
    }
    let mut lines = Vec::new();
    for (name, measure) in ALL {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            eprintln!("measuring {name} (load {:.2})", machine::load());
            let measured = measure(plan).with_context(|| format!("{name} could not be measured"))?;
            // Told at once too: whoever loses patience keeps what is done.
            eprintln!("{}", report::table(&measured));
            lines.extend(measured);
        }
    }
    Ok(lines)
}
