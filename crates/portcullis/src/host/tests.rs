use axum::body::Body;
use axum::extract::Request;
use portcullis_core::checks;

use super::*;

fn request(version: Version, target: &str, hosts: &[&str]) -> Request {
    let request = http::Request::builder().version(version).uri(target);
    let request = hosts
        .iter()
        .fold(request, |request, host| request.header(HOST, *host));
    request.body(Body::empty()).unwrap()
}

fn named(hosts: &[&str]) -> Result<Named, Invalid> {
    let request = request(Version::HTTP_11, "/", hosts);
    of(request.headers(), request.uri())
}

#[test]
fn a_request_names_one_host_or_is_refused() {
    checks!("T152");
    let asked = |version, target, hosts: &[&str]| check(&request(version, target, hosts)).is_ok();
    let (old, plain, new) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
    assert!(!asked(plain, "/", &[]), "RFC 9112 §3.2");
    assert!(!asked(plain, "http://a.example/", &[]));
    assert!(asked(old, "/", &[]), "it came with HTTP/1.1");
    assert!(asked(new, "https://a.example/", &[]));
    for version in [old, plain, new] {
        assert!(asked(version, "/", &["a.example"]));
        assert!(asked(version, "/", &["a.example:8080"]));
        assert!(asked(version, "/", &["[::1]:8080"]));
        for bad in [
            "",
            " ",
            "a b",
            "me@a.example",
            "a.example/",
            "a.example:port",
            "http://a.example",
            "[::1",
            "a,b",
        ] {
            assert!(!asked(version, "/", &[bad]), "{bad:?}");
        }
        assert!(!asked(version, "/", &["a.example", "a.example"]));
        assert!(!asked(version, "/", &["a.example", "b.example"]));
        assert!(!asked(version, "http://a.example/", &["b.example"]));
        assert!(asked(version, "http://a.example/", &["a.example"]));
    }
}

#[test]
fn a_host_that_is_not_ours_is_refused() {
    checks!("T152");
    let hosts = Hosts::only([
        "ID.example.com".to_owned(),
        "portcullis".to_owned(),
        "[2001:db8::1]".to_owned(),
    ]);
    let answered = |host: &str| hosts.check(&named(&[host]), Some("app.example.com"));
    for own in [
        "id.example.com",
        "Id.Example.Com.",
        "id.example.com:8443",
        "portcullis:8080",
        "[2001:db8::1]:8080",
        "app.example.com",
        "acme.app.example.com",
        "a.b.app.example.com",
        "localhost",
        "localhost:8080",
        "id.localhost",
        "127.0.0.1:8080",
        "127.9.9.9",
        "[::1]",
        "[::ffff:127.0.0.1]:80",
    ] {
        assert!(answered(own).is_ok(), "{own}");
    }
    for foreign in [
        "evil.example",
        "example.com",
        "xid.example.com",
        "x.id.example.com",
        "id.example.com.evil.example",
        "evilapp.example.com",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "203.0.113.1",
        "0.0.0.0",
        "[2001:db8::2]",
    ] {
        assert_eq!(answered(foreign).unwrap_err().status(), 421, "{foreign}");
    }
    assert_eq!(answered("a b").unwrap_err().status(), 400);
    assert!(hosts.check(&named(&[]), None).is_ok(), "made in memory");
    assert!(Hosts::default().check(&named(&["evil.example"]), None).is_ok());
}

#[test]
fn what_needs_no_reading_is_what_reading_gives() {
    let hosts = [
        "a.example",
        "a",
        "127.0.0.1",
        "a-b.c",
        "a..b",
        "-",
        "..",
        ".",
        "a.",
        "",
        "A.example",
        "a_b",
        "[::1]",
        "a,b",
        "a b",
        "m\u{fc}",
        "me@a",
        "a/b",
        "%61",
    ];
    let ports = ["", ":", ":0", ":8080", ":99999", ":x", ":80:80", ":8\u{fc}"];
    for (host, port) in hosts.iter().flat_map(|host| ports.map(|port| (host, port))) {
        let text = format!("{host}{port}");
        if let Some(length) = as_sent(text.as_bytes()) {
            assert_eq!(plain(&text).as_deref(), Ok(&text[..length]), "{text:?}");
        }
        let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else {
            continue;
        };
        let headers = HeaderMap::from_iter([(HOST, value.clone())]);
        let named = of(&headers, &Uri::from_static("/"));
        let read = value.to_str().map_err(|_| Invalid).and_then(plain);
        assert_eq!(
            named.ok().as_ref().and_then(Named::as_deref),
            read.ok().as_deref(),
            "{text:?}"
        );
    }
    assert_eq!(as_sent(b"a.example:8080"), Some(9), "the short way is taken");
}
