//! A fresh PostgreSQL database for each test.

use std::sync::Once;
use std::time::Duration;

use portcullis_store::Settings;
use tokio_postgres::NoTls;

/// The server's address, if the tests were given one.
#[allow(
    clippy::disallowed_methods,
    reason = "this is where the tests are told of their server"
)]
#[allow(clippy::print_stderr, reason = "whoever runs the tests wants to know")]
pub(crate) fn server() -> Option<String> {
    static SAID: Once = Once::new();
    let server = std::env::var("PORTCULLIS_TEST_POSTGRES").ok();
    if server.is_none() {
        SAID.call_once(|| {
            eprintln!(
                "skipped: no PostgreSQL; run `cargo xtask test`, or set PORTCULLIS_TEST_POSTGRES to an \
                 administrator's address such as postgres://postgres@127.0.0.1:5432/postgres"
            );
        });
    }
    server
}

/// Makes an empty database; answers its address.
pub(crate) async fn fresh(server: &str) -> String {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let row = client
        .query_one("SELECT replace(CAST(gen_random_uuid() AS TEXT), '-', '')", &[])
        .await
        .unwrap();
    let name = format!("portcullis_{}", row.get::<_, String>(0));
    client
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
        .await
        .unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// Deletes the database of this address when it is dropped.
pub(crate) struct Borrowed(pub(crate) String);

impl Drop for Borrowed {
    fn drop(&mut self) {
        let url = self.0.clone();
        let delete = move || tokio::runtime::Runtime::new().unwrap().block_on(delete(&url));
        // A runtime can't be entered from within another: this one has a thread of its own.
        let _ = std::thread::spawn(delete).join();
    }
}

async fn delete(url: &str) {
    let (_, name) = url.rsplit_once('/').unwrap();
    let (client, connection) = tokio_postgres::connect(&server().unwrap(), NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

/// Settings under which a crowd on a small machine waits its turn.
pub(crate) fn patient() -> Settings {
    let mut settings = Settings::default();
    settings.wait = Duration::from_secs(30);
    settings.busy = Duration::from_secs(30);
    settings.statement = Duration::from_secs(30);
    settings
}
