//! Every numbered threat has a line that defends and a test that tries it, and nobody names a threat that isn't listed.

use std::collections::BTreeSet;

use crate::tidy::rust::Rust;
use crate::tidy::tree::Tree;
use crate::tidy::{Finding, line_of, words};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(list) = tree.get(LIST) else {
        return vec![Finding::file(LIST, "missing; it numbers the threats")];
    };
    let mut findings = Vec::new();
    let mut listed = BTreeSet::new();
    for (number, id) in list
        .text
        .lines()
        .enumerate()
        .filter_map(|(at, line)| Some((at + 1, row(line)?)))
    {
        if !listed.insert(id) {
            findings.push(Finding::line(LIST, number, format!("{id} is listed twice")));
        }
    }
    if listed.is_empty() {
        findings.push(Finding::file(LIST, "has no row `| T001 | … |`"));
    }
    let (mut defended, mut checked) = (BTreeSet::new(), BTreeSet::new());
    for (file, rust) in tree.rust() {
        for (at, id) in marks(rust, "defends!(").filter(|(at, _)| !rust.is_test(*at)) {
            note(
                &mut defended,
                &listed,
                id,
                &file.path,
                line_of(&file.text, at),
                &mut findings,
            );
        }
        for (at, id) in marks(rust, "checks!(").filter(|(at, _)| rust.is_test(*at)) {
            note(
                &mut checked,
                &listed,
                id,
                &file.path,
                line_of(&file.text, at),
                &mut findings,
            );
        }
    }
    for id in listed.difference(&defended) {
        findings.push(Finding::file(LIST, format!("no line defends!(\"{id}\")")));
    }
    for id in listed.difference(&checked) {
        findings.push(Finding::file(LIST, format!("no test checks!(\"{id}\")")));
    }
    findings.extend(unknown_in_prose(tree, &listed));
    findings
}

fn note<'t>(
    seen: &mut BTreeSet<&'t str>,
    listed: &BTreeSet<&str>,
    id: &'t str,
    path: &str,
    line: usize,
    findings: &mut Vec<Finding>,
) {
    if !listed.contains(id) {
        findings.push(Finding::line(
            path,
            line,
            format!("`{id}` is not a threat of {LIST}"),
        ));
    }
    seen.insert(id);
}

/// The string after each `mark` in the code.
fn marks<'t>(rust: &'t Rust, mark: &'static str) -> impl Iterator<Item = (usize, &'t str)> {
    rust.code.match_indices(mark).filter_map(move |(at, _)| {
        let after = rust.code.get(at + mark.len()..)?;
        let quote = at + mark.len() + (after.len() - after.trim_start().len());
        let (_, id) = rust.strings.iter().find(|(start, _)| *start == quote)?;
        Some((at, id.as_str()))
    })
}

fn unknown_in_prose<'t>(tree: &'t Tree, listed: &BTreeSet<&'t str>) -> Vec<Finding> {
    let prose = tree.files().iter().filter(|file| file.path.ends_with(".md"));
    let named = prose.flat_map(|file| {
        ids(&file.text).map(move |(at, id)| (file.path.as_str(), line_of(&file.text, at), id))
    });
    named
        .filter(|(_, _, id)| !listed.contains(id))
        .map(|(path, line, id)| Finding::line(path, line, format!("`{id}` is not a threat of {LIST}")))
        .collect()
}

/// Every `T` with exactly three digits that stands alone.
fn ids(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('T').filter_map(|(at, _)| {
        let id = text.get(at..at + 4)?;
        (is_id(id) && words(text, id).any(|word| word == at)).then_some((at, id))
    })
}

fn row(line: &str) -> Option<&str> {
    let id = line.strip_prefix('|')?.split('|').next()?.trim();
    is_id(id).then_some(id)
}

fn is_id(text: &str) -> bool {
    text.strip_prefix('T')
        .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
}

const LIST: &str = "docs/threats.md";

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "| id | threat |\n|---|---|\n| T001 | replay |\n";
    const DEFENCE: &str = "fn f() { defends!(\"T001\"); }";
    const TEST: &str = "fn t() { checks!(\"T001\"); }";

    fn findings(list: &str, source: &str, test: &str) -> Vec<String> {
        let tree = Tree::of(&[
            (LIST, list),
            ("crates/x/src/lib.rs", source),
            ("crates/x/tests/t.rs", test),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_threat_with_both_marks_is_fine() {
        assert_eq!(findings(ROW, DEFENCE, TEST), Vec::<String>::new());
        assert_eq!(
            findings(ROW, "portcullis_core::defends!(\n \"T001\"\n);", TEST),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_missing_mark_is_found() {
        for (source, test, what) in [
            ("", TEST, "no line defends!(\"T001\")"),
            (DEFENCE, "", "no test checks!(\"T001\")"),
            ("// defends!(\"T001\")", TEST, "no line defends!"),
            (
                "#[cfg(test)] mod t { defends!(\"T001\"); }",
                TEST,
                "no line defends!",
            ),
            (
                "fn f() { defends!(\"T001\"); checks!(\"T001\"); }",
                "",
                "no test checks!",
            ),
        ] {
            let found = findings(ROW, source, test);
            assert!(
                found.len() == 1 && found[0].contains(what),
                "{source} {test}: {found:?}"
            );
        }
    }

    #[test]
    fn an_unknown_threat_is_found_wherever_it_is_named() {
        let more = format!("{DEFENCE}\nfn g() {{ defends!(\"T999\"); }}");
        assert_eq!(
            findings(ROW, &more, TEST),
            ["crates/x/src/lib.rs:2: `T999` is not a threat of docs/threats.md"]
        );
        let prose = format!("{ROW}\nSee T777, not XT778 or T7790.");
        assert_eq!(
            findings(&prose, DEFENCE, TEST),
            ["docs/threats.md:5: `T777` is not a threat of docs/threats.md"]
        );
    }

    #[test]
    fn a_list_that_is_missing_empty_or_repeats_itself_is_found() {
        assert_eq!(check(&Tree::of(&[])).len(), 1);
        assert_eq!(findings("# Threats", "", "").len(), 1);
        let twice = format!("{ROW}| T001 | again |\n");
        assert_eq!(
            findings(&twice, DEFENCE, TEST),
            ["docs/threats.md:4: T001 is listed twice"]
        );
    }
}
