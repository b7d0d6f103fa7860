//! The README's program is `hello` to the letter, and its test is one of `hello`'s.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeSet;

#[test]
fn the_readme_shows_hello_as_it_is() {
    let readme = include_str!("../../README.md");
    let hello = include_str!("../examples/hello.rs");
    let (_head, program) = hello.split_at(hello.find("use portcullis").unwrap());
    let shown = format!("```rust\n{program}```\n");
    assert!(
        readme.contains(&shown),
        "README.md must hold this block:\n{shown}"
    );
}

#[test]
fn the_readmes_test_stands_in_those_of_hello() {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    let readme = include_str!("../../README.md");
    let (_, shown) = readme.split_once("```rust,ignore\n").unwrap();
    let tests = dense(include_str!("hello.rs"));
    for line in shown.lines().take_while(|line| *line != "```") {
        assert!(tests.contains(&dense(line)), "not in hello.rs: {line}");
    }
}

/// What docs/use-it.md takes its code from.
const CHAPTER: [&str; 11] = [
    include_str!("../examples/first.rs"),
    include_str!("../../tests/stranger/src/booking.rs"),
    include_str!("../../tests/stranger/src/errors.rs"),
    include_str!("../../tests/stranger/src/layers.rs"),
    include_str!("../../tests/stranger/src/notes.rs"),
    include_str!("../../tests/stranger/src/own.rs"),
    include_str!("../../tests/stranger/src/page.rs"),
    include_str!("../../tests/stranger/src/paging.rs"),
    include_str!("../../tests/stranger/src/rules.rs"),
    include_str!("../../tests/stranger/src/versions.rs"),
    include_str!("../../tests/stranger/tests/notes.rs"),
];

/// The blocks of a kind in docs/use-it.md.
fn blocks(kind: &str) -> Vec<String> {
    let chapter = include_str!("../../docs/use-it.md");
    let fence = format!("```{kind}\n");
    let blocks = chapter.split(&fence).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

/// The paths that the `use` lines at the beginning of a text import, and the rest of it.
fn imports(text: &str) -> (BTreeSet<String>, &str) {
    let (mut paths, mut rest) = (BTreeSet::new(), text);
    loop {
        rest = rest.trim_start_matches('\n');
        let comment = rest.strip_prefix("//!").and_then(|_| rest.split_once('\n'));
        if let Some((_, after)) = comment {
            rest = after;
            continue;
        }
        let line = rest.strip_prefix("use ").and_then(|line| line.split_once(";\n"));
        let Some((line, after)) = line else {
            return (paths, rest);
        };
        let (place, names) = match line.split_once('{') {
            Some((place, names)) => (place.to_owned(), names.trim_end_matches('}')),
            None => {
                let (place, name) = line.rsplit_once("::").unwrap();
                (format!("{place}::"), name)
            }
        };
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        paths.extend(names.map(|name| format!("{place}{name}")));
        rest = after;
    }
}

/// The words of code, without comments, texts, and the names of methods and fields.
fn words(code: &str) -> BTreeSet<&str> {
    let code = code.lines().map(|line| line.split("//").next().unwrap());
    let outside = code.flat_map(|line| line.split('"').step_by(2));
    outside
        .flat_map(|code| code.split('.').enumerate())
        .flat_map(|(index, piece)| {
            let words = piece.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.skip(usize::from(index > 0))
        })
        .collect()
}

/// The code of docs/use-it.md is that of a program that is built and tested. Whoever pastes a block has the imports of what it
/// names, unless they are the reader's own.
#[test]
fn what_the_chapter_shows_stands_in_a_program_of_its_own_with_its_imports() {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    let rust = blocks("rust");
    assert!(rust.len() >= 20, "{}", rust.len());
    for block in rust {
        let (shown, code) = imports(&block);
        let program = CHAPTER
            .iter()
            .find(|program| dense(program).contains(&dense(code)));
        let program = program.unwrap_or_else(|| panic!("not in tests/stranger:\n{block}"));
        let (there, _) = imports(program);
        let unknown: Vec<_> = shown.difference(&there).collect();
        assert!(
            unknown.is_empty(),
            "its program doesn't import {unknown:?}:\n{block}"
        );
        let words = words(code);
        let named = |path: &&String| words.contains(path.rsplit("::").next().unwrap());
        let missing: Vec<_> = there
            .difference(&shown)
            .filter(|path| !path.starts_with("crate::") && !path.starts_with("stranger::"))
            .filter(named)
            .collect();
        assert!(
            missing.is_empty(),
            "without the `use` lines of {missing:?}:\n{block}"
        );
    }
}

/// What docs/use-it.md says to type, and to write into the manifest, is what is tested.
#[test]
fn what_the_chapter_has_typed_is_what_is_tested() {
    let first = include_str!("../examples/first.rs").replace("\n//! ", "\n");
    for calls in blocks("console") {
        assert!(first.contains(&calls), "not what first.rs says:\n{calls}");
    }
    let manifest = include_str!("../../tests/stranger/Cargo.toml");
    let place = |line: &str| line.replace("git = \"https://github.com/portcullis-rs/portcullis\"", "path");
    for line in blocks("toml").concat().lines().map(place) {
        let (name, rest) = line.split_once(" path").unwrap_or((&line, ""));
        let rest = rest.trim_start_matches(',');
        let stands = manifest
            .lines()
            .any(|there| there.starts_with(name) && there.ends_with(rest));
        assert!(stands, "not in the manifest: {line}");
    }
}
