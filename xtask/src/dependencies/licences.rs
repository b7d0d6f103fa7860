//! Everything that ships carries a licence from the list.

use std::collections::BTreeSet;

use crate::dependencies::graph::Package;
use crate::dependencies::rules::Rules;

pub(crate) fn check(rules: &Rules, packages: &BTreeSet<Package>) -> Vec<String> {
    let refused = packages.iter().filter(|package| !is_allowed(rules, package));
    refused
        .map(|package| {
            format!(
                "{} {}: the licence `{}` is not allowed",
                package.name, package.version, package.licence
            )
        })
        .collect()
}

fn is_allowed(rules: &Rules, package: &Package) -> bool {
    let exception = rules.exceptions.iter().find(|(name, _)| *name == package.name);
    let extra = exception
        .map(|(_, licences)| licences.as_slice())
        .unwrap_or_default();
    let known = |licence: &str| {
        rules
            .licences
            .iter()
            .chain(extra)
            .any(|allowed| allowed == licence)
    };
    // Before SPDX expressions a slash meant a choice.
    satisfies(&package.licence.replace('/', " OR "), &known)
}

/// Whether the licences in `known` satisfy the expression: one side of each `OR`, both of each `AND`.
fn satisfies(expression: &str, known: &dyn Fn(&str) -> bool) -> bool {
    let expression = expression.trim();
    if let Some((left, right)) = split(expression, " OR ") {
        return satisfies(left, known) || satisfies(right, known);
    }
    if let Some((left, right)) = split(expression, " AND ") {
        return satisfies(left, known) && satisfies(right, known);
    }
    match expression
        .strip_prefix('(')
        .and_then(|inner| inner.strip_suffix(')'))
    {
        Some(inner) => satisfies(inner, known),
        None => known(expression),
    }
}

/// Splits at the first `word` outside parentheses.
fn split<'e>(expression: &'e str, word: &str) -> Option<(&'e str, &'e str)> {
    expression.match_indices(word).find_map(|(at, _)| {
        let (left, right) = (expression.get(..at)?, expression.get(at + word.len()..)?);
        let balanced = left.matches('(').count() == left.matches(')').count();
        balanced.then_some((left, right))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, licence: &str) -> bool {
        let rules = Rules {
            licences: ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
                .map(Into::into)
                .into(),
            exceptions: vec![("special".into(), vec!["MPL-2.0".into()])],
            banned: Vec::new(),
            second_versions: Vec::new(),
        };
        let package = Package {
            name: name.into(),
            version: "1.0.0".into(),
            licence: licence.into(),
        };
        !check(&rules, &BTreeSet::from([package])).is_empty()
    }

    #[test]
    fn licences_outside_the_list_are_refused() {
        for licence in [
            "",
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "GPL-3.0 OR AGPL-3.0",
            "MIT AND (GPL-3.0 OR OpenSSL)",
            "(MIT OR ISC) AND OpenSSL",
            "MPL-2.0",
            "Apache-2.0",
            "(MIT",
        ] {
            assert!(refused("other", licence), "{licence}");
        }
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        for licence in [
            "MIT",
            "GPL-3.0 OR MIT",
            "GPL-3.0/MIT",
            "Apache-2.0 / MIT",
            "(MIT OR GPL-3.0) AND ISC",
            "ISC AND (GPL-3.0 OR MIT) AND (MIT)",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-3.0 OR MIT AND ISC",
        ] {
            assert!(!refused("other", licence), "{licence}");
        }
        assert!(!refused("special", "MPL-2.0"));
    }
}
