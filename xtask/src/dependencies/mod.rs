//! What may enter the dependency tree: the rules of `deny.toml`, checked without a network and without another tool,
//! and the floors of the house.
//!
//! The graph is what `cargo tree` prints: packages that are really built here, with features resolved. Tests may
//! bring a licence of their own, but no banned crate, no second version and no foreign source.

mod bans;
mod floors;
mod graph;
mod licences;
mod rules;
mod sources;

use anyhow::{Context, Result, bail};

use crate::dependencies::graph::Edges;
use crate::dependencies::rules::Rules;
use crate::workspace;

/// Checks licences, bans, duplicates, sources and floors.
///
/// # Errors
/// When a rule is broken; each break is printed.
pub(crate) fn run() -> Result<()> {
    let read = |name: &str| {
        std::fs::read_to_string(workspace::root().join(name)).with_context(|| format!("cannot read {name}"))
    };
    let rules = Rules::parse(&read("deny.toml")?).context("deny.toml")?;
    let shipped = graph::packages(Edges::Shipped)?;
    let everything = graph::packages(Edges::Everything)?;
    let mut broken = licences::check(&rules, &shipped);
    broken.extend(bans::forbidden(&rules, &everything));
    broken.extend(bans::duplicates(&rules, &everything));
    broken.extend(sources::check(&read("Cargo.lock")?));
    broken.extend(floors::check(workspace::root())?);
    for line in &broken {
        println!("{line}");
    }
    match broken.len() {
        0 => {
            println!("{} packages ship, {} in all", shipped.len(), everything.len());
            Ok(())
        }
        count => bail!("{count} broken rule(s)"),
    }
}
