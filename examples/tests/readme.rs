//! The README's program is `hello` to the letter, and its test is one of `hello`'s.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

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

/// The code of docs/use-it.md is that of a program that is built and tested, and its manifest is that program's.
#[test]
fn what_the_chapter_shows_stands_in_a_program_of_its_own() {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    let chapter = include_str!("../../docs/use-it.md");
    let program = [
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
    ]
    .map(dense)
    .concat();
    let blocks = |kind: &str| {
        let fence = format!("```{kind}\n");
        let blocks = chapter.split(&fence).skip(1);
        blocks
            .map(|block| block.split("```").next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let rust = blocks("rust");
    assert!(rust.len() >= 6, "{}", rust.len());
    for block in rust {
        assert!(
            program.contains(&dense(&block)),
            "not in tests/stranger:\n{block}"
        );
    }
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
