//! What is measured, one file for each kind of budget.

mod counted;
mod decision;
mod limits;
mod login;
mod policy;
mod process;
mod protected;
mod refresh;
mod resource;
mod scale;
mod signatures;
mod verification;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

pub(crate) use self::counted::write_request;
use crate::report::Line;
use crate::{machine, report};

/// How much is measured, and where.
#[derive(Debug)]
pub(crate) struct Plan {
    /// How many rounds, and of what size.
    pub(crate) size: Size,
    /// Where databases are put.
    pub(crate) folder: PathBuf,
    /// The server program, if there is one.
    pub(crate) server: Option<PathBuf>,
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// As little as shows that a row can be measured: its figures mean nothing.
    Tried,
    /// Fewer rounds, smaller numbers.
    Quick,
    /// What budgets are about.
    Full,
}

impl Plan {
    /// The number for the plan's size.
    fn pick<T>(&self, tried: T, quick: T, full: T) -> T {
        match self.size {
            Size::Tried => tried,
            Size::Quick => quick,
            Size::Full => full,
        }
    }

    /// How many rounds are measured: one if only tried, otherwise by the size.
    fn rounds(&self, quick: usize, full: usize) -> usize {
        self.pick(1, quick, full)
    }

    /// A span of so many milliseconds.
    fn millis(&self, quick: u64, full: u64) -> Duration {
        Duration::from_millis(self.pick(quick.min(20), quick, full))
    }

    /// A folder for databases that is deleted with its handle.
    fn temporary(&self) -> Result<TempDir> {
        TempDir::with_prefix_in("portcullis-bench-", &self.folder)
            .with_context(|| format!("no folder can be made in {}", self.folder.display()))
    }
}

type Measurement = fn(&Plan) -> Result<Vec<Line>>;

const ALL: [(&str, Measurement); 12] = [
    ("protected", protected::measure),
    ("counted", counted::measure),
    ("decision", decision::measure),
    ("limits", limits::measure),
    ("resource", resource::measure),
    ("policy", policy::measure),
    ("verification", verification::measure),
    ("signatures", signatures::measure),
    ("login", login::measure),
    ("refresh", refresh::measure),
    ("scale", scale::measure),
    ("process", process::measure),
];

/// What can be named.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(|(name, _)| name)
}

/// Measures everything, or only what is named.
pub(crate) fn measure(plan: &Plan, only: &[String]) -> Result<Vec<Line>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs what `--only` names, as little of it as there is.
    fn tried(measure: Measurement) {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            size: Size::Tried,
            folder: folder.path().to_owned(),
            server: None,
        };
        let lines = measure(&plan).unwrap();
        assert!(!lines.is_empty());
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing is left behind"
        );
    }

    /// A test for each row but those that start the program itself: `tests/process.rs` tries them, `counted` without valgrind.
    macro_rules! tries {
        ($($row:ident)+) => {
            $(#[test]
            fn $row() {
                tried(super::$row::measure);
            })+

            #[test]
            fn every_row_is_tried() {
                let untried = ["counted", "process"];
                let named: Vec<_> = names().filter(|name| !untried.contains(name)).collect();
                assert_eq!(named, [$(stringify!($row)),+]);
            }
        };
    }

    tries! { protected decision limits resource policy verification signatures login refresh scale }

    #[test]
    fn the_page_names_every_row() {
        let page = include_str!("../../../docs/performance.md");
        let (methods, _) = page.split_once("\n## Measured").expect("the methods end there");
        let rows = methods.lines().filter_map(|line| line.strip_prefix("| `"));
        let rows: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
        assert_eq!(rows, names().collect::<Vec<_>>(), "the table of methods");
        let listed = names()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        assert!(page.contains(&format!("`NAME` is one of {listed}.")), "{listed}");
    }
}
