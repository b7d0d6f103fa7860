//! Nothing unfinished is committed: no notes to come back, no tests that don't run.

use crate::tidy::tree::Tree;
use crate::tidy::{Finding, line_of, words};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        let notes = NOTES
            .iter()
            .flat_map(|note| words(&file.text, note).map(move |at| (at, *note)));
        let stops = STOPS.iter().flat_map(|stop| rust.code.match_indices(stop));
        for (at, what) in notes.chain(stops) {
            findings.push(Finding::line(
                &file.path,
                line_of(&file.text, at),
                format!("`{what}` is unfinished work"),
            ));
        }
    }
    findings
}

/// Put together from halves, so that this file doesn't find itself.
const NOTES: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("HA", "CK"),
];

const STOPS: [&str; 3] = ["todo!", "unimplemented!", "#[ignore"];

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&Tree::of(&[("a.rs", text)])).len()
    }

    #[test]
    fn unfinished_work_is_found() {
        for note in NOTES {
            assert_eq!(count(&format!("// {note}: later")), 1, "{note}");
            assert_eq!(count(&format!("const A{note}: u8 = 1;")), 0, "{note}");
        }
        for (text, findings) in [
            ("fn f() { todo!() }", 1),
            ("#[ignore = \"slow\"]\nfn t() {}", 1),
            ("// unlike todo!, this ends", 0),
            ("fn todo() {}", 0),
        ] {
            assert_eq!(count(text), findings, "{text}");
        }
    }

    #[test]
    fn other_files_may_say_so() {
        assert!(check(&Tree::of(&[("a.md", NOTES[0])])).is_empty());
    }
}
