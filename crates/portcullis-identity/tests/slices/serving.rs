//! What serving does besides answering.

use std::path::Path;
use std::sync::Arc;

use portcullis_core::checks;
use portcullis_core::key::{Algorithm, Phase};
use portcullis_identity::Portcullis;
use portcullis_identity::listener::Limits;
use portcullis_testkit::{FakeClock, environment};
use tempfile::TempDir;
use tokio::net::TcpListener;

async fn opened(folder: &Path, algorithm: Algorithm, seed: u64) -> Portcullis {
    let url = format!("sqlite:{}", folder.join("portcullis.db").display());
    let builder = Portcullis::builder().database(&url).algorithm(algorithm);
    let builder = builder.environment(environment(&Arc::new(FakeClock::new()), seed));
    builder.open().await.unwrap()
}

/// How many keys of an algorithm sign now, next, and no more.
fn phases(portcullis: &Portcullis, algorithm: Algorithm) -> [usize; 3] {
    let keys = portcullis.keyring().list();
    [Phase::Current, Phase::Next, Phase::Retired].map(|phase| {
        let such = |key: &&(String, Algorithm, Phase)| key.1 == algorithm && key.2 == phase;
        keys.iter().filter(such).count()
    })
}

#[tokio::test]
async fn serving_retires_the_keys_of_a_former_algorithm() {
    checks!("T095");
    let folder = TempDir::new().unwrap();
    opened(folder.path(), Algorithm::ES256, 1).await.close().await;
    let portcullis = opened(folder.path(), Algorithm::EdDSA, 2).await;
    assert_eq!(
        phases(&portcullis, Algorithm::ES256),
        [1, 1, 0],
        "opening takes nothing away"
    );
    // Asked to stop at once, it still ends what it began with.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    portcullis
        .serve_on(portcullis.api(), listener, Limits::default(), async {})
        .await
        .unwrap();
    assert_eq!(phases(&portcullis, Algorithm::ES256), [0, 0, 2]);
    assert_eq!(phases(&portcullis, Algorithm::EdDSA), [1, 1, 0]);
}
