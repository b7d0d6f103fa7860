//! Every route of Portcullis against every bad credential, and the lock of its rules.

use std::path::Path;

use portcullis_core::checks;
use portcullis_identity::Portcullis;
use portcullis_testkit::{Matrix, TestApp};

use super::remote::blog;

#[tokio::test]
async fn every_route_refuses_every_bad_credential() {
    checks!("T018");
    let report = Matrix::of(Portcullis::api).lock(LOCK).run().await;
    report.assert_sound();
    assert_eq!(
        report.public(),
        [
            "POST /auth/register",
            "POST /auth/setup",
            "POST /auth/email/verify",
            "POST /auth/email/code",
            "POST /auth/login",
            "POST /oauth/token",
            "POST /oauth/revoke",
            "GET /.well-known/jwks.json",
            "GET /.well-known/oauth-authorization-server",
            "GET /health/live",
            "GET /health/ready",
            "GET /openapi.json",
            "GET /docs",
            "GET /redoc",
            "GET /scalar",
        ]
    );
}

/// The same where the accounts are elsewhere: what a log out takes away is believed until the token ends, and nothing
/// else is.
#[tokio::test]
async fn every_route_of_a_detached_application_refuses_every_bad_credential() {
    checks!("T018");
    let lock = blog().authz_lock();
    let report = Matrix::detached(blog).lock(&lock).run().await;
    report.assert_sound();
    assert_eq!(report.public()[..2], ["GET /greet", "GET /status"]);
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a developer asks for the new file through a variable"
)]
async fn the_lock_is_what_the_types_say() {
    let app = TestApp::new().await;
    let lock = app.portcullis.api().authz_lock();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("authz.lock");
    if std::env::var_os("UPDATE_LOCK").is_some() {
        std::fs::write(file, lock).unwrap();
        return;
    }
    assert_eq!(
        LOCK, lock,
        "who may call what has changed: if that is meant, write the file anew with \
         `UPDATE_LOCK=1 cargo test -p portcullis --test slices the_lock` and have the difference reviewed"
    );
}

const LOCK: &str = include_str!("../../authz.lock");
