//! Starts the binary on a free port with data of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A folder for one test.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary in this folder, with nothing of the tester's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// The first e-mail that the development mailer wrote.
    pub(crate) async fn email(&self) -> String {
        let emails = || {
            let files = std::fs::read_dir(self.path("data/mail")).ok()?;
            files
                .map(|file| file.unwrap().path())
                .find(|file| file.extension().is_some_and(|kind| kind == "txt"))
        };
        assert!(
            within(Duration::from_secs(5), || async { emails().is_some() }).await,
            "no e-mail came"
        );
        let file = emails().unwrap();
        assert_eq!(mode(&file), 0o600);
        std::fs::read_to_string(file).unwrap()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        finish(&mut self.command(arguments))
    }

    /// Runs a command to its end with this on its stdin.
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Starts a server on a port that the system chooses, unless the arguments do, and waits until it listens.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let mut command = self.command(arguments);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.path("err")).unwrap());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while !printed.contains("listening on ") {
            let read = out.read_line(&mut printed).unwrap();
            assert_ne!(
                read,
                0,
                "it ended: {printed}{}",
                std::fs::read_to_string(self.path("err")).unwrap()
            );
        }
        let address = printed
            .lines()
            .last()
            .unwrap()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        Server {
            child,
            out,
            printed,
            address,
            log: self.path("err"),
        }
    }
}

/// A running server; dropping it kills it.
pub(crate) struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it printed until it listened.
    pub(crate) printed: String,
    /// Where it says that it listens.
    pub(crate) address: String,
    log: PathBuf,
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The address and port that it listens on, as `--listen` takes them.
    pub(crate) fn socket(&self) -> String {
        self.address.replace("http://localhost", "127.0.0.1")
    }

    /// The link that makes the first administrator.
    pub(crate) fn setup_link(&self) -> Option<&str> {
        self.printed
            .lines()
            .find_map(|line| line.strip_prefix("set-up:"))
            .map(str::trim)
    }

    /// The token in that link.
    pub(crate) fn setup_token(&self) -> String {
        self.setup_link()
            .unwrap()
            .split_once("token=")
            .unwrap()
            .1
            .to_owned()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn ask_to_stop(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Its exit code, once it ended, and what else it printed.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end; one that doesn't end is killed, and has no exit code.
pub(crate) fn finish(command: &mut Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (ended, end) = std::sync::mpsc::channel::<()>();
    let id = child.id().to_string();
    let watchdog = std::thread::spawn(move || {
        if end.recv_timeout(Duration::from_secs(30)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    watchdog.join().unwrap();
    output
}

/// An HTTP client; the first call also names the crypto library.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

/// Asks until the answer is as wanted, at most for `limit`. A turn counts for 20 ms at most: what took longer was waiting
/// for a processor that other tests had, and so was the server.
pub(crate) async fn within<F: Future<Output = bool>>(limit: Duration, mut asked: impl FnMut() -> F) -> bool {
    let mut waited = Duration::ZERO;
    while waited < limit {
        let turn = Instant::now();
        if asked().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        waited += turn.elapsed().min(Duration::from_millis(20));
    }
    false
}

/// What a command said on stderr.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What a command printed that had to work.
pub(crate) fn works(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", said(output));
    printed(output)
}

/// A command had to fail so, and to say that.
pub(crate) fn fails(output: &Output, code: i32, says: &str) {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(says), "{says} in {text}");
    assert_eq!(printed(output), "");
}

/// What a command printed.
pub(crate) fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The value of a variable that the tests are told by, such as where the servers are.
#[allow(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "whoever runs the tests is told, and says by variables where servers are"
)]
pub(crate) fn told(name: &str) -> Option<String> {
    let told = std::env::var(name).ok();
    if told.is_none() {
        eprintln!("skipped: {name} isn't set; run `cargo xtask test`");
    }
    told
}
