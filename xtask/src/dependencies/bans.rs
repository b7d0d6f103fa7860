//! Crates that never enter, and second versions of those that do.

use std::collections::{BTreeMap, BTreeSet};

use crate::dependencies::graph::Package;
use crate::dependencies::rules::{Rules, Skip};

pub(crate) fn forbidden(rules: &Rules, packages: &BTreeSet<Package>) -> Vec<String> {
    let reason = |package: &Package| rules.banned.iter().find(|(name, _)| *name == package.name);
    packages
        .iter()
        .filter_map(|package| Some((package, reason(package)?)))
        .map(|(package, (_, why))| format!("{} {} is banned: {why}", package.name, package.version))
        .collect()
}

/// All versions of a crate but one must be listed, and what is listed must be there.
pub(crate) fn duplicates(rules: &Rules, packages: &BTreeSet<Package>) -> Vec<String> {
    let mut unlisted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        if !rules.second_versions.iter().any(|skip| matches(skip, package)) {
            unlisted.entry(&package.name).or_default().push(&package.version);
        }
    }
    let twice = unlisted.iter().filter(|(_, versions)| versions.len() > 1);
    let twice = twice.map(|(name, versions)| format!("{name} enters as {}", versions.join(" and ")));
    let unused = rules
        .second_versions
        .iter()
        .filter(|skip| !packages.iter().any(|package| matches(skip, package)))
        .map(|skip| {
            format!(
                "{}@{} is listed in deny.toml, but is gone",
                skip.name, skip.version
            )
        });
    twice.chain(unused).collect()
}

/// A listed version stands for all that begin with it: `0.2` for `0.2.17`.
fn matches(skip: &Skip, package: &Package) -> bool {
    let rest = package.version.strip_prefix(&skip.version);
    skip.name == package.name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(packages: &[(&str, &str)]) -> BTreeSet<Package> {
        let package = |(name, version): &(&str, &str)| Package {
            name: (*name).into(),
            version: (*version).into(),
            licence: "MIT".into(),
        };
        packages.iter().map(package).collect()
    }

    fn rules() -> Rules {
        Rules {
            licences: Vec::new(),
            exceptions: Vec::new(),
            banned: vec![("ring".into(), "one backend".into())],
            second_versions: vec![Skip {
                name: "old".into(),
                version: "0.2".into(),
            }],
        }
    }

    #[test]
    fn banned_crates_are_found() {
        assert_eq!(
            forbidden(&rules(), &graph(&[("ring", "0.17.0"), ("string", "1.0.0")])),
            ["ring 0.17.0 is banned: one backend"]
        );
    }

    #[test]
    fn second_versions_need_an_entry() {
        let old = ("old", "0.2.17");
        assert!(duplicates(&rules(), &graph(&[old, ("old", "0.3.0")])).is_empty());
        assert_eq!(
            duplicates(&rules(), &graph(&[old, ("old", "0.3.0"), ("old", "0.4.0")])).len(),
            1
        );
        assert_eq!(
            duplicates(&rules(), &graph(&[old, ("a", "1.0.0"), ("a", "2.0.0")])),
            ["a enters as 1.0.0 and 2.0.0"]
        );
        assert_eq!(
            duplicates(&rules(), &graph(&[("old", "0.21.0")])),
            ["old@0.2 is listed in deny.toml, but is gone"]
        );
    }
}
