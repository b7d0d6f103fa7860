//! Every locked package comes from crates.io or from this repository, and carries its checksum.

pub(crate) fn check(lock: &str) -> Vec<String> {
    lock.split("[[package]]").skip(1).filter_map(fault).collect()
}

fn fault(package: &str) -> Option<String> {
    let value = |key: &str| {
        let line = package
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
        Some(line.trim_matches('"'))
    };
    let name = value("name").unwrap_or("a package without a name");
    match value("source") {
        None => None,
        Some(CRATES_IO) if value("checksum").is_some() => None,
        Some(CRATES_IO) => Some(format!("{name}: Cargo.lock has no checksum")),
        Some(other) => Some(format!("{name} comes from {other}: only crates.io is allowed")),
    }
}

/// The name by which lock files know crates.io.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(source: &str, checksum: &str) -> String {
        format!("version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n{source}{checksum}")
    }

    #[test]
    fn foreign_sources_are_found() {
        let own = format!("source = \"{CRATES_IO}\"\n");
        let checksum = "checksum = \"abc\"\n";
        for (text, faults) in [
            (lock("", ""), 0),
            (lock(&own, checksum), 0),
            (lock(&own, ""), 1),
            (lock("source = \"git+https://example.org/a#abc\"\n", ""), 1),
            (
                lock("source = \"registry+https://example.org/index\"\n", checksum),
                1,
            ),
        ] {
            assert_eq!(check(&text).len(), faults, "{text}");
        }
    }
}
