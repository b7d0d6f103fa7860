//! No slice of a crate leads back to itself: whoever reads one needs only those below it.
//!
//! A slice is a top-level module, `src/NAME.rs` or `src/NAME/`. It leads to every other slice that its code names, by
//! `use` or inline; what the crate's root re-exports, or a macro puts there, counts for the slice it comes from. The root
//! itself is no slice. Tests and docs don't count.
//!
//! **Limits:** an item that the root re-exports by a glob, and a macro that is used without a path, are not followed.

mod graph;
mod parts;
mod paths;

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use self::graph::{Graph, Import};
use self::parts::Crate;
use crate::tidy::Finding;
use crate::tidy::tree::Tree;
use crate::workspace;

/// The crates without a cycle. One is added when its last knot is undone, and none is taken out.
const ACYCLIC: &[&str] = &[
    "portcullis",
    "portcullis-core",
    "portcullis-identity",
    "portcullis-server",
    "portcullis-store",
    "portcullis-testkit",
    "xtask",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    compare(tree, ACYCLIC)
}

/// `cargo xtask slices [crate…]`: what the slices of these crates, or of all, import of each other.
///
/// # Errors
/// For a name that no crate has.
pub(crate) fn print(names: &[String]) -> Result<()> {
    let tree = Tree::read(workspace::root())?;
    let crates = Crate::all(&tree);
    if let Some(name) = names
        .iter()
        .find(|name| !crates.iter().any(|krate| krate.name == **name))
    {
        let known: Vec<_> = crates.iter().map(|krate| krate.name).collect();
        bail!("no crate `{name}`: name one of {}", known.join(", "));
    }
    for krate in crates {
        if names.is_empty() || names.iter().any(|name| name == krate.name) {
            print!("{}", report(&krate));
        }
    }
    Ok(())
}

fn compare(tree: &Tree, acyclic: &[&str]) -> Vec<Finding> {
    let crates = Crate::all(tree);
    let gone = acyclic
        .iter()
        .filter(|name| !crates.iter().any(|krate| krate.name == **name));
    let mut findings: Vec<_> = gone
        .map(|name| Finding::file(LIST, format!("ACYCLIC lists `{name}`, which is gone")))
        .collect();
    for krate in &crates {
        let graph = Graph::of(krate);
        let knots = graph.knots();
        if acyclic.contains(&krate.name) {
            let cycles = knots.iter().flat_map(|knot| graph.cycles(knot));
            findings.extend(cycles.filter_map(|cycle| finding(&cycle)));
        } else if knots.is_empty() {
            let what = format!(
                "no slice of {} leads back to itself any more: add it to ACYCLIC",
                krate.name
            );
            findings.push(Finding::file(LIST, what));
        }
    }
    findings
}

fn finding(cycle: &[&Import<'_>]) -> Option<Finding> {
    let first = cycle.first()?;
    let chain: Vec<_> = cycle.iter().map(ToString::to_string).collect();
    let what = format!(
        "a slice leads back to itself: {}; let one of these imports go: move the item to a slice below both, or what \
         uses it to a slice above both",
        chain.join(", ")
    );
    Some(Finding::line(first.path, first.line, what))
}

/// Each slice with what it imports, then every knot with every import inside.
fn report(krate: &Crate<'_>) -> String {
    let graph = Graph::of(krate);
    let mut lines = vec![format!("{}: {} slices", krate.name, krate.slices.len())];
    for (slice, files) in &krate.slices {
        let targets: Vec<_> = graph
            .from(slice)
            .map(|(to, imports)| format!("{to} {}", imports.len()))
            .collect();
        lines.push(format!("  {slice} ({files} files) → {}", targets.join(", ")));
    }
    for knot in graph.knots() {
        let slices: Vec<_> = knot.iter().copied().collect();
        lines.push(format!("  a knot of {}: {}", slices.len(), slices.join(", ")));
        for slice in &slices {
            lines.extend(inside(&graph, slice, &knot));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn inside(graph: &Graph<'_>, slice: &str, knot: &BTreeSet<&str>) -> Vec<String> {
    let targets = graph.from(slice).filter(|(to, _)| knot.contains(to));
    targets
        .flat_map(|(to, imports)| {
            let each = imports
                .iter()
                .map(|import| format!("      {}:{} {}", import.path, import.line, import.item));
            std::iter::once(format!("    {slice} → {to}")).chain(each)
        })
        .collect()
}

const LIST: &str = "xtask/src/tidy/slices/mod.rs";

#[cfg(test)]
mod tests;
