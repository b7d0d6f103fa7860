//! A lower floor never knows a higher one, and the core knows no sockets, no SQL, no HTTP and no runtime.

use std::path::Path;

use anyhow::{Context, Result};
use toml::Table;

pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for (floor, forbidden) in FLOORS {
        let path = root.join("crates").join(floor).join("Cargo.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("no floor {floor}"))?;
        broken.extend(faults(
            floor,
            forbidden,
            &text.parse().with_context(|| format!("{floor}/Cargo.toml"))?,
        ));
    }
    Ok(broken)
}

fn faults(floor: &str, forbidden: &[&str], manifest: &Table) -> Vec<String> {
    let sections = ["dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|key| manifest.get(key)?.as_table());
    let names = sections.flat_map(Table::keys);
    names
        .filter(|name| forbidden.contains(&name.as_str()))
        .map(|name| format!("{floor} depends on {name}: see the floors in ARCHITECTURE.md"))
        .collect()
}

const FLOORS: [(&str, &[&str]); 6] = [
    (
        "portcullis-core",
        &[
            "portcullis-store",
            "portcullis",
            "portcullis-identity",
            "portcullis-server",
            "portcullis-testkit",
            "axum",
            "http",
            "hyper",
            "redis",
            "reqwest",
            "rusqlite",
            "tokio",
            "tokio-postgres",
            "tower",
        ],
    ),
    (
        "portcullis-store",
        &[
            "portcullis",
            "portcullis-identity",
            "portcullis-server",
            "portcullis-testkit",
            "axum",
            "http",
            "hyper",
            "tower",
        ],
    ),
    (
        "portcullis",
        &[
            "portcullis-identity",
            "portcullis-server",
            "portcullis-store",
            "portcullis-testkit",
            "redis",
            "clap",
        ],
    ),
    (
        "portcullis-identity",
        &[
            "portcullis-server",
            "portcullis-testkit",
            "rusqlite",
            "tokio-postgres",
            "redis",
            "clap",
        ],
    ),
    ("portcullis-testkit", &["portcullis-server"]),
    (
        "portcullis-server",
        &["portcullis-testkit", "tokio-postgres", "redis", "rusqlite"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_that_looks_up_is_found() {
        let manifest = |section: &str| {
            format!("[{section}]\naxum.workspace = true\nserde = \"1\"\n")
                .parse()
                .unwrap()
        };
        for (section, count) in [
            ("dependencies", 1),
            ("build-dependencies", 1),
            ("dev-dependencies", 0),
        ] {
            assert_eq!(
                faults("portcullis-core", &["axum"], &manifest(section)).len(),
                count,
                "{section}"
            );
        }
    }
}
