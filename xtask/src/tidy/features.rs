//! `docs/features.md` maps every feature to the files it lives in and to the tests that show it: both must exist.
//!
//! A row is `| PW-1 | where | test |`. Every piece of code style in the second cell is a path; in the third it is a
//! test's name, a path, or `path::name`.

use crate::tidy::Finding;
use crate::tidy::named::Tests;
use crate::tidy::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(list) = tree.get(LIST) else {
        return vec![Finding::file(
            LIST,
            "missing; it maps every feature to code and test",
        )];
    };
    let rows: Vec<_> = list
        .text
        .lines()
        .enumerate()
        .filter_map(|(at, line)| Some((at + 1, Row::parse(line)?)))
        .collect();
    if rows.is_empty() {
        return vec![Finding::file(LIST, "has no row `| id | where | test |`")];
    }
    let tests = Tests::of(tree);
    let faults = rows
        .iter()
        .flat_map(|(line, row)| row.faults(tree, &tests).into_iter().map(move |what| (line, what)));
    faults
        .map(|(line, what)| Finding::line(LIST, *line, what))
        .collect()
}

struct Row<'t> {
    id: &'t str,
    places: Vec<&'t str>,
    tests: Vec<&'t str>,
}

impl<'t> Row<'t> {
    fn parse(line: &'t str) -> Option<Self> {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let id = cells.next().filter(|id| is_id(id))?;
        let (places, tests) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        Some(Self {
            id,
            places: code(places),
            tests: code(tests),
        })
    }

    fn faults(&self, tree: &Tree, tests: &Tests<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        for (cell, named) in [("where", &self.places), ("test", &self.tests)] {
            if named.is_empty() {
                faults.push(format!(
                    "{} names nothing in `code style` under `{cell}`",
                    self.id
                ));
            }
        }
        let missing = self.places.iter().filter(|path| !tree.has(path));
        faults.extend(missing.map(|path| format!("{}: no file `{path}`", self.id)));
        let missing = self.tests.iter().filter(|test| !has_test(tree, tests, test));
        faults.extend(missing.map(|test| format!("{}: no test `{test}`", self.id)));
        faults
    }
}

/// A test, or a whole file of them.
fn has_test(tree: &Tree, tests: &Tests<'_>, named: &str) -> bool {
    tests.has(named) || (named.contains('/') && !named.contains("::") && tree.has(named))
}

/// The pieces in code style.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// Capital letters, a dash, a number: `PW-1`.
fn is_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(slice, number)| {
        !slice.is_empty()
            && slice.bytes().all(|byte| byte.is_ascii_uppercase())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

const LIST: &str = "docs/features.md";

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(row: &str) -> Vec<String> {
        let list = format!("| id | where | test |\n|---|---|---|\n{row}\n");
        let tree = Tree::of(&[
            (LIST, &list),
            (
                "crates/x/src/lib.rs",
                "fn shipped() {}\n#[cfg(test)]\nmod tests { fn inside_works() {} }",
            ),
            ("crates/x/tests/t.rs", "async fn outside_works() {}"),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rows_that_name_what_exists_are_fine() {
        for row in [
            "| PW-1 | `crates/x/src/lib.rs` | `inside_works` |",
            "| PW-1 | `crates/x`, `crates/x/src/lib.rs` | `outside_works`, `tests::inside_works` |",
            "| PW-1 | `crates/x/src` | `crates/x/tests/t.rs::outside_works`, `crates/x/tests/t.rs` |",
        ] {
            assert_eq!(findings(row), Vec::<String>::new(), "{row}");
        }
    }

    #[test]
    fn rows_that_name_what_does_not_exist_are_found() {
        for (row, what) in [
            (
                "| PW-1 | `crates/y.rs` | `inside_works` |",
                "no file `crates/y.rs`",
            ),
            ("| PW-1 | `crates/x` | `inside` |", "no test `inside`"),
            ("| PW-1 | `crates/x` | `shipped` |", "no test `shipped`"),
            (
                "| PW-1 | `crates/x` | `crates/x/tests/t.rs::inside_works` |",
                "no test `crates/x/tests/t.rs::",
            ),
            ("| PW-1 | crates/x | `inside_works` |", "under `where`"),
            ("| PW-1 | `crates/x` |", "under `test`"),
            ("| other | `crates/x` | `inside_works` |", "has no row"),
        ] {
            let found = findings(row);
            assert!(found.len() == 1 && found[0].contains(what), "{row}: {found:?}");
        }
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
