//! The rows for which this program is started anew: as the stand-in for a server, and to answer one route while it is counted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

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

/// What `counted` does but for valgrind, which not every machine has.
#[test]
fn a_route_is_answered_until_the_input_ends() {
    for route in ["axum::serve", "API key", "JSON body behind an API key"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis-bench"))
            .args(["--answer", route])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap().unwrap();
        let request = lines.next().unwrap().unwrap();
        let bytes = (0..request.len()).step_by(2);
        let request: Vec<u8> = bytes
            .map(|at| u8::from_str_radix(&request[at..at + 2], 16).unwrap())
            .collect();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(&request).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200", "{route}");
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "{route}");
    }
}

#[test]
fn a_route_that_there_is_none_of_is_refused() {
    let asked = Command::new(env!("CARGO_BIN_EXE_portcullis-bench"))
        .args(["--answer", "nothing"])
        .output();
    let output = asked.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no route is called nothing"));
}
