//! A change is written down where users look: `CHANGELOG.md` keeps a section for what isn't released yet.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(changelog) = tree.get(LIST) else {
        return vec![Finding::file(LIST, "missing; it tells users what changed")];
    };
    let unreleased = |line: &str| ["## Unreleased", "## [Unreleased]"].contains(&line.trim_end());
    if changelog.text.lines().any(unreleased) {
        Vec::new()
    } else {
        vec![Finding::file(LIST, "has no section `## Unreleased`")]
    }
}

const LIST: &str = "CHANGELOG.md";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_must_be_there() {
        for (text, findings) in [
            ("# C\n\n## Unreleased\n", 0),
            ("## [Unreleased]\n", 0),
            ("## 0.1.0\n", 1),
            ("Unreleased\n", 1),
        ] {
            assert_eq!(check(&Tree::of(&[(LIST, text)])).len(), findings, "{text}");
        }
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
