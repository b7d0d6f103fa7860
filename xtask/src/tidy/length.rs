//! A file reads in one sitting: without its tests a Rust source has at most 400 lines.
//!
//! `long-files.txt` lists the exceptions as `path lines`, with `#` for comments. An entry may only shrink: it fails
//! when the file has outgrown it, and when the file has become short enough to need none.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    compare(tree, include_str!("long-files.txt"))
}

fn compare(tree: &Tree, list: &str) -> Vec<Finding> {
    let entries: Vec<_> = list
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let allowed = |path: &str| {
        entries.iter().find_map(|entry| {
            entry
                .strip_prefix(path)?
                .strip_prefix(' ')?
                .trim()
                .parse::<usize>()
                .ok()
        })
    };
    let mut findings = Vec::new();
    for (file, rust) in tree.rust() {
        let lines = rust.shipped_lines();
        let what = match allowed(&file.path) {
            Some(most) if lines > most.max(LIMIT) => format!("has grown from {most} to {lines} lines"),
            Some(_) if lines <= LIMIT => format!("is short enough now: take it out of {LIST}"),
            None if lines > LIMIT => {
                format!("has {lines} lines without its tests; split it by idea ({LIMIT} at most)")
            }
            _ => continue,
        };
        findings.push(Finding::file(&file.path, what));
    }
    let path = |entry: &&str| entry.split(' ').next().unwrap_or_default().to_owned();
    let gone = entries
        .iter()
        .map(path)
        .filter(|path| !tree.rust().any(|(file, _)| file.path == *path));
    findings.extend(gone.map(|path| Finding::file(LIST, format!("lists `{path}`, which is gone"))));
    findings
}

const LIMIT: usize = 400;

const LIST: &str = "xtask/src/tidy/long-files.txt";

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(lines: usize, tests: usize, list: &str) -> Vec<String> {
        let text = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "a();\n".repeat(lines),
            "t();\n".repeat(tests)
        );
        let tree = Tree::of(&[("a.rs", &text)]);
        compare(&tree, list).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_lines_outside_tests_count() {
        assert!(findings(400, 0, "").is_empty());
        assert!(findings(400, 900, "").is_empty());
        assert_eq!(findings(401, 0, "").len(), 1);
    }

    #[test]
    fn the_list_only_shrinks() {
        assert!(findings(420, 0, "# reason\na.rs 420").is_empty());
        assert!(findings(410, 0, "a.rs 420").is_empty());
        assert_eq!(findings(421, 0, "a.rs 420").len(), 1);
        assert_eq!(findings(400, 0, "a.rs 420").len(), 1);
        assert_eq!(findings(10, 0, "gone.rs 420").len(), 1);
    }
}
