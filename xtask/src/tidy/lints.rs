//! Every crate takes the workspace's lints, and these forbid unsafe code.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = tree.get(ROOT).map(|file| file.text.as_str()).unwrap_or_default();
    let mut lints = section(root, "[workspace.lints.rust]");
    if !lints.any(|line| line == "unsafe_code = \"forbid\"") {
        findings.push(Finding::file(
            ROOT,
            "the lints of the workspace must forbid unsafe code",
        ));
    }
    let members = tree.files().iter().filter(|file| {
        // The fuzz targets are a workspace of their own, on another compiler; they call what is checked here. And a program
        // of somebody else's has lints of its own, as have those that are measured beside ours.
        let apart = ["fuzz/", "tests/stranger/", "bench/peers/"];
        file.path.ends_with("/Cargo.toml") && !apart.iter().any(|folder| file.path.starts_with(folder))
    });
    let lax = members.filter(|file| !section(&file.text, "[lints]").any(|line| line == "workspace = true"));
    findings.extend(lax.map(|file| Finding::file(&file.path, "must say `workspace = true` under `[lints]`")));
    findings
}

/// The lines below `head`, up to the next section.
fn section<'t>(manifest: &'t str, head: &'t str) -> impl Iterator<Item = &'t str> {
    let below = manifest
        .lines()
        .skip_while(move |line| line.trim() != head)
        .skip(1);
    below.map(str::trim).take_while(|line| !line.starts_with('['))
}

const ROOT: &str = "Cargo.toml";

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: &str = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";

    fn findings(root: &str, member: &str) -> Vec<String> {
        let tree = Tree::of(&[
            (ROOT, root),
            ("crates/x/Cargo.toml", member),
            ("fuzz/Cargo.toml", ""),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn crates_that_could_be_unsafe_are_found() {
        let strict = "[package]\n\n[lints]\nworkspace = true\n";
        assert_eq!(findings(STRICT, strict), Vec::<String>::new());
        for member in [
            "",
            "[package]\nworkspace = true\n",
            "[lints]\n",
            "[lints]\n[dependencies]\nworkspace = true\n",
            "[lints.rust]\nunsafe_code = \"allow\"\n",
        ] {
            let found = findings(STRICT, member);
            assert!(
                found.len() == 1 && found[0].starts_with("crates/x/"),
                "{member}: {found:?}"
            );
        }
        for root in [
            "",
            "[workspace.lints.rust]\nunsafe_code = \"warn\"\n",
            "[workspace.lints.rust]\n[other]\nunsafe_code = \"forbid\"\n",
        ] {
            let found = findings(root, strict);
            assert!(
                found.len() == 1 && found[0].starts_with("Cargo.toml"),
                "{root}: {found:?}"
            );
        }
    }
}
