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
    /// What a library is built from with these features alone.
    #[cfg(test)]
    Library(&'static str, &'static str),
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
        Edges::Library(name, features) => command.args([
            "--package",
            name,
            "--no-default-features",
            "--features",
            features,
            "--edges",
            "normal,build",
        ]),
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

    /// What somebody compiles who embeds accounts with SQLite.
    #[test]
    fn a_program_with_accounts_and_sqlite_stays_small() {
        let linked = packages(Edges::Library("portcullis-identity", "docs,sqlite")).unwrap();
        assert!(linked.len() <= 150, "{}", linked.len());
    }

    /// What each feature links. A service that leaves accounts to a server links what verifies and decides, and nothing
    /// else; a program that embeds accounts links the databases that it names.
    #[test]
    fn what_no_feature_names_is_not_linked() {
        const OPTIONAL: [(&str, &str); 8] = [
            ("argon2", "accounts"),
            ("portcullis-store", "accounts"),
            ("cedar-policy-core", "policies"),
            ("libsqlite3-sys", "sqlite"),
            ("rusqlite", "sqlite"),
            ("tokio-postgres", "postgres"),
            ("redis", "redis"),
            ("tokio-rustls", "remote"),
        ];
        for (library, features) in [
            ("portcullis", ""),
            ("portcullis", "docs"),
            ("portcullis", "remote"),
            ("portcullis", "policies"),
            ("portcullis-identity", "sqlite"),
            ("portcullis-identity", "postgres"),
            ("portcullis-identity", "sqlite,redis"),
            ("portcullis-identity", "sqlite,policies"),
        ] {
            let linked = packages(Edges::Library(library, features)).unwrap();
            let has = |name: &str| linked.iter().any(|package| package.name == name);
            assert!(has("portcullis-core") && has("axum"), "{library} with {features}");
            for (name, feature) in OPTIONAL {
                // TLS comes with whatever calls out.
                if name == "tokio-rustls" && features.contains("redis") || features.contains("postgres") {
                    continue;
                }
                let named = match feature {
                    "accounts" => library == "portcullis-identity",
                    other => features.split(',').any(|feature| feature == other),
                };
                assert_eq!(has(name), named, "{name} in {library} with {features}");
            }
        }
    }
}
