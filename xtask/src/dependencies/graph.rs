//! The packages that are built, as `cargo tree` prints them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use crate::{process, workspace};

/// One package of the graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: String,
}

/// Which part of the graph.
#[derive(Clone, Copy)]
pub(crate) enum Edges {
    /// What the server and the library are built from.
    Shipped,
    /// What the library that leaves accounts to a server is built from.
    #[cfg(test)]
    Detached,
    /// With tests, examples and tools.
    Everything,
}

/// The packages of that part, each version once.
pub(crate) fn packages(edges: Edges) -> Result<BTreeSet<Package>> {
    let mut command = workspace::cargo();
    command.args(["tree", "--locked", "--prefix", "none", "--format", "{p}\t{l}"]);
    match edges {
        Edges::Shipped => command.args([
            "--package",
            "portcullis-server",
            "--package",
            "portcullis-identity",
            "--edges",
            "normal,build",
        ]),
        #[cfg(test)]
        Edges::Detached => command.args(["--package", "portcullis", "--edges", "normal,build"]),
        Edges::Everything => command.args(["--workspace", "--edges", "normal,build,dev"]),
    };
    parse(&process::output(&mut command)?)
}

/// `name v1.2.3 (where)\tlicence` per line, with ` (*)` at the end where its dependencies are not repeated.
fn parse(tree: &str) -> Result<BTreeSet<Package>> {
    let lines = tree.lines().filter(|line| !line.is_empty());
    let package = |line: &str| {
        let (package, licence) = line.split_once('\t')?;
        let (name, rest) = package.split_once(" v")?;
        let version = rest.split(' ').next()?;
        Some(Package {
            name: name.into(),
            version: version.into(),
            licence: licence.trim_end_matches(" (*)").into(),
        })
    };
    lines
        .map(|line| package(line).with_context(|| format!("`cargo tree` printed `{line}`")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_packages_once() {
        let tree = "a v1.2.3 (proc-macro)\tMIT\na v1.2.3 (proc-macro)\tMIT (*)\n\nc v0.1.0 (/x/c)\t\n";
        let package = |name: &str, version: &str, licence: &str| Package {
            name: name.into(),
            version: version.into(),
            licence: licence.into(),
        };
        let found: Vec<_> = parse(tree).unwrap().into_iter().collect();
        assert_eq!(found, [package("a", "1.2.3", "MIT"), package("c", "0.1.0", "")]);
        assert!(parse("nonsense\n").is_err());
    }

    #[test]
    fn the_shipped_graph_is_smaller() {
        let (shipped, everything) = (
            packages(Edges::Shipped).unwrap(),
            packages(Edges::Everything).unwrap(),
        );
        let has = |name: &str| shipped.iter().any(|package| package.name == name);
        assert!(has("portcullis-core") && !has("xtask") && shipped.len() < everything.len());
    }

    /// A service that leaves accounts to a server links what verifies and decides, and nothing else.
    #[test]
    fn the_detached_library_links_no_database_no_password_hash_and_no_policy_engine() {
        let detached = packages(Edges::Detached).unwrap();
        let has = |name: &str| detached.iter().any(|package| package.name == name);
        assert!(has("portcullis-core") && has("axum"));
        for name in [
            "portcullis-identity",
            "portcullis-store",
            "argon2",
            "cedar-policy",
            "cedar-policy-core",
            "libsqlite3-sys",
            "redis",
            "rusqlite",
            "tokio-postgres",
        ] {
            assert!(!has(name), "{name} is linked");
        }
        assert!(detached.len() < packages(Edges::Shipped).unwrap().len());
    }
}
