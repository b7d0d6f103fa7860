//! The book says what is: the paths, codes, keys and routes it names exist, and none is left out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use portcullis_testkit::TestApp;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pieces in code style.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The first cell of every row of the table under `heading`, without its backquotes.
fn first_cells(text: &str, heading: &str) -> BTreeSet<String> {
    let (_, after) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    let section = after.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned())
        .collect()
}

/// All Rust sources of the library and the server in one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    text
}

#[test]
fn every_file_that_the_map_names_is_there() {
    let homes = [
        "",
        "crates/portcullis/src",
        "crates/portcullis-core/src",
        "crates/portcullis-store/src",
        "crates/portcullis-server/src",
    ];
    let is_path = |piece: &&str| {
        let file = [".rs", ".md", ".sql"].iter().any(|end| piece.ends_with(end));
        (file || piece.ends_with('/') || piece.starts_with("crates/"))
            && !piece.starts_with("./")
            && !piece.contains("://")
            && !piece.contains([' ', '<', '…'])
    };
    for book in [
        "ARCHITECTURE.md",
        "docs/patterns.md",
        "docs/operations.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
    ] {
        for path in code(&read(book))
            .filter(is_path)
            .filter(|path| *path != "mod.rs" && !path.starts_with("NNNN"))
        {
            assert!(
                homes.iter().any(|home| root().join(home).join(path).exists()),
                "{book} names {path}"
            );
        }
    }
}

#[test]
fn every_link_leads_to_a_file() {
    for book in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "docs/operations.md",
    ] {
        let (text, folder) = (read(book), root().join(book).parent().unwrap().to_owned());
        for link in text
            .split("](")
            .skip(1)
            .map(|rest| rest.split(')').next().unwrap())
        {
            let path = link.split('#').next().unwrap();
            let elsewhere = path.is_empty() || path.contains("://");
            assert!(elsewhere || folder.join(path).exists(), "{book} links to {link}");
        }
    }
}

#[tokio::test]
async fn the_reference_lists_exactly_the_routes_there_are() {
    let app = TestApp::new().await;
    let api = app.portcullis.api();
    let served = api
        .routes()
        .map(|route| format!("{} {}", route.verb().as_str(), route.path()));
    assert_eq!(first_cells(&read("docs/http.md"), "## Routes"), served.collect());
}

#[test]
fn the_reference_lists_only_codes_that_are_answered() {
    let source = ["crates/portcullis", "crates/portcullis-core"]
        .map(|home| sources(&root().join(home).join("src")))
        .concat();
    let reference = read("docs/http.md");
    for heading in ["## Codes", "## Codes of fields", "## Codes of `/oauth`"] {
        let codes = first_cells(&reference, heading);
        assert!(codes.len() > 3, "{heading}");
        for code in codes.iter().filter(|code| !code.starts_with("account_")) {
            assert!(source.contains(&format!("\"{code}\"")), "{heading}: no {code}");
        }
    }
}

#[test]
fn the_operations_manual_lists_exactly_the_keys_there_are() {
    let source = read("crates/portcullis-server/src/config/key.rs");
    let keys = source
        .split("key(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    let keys: BTreeSet<String> = keys.map(str::to_owned).collect();
    assert!(keys.len() > 20);
    assert_eq!(
        first_cells(&read("docs/operations.md"), "## Configuration keys"),
        keys
    );
}

#[test]
fn every_role_and_every_program_stands_among_the_patterns() {
    let patterns = read("docs/patterns.md");
    let named: BTreeSet<&str> = code(&patterns).collect();
    let mut roles = 0;
    for home in [
        "crates/portcullis",
        "crates/portcullis-core",
        "crates/portcullis-store",
    ] {
        for file in sources(&root().join(home).join("src"))
            .split("/// Role: ")
            .skip(1)
        {
            let item = file
                .lines()
                .find_map(item)
                .expect("an item follows its documentation");
            let is_it = |piece: &&str| piece.split("::").last().is_some_and(|last| last == item);
            let whole = |piece: &&str| piece.split('<').next() == Some(item);
            assert!(
                named.iter().any(|piece| is_it(piece) || whole(piece)),
                "docs/patterns.md lacks {item}"
            );
            roles += 1;
        }
    }
    assert!(roles > 15, "{roles}");
    for entry in fs::read_dir(root().join("examples/examples")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if file.ends_with(".rs") {
            let path = format!("examples/examples/{file}");
            assert!(named.contains(path.as_str()), "docs/patterns.md lacks {path}");
        }
    }
}

/// The name of the item that a line declares.
fn item(line: &str) -> Option<&str> {
    let mut words = line.trim_start().strip_prefix("pub ")?.split(' ');
    let kind = words.find(|word| !matches!(*word, "const" | "async"))?;
    let name = words.next()?;
    matches!(kind, "struct" | "enum" | "trait" | "fn").then(|| name.split(['<', '(', ':', ';']).next())?
}
