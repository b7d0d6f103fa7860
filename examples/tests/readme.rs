//! The README's program is `hello`, to the letter.
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
