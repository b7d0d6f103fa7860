//! From where routes may be called.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, StatusCode};
use portcullis::core::checks;
use portcullis::{AddressList, Allow, Api, ApiError, Authenticated, Docs, Public};
use tower::ServiceExt as _;

use crate::support::{Bench, Client};

async fn open(_: Public) -> &'static str {
    "open"
}
async fn known(_: Allow<Authenticated>) -> &'static str {
    "known"
}

fn test() -> Api {
    Api::new("Test", "1")
}

/// The status of an answer to somebody at this address, or at none that is known.
async fn status(client: &Client, path: &str, from: Option<&str>) -> u16 {
    let mut request = Request::get(path)
        .header("x-forwarded-for", "10.0.0.1")
        .header("forwarded", "for=10.0.0.1")
        .body(Body::empty())
        .unwrap();
    if let Some(from) = from {
        let peer = SocketAddr::new(from.parse().unwrap(), 1);
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    client.0.clone().oneshot(request).await.unwrap().status().as_u16()
}

// Shows: WP-3
#[tokio::test]
async fn a_route_is_answered_to_the_addresses_of_its_list() {
    checks!("T251");
    let office = AddressList::allow(["10.0.0.0/8", "2001:db8::/32"]).except(["10.6.6.6"]);
    let api = test()
        .get("/office", open)
        .addresses(office.clone())
        .get("/known", known)
        .addresses(office)
        .addresses(AddressList::deny(["10.7.0.0/16"]))
        .get("/all", open);
    let client = Bench::default().client(api);
    for (from, office, known) in [
        (Some("10.0.0.1"), 200, 401),
        (Some("10.6.6.6"), 403, 403),
        (Some("10.7.0.1"), 200, 403),
        (Some("2001:db8::7"), 200, 401),
        (Some("::ffff:10.0.0.1"), 200, 401),
        // What somebody writes who isn't a trusted proxy counts for nothing.
        (Some("192.0.2.7"), 403, 403),
        (None, 403, 403),
    ] {
        assert_eq!(status(&client, "/office", from).await, office, "{from:?}");
        // Before anybody is authenticated.
        assert_eq!(status(&client, "/known", from).await, known, "{from:?}");
        assert_eq!(status(&client, "/all", from).await, 200, "{from:?}");
    }
    let refused = client.get("/office", &[]).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::FORBIDDEN, "address_not_allowed")
    );
}

// Shows: WP-3
#[tokio::test]
async fn a_list_of_the_whole_holds_for_everything_but_health() {
    checks!("T251");
    let inner = Api::new("Inner", "1").get("/open", open).docs(Docs::default());
    let api = test()
        .get("/open", open)
        .get("/health/live", open)
        .mount::<Public>(
            "/mounted",
            axum::Router::new().route("/x", axum::routing::get(async || "x")),
        )
        .sub("/inner", inner)
        .addresses_all(AddressList::allow(["10.0.0.0/8"]));
    let client = Bench::default().client(api);
    for path in [
        "/open",
        "/mounted/x",
        "/openapi.json",
        "/docs",
        "/inner/open",
        "/inner/openapi.json",
        "/nowhere",
    ] {
        let found = if path == "/nowhere" { 404 } else { 200 };
        assert_eq!(status(&client, path, Some("10.0.0.1")).await, found, "{path}");
        assert_eq!(status(&client, path, Some("192.0.2.7")).await, 403, "{path}");
        assert_eq!(status(&client, path, None).await, 403, "{path}");
    }
    assert_eq!(status(&client, "/health/live", Some("192.0.2.7")).await, 200);
}

// Shows: WP-3
#[tokio::test]
async fn a_list_of_its_own_holds_for_health_too_and_a_nested_one_for_what_is_called_so() {
    checks!("T251");
    let office = || AddressList::allow(["10.0.0.0/8"]);
    let inner = Api::new("Inner", "1")
        .get("/health/live", open)
        .addresses_all(office());
    let api = test()
        .get("/health/live", open)
        .get("/health/details", open)
        .addresses(office())
        .nest("/inner", inner)
        .addresses_all(AddressList::deny(["192.0.2.7"]));
    let client = Bench::default().client(api);
    for (path, stranger) in [
        ("/health/live", 200),
        ("/health/details", 403),
        ("/inner/health/live", 403),
    ] {
        assert_eq!(status(&client, path, Some("10.0.0.1")).await, 200, "{path}");
        assert_eq!(status(&client, path, Some("192.0.2.7")).await, stranger, "{path}");
    }
}

// Shows: WP-3
#[tokio::test]
async fn a_nested_list_holds_for_what_was_nested_and_its_document() {
    let inner = Api::new("Inner", "1")
        .get("/open", open)
        .addresses_all(AddressList::deny(["192.0.2.7"]));
    let api = test().get("/open", open).sub("/inner", inner);
    let lock = api.authz_lock();
    let client = Bench::default().client(api);
    for (path, elsewhere) in [
        ("/open", 200),
        ("/openapi.json", 200),
        ("/nowhere", 404),
        ("/inner/open", 403),
        ("/inner/openapi.json", 403),
    ] {
        assert_eq!(
            status(&client, path, Some("192.0.2.7")).await,
            elsewhere,
            "{path}"
        );
        assert_ne!(status(&client, path, Some("192.0.2.8")).await, 403, "{path}");
    }
    let listed: Vec<_> = lock
        .lines()
        .filter(|line| line.ends_with("not from 192.0.2.7"))
        .collect();
    assert!(listed.iter().any(|line| line.contains("/inner/open ")), "{lock}");
    assert!(listed.iter().all(|line| line.contains("/inner/")), "{lock}");
}

#[test]
fn a_slip_in_a_list_is_an_error_of_the_router() {
    checks!("T251");
    let api = test()
        .get("/one", open)
        .addresses(AddressList::allow(["10.0.0.1/8", "10.0.0.0/33"]))
        .get("/two", open)
        .addresses(AddressList::allow::<String>([]))
        .addresses_all(AddressList::deny(["example.com"]));
    let errors = api.into_router(Bench::default().gate).unwrap_err().0;
    let places: Vec<_> = errors
        .iter()
        .map(|error| match error {
            ApiError::Addresses { place, .. } => place.as_str(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(places, ["the whole API", "GET /one", "GET /one", "GET /two"]);
    assert!(
        errors[1]
            .to_string()
            .contains("\"10.0.0.1/8\": an address inside"),
        "{}",
        errors[1]
    );
}
