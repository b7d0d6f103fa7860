//! `abac_policy` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/abac_policy.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod abac_policy;

use std::net::SocketAddr;

use axum::Extension;
use axum::extract::ConnectInfo;
use axum::http::Method;
use portcullis_identity::core::authz::Permit;
use portcullis_identity::core::environment::Timestamp;
use portcullis_testkit::{Account, Request, TestApp};

async fn app() -> TestApp {
    let app = TestApp::with(
        |settings| settings.policies(abac_policy::POLICIES),
        abac_policy::api,
    )
    .await;
    let permit = Permit::dangerous_for_operator();
    let by = app.by_operator();
    assert!(
        app.portcullis
            .roles()
            .create(&permit, "auditor", "", by)
            .await
            .is_ok()
    );
    app
}

/// What reading and exporting answer.
async fn may(app: &TestApp, who: &Account, address: &str) -> (u16, u16) {
    let peer: SocketAddr = format!("{address}:40000").parse().unwrap();
    let router = app.router().clone().layer(Extension(ConnectInfo(peer)));
    let ask = async |path| {
        let request = Request::new(&router, Method::GET, path);
        request.bearer(&who.access_token).send().await.status()
    };
    (ask("/reports").await, ask("/reports/export").await)
}

/// The next day at this hour.
fn at(app: &TestApp, hour: i64, minute: i64) {
    let now = app.portcullis.environment().now().as_seconds();
    let midnight = (now / 86_400 + 1) * 86_400;
    app.clock
        .set(Timestamp::from_seconds(midnight + hour * 3_600 + minute * 60));
}

const HOME: &str = "198.51.100.7";

#[tokio::test]
async fn nobody_reads_without_the_role() {
    let app = app().await;
    at(&app, 9, 0);
    let anna = app.user("anna@example.com").await;
    assert_eq!(may(&app, &anna, HOME).await, (403, 403));
    app.assign(&anna, "auditor").await;
    assert_eq!(may(&app, &anna, HOME).await, (200, 200));
}

#[tokio::test]
async fn exporting_needs_a_fresh_login_at_working_hours() {
    let app = app().await;
    at(&app, 7, 59);
    let anna = app.user("anna@example.com").await;
    app.assign(&anna, "auditor").await;
    app.clock.advance_secs(59);
    assert_eq!(may(&app, &anna, HOME).await, (200, 403));
    app.clock.advance_secs(1);
    assert_eq!(may(&app, &anna, HOME).await, (200, 200));
    app.clock.advance_secs(600);
    assert_eq!(may(&app, &anna, HOME).await.1, 403, "the login is old");
    at(&app, 17, 59);
    let anna = app.log_in("anna@example.com").await;
    assert_eq!(may(&app, &anna, HOME).await, (200, 200));
    app.clock.advance_secs(60);
    assert_eq!(may(&app, &anna, HOME).await, (200, 403), "it is evening");
}

#[tokio::test]
async fn nothing_leaves_for_the_guest_network() {
    let app = app().await;
    at(&app, 9, 0);
    let anna = app.user("anna@example.com").await;
    app.assign(&anna, "auditor").await;
    for (address, expected) in [
        ("192.0.1.255", (200, 200)),
        ("192.0.2.0", (403, 403)),
        ("192.0.2.255", (403, 403)),
        ("192.0.3.0", (200, 200)),
    ] {
        assert_eq!(may(&app, &anna, address).await, expected, "{address}");
    }
}

#[tokio::test]
async fn each_route_says_which_action_it_leaves_to_the_policies() {
    let lock = abac_policy::api(&app().await.portcullis).authz_lock();
    assert!(lock.contains("policy(reports:export)"), "{lock}");
}
