//! The tables of `docs/quality.md`: how many checks of each source are tested, and which part owes how many.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{LIST, Row, Status};
use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// A finding for each table that the page doesn't have as it is counted; the table stands in it, to be pasted.
pub(super) fn check(tree: &Tree, rows: &[Row<'_>]) -> Vec<Finding> {
    let Some(page) = tree.get(PAGE) else {
        return vec![Finding::file(
            PAGE,
            format!("missing; it counts the rows of {LIST}"),
        )];
    };
    let tables = [by_source(rows), by_part(rows)];
    let missing = tables.into_iter().filter(|table| !page.text.contains(table));
    missing
        .map(|table| Finding::file(PAGE, format!("{LIST} counts otherwise; paste\n\n{table}")))
        .collect()
}

fn by_source(rows: &[Row<'_>]) -> String {
    let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for row in rows {
        let [tested, elsewhere, open] = counts.entry(row.source).or_default();
        *match row.status {
            Status::Tested => tested,
            Status::NotApplicable => elsewhere,
            Status::Open(_) => open,
        } += 1;
    }
    let mut table = "| source | tested | not applicable | open | rows |\n|---|---|---|---|---|\n".to_owned();
    let mut all = [0; 3];
    for (source, counts) in &counts {
        line(&mut table, source, *counts);
        for (sum, count) in all.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    line(&mut table, "all", all);
    table
}

fn line(table: &mut String, source: &str, counts: [usize; 3]) {
    let [tested, elsewhere, open] = counts;
    let rows = tested + elsewhere + open;
    let _ = writeln!(table, "| {source} | {tested} | {elsewhere} | {open} | {rows} |");
}

fn by_part(rows: &[Row<'_>]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        if let Status::Open(part) = row.status {
            *counts.entry(part).or_default() += 1;
        }
    }
    let mut table = "| part | open |\n|---|---|\n".to_owned();
    for (part, count) in counts {
        let _ = writeln!(table, "| {part} | {count} |");
    }
    table
}

const PAGE: &str = "docs/quality.md";
