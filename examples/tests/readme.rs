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
