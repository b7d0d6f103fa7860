//! Every route of Portcullis against every bad credential, and the lock of its rules.

use std::collections::BTreeSet;

use portcullis_core::checks;
use portcullis_identity::Portcullis;
use portcullis_testkit::{Matrix, TestApp};

use super::remote::blog;

// Shows: AZ-2, AZ-6
#[tokio::test]
async fn every_route_refuses_every_bad_credential() {
    checks!("T018");
    let lock = locked(&TestApp::new().await.portcullis.api().authz_lock()).join("\n");
    let report = Matrix::of(Portcullis::api).lock(&lock).run().await;
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

// Shows: TK-3, AZ-2
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

// Shows: AZ-2
#[tokio::test]
async fn the_lock_is_what_the_types_say() {
    let lock = TestApp::new().await.portcullis.api().authz_lock();
    assert_eq!(
        locked(&lock),
        lines(&lock),
        "who may call what has changed: if that is meant, write the file anew with `UPDATE_LOCK=1 cargo nextest \
         run --workspace the_lock_of_the_server` and have the difference reviewed"
    );
}

/// What the workspace's one lock, the server's, says of the library whose own lock is `lock`. What else stands there is
/// the server's pages: they are for anybody, and lie where no route of the library does.
fn locked(lock: &str) -> Vec<String> {
    let ours = lines(lock);
    let rooms: BTreeSet<_> = ours.iter().map(|line| room(line)).collect();
    let (locked, pages): (Vec<_>, Vec<_>) = lines(LOCK)
        .into_iter()
        .partition(|line| rooms.contains(room(line)));
    assert!(pages.iter().all(|line| line.ends_with(" public")), "{pages:?}");
    locked
}

/// The lines that name a route, however their columns are aligned.
fn lines(lock: &str) -> Vec<String> {
    let lines = lock.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// The first segment of a line's path.
fn room(line: &str) -> &str {
    line.split(['/', ' ']).nth(2).unwrap()
}

const LOCK: &str = include_str!("../../../../authz.lock");
