//! What must not compile, and what the compiler says then: a handler without a rule, and one whose types the router can't use.
//!
//! A case is a program in `tests/compile_fail`. At its end stands what the compiler must say to it: `//~ error: …` for each
//! error, with the line and column it points at, and `//~ … ` for every other text that whoever wrote it should read.
//!
//! The compiler is asked directly, against the libraries that were built for the tests beside this one: nothing is built
//! a second time.

use std::path::{Path, PathBuf};
use std::process::Command;

use portcullis::core::checks;
use serde_json::Value;

// Shows: AZ-2
#[test]
fn what_must_not_compile_does_not_and_the_compiler_says_what_to_write() {
    checks!("T017");
    let libraries = Libraries::built();
    let folder = tempfile::tempdir().unwrap();
    let mut cases = 0;
    for case in std::fs::read_dir(CASES).unwrap() {
        let path = case.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let said =
            compile(&libraries, &path, folder.path()).expect_err(&format!("{} compiles", path.display()));
        holds(&source, &said);
        cases += 1;
    }
    assert_eq!(cases, 13);
}

/// What isn't refused for its access rule compiles: the cases fail for what they say, not for how they are built.
#[test]
fn a_handler_with_a_rule_compiles() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.rs");
    let good = std::fs::read_to_string(format!("{CASES}/no_parameter.rs")).unwrap();
    std::fs::write(&path, good.replace("open()", "open(_: portcullis::Public)")).unwrap();
    assert_eq!(compile(&Libraries::built(), &path, folder.path()), Ok(()));
}

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compile_fail");

/// The library and what a program names beside it, as they were built for the tests of the workspace.
struct Libraries(Vec<(&'static str, String)>);

impl Libraries {
    fn built() -> Self {
        let built = Command::new("cargo")
            .args([
                "test",
                "--no-run",
                "--workspace",
                "--offline",
                "--message-format=json",
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "{}",
            String::from_utf8_lossy(&built.stderr)
        );
        let text = String::from_utf8(built.stdout).unwrap();
        let messages: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let names = ["portcullis", "axum", "http", "serde"];
        Self(names.map(|name| (name, file_of(&messages, name))).into())
    }

    /// Where what they were built from lies.
    fn folder(&self) -> PathBuf {
        let folder = Path::new(&self.0[0].1).parent().unwrap();
        match folder.ends_with("deps") {
            true => folder.to_owned(),
            false => folder.join("deps"),
        }
    }
}

/// The file of a library that isn't built as its own test.
fn file_of(messages: &[Value], name: &str) -> String {
    let library = messages.iter().find(|message| {
        message["target"]["name"] == name
            && message["target"]["kind"][0] == "lib"
            && message["profile"]["test"] == false
    });
    let library = library.unwrap_or_else(|| panic!("cargo names {name}, which it built"));
    let files = library["filenames"].as_array().unwrap();
    let mut files = files.iter().filter_map(Value::as_str);
    files.find(|file| file.ends_with(".rlib")).unwrap().to_owned()
}

/// Compiles the program at `path`; what the compiler said if it refuses.
fn compile(libraries: &Libraries, path: &Path, out: &Path) -> Result<(), String> {
    let named = libraries
        .0
        .iter()
        .map(|(name, file)| format!("--extern={name}={file}"));
    let done = Command::new("rustc")
        .args(["--edition=2024", "--emit=metadata", "--diagnostic-width=200"])
        .args(named)
        .arg(format!("-Ldependency={}", libraries.folder().display()))
        .arg("--out-dir")
        .args([out, path])
        .output()
        .unwrap();
    match done.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8(done.stderr).unwrap()),
    }
}

/// Whether the compiler said what the case asks for, and no other error.
fn holds(source: &str, said: &str) {
    let expected: Vec<_> = source
        .lines()
        .filter_map(|line| line.strip_prefix("//~ "))
        .collect();
    assert!(!expected.is_empty(), "a case says what it expects");
    for text in &expected {
        assert!(said.contains(text), "{text:?} is not in\n{said}");
    }
    // What describes types is ours: no message leads into another crate for it.
    assert!(!said.contains("aide"), "{said}");
    let errors = said
        .lines()
        .filter(|line| line.starts_with("error[") || line.starts_with("error:"));
    let errors: Vec<_> = errors
        .filter(|line| !line.starts_with("error: aborting"))
        .collect();
    let wanted = expected.iter().filter(|text| text.starts_with("error")).count();
    assert_eq!(errors.len(), wanted, "{said}");
}
