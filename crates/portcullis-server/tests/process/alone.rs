//! The database's file without what belongs to it: its log, its disk, its secrets.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use portcullis_core::checks;
use serde_json::json;

use crate::server::{Place, Server, client, printed, said, within, works};

/// A data folder with these files of another place's.
fn copied(from: &Place, files: &[&str]) -> Place {
    let place = Place::new();
    fs::create_dir(place.path("data")).unwrap();
    fs::set_permissions(place.path("data"), fs::Permissions::from_mode(0o700)).unwrap();
    for file in files {
        fs::copy(
            from.path(&format!("data/{file}")),
            place.path(&format!("data/{file}")),
        )
        .unwrap();
    }
    place
}

/// Starts the server there, which must refuse with one line that says what was lost and what to do.
fn refuses_as_emptied(place: &Place) {
    let output = place.run(&["--listen", "127.0.0.1:0"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("portcullis: "))
            .count(),
        1,
        "{text}"
    );
    for part in ["is empty", "portcullis.db-wal", "secrets.key", "begin anew"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(printed(&output), "", "no set-up link");
}

#[tokio::test]
async fn the_file_alone_holds_what_a_first_start_made() {
    let place = Place::new();
    let server = place.serve(&[]);
    let copy = copied(&place, &["portcullis.db", "secrets.key"]);
    let keys = async |server: &Server| {
        let answer = client().get(server.url("/.well-known/jwks.json")).send().await;
        answer.unwrap().text().await.unwrap()
    };
    let second = copy.serve(&[]);
    assert_eq!(keys(&second).await, keys(&server).await);
}

#[test]
fn an_empty_database_beside_secrets_that_sealed_one_is_refused() {
    checks!("T165");
    let place = Place::new();
    let server = place.serve(&[]);
    server.ask_to_stop("-TERM");
    assert_eq!(server.ended().0, Some(0));

    // Nothing at all was copied, or a file in which nothing is yet: neither is touched.
    let without = copied(&place, &["secrets.key"]);
    refuses_as_emptied(&without);
    assert!(!without.path("data/portcullis.db").exists());
    for bytes in [Vec::new(), log_ahead_but_empty(&place)] {
        let truncated = copied(&place, &["secrets.key"]);
        let file = truncated.path("data/portcullis.db");
        fs::write(&file, &bytes).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        refuses_as_emptied(&truncated);
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
    // With a schema but no key it is no better.
    let keyless = copied(&place, &["portcullis.db", "secrets.key"]);
    rusqlite::Connection::open(keyless.path("data/portcullis.db"))
        .unwrap()
        .execute_batch("DELETE FROM portcullis_signing_keys")
        .unwrap();
    refuses_as_emptied(&keyless);

    // What was copied whole starts, and so does a new beginning.
    drop(copied(&place, &["portcullis.db", "secrets.key"]).serve(&[]));
    fs::remove_file(without.path("data/secrets.key")).unwrap();
    let anew = without.serve(&[]);
    assert!(anew.setup_link().is_some());
}

/// What the file holds until the log is moved into it for the first time.
fn log_ahead_but_empty(place: &Place) -> Vec<u8> {
    let file = place.path("empty.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch("PRAGMA journal_mode=WAL").unwrap();
    drop(database);
    fs::read(&file).unwrap()
}

/// A small disk in memory, where the tests may mount one.
struct Disk(PathBuf);

impl Disk {
    #[allow(clippy::print_stderr, reason = "whoever runs the tests wants to know")]
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let disk = Self(at.to_owned());
        if disk.run("mount", &["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs"]) {
            return Some(disk);
        }
        eprintln!("skipped: no disk can be mounted here; root may");
        std::mem::forget(disk);
        None
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let done = Command::new(program).args(arguments).arg(&self.0).output();
        done.is_ok_and(|output| output.status.success())
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let mut file = File::create(self.0.join("filler")).unwrap();
        for size in [4096, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.run("umount", &["--lazy"]);
    }
}

async fn status(server: &Server, path: &str) -> u16 {
    client()
        .get(server.url(path))
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn a_full_disk_is_told_by_readiness_and_a_start_and_is_over_when_there_is_room() {
    checks!("T164");
    let place = Place::new();
    let Some(disk) = Disk::mount(&place.path("data")) else {
        return;
    };
    let server = place.serve(&[]);
    let form = json!({ "email": "anna@example.com", "password": "a gate that closes" });
    let answer = client()
        .post(server.url("/auth/register"))
        .json(&form)
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 201);
    assert_eq!(status(&server, "/health/ready").await, 200);

    // A new start has a log without room to spare, and each refused login writes.
    server.ask_to_stop("-TERM");
    assert_eq!(server.ended().0, Some(0));
    let server = place.serve(&[]);
    disk.fill();
    let refused = json!({ "identifier": "nobody@example.com", "password": "a gate that closes" });
    let unready = || async {
        let _ = client()
            .post(server.url("/auth/login"))
            .json(&refused)
            .send()
            .await;
        status(&server, "/health/ready").await == 503
    };
    assert!(within(Duration::from_secs(10), unready).await, "{}", server.log());
    assert!(server.log().contains("full"), "{}", server.log());
    disk.free();
    let ready = || async { status(&server, "/health/ready").await == 200 };
    assert!(within(Duration::from_secs(5), ready).await, "{}", server.log());

    server.ask_to_stop("-TERM");
    assert_eq!(server.ended().0, Some(0));
    disk.fill();
    let text = said(&place.run(&["--listen", "127.0.0.1:0"]));
    assert!(
        text.contains("full") && !text.contains("can't be reached"),
        "{text}"
    );
    disk.free();
    assert!(disk.run("mount", &["-o", "remount,ro"]));
    let text = said(&place.run(&["--listen", "127.0.0.1:0"]));
    assert!(
        text.contains("read-only") && !text.contains("can't be reached"),
        "{text}"
    );
    assert!(disk.run("mount", &["-o", "remount,rw"]));
    works(&place.run(&["account", "list"]));
}
