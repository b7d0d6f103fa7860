//! `docs/security-checks.tsv` says of every security check which tests try it, why it isn't for us, or what owes it.
//!
//! A line is `id ⇥ source ⇥ status ⇥ where`. `where` holds, for `tested`, the tests; for `not-applicable`, the reason;
//! for `open`, the part of the product that owes it, and after `; so far: ` the tests that show some of it. The tables of
//! `docs/quality.md` are counted from it, so that a row that goes or changes shows there.

mod count;

use std::collections::BTreeSet;

use crate::tidy::Finding;
use crate::tidy::named::Tests;
use crate::tidy::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(list) = tree.get(LIST) else {
        return vec![Finding::file(
            LIST,
            "missing; it says what shows each security check",
        )];
    };
    let mut lines = list.text.lines().enumerate().map(|(at, line)| (at + 1, line));
    if lines.next().is_none_or(|(_, head)| head != HEAD) {
        return vec![Finding::line(
            LIST,
            1,
            format!("must begin with the line {HEAD:?}"),
        )];
    }
    let tests = Tests::of(tree);
    let (mut findings, mut rows, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (number, line) in lines {
        match Row::parse(line) {
            Err(what) => findings.push(Finding::line(LIST, number, what)),
            Ok(row) => {
                if !ids.insert(row.id) {
                    findings.push(Finding::line(LIST, number, format!("{} is listed twice", row.id)));
                }
                let unknown = row.tests.iter().filter(|test| !tests.has(test));
                findings.extend(
                    unknown.map(|test| Finding::line(LIST, number, format!("{}: no test `{test}`", row.id))),
                );
                rows.push(row);
            }
        }
    }
    findings.extend(count::check(tree, &rows));
    findings
}

#[derive(Debug)]
struct Row<'t> {
    id: &'t str,
    source: &'t str,
    status: Status<'t>,
    tests: Vec<&'t str>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Status<'t> {
    Tested,
    NotApplicable,
    /// Owed by this part of the product.
    Open(&'t str),
}

impl<'t> Row<'t> {
    fn parse(line: &'t str) -> Result<Self, String> {
        let cells: Vec<_> = line.split('\t').collect();
        let [id, source, status, place] = cells[..] else {
            return Err(format!(
                "{} cells, not id, source, status and where between tabs",
                cells.len()
            ));
        };
        if cells.iter().any(|cell| cell.is_empty() || cell.trim() != *cell) {
            return Err(format!("{id}: a cell is empty or has space around it"));
        }
        let (status, tests) = match status {
            "tested" => (Status::Tested, names(place)),
            "not-applicable" => (Status::NotApplicable, Vec::new()),
            "open" => match place.split_once(SO_FAR) {
                Some((part, tests)) => (Status::Open(part), names(tests)),
                None => (Status::Open(place), Vec::new()),
            },
            _ => {
                return Err(format!(
                    "{id}: `{status}` is neither tested, not-applicable nor open"
                ));
            }
        };
        Ok(Self {
            id,
            source,
            status,
            tests,
        })
    }
}

fn names(list: &str) -> Vec<&str> {
    list.split(", ").collect()
}

const LIST: &str = "docs/security-checks.tsv";
const HEAD: &str = "id\tsource\tstatus\twhere";
const SO_FAR: &str = "; so far: ";

#[cfg(test)]
mod tests;
