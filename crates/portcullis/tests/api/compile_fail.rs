//! Default deny at compile time.
//!
//! A case is a program in `tests/compile_fail`. At its end stands what the compiler must say to it: `//~ error: …` for each
//! error, with the line and column it points at, and `//~ … ` for every other text that whoever wrote it should read.
//!
//! The compiler is asked directly, against the libraries that were built for the tests beside this one: nothing is built
//! a second time.

use std::path::Path;
use std::process::Command;

use portcullis::core::checks;
use serde_json::Value;

// Shows: AZ-2
#[test]
fn a_handler_without_a_rule_does_not_compile_and_the_compiler_says_what_to_write() {
    checks!("T017");
    let library = library();
    let folder = tempfile::tempdir().unwrap();
    let mut cases = 0;
    for case in std::fs::read_dir(CASES).unwrap() {
        let path = case.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let said =
            compile(&library, &path, folder.path()).expect_err(&format!("{} compiles", path.display()));
        holds(&source, &said);
        cases += 1;
    }
    assert_eq!(cases, 5);
}

/// What isn't refused for its access rule compiles: the cases fail for what they say, not for how they are built.
#[test]
fn a_handler_with_a_rule_compiles() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("good.rs");
    let good = std::fs::read_to_string(format!("{CASES}/no_parameter.rs")).unwrap();
    std::fs::write(&path, good.replace("open()", "open(_: portcullis::Public)")).unwrap();
    assert_eq!(compile(&library(), &path, folder.path()), Ok(()));
}

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compile_fail");

/// The library as it was built for the tests of the workspace.
fn library() -> String {
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
    let messages = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut libraries = messages.filter(|message| {
        message["target"]["name"] == "portcullis"
            && message["target"]["kind"][0] == "lib"
            && message["profile"]["test"] == false
    });
    let library = libraries.next().expect("cargo names the library that it built");
    let mut files = library["filenames"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str);
    files.find(|file| file.ends_with(".rlib")).unwrap().to_owned()
}

/// Compiles the program at `path`; what the compiler said if it refuses.
fn compile(library: &str, path: &Path, out: &Path) -> Result<(), String> {
    let dependencies = Path::new(library).parent().unwrap();
    let dependencies = if dependencies.ends_with("deps") {
        dependencies.to_owned()
    } else {
        dependencies.join("deps")
    };
    let done = Command::new("rustc")
        .args(["--edition=2024", "--emit=metadata", "--diagnostic-width=200"])
        .arg(format!("--extern=portcullis={library}"))
        .arg(format!("-Ldependency={}", dependencies.display()))
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
    let errors = said
        .lines()
        .filter(|line| line.starts_with("error[") || line.starts_with("error:"));
    let errors: Vec<_> = errors
        .filter(|line| !line.starts_with("error: aborting"))
        .collect();
    let wanted = expected.iter().filter(|text| text.starts_with("error")).count();
    assert_eq!(errors.len(), wanted, "{said}");
}
