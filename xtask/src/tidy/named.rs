//! The tests there are, by name, so that whoever names one can be held to it.

use std::collections::BTreeMap;

use crate::tidy::tree::Tree;

/// Every function of the test code, with the files it is in.
pub(super) struct Tests<'t> {
    files: BTreeMap<&'t str, Vec<&'t str>>,
}

impl<'t> Tests<'t> {
    pub(super) fn of(tree: &'t Tree) -> Self {
        let mut files: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (file, rust) in tree.rust() {
            for (at, _) in rust.code.match_indices("fn ").filter(|(at, _)| rust.is_test(*at)) {
                let name = rust.code.get(at + "fn ".len()..).map(identifier);
                if let Some(name) = name.filter(|name| !name.is_empty()) {
                    files.entry(name).or_default().push(file.path.as_str());
                }
            }
        }
        Self { files }
    }

    /// Whether `named` is a test's name, if need be behind modules, or `path::name` of the test in a file.
    pub(super) fn has(&self, named: &str) -> bool {
        let (file, name) = match named.split_once("::") {
            Some((path, rest)) if path.contains('/') => (Some(path), rest),
            _ => (None, named),
        };
        let name = name.rsplit("::").next().unwrap_or(name);
        let files = self.files.get(name);
        files.is_some_and(|files| file.is_none_or(|file| files.contains(&file)))
    }
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_known_by_its_name_and_by_its_file() {
        let tree = Tree::of(&[
            (
                "crates/x/src/lib.rs",
                "fn shipped() {}\n#[cfg(test)]\nmod tests { fn inside_works() {} }",
            ),
            (
                "crates/x/tests/t.rs",
                "async fn outside_works() {}\nfn generic<T>() {}",
            ),
        ]);
        let tests = Tests::of(&tree);
        for known in [
            "inside_works",
            "tests::inside_works",
            "outside_works",
            "generic",
            "crates/x/tests/t.rs::outside_works",
            "crates/x/src/lib.rs::tests::inside_works",
        ] {
            assert!(tests.has(known), "{known}");
        }
        for unknown in [
            "",
            "inside",
            "works",
            "shipped",
            "crates/x/tests/t.rs",
            "crates/x/tests/t.rs::inside_works",
            "crates/y/tests/t.rs::outside_works",
        ] {
            assert!(!tests.has(unknown), "{unknown}");
        }
    }
}
