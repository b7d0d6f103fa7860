//! Nodes on one PostgreSQL: starting together, without its writes for a while, behind poolers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use portcullis_core::checks;
use serde_json::{Value, json};
use tokio_postgres::{Client, NoTls};

use crate::server::{Place, Server, client, said, told, within};

async fn raw(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// An empty database, deleted at the end.
struct Database {
    server: String,
    name: String,
}

impl Database {
    async fn new(server: String, name: &str) -> Self {
        let name = format!("portcullis_{name}_{}", std::process::id());
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        raw(&server).await.batch_execute(&create).await.unwrap();
        Self { server, name }
    }

    fn url(&self) -> String {
        let (base, _) = self.server.rsplit_once('/').unwrap();
        format!("{base}/{}", self.name)
    }

    async fn run(&self, sql: &str) {
        raw(&self.server).await.batch_execute(sql).await.unwrap();
    }

    /// Whether whoever connects from now on may write; whoever is connected is cut off.
    async fn fail_over(&self, setting: &str) {
        let name = &self.name;
        self.run(&format!("ALTER DATABASE {name} {setting}")).await;
        self.run(&format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
        ))
        .await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let delete = async move {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            raw(&server).await.batch_execute(&drop).await
        };
        // A runtime can't be entered from within another: this one has a thread of its own.
        let run = || tokio::runtime::Runtime::new().unwrap().block_on(delete);
        let _ = std::thread::spawn(run).join();
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

async fn login(server: &Server) -> u16 {
    let form = json!({ "identifier": "anna@example.com", "password": "a gate that closes" });
    let answer = client().post(server.url("/auth/login")).json(&form).send().await;
    answer.unwrap().status().as_u16()
}

async fn register(server: &Server) {
    let form = json!({ "email": "anna@example.com", "password": "a gate that closes" });
    let answer = client()
        .post(server.url("/auth/register"))
        .json(&form)
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 201);
}

async fn keys(server: &Server) -> Value {
    let answer = client()
        .get(server.url("/.well-known/jwks.json"))
        .send()
        .await
        .unwrap();
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_wait_for_each_other_and_publish_the_same_keys() {
    let Some(server) = told("PORTCULLIS_TEST_POSTGRES") else {
        return;
    };
    let database = Database::new(server, "together").await;
    let url = database.url();
    // One makes the secrets, in a database that nothing else is about; all get a copy.
    let first = Place::new();
    drop(first.serve(&[]));
    let made = fs::read_to_string(first.path("data/secrets.key")).unwrap();
    let secrets: String = made
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    let places: Vec<Arc<Place>> = (0..3).map(|_| Arc::new(Place::new())).collect();
    for place in &places {
        fs::create_dir(place.path("data")).unwrap();
        fs::set_permissions(place.path("data"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(place.path("data/secrets.key"), &secrets).unwrap();
        fs::set_permissions(place.path("data/secrets.key"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let other = raw(&url).await;
    other
        .batch_execute("BEGIN; SELECT pg_advisory_xact_lock(8101821146886991980)")
        .await
        .unwrap();
    // Each waits until it listens, in a thread of its own.
    let started: Vec<_> = places
        .iter()
        .map(|place| {
            let (place, url) = (Arc::clone(place), url.clone());
            tokio::task::spawn_blocking(move || place.serve(&["--database", url.as_str()]))
        })
        .collect();
    let waits = |place: &Arc<Place>| {
        fs::read_to_string(place.path("err"))
            .is_ok_and(|log| log.contains("another node is migrating the database"))
    };
    let all = within(Duration::from_secs(20), || async { places.iter().all(waits) }).await;
    // Longer than anything else may wait for a lock.
    other.batch_execute("SELECT pg_sleep(3); COMMIT").await.unwrap();
    let mut nodes: Vec<Server> = Vec::new();
    for node in started {
        nodes.push(node.await.unwrap());
    }
    assert!(all, "not all said that they wait");
    let published = keys(&nodes[0]).await;
    assert_eq!(published["keys"].as_array().unwrap().len(), 2);
    for node in &nodes {
        assert_eq!(keys(node).await, published);
        assert_eq!(status(node, "/health/ready").await, 200);
    }
    // A node with secrets of its own is told whose the keys are.
    let stranger = Place::new();
    let output = stranger.run(&["--listen", "127.0.0.1:0", "--database", url.as_str()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("another secrets file"),
        "{}",
        said(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_told_by_readiness_and_over_without_a_restart() {
    checks!("T164");
    let Some(server) = told("PORTCULLIS_TEST_POSTGRES") else {
        return;
    };
    let database = Database::new(server, "failover").await;
    let place = Place::new();
    let url = database.url();
    let server = place.serve(&["--database", url.as_str()]);
    register(&server).await;
    assert_eq!(
        (login(&server).await, status(&server, "/health/ready").await),
        (200, 200)
    );

    database.fail_over("SET default_transaction_read_only = on").await;
    let unready = || async { status(&server, "/health/ready").await == 503 };
    assert!(within(Duration::from_secs(8), unready).await, "{}", server.log());
    assert_eq!(login(&server).await, 503);
    assert_eq!(status(&server, "/health/live").await, 200);
    let log = server.log();
    assert!(log.contains("standby") && !log.contains("of the file"), "{log}");

    database
        .run(&format!(
            "ALTER DATABASE {} RESET default_transaction_read_only",
            database.name
        ))
        .await;
    let works = || async { login(&server).await == 200 };
    assert!(within(Duration::from_secs(2), works).await, "{}", server.log());
    let ready = || async { status(&server, "/health/ready").await == 200 };
    assert!(within(Duration::from_secs(3), ready).await, "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_behind_a_pooler_are_never_an_error_of_the_server() {
    checks!("T163");
    let Some(server) = told("PORTCULLIS_TEST_POSTGRES") else {
        return;
    };
    for variable in [
        "PORTCULLIS_TEST_PGBOUNCER",
        "PORTCULLIS_TEST_PGBOUNCER_TRANSACTION",
    ] {
        let Some(pooler) = told(variable) else { return };
        let database = Database::new(server.clone(), &variable.to_lowercase()).await;
        let place = Place::new();
        let url = format!("{pooler}/{}", database.name);
        let server = place.serve(&["--database", url.as_str()]);
        register(&server).await;
        let logins = (0..30).map(|_| login(&server));
        for status in futures_util::future::join_all(logins).await {
            assert_eq!(status, 200, "{variable}: {}", server.log());
        }
        assert_eq!(status(&server, "/health/ready").await, 200);
    }
}
