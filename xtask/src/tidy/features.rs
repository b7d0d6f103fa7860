//! `docs/features.md` maps every feature to the files it lives in and to the tests that show it.
//!
//! A row is `| PW-1 | where | test |`. Every piece of code style in the second cell is a path, which must be there. The
//! third cell is written by `cargo xtask docs` from marks in the tests, and must be what they say:
//!
//! ```text
//! // Shows: PW-1, TK-4         above a test
//! // This file shows: AZ-5     in a file whose tests all do
//! ```

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::tidy::tree::{File, Tree};
use crate::tidy::{Finding, line_of};
use crate::workspace;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(list) = tree.get(LIST) else {
        return vec![Finding::file(
            LIST,
            "missing; it maps every feature to code and test",
        )];
    };
    let marks = Marks::of(tree);
    let mut findings = Vec::new();
    let mut ids = BTreeSet::new();
    for (at, line) in list.text.lines().enumerate() {
        let Some(row) = Row::parse(line) else { continue };
        ids.insert(row.id);
        let faults = row.faults(tree, &marks).into_iter();
        findings.extend(faults.map(|what| Finding::line(LIST, at + 1, what)));
    }
    if ids.is_empty() {
        return vec![Finding::file(LIST, "has no row `| id | where | test |`")];
    }
    let unknown = marks.places.iter().filter(|(id, _)| !ids.contains(*id));
    findings.extend(unknown.map(|(id, tests)| {
        let tests = tests.iter().copied().collect::<Vec<_>>().join(", ");
        Finding::file(LIST, format!("has no row of {id}, which {tests} shows"))
    }));
    findings.extend(marks.faults);
    findings
}

/// Writes the third column anew.
///
/// # Errors
/// When the list isn't there, or can't be read or written.
pub(crate) fn write() -> Result<()> {
    let tree = Tree::read(workspace::root())?;
    let Some(list) = tree.get(LIST) else {
        bail!("{LIST} is missing");
    };
    std::fs::write(
        workspace::root().join(LIST),
        written(&list.text, &Marks::of(&tree)),
    )?;
    Ok(())
}

/// The list with the tests that the marks name.
fn written(list: &str, marks: &Marks<'_>) -> String {
    let lines = list.lines().map(|line| match Row::parse(line) {
        Some(row) => format!("| {} | {} | {} |\n", row.id, row.places, marks.cell(row.id)),
        None => format!("{line}\n"),
    });
    lines.collect()
}

struct Row<'t> {
    id: &'t str,
    places: &'t str,
    tests: &'t str,
}

impl<'t> Row<'t> {
    fn parse(line: &'t str) -> Option<Self> {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let id = cells.next().filter(|id| is_id(id))?;
        let (places, tests) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        Some(Self { id, places, tests })
    }

    fn faults(&self, tree: &Tree, marks: &Marks<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        let places = code(self.places);
        if places.is_empty() {
            faults.push(format!("{} names nothing in `code style` under `where`", self.id));
        }
        let missing = places.iter().filter(|path| !tree.has(path));
        faults.extend(missing.map(|path| format!("{}: no file `{path}`", self.id)));
        let shown = marks.cell(self.id);
        if shown.is_empty() {
            faults.push(format!("no test is marked `// Shows: {}`", self.id));
        } else if shown != self.tests {
            faults.push(format!(
                "{}: tests are marked otherwise; `cargo xtask docs` writes the list",
                self.id
            ));
        }
        faults
    }
}

/// The tests that say what they show.
struct Marks<'t> {
    places: BTreeMap<&'t str, BTreeSet<&'t str>>,
    faults: Vec<Finding>,
}

impl<'t> Marks<'t> {
    fn of(tree: &'t Tree) -> Self {
        let mut marks = Self {
            places: BTreeMap::new(),
            faults: Vec::new(),
        };
        for (file, _) in tree.rust() {
            let mut start = 0;
            for line in file.text.split_inclusive('\n') {
                start += line.len();
                let line = line.trim();
                let (ids, place) = if let Some(ids) = line.strip_prefix("// Shows: ") {
                    (ids, test_at(file, start))
                } else if let Some(ids) = line.strip_prefix("// This file shows: ") {
                    (ids, Some(file.path.as_str()))
                } else {
                    continue;
                };
                marks.add(file, start, ids, place);
            }
        }
        marks
    }

    fn add(&mut self, file: &'t File, end: usize, ids: &'t str, place: Option<&'t str>) {
        let line = line_of(&file.text, end) - 1;
        let Some(place) = place else {
            let what = "marks no test: the line above a test's attributes is the place";
            self.faults.push(Finding::line(&file.path, line, what));
            return;
        };
        for id in ids.split(", ") {
            if is_id(id) {
                self.places.entry(id).or_default().insert(place);
            } else {
                let what = format!(
                    "`{id}` is no id of a feature, such as PW-1; between two stand a comma and a space"
                );
                self.faults.push(Finding::line(&file.path, line, what));
            }
        }
    }

    /// The third cell of the row.
    fn cell(&self, id: &str) -> String {
        let names = self.places.get(id).into_iter().flatten();
        names
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// The test whose attributes or signature start at the byte.
fn test_at(file: &File, start: usize) -> Option<&str> {
    let rust = file.rust.as_ref()?;
    let code = rust.code.get(start..)?;
    let at = code.find("fn ")?;
    let between = code.get(..at)?;
    if between.contains(['{', '}', ';']) || !rust.is_test(start + at) {
        return None;
    }
    let name = file.text.get(start + at + "fn ".len()..)?;
    let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    name.get(..end)
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

    const SHIPPED: &str = "fn shipped() {}\n#[cfg(test)]\nmod tests {\n    // Shows: PW-1\n    #[test]\n    fn inside_works() {}\n}";
    const OUTSIDE: &str = "// Shows: PW-1, PW-2\n#[tokio::test]\nasync fn outside_works() {}\n";
    const WHOLE: &str = "//! All of it.\n\n// This file shows: PW-2\n";

    fn tree(rows: &str, outside: &str) -> Tree {
        let list = format!("| id | where | test |\n|---|---|---|\n{rows}\n");
        Tree::of(&[
            (LIST, &list),
            ("crates/x/src/lib.rs", SHIPPED),
            ("crates/x/tests/t.rs", outside),
            ("crates/x/tests/u.rs", WHOLE),
        ])
    }

    fn findings(rows: &str, outside: &str) -> Vec<String> {
        check(&tree(rows, outside))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    const PW_1: &str = "| PW-1 | `crates/x`, `crates/x/src/lib.rs` | `inside_works`, `outside_works` |";
    const PW_2: &str = "| PW-2 | `crates/x/src` | `crates/x/tests/u.rs`, `outside_works` |";

    #[test]
    fn a_list_that_says_what_the_marks_say_is_fine_and_is_what_is_written() {
        let rows = format!("{PW_1}\n{PW_2}");
        assert_eq!(findings(&rows, OUTSIDE), Vec::<String>::new());
        let tree = tree(
            "| PW-1 | `crates/x`, `crates/x/src/lib.rs` |\n| PW-2 | `crates/x/src` | `old` |",
            OUTSIDE,
        );
        let marks = Marks::of(&tree);
        let list = written(&tree.get(LIST).unwrap().text, &marks);
        assert_eq!(list, format!("| id | where | test |\n|---|---|---|\n{rows}\n"));
    }

    #[test]
    fn a_list_that_says_something_else_is_found() {
        for (rows, what) in [
            (
                PW_1.replace("`crates/x`", "`crates/y.rs`") + "\n" + PW_2,
                "no file `crates/y.rs`",
            ),
            (PW_1.replace('`', "") + "\n" + PW_2, "under `where`"),
            (PW_1.replace("inside", "beside") + "\n" + PW_2, "marked otherwise"),
            (
                format!("{PW_1}\n{PW_2}\n| PW-3 | `crates/x` |"),
                "no test is marked `// Shows: PW-3`",
            ),
            (
                PW_1.to_owned(),
                "no row of PW-2, which crates/x/tests/u.rs, outside_works shows",
            ),
            ("| other | `crates/x` | `inside_works` |".to_owned(), "has no row"),
        ] {
            let found = findings(&rows, OUTSIDE);
            assert!(
                found.iter().any(|found| found.contains(what)),
                "{rows}: {found:?}"
            );
        }
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }

    #[test]
    fn marks_that_mark_nothing_are_found() {
        let rows = format!("{PW_1}\n{PW_2}");
        for (mark, what) in [
            (
                "// Shows: PW-1\nstruct Rule {}\nfn later() {}",
                "t.rs:4: marks no test",
            ),
            ("// Shows: PW-1", "t.rs:4: marks no test"),
            (
                "// Shows: PW-1 PW-2\nfn works() {}",
                "t.rs:4: `PW-1 PW-2` is no id",
            ),
            ("// Shows: pw-1\nfn works() {}", "`pw-1` is no id"),
        ] {
            let found = findings(&rows, &format!("{OUTSIDE}{mark}\n"));
            assert!(found.len() == 1 && found[0].contains(what), "{mark}: {found:?}");
        }
        let found = check(&Tree::of(&[
            (LIST, "| PW-1 | `a.rs` | `shipped` |"),
            ("a.rs", "// Shows: PW-1\nfn shipped() {}"),
        ]));
        assert!(
            found
                .iter()
                .any(|found| found.to_string().contains("a.rs:1: marks no test"))
        );
    }
}
