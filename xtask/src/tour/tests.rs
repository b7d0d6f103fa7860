//! The tour against a stand-in for the server: a script that prints the two lines and listens.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;

const STAND_IN: &str = r#"#!/usr/bin/env python3
import http.server, sys
host, port = sys.argv[sys.argv.index("--listen") + 1].split(":")
assert sys.argv[1] == "serve" and sys.argv[-2:] == ["--data", "./data"]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"path":"%s"}' % self.path.encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers()
        self.wfile.write(body)
server = http.server.HTTPServer((host, int(port)), Handler)
print(f"listening on http://localhost:{port}", flush=True)
print(f"set-up: http://localhost:{port}/setup?token=abc", flush=True)
server.serve_forever()
"#;

struct Stage {
    folder: tempfile::TempDir,
    binary: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let folder = workspace::temporary_folder().unwrap();
        let binary = folder.path().join("portcullis");
        fs::write(&binary, STAND_IN).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder, binary }
    }

    fn walk(&self, console: &str) -> Result<()> {
        let readme = format!("## Five-minute tour\n```console\n{console}\n```\n");
        let steps = readme::tour(&readme, "## Five-minute tour").unwrap();
        walk(
            &Stop::listen().unwrap(),
            &steps,
            &self.folder.path().join("home"),
            &self.binary,
        )
    }
}

const START: &str =
    "$ cargo run\nlistening on http://localhost:8080\nset-up: http://localhost:8080/setup?token=…\n";

#[test]
fn a_true_tour_passes() {
    let tour = format!(
        "{START}$ curl -s http://localhost:8080/a?b=c\n{{\"path\":\"…\"}}\n$ X=$(printf 'one\\ntwo')\n$ echo \"$X\"\none\ntwo\n\
         $ cat; pwd\n…/home\n$ false\n$ ls nothing 2>/dev/null; command -v portcullis\n…/portcullis"
    );
    Stage::new().walk(&tour).unwrap();
}

#[test]
fn each_lie_of_the_tour_is_found() {
    for (tour, what) in [
        (
            format!("{START}$ curl -s http://localhost:8080/a\n{{\"path\":\"/b\"}}"),
            "--- got\n{\"path\":\"/a\"}",
        ),
        (format!("{START}$ echo a"), "--- expected\n\n--- got\na"),
        (
            format!("{START}$ true\nsomething"),
            "--- expected\nsomething\n--- got\n\n",
        ),
        (format!("{START}$ no-such-command\n"), "command not found"),
        (format!("{START}$ exit 1"), "ended the session"),
    ] {
        let error = format!("{:#}", Stage::new().walk(&tour).unwrap_err());
        assert!(error.contains(what), "{tour}\n{error}");
    }
}

#[test]
fn a_server_that_ends_or_says_something_else_is_found() {
    let stage = Stage::new();
    fs::write(&stage.binary, "#!/bin/sh\necho 'port in use' >&2\nexit 1\n").unwrap();
    let error = stage.walk(START).unwrap_err().to_string();
    assert!(
        error.contains("--- expected\nlistening on") && error.contains("port in use"),
        "{error}"
    );
}
