//! The project speaks of itself alone: no file names a folder of the machine it was written on, nor the host that
//! a package happened to come from.

use crate::tidy::tree::Tree;
use crate::tidy::{Finding, line_of};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files() {
        let folders = FOLDERS.iter().flat_map(|folder| paths(&file.text, folder));
        let hosts = HOSTS
            .iter()
            .flat_map(|host| file.text.match_indices(host).map(|(at, _)| (at, *host)));
        for (at, what) in folders.chain(hosts) {
            let what = format!("`{what}` belongs to one machine, not to the project");
            findings.push(Finding::line(&file.path, line_of(&file.text, at), what));
        }
    }
    findings
}

/// Absolute paths below `folder`; `a/work/b` is none.
fn paths<'t>(text: &'t str, folder: &'static str) -> impl Iterator<Item = (usize, &'static str)> + 't {
    let inside = |c: char| c.is_alphanumeric() || "/._-}~".contains(c);
    text.match_indices(folder)
        .filter(move |(at, _)| {
            !text
                .get(..*at)
                .and_then(|text| text.chars().next_back())
                .is_some_and(inside)
        })
        .map(move |(at, _)| (at, folder))
}

/// Put together from halves, so that this file doesn't find itself.
const FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

const HOSTS: [&str; 8] = [
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("files.", "pythonhosted.org"),
    concat!("pypi.", "org"),
    concat!("deb.", "debian.org"),
    concat!("security.", "debian.org"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check(&Tree::of(&[("any.txt", text)])).len()
    }

    #[test]
    fn folders_of_a_machine_are_found() {
        for folder in FOLDERS {
            assert_eq!(count(&format!("see `{folder}x`")), 1);
            assert_eq!(count(&format!("{folder}x")), 1);
            assert_eq!(count(&format!("https://example.org{folder}x and a{folder}b")), 0);
        }
    }

    #[test]
    fn registry_hosts_are_found() {
        for host in HOSTS {
            assert_eq!(count(&format!("\"resolved\": \"https://{host}/x\"")), 1);
        }
    }
}
