//! Compares an `authz.lock` with the routes there are.

use std::collections::BTreeMap;

use super::Report;

/// Notes every route that the lock doesn't name, names otherwise, or names in vain.
pub(super) fn compare(expected: &str, actual: &str, report: &mut Report) {
    let (expected, actual) = (lines(expected), lines(actual));
    for (route, rule) in &actual {
        match expected.get(route) {
            None => report.fault(format!("authz.lock lacks {route}: {rule}")),
            Some(locked) if locked != rule => {
                report.fault(format!(
                    "authz.lock says {route}: {locked}, but the route says: {rule}"
                ));
            }
            Some(_) => {}
        }
    }
    for route in expected.keys().filter(|route| !actual.contains_key(*route)) {
        report.fault(format!("authz.lock names {route}, and there is no such route"));
    }
}

/// Method and path of every line, and the rest of it with single spaces.
fn lines(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parts = lines.map(|line| {
        let mut words = line.split_whitespace();
        let route: Vec<_> = words.by_ref().take(2).collect();
        (route.join(" "), words.collect::<Vec<_>>().join(" "))
    });
    parts.collect()
}
