//! Sessions in Redis: what it holds, what happens when it doesn't answer, and when it is gone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![cfg(feature = "redis")]

mod ephemeral;

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ephemeral::{
    IDLE, Keys, MINUTE, START, by, events, fresh_id, fresh_token, lives, opaque, open, refreshing,
    registered, server,
};
use portcullis_core::account::Stamp;
use portcullis_core::audit::Action;
use portcullis_core::checks;
use portcullis_core::fault::Fault;
use portcullis_core::key::{MasterKey, Sealer};
use portcullis_core::session::{ApiKeyHandling, Ending, Store as _};
use portcullis_core::signature::{UrlGrant, Urls, Visit};
use portcullis_store::Database;
use portcullis_store::ephemeral::{Redis, SplitSessions};
use portcullis_testkit::FakeClock;
use tempfile::TempDir;

async fn split(url: &str, prefix: &str) -> (Database, SplitSessions) {
    let database = Database::in_memory().await.unwrap();
    let redis = Redis::connect_with(url, prefix).await.unwrap();
    (database.clone(), SplitSessions::new(database, Arc::new(redis)))
}

/// Everything Redis holds under the prefix, as text.
fn dump(keys: &Keys) -> String {
    let mut connection = keys.connection();
    let mut text = String::new();
    for key in keys.all() {
        let kind: String = redis::cmd("TYPE").arg(&key).query(&mut connection).unwrap();
        let mut command = match &*kind {
            "hash" => redis::cmd("HGETALL"),
            "zset" => redis::cmd("ZRANGE"),
            "string" => redis::cmd("GET"),
            other => panic!("{key} is a {other}"),
        };
        command.arg(&key);
        if kind == "zset" {
            command.arg(0).arg(-1);
        }
        let value: redis::Value = command.query(&mut connection).unwrap();
        text += &format!("{key} {}\n", readable(&value));
    }
    text
}

fn readable(value: &redis::Value) -> String {
    match value {
        redis::Value::BulkString(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        redis::Value::Array(values) => values.iter().map(readable).collect::<Vec<_>>().join(" "),
        redis::Value::Map(pairs) => {
            let pair = |(name, value): &(redis::Value, redis::Value)| {
                format!("{}={}", readable(name), readable(value))
            };
            pairs.iter().map(pair).collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dump_of_redis_holds_no_token() {
    checks!("T015");
    let Some(server) = server() else { return };
    let keys = Keys::new(server);
    let (database, sessions) = split(&keys.server, &keys.prefix).await;
    let anna = registered(&database, "anna").await;
    let (token, next) = (fresh_token(), fresh_token());
    let mut new = opaque(&anna);
    new.token = Some(token.digest());
    open(&sessions, &new, START).await;
    let before = dump(&keys);
    assert!(
        sessions
            .renew(new.id, token.digest(), next.digest(), by(START))
            .await
            .unwrap()
    );
    let dumped = before + &dump(&keys);
    assert!(
        dumped.contains(&new.id.to_string()) && dumped.contains("Browser/1"),
        "{dumped}"
    );
    for token in [token, next] {
        let hex = token
            .expose_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        let text = token.expose();
        for secret in [&hex[..16], &hex[32..], &text[..], &text[4..20], &text[30..]] {
            assert!(!dumped.contains(secret), "{secret} is in Redis");
        }
    }
}

#[tokio::test]
async fn every_key_goes_by_itself_a_minute_after_its_session() {
    let Some(server) = server() else { return };
    let keys = Keys::new(server);
    let (database, sessions) = split(&keys.server, &keys.prefix).await;
    let anna = registered(&database, "anna").await;
    let grace = 60_000;
    let left = || {
        let mut connection = keys.connection();
        let ttl = |key: String| redis::cmd("PTTL").arg(key).query::<i64>(&mut connection).unwrap();
        keys.all().into_iter().map(ttl).collect::<Vec<_>>()
    };
    let new = opaque(&anna);
    open(&sessions, &new, START).await;
    let idle = i64::try_from(IDLE.as_millis()).unwrap();
    assert_eq!(left().len(), 3, "session, token, account");
    assert!(
        left().iter().all(|millis| (idle..=idle + grace).contains(millis)),
        "{:?}",
        left()
    );
    // Seen shortly before its absolute end, it is kept until that.
    let mut at = START;
    while at.plus(MINUTE) < new.expires_at {
        at = at.plus(IDLE - MINUTE).min(new.expires_at.minus(MINUTE));
        sessions.touch(vec![(new.id, at)]).await.unwrap();
    }
    let minute = i64::try_from(MINUTE.as_millis()).unwrap();
    let short = left()
        .into_iter()
        .filter(|millis| (0..=minute + grace).contains(millis))
        .count();
    assert_eq!(short, 2, "session and token: {:?}", left());
    assert!(
        sessions
            .end(anna.id, new.id, Ending::Logout, by(START))
            .await
            .unwrap()
    );
    assert_eq!(
        keys.all(),
        Vec::<String>::new(),
        "nothing stays of an ended session"
    );
}

#[tokio::test]
async fn a_record_that_was_tampered_with_lets_nobody_in() {
    checks!("T037");
    let Some(server) = server() else { return };
    let keys = Keys::new(server);
    let (database, sessions) = split(&keys.server, &keys.prefix).await;
    let anna = registered(&database, "anna").await;
    let new = opaque(&anna);
    open(&sessions, &new, START).await;
    let token = new.token.unwrap();
    let set = |field: &str, value: &str| {
        let key = format!("{}s:{}", keys.prefix, new.id);
        let _: () = redis::cmd("HSET")
            .arg(key)
            .arg(field)
            .arg(value)
            .query(&mut keys.connection())
            .unwrap();
    };
    set("expires_at", "tomorrow");
    assert!(matches!(
        sessions.find_by_token(token).await,
        Err(Fault::Corrupt(_))
    ));
    set("expires_at", &new.expires_at.as_micros().to_string());
    assert!(sessions.find_by_token(token).await.unwrap().is_some());
    // A token's key that leads to a session of another token.
    set("token", "00");
    assert_eq!(sessions.find_by_token(token).await.unwrap(), None);
    set("stamp", &fresh_id().to_string());
    assert!(!lives_by_id(&sessions, &new).await);
}

async fn lives_by_id(sessions: &SplitSessions, new: &portcullis_core::session::NewSession) -> bool {
    sessions.find(new.id).await.unwrap().is_some()
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_said_without_its_password() {
    for url in [
        "redis://:hunter2@127.0.0.1:1/",
        "redis://:hunter2@",
        "hunter2",
        "redis+unix:///nowhere/hunter.sock?pass=hunter2",
    ] {
        let fault = Redis::connect(url).await.unwrap_err();
        assert!(matches!(fault, Fault::Unreachable(_)), "{url}: {fault}");
        assert!(!format!("{fault} {fault:?}").contains("hunter2"), "{fault}");
    }
}

/// A server of the test's own, behind a socket in a folder of its own.
struct Server {
    child: Child,
    folder: TempDir,
}

impl Server {
    /// `None` where there is no Redis to start.
    fn start() -> Option<Self> {
        server()?;
        let folder = TempDir::new().unwrap();
        let child = Self::spawn(&folder);
        let server = Self { child, folder };
        server.wait();
        Some(server)
    }

    fn spawn(folder: &TempDir) -> Child {
        Command::new("redis-server")
            .args([
                "--port",
                "0",
                "--save",
                "",
                "--appendonly",
                "no",
                "--unixsocket",
                "redis.sock",
                "--dir",
            ])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed")
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.path().join("redis.sock").display())
    }

    fn connection(&self) -> Option<redis::Connection> {
        redis::Client::open(self.url()).unwrap().get_connection().ok()
    }

    fn wait(&self) {
        let began = Instant::now();
        while self.connection().is_none() {
            assert!(began.elapsed() < Duration::from_secs(20), "Redis does not start");
            std::thread::yield_now();
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self) {
        self.child = Self::spawn(&self.folder);
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_nobody_is_let_in_and_afterwards_everybody_is() {
    checks!("T037");
    let Some(mut server) = Server::start() else { return };
    let (database, sessions) = split(&server.url(), "p:").await;
    let (anna, other) = (
        registered(&database, "anna").await,
        registered(&database, "berta").await,
    );
    let (new, others, tokens) = (opaque(&anna), opaque(&other), refreshing(&anna));
    for new in [&new, &others, &tokens] {
        open(&sessions, new, START).await;
    }
    server.kill();
    for _ in 0..3 {
        let away = |fault: Option<Fault>| matches!(fault, Some(Fault::Unreachable(_) | Fault::Busy(_)));
        assert!(away(sessions.find_by_token(new.token.unwrap()).await.err()));
        assert!(away(sessions.find(new.id).await.err()));
        assert!(away(sessions.open(opaque(&anna), by(START)).await.err()));
        assert!(away(
            sessions
                .end(anna.id, new.id, Ending::Logout, by(START))
                .await
                .err()
        ));
        assert!(away(sessions.end_others(anna.id, new.id, by(START)).await.err()));
        assert!(away(sessions.list(anna.id, START).await.err()));
        assert!(away(
            sessions.touch(vec![(tokens.id, START.plus(MINUTE))]).await.err()
        ));
        assert!(away(sessions.tend(START).await.err()));
        assert!(away(sessions.ping().await.err()));
    }
    // What the database has goes on, and "log out everywhere" needs nothing else.
    assert_eq!(
        sessions.find(tokens.id).await.unwrap().unwrap().last_seen_at,
        START.plus(MINUTE)
    );
    open(&sessions, &refreshing(&anna), START).await;
    let stamp = Stamp::from_uuid(fresh_id());
    let keys = ApiKeyHandling::Stay;
    let ended = sessions.end_everything(anna.id, stamp, keys, by(START)).await;
    assert_eq!(ended.unwrap().sessions, 2);
    assert_eq!(events(&database, Action::SessionsEnded).await.len(), 1);

    server.restart();
    // The first call may still meet the broken connection.
    let _ = sessions.ping().await;
    sessions.ping().await.unwrap();
    assert!(
        !lives(&sessions, &new).await && !lives(&sessions, &others).await,
        "it came back empty"
    );
    let again = opaque(&other);
    open(&sessions, &again, START).await;
    assert!(lives(&sessions, &again).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_does_not_answer_is_a_fault_within_a_second() {
    checks!("T037");
    let Some(server) = Server::start() else { return };
    let (database, sessions) = split(&server.url(), "p:").await;
    let anna = registered(&database, "anna").await;
    let new = opaque(&anna);
    open(&sessions, &new, START).await;
    let mut admin = server.connection().unwrap();
    let _: () = redis::cmd("CLIENT")
        .arg("PAUSE")
        .arg(4_000)
        .arg("ALL")
        .query(&mut admin)
        .unwrap();
    let began = Instant::now();
    let answer = sessions.find_by_token(new.token.unwrap()).await;
    let took = began.elapsed();
    assert!(matches!(answer, Err(Fault::Busy(_))), "{answer:?}");
    // Two seconds more for a machine that is busy with other tests: Redis itself is silent for longer.
    assert!(took <= Duration::from_secs(3), "{took:?}");
    // Each call is a fault until the pause is over, and then it is answered on a connection made anew.
    let began = Instant::now();
    while sessions.ping().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "Redis stays silent");
    }
    assert!(lives(&sessions, &new).await);
}

#[tokio::test]
async fn a_nonce_is_taken_once_by_all_nodes_and_forgotten_by_itself() {
    checks!("T255");
    checks!("T261");
    let Some(server) = server() else { return };
    let keys = Keys::new(server);
    let environment = portcullis_testkit::environment(&Arc::new(FakeClock::new()), 1);
    let sealer = Sealer::new(MasterKey::generate(&environment), environment.clone());
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let redis = Redis::connect_with(&keys.server, &keys.prefix).await.unwrap();
        nodes.push(Urls::new(&sealer, Arc::new(redis)));
    }
    let grant = UrlGrant::lasting(Duration::from_secs(60)).once();
    let url = nodes[0].sign("/files/7", &grant, &environment).unwrap();
    let (path, query) = url.split_once('?').unwrap();
    let visit = Visit {
        method: "GET",
        path,
        query: Some(query),
        address: None,
    };
    let (visit, now) = (&visit, environment.now());
    let all = (0..100).map(|n| nodes[n % 2].verify(visit, now));
    let all = futures_util::future::join_all(all).await;
    assert_eq!(all.iter().filter(|verified| verified.is_ok()).count(), 1);
    let mut connection = keys.connection();
    let kept = keys.all();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let left: i64 = redis::cmd("PTTL").arg(&kept[0]).query(&mut connection).unwrap();
    assert!((60_000..=120_000).contains(&left), "{left}");
}
