//! The row whose stand-in for a server is the program itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

#[test]
fn process_is_tried_on_the_stand_in() {
    let folder = TempDir::new_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    // Where it is built, a server program of whatever age may be beside it, and would be measured.
    let program = folder.path().join("portcullis-bench");
    fs::hard_link(env!("CARGO_BIN_EXE_portcullis-bench"), &program).unwrap();
    let (databases, figures) = (folder.path().join("databases"), folder.path().join("figures"));
    fs::create_dir(&databases).unwrap();
    let output = Command::new(program)
        .args(["--tried", "--only", "process", "--folder"])
        .arg(&databases)
        .arg("--json")
        .arg(&figures)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let figures: Value = serde_json::from_slice(&fs::read(figures).unwrap()).unwrap();
    let lines = figures["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 3, "{figures}");
    for line in lines {
        assert!(line["what"].as_str().unwrap().ends_with("(stand-in)"), "{line}");
        assert!(line["measured"]["median"].as_f64().unwrap() > 0.0, "{line}");
    }
    assert_eq!(
        fs::read_dir(databases).unwrap().count(),
        0,
        "nothing is left behind"
    );
}
