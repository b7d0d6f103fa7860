//! `ip_lists` through the test kit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../examples/ip_lists.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is a program")]
mod ip_lists;

use portcullis_testkit::TestApp;

// Shows: WP-3
#[tokio::test]
async fn who_is_answered_goes_by_where_they_come_from() {
    let app = TestApp::with(|settings| settings, ip_lists::api).await;
    for (address, hello, office) in [
        ("203.0.113.7", 200, 200),
        ("203.0.113.66", 200, 403),
        ("2001:db8:7::1", 200, 200),
        ("192.0.2.1", 200, 403),
        ("198.51.100.7", 403, 403),
    ] {
        for (path, status) in [("/hello", hello), ("/office", office)] {
            let answer = app.get(path).from_address(address).send().await;
            assert_eq!(answer.status(), status, "{path} from {address}");
        }
    }
}
