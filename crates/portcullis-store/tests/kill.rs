//! `kill -9` in the middle of writing: what was acknowledged is there, what wasn't is wholly there or not at all.
//!
//! The test starts itself again as a writer, counts what the writer acknowledges, kills it at a count drawn from a
//! seed, and looks at the file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg(unix)]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use portcullis_core::account::{self, AccountState, EmailAddress, NewAccount, Stamp};
use portcullis_core::audit::Context;
use portcullis_core::environment::Timestamp;
use portcullis_core::password::SealedHash;
use portcullis_core::secret::{Digest, Opaque, TokenKind};
use portcullis_core::session::{self, Device, Ending, Method, NewSession};
use portcullis_core::token::{self, NewRefresh, PresentedRefresh, RefreshRotation, Rotated};
use portcullis_store::Database;
use rusqlite::Connection;
use uuid::Uuid;

const KILLS: u64 = 50;
const WRITERS: u128 = 8;
const FILE: &str = "PORTCULLIS_TEST_KILL_FILE";
const ROUND: &str = "PORTCULLIS_TEST_KILL_ROUND";
const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

// Shows: OP-2
#[test]
fn kill_at_any_moment_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("killed.db");
    let mut seed = 0x5eed_u64;
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        // An LCG is random enough to choose a moment.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let moment = 1 + (seed >> 33) % 300;
        let said = write_until_killed(&file, round, moment);
        assert!(
            said.len() as u64 >= moment,
            "the writer of round {round} stopped by itself"
        );
        acknowledged.extend(said);
        let raw = Connection::open(&file).unwrap();
        assert_eq!(text(&raw, "PRAGMA integrity_check"), "ok", "round {round}");
        assert_whole(&raw);
        let kept = kept(&raw);
        for line in &acknowledged {
            assert!(
                kept.contains(line),
                "round {round}: acknowledged and lost: {line}"
            );
        }
    }
}

/// Answers what the writer acknowledged, also in the moment before it died.
fn write_until_killed(file: &Path, round: u64, moment: u64) -> Vec<String> {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writer", "--nocapture"])
        .env(FILE, file)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(writer.stdout.take().unwrap()).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        if let Some(line) = line.strip_prefix("ack ").and_then(|line| line.strip_suffix(" .")) {
            said.push(line.to_owned());
            if said.len() as u64 == moment {
                // SIGKILL on Unix.
                writer.kill().unwrap();
            }
        }
    }
    writer.wait().unwrap();
    said
}

fn text(raw: &Connection, sql: &str) -> String {
    raw.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn count(raw: &Connection, sql: &str) -> i64 {
    raw.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// No flow is half done.
fn assert_whole(raw: &Connection) {
    for (what, sql) in [
        (
            "an account without a password",
            "SELECT count(*) FROM portcullis_accounts WHERE id NOT IN (SELECT account_id FROM portcullis_passwords)",
        ),
        (
            "an account without its event",
            "SELECT count(*) FROM portcullis_accounts WHERE id NOT IN (SELECT account_id FROM portcullis_audit_events WHERE action = 'account.registered')",
        ),
        (
            "an event without its account",
            "SELECT count(*) FROM portcullis_audit_events WHERE action = 'account.registered' AND account_id NOT IN (SELECT id FROM portcullis_accounts)",
        ),
        (
            "a session without its event",
            "SELECT count(*) FROM portcullis_sessions WHERE id NOT IN (SELECT session_id FROM portcullis_audit_events WHERE action = 'session.opened')",
        ),
        (
            "an ended session without its event",
            "SELECT count(*) FROM portcullis_sessions WHERE ended_at IS NOT NULL AND id NOT IN (SELECT session_id FROM portcullis_audit_events WHERE action = 'session.ended')",
        ),
        (
            "an ended session without its invalidation",
            "SELECT count(*) FROM portcullis_sessions WHERE ended_at IS NOT NULL AND id NOT IN (SELECT subject FROM portcullis_invalidations)",
        ),
        (
            "a used token without its successor",
            "SELECT count(*) FROM portcullis_refresh_tokens WHERE used_at IS NOT NULL AND (successor IS NULL OR successor NOT IN (SELECT digest FROM portcullis_refresh_tokens))",
        ),
        (
            "a family with two living tokens",
            "SELECT count(*) FROM (SELECT 1 FROM portcullis_refresh_tokens WHERE used_at IS NULL GROUP BY session_id HAVING count(*) <> 1)",
        ),
        (
            "a session without a token",
            "SELECT count(*) FROM portcullis_sessions WHERE id NOT IN (SELECT session_id FROM portcullis_refresh_tokens WHERE used_at IS NULL)",
        ),
    ] {
        assert_eq!(count(raw, sql), 0, "{what}");
    }
}

/// Everything the file holds, in the words of the writer.
fn kept(raw: &Connection) -> HashSet<String> {
    let sql = "SELECT 'account ' || hex(id) FROM portcullis_accounts
        UNION ALL SELECT 'session ' || hex(id) FROM portcullis_sessions
        UNION ALL SELECT 'ended ' || hex(id) FROM portcullis_sessions WHERE ended_at IS NOT NULL
        UNION ALL SELECT 'successor ' || hex(digest) FROM portcullis_refresh_tokens
        UNION ALL SELECT 'used ' || hex(digest) FROM portcullis_refresh_tokens WHERE used_at IS NOT NULL
        UNION ALL SELECT 'revoked ' || hex(id) FROM portcullis_revocations";
    let mut statement = raw.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The other side of the test above; by itself it has nothing to do.
#[tokio::test]
#[allow(
    clippy::disallowed_methods,
    reason = "this is how the writer is told of its file"
)]
async fn writer() {
    let (Ok(file), Ok(round)) = (std::env::var(FILE), std::env::var(ROUND)) else {
        return;
    };
    let database = Database::open(&format!("sqlite:{file}")).await.unwrap();
    let round: u128 = round.parse().unwrap();
    let writers = (0..WRITERS).map(|n| {
        let database = database.clone();
        tokio::spawn(async move { write_for_ever(&database, Numbers((round * WRITERS + n) << 64)).await })
    });
    futures_util::future::join_all(writers).await;
}

/// Numbers that no other writer has.
struct Numbers(u128);

impl Numbers {
    fn id(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }

    fn digest<K: TokenKind>(&mut self) -> Digest<K> {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(self.id().as_bytes());
        Opaque::<K>::from_bytes(bytes).digest()
    }

    fn refresh(&mut self) -> NewRefresh {
        NewRefresh {
            digest: self.digest(),
            expires_at: NOW.plus(Duration::from_secs(3600)),
        }
    }
}

#[allow(clippy::print_stdout, reason = "this is how the writer acknowledges")]
fn acknowledge(what: &str, bytes: &[u8]) {
    use std::fmt::Write as _;

    let mut line = format!("ack {what} ");
    for byte in bytes {
        write!(line, "{byte:02X}").unwrap();
    }
    // One write, so that a line is whole or, at the end, has no full stop.
    std::io::stdout()
        .write_all(format!("{line} .\n").as_bytes())
        .unwrap();
}

async fn write_for_ever(database: &Database, mut numbers: Numbers) {
    loop {
        let account = register(database, &mut numbers).await;
        let (session, mut refresh) = open(database, &mut numbers, &account).await;
        for _ in 0..5 {
            refresh = rotate(database, &mut numbers, refresh).await;
        }
        let by = Context::system(NOW);
        let ended = session::Store::end(database, account.id, session, Ending::Logout, by).await;
        assert!(ended.unwrap());
        acknowledge("ended", session.as_uuid().as_bytes());
        let token = token::Id::from_uuid(numbers.id());
        let by = Context::system(NOW);
        token::Store::revoke(database, token, account.id, NOW, by)
            .await
            .unwrap();
        acknowledge("revoked", token.as_uuid().as_bytes());
    }
}

async fn register(database: &Database, numbers: &mut Numbers) -> account::Account {
    let id = numbers.id();
    let new = NewAccount {
        id: account::Id::from_uuid(id),
        email: Some(EmailAddress::parse(&format!("{}@example.com", id.simple())).unwrap()),
        claim: account::Claim::Open,
        username: None,
        state: AccountState::Active,
        stamp: Stamp::from_uuid(numbers.id()),
        password: SealedHash::from_bytes(vec![7; 100]),
        verification: Some(account::Offer::new(numbers.digest(), NOW)),
        roles: Vec::new(),
        at: NOW,
    };
    let by = Context::system(NOW);
    let account = account::Store::register(database, new, by)
        .await
        .unwrap()
        .unwrap();
    acknowledge("account", id.as_bytes());
    account
}

async fn open(
    database: &Database,
    numbers: &mut Numbers,
    account: &account::Account,
) -> (session::Id, PresentedRefresh) {
    let refresh = numbers.refresh();
    let new = NewSession {
        id: session::Id::from_uuid(numbers.id()),
        account: account.id,
        stamp: account.stamp,
        require_verified: false,
        token: Some(numbers.digest()),
        refresh: Some(refresh),
        device: Device::default(),
        method: Method::Password,
        scopes: None,
        idle: Duration::from_secs(60),
        expires_at: NOW.plus(Duration::from_secs(3600)),
        limit: 3,
        news: None,
    };
    let id = new.id;
    session::Store::open(database, new, Context::system(NOW))
        .await
        .unwrap()
        .unwrap();
    acknowledge("session", id.as_uuid().as_bytes());
    let presented = PresentedRefresh {
        session: Some(id),
        digest: refresh.digest,
    };
    (id, presented)
}

async fn rotate(database: &Database, numbers: &mut Numbers, presented: PresentedRefresh) -> PresentedRefresh {
    let successor = numbers.refresh();
    let rotation = RefreshRotation {
        presented,
        successor,
        grace_from: NOW,
        require_verified: false,
    };
    let by = Context::system(NOW);
    let rotated = token::Store::rotate_refresh(database, rotation, by)
        .await
        .unwrap();
    assert!(matches!(rotated, Ok(Rotated::Fresh(_))));
    acknowledge("used", presented.digest.as_bytes());
    acknowledge("successor", successor.digest.as_bytes());
    PresentedRefresh {
        digest: successor.digest,
        ..presented
    }
}
