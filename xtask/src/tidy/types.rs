//! A public type of the core has a name of its own: who reads `Outcome` in a signature needn't look which slice is meant.
//!
//! Three words are every slice's, and are written with it: `account::Id`, `session::Settings`, `key::Store`.

use std::collections::BTreeMap;

use crate::tidy::tree::Tree;
use crate::tidy::{Finding, line_of};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for (file, rust) in tree.rust().filter(|(file, _)| file.path.starts_with(CORE)) {
        for keyword in KEYWORDS {
            for (at, _) in rust
                .code
                .match_indices(keyword)
                .filter(|(at, _)| !rust.is_test(*at))
            {
                let name = rust.code.get(at + keyword.len()..).unwrap_or_default();
                let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
                if !name.is_empty() && !EVERY_SLICES.contains(&name) {
                    let place = (file.path.as_str(), line_of(&file.text, at));
                    found.entry(name).or_default().push(place);
                }
            }
        }
    }
    let several = |(name, places): (_, Vec<(&str, usize)>)| {
        let (path, line) = *places.first().filter(|_| places.len() > 1)?;
        let all: Vec<_> = places
            .iter()
            .map(|(path, line)| format!("{path}:{line}"))
            .collect();
        let what = format!("more than one public type is called `{name}`: {}", all.join(", "));
        Some(Finding::line(path, line, what))
    };
    found.into_iter().filter_map(several).collect()
}

const CORE: &str = "crates/portcullis-core/src/";
const KEYWORDS: [&str; 5] = [
    "pub struct ",
    "pub enum ",
    "pub trait ",
    "pub type ",
    "pub union ",
];
const EVERY_SLICES: [&str; 3] = ["Id", "Settings", "Store"];

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(one: &str, other: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("crates/portcullis-core/src/a/mod.rs", one),
            ("crates/portcullis-core/src/b/mod.rs", other),
            ("crates/portcullis/src/lib.rs", "pub struct Own;"),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_that_two_public_types_have_is_found() {
        for (one, other) in [
            ("pub struct Record;", "pub enum Record {}"),
            ("pub trait Record {}", "pub type Record = u8;"),
            (
                "pub struct Record<T>(T);\npub struct Record2;",
                "pub struct Record { a: u8 }",
            ),
        ] {
            let found = findings(one, other);
            let place = "crates/portcullis-core/src/a/mod.rs:1: ";
            assert!(found.len() == 1 && found[0].starts_with(place), "{found:?}");
            assert!(
                found[0].contains("`Record`") && found[0].contains("src/b/mod.rs:1"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn names_that_differ_are_private_or_are_every_slices_are_fine() {
        for (one, other) in [
            ("pub struct Record;", "pub struct Records;"),
            ("pub struct Record;", "struct Record;"),
            ("pub struct Record;", "pub(crate) struct Record;"),
            (
                "pub struct Record;",
                "#[cfg(test)]\nmod tests { pub struct Record; }",
            ),
            ("pub struct Settings;", "pub struct Settings;"),
            ("pub struct Own;", ""),
        ] {
            assert_eq!(findings(one, other), Vec::<String>::new(), "{one} {other}");
        }
    }
}
