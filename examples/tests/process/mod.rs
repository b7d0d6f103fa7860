//! Runs an example as a process on a free port, with its files in a folder of its own.

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use portcullis_testkit::PASSWORD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running example; dropping it ends it.
pub(crate) struct Running {
    child: Child,
    address: String,
    word: String,
    program: PathBuf,
    folder: TempDir,
    /// Kept open: a program that prints more must not find its output closed.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts the example, and waits for the line in which it says the word after `label`, and until it listens.
    pub(crate) fn start(example: &str, label: &str) -> Self {
        Self::start_with(example, &[], label)
    }

    /// The same for an example that says nothing to wait for.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn start_quietly(example: &str) -> Self {
        Self::start_with(example, &[], "")
    }

    /// The same with arguments after the address, and with no label for an example that says nothing to wait for.
    pub(crate) fn start_with(example: &str, arguments: &[&str], label: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let address = free_address();
        let program = path_of(example);
        let mut child = Command::new(&program)
            .arg(&address)
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let word = match label {
            "" => Some(String::new()),
            label => lines.find_map(|line| Some(line.unwrap().split_once(label)?.1.to_owned())),
        };
        let running = Self {
            child,
            address,
            word: word.unwrap(),
            program,
            folder,
            _lines: lines,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&running.address).is_err() {
            assert!(Instant::now() < deadline, "{example} doesn't listen");
            std::thread::yield_now();
        }
        running
    }

    /// The URL of where it listens, without a path.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens: host and port.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where it was started, with its files.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The path of the program itself.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// What the program said once it was ready.
    pub(crate) fn word(&self) -> &str {
        &self.word
    }

    /// Status and body of the answer.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn request(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let authorization = match token {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Logs in; the access token.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn log_in(&self, name: &str) -> String {
        let body = json!({ "identifier": name, "password": PASSWORD }).to_string();
        let (status, answer) = self.request("POST", "/auth/login", "", &body);
        assert_eq!(status, 200, "{answer}");
        field(&answer, "access_token")
    }

    /// Asks it to end.
    #[allow(dead_code, reason = "not every test asks")]
    pub(crate) fn stop(mut self) -> ExitStatus {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the example listens, and what it says on stderr up to the line that holds `end`. It is ended then.
#[allow(dead_code, reason = "not every test asks")]
pub(crate) fn said_on_stderr(example: &str, end: &str) -> (String, String) {
    let folder = TempDir::new().unwrap();
    let address = free_address();
    let mut child = Command::new(path_of(example))
        .arg(&address)
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    while !said.contains(end) {
        let read = stderr.read_line(&mut said).unwrap();
        assert_ne!(read, 0, "{example} ended: {said}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    (address, said)
}

/// A text in a JSON object.
#[allow(dead_code, reason = "not every test asks")]
pub(crate) fn field(json: &str, name: &str) -> String {
    let value: Value = serde_json::from_str(json).unwrap();
    value[name].as_str().unwrap().to_owned()
}

/// An address of this process' own: below the ports that systems give away by themselves, and tests that run at the same
/// time are other processes.
fn free_address() -> String {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = process::id() * 8 + ASKED.fetch_add(1, Ordering::Relaxed);
        let address = format!("127.0.0.1:{}", 16_384 + number % 16_000);
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// The example lies beside the folder of this test.
fn path_of(example: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples")
        .join(example);
    assert!(
        path.exists(),
        "build it first: cargo build -p examples --example {example}"
    );
    path
}
