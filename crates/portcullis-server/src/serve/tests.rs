//! What the server answers beyond the library; the refusal matrix runs where the library's routes are.

use std::path::Path;

use portcullis_testkit::TestApp;

use super::*;
use crate::config::Sources;

fn all(portcullis: &Portcullis) -> portcullis_identity::Api {
    let brand = Config::load(&Sources::default()).unwrap().brand;
    routes(
        portcullis,
        &Url::parse("https://id.example.com/").unwrap(),
        &brand,
    )
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a developer asks for the new file through a variable"
)]
async fn the_lock_of_the_server_is_what_the_types_say() {
    let app = TestApp::new().await;
    let lock = all(&app.portcullis).authz_lock();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../authz.lock");
    if std::env::var_os("UPDATE_LOCK").is_some() {
        std::fs::write(file, lock).unwrap();
        return;
    }
    assert_eq!(
        LOCK, lock,
        "who may call what has changed: if that is meant, write the file anew with \
         `UPDATE_LOCK=1 cargo nextest run --workspace the_lock_of_the_server` and have the difference reviewed"
    );
}

const LOCK: &str = include_str!("../../../../authz.lock");
