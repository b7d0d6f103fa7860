use portcullis_core::checks;
use url::Url;

use super::*;

fn settings(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings);
    settings
}

fn for_domain(domain: &str, public: &str) -> Result<Cookies, InvalidCookies> {
    let public = Url::parse(public).unwrap();
    Cookies::new(settings(|s| s.domain = Some(domain.to_owned())), Some(&public))
}

#[test]
fn what_is_chosen_without_a_word_is_the_default() {
    assert_eq!(
        Cookies::new(Settings::default(), None).unwrap(),
        Cookies::default()
    );
}

#[test]
fn a_name_that_browsers_would_drop_or_that_brings_a_prefix_is_refused() {
    checks!("T050");
    for name in [
        "",
        "__Host-a",
        "__Secure-a",
        "_a",
        "-a",
        "a b",
        "a;b",
        "a=b",
        "a,b",
        "ä",
        "a\r\n",
        "a\"",
    ] {
        let refused = Cookies::new(settings(|s| name.clone_into(&mut s.name)), None);
        assert_eq!(refused, Err(InvalidCookies::Name), "{name:?}");
    }
    for (length, good) in [(64, true), (65, false)] {
        let made = Cookies::new(settings(|s| s.name = "a".repeat(length)), None);
        assert_eq!(made.is_ok(), good, "{length}");
    }
    let shop = Cookies::new(settings(|s| "shop.1_x-y".clone_into(&mut s.name)), None).unwrap();
    assert_eq!(
        [shop.session(), shop.csrf(), shop.data()],
        [
            "__Host-shop.1_x-y",
            "__Host-shop.1_x-y-csrf",
            "__Host-shop.1_x-y-data"
        ]
    );
}

// Shows: SE-3
#[test]
fn a_domain_that_is_none_or_anothers_is_refused() {
    checks!("T050");
    for domain in [
        "",
        "com",
        "localhost",
        ".example.com",
        "example.com.",
        "https://example.com",
        "example.com:443",
        "192.0.2.1",
        "Example.com",
        "-a.example",
        "a..b",
        "ex ample.com",
        "example.com; Path=/x",
    ] {
        let refused = for_domain(domain, "https://id.example.com");
        assert_eq!(refused, Err(InvalidCookies::Domain), "{domain:?}");
    }
    for (domain, host) in [
        ("example.org", "id.example.com"),
        ("ample.com", "example.com"),
        ("a.id.example.com", "id.example.com"),
    ] {
        let refused = for_domain(domain, &format!("https://{host}/"));
        let (domain, host) = (domain.to_owned(), host.to_owned());
        assert_eq!(refused, Err(InvalidCookies::ForeignDomain { domain, host }));
    }
    for host in ["example.com", "id.example.com", "a.b.example.com"] {
        assert!(
            for_domain("example.com", &format!("https://{host}/")).is_ok(),
            "{host}"
        );
    }
}

// Shows: SE-3
#[test]
fn with_a_domain_the_prefix_is_the_one_that_allows_it() {
    checks!("T050");
    let cookies = for_domain("example.com", "https://id.example.com").unwrap();
    let lifetime = Keep::For(Duration::from_secs(60));
    let set = cookies
        .set(cookies.session(), "v", lifetime, Reader::Nobody)
        .unwrap();
    assert_eq!(
        set,
        "__Secure-portcullis=v; Max-Age=60; Domain=example.com; Path=/; Secure; HttpOnly; SameSite=Lax"
    );
    let cleared = cookies.clear(cookies.csrf(), Reader::Script).unwrap();
    assert_eq!(
        cleared,
        "__Secure-portcullis-csrf=; Max-Age=0; Domain=example.com; Path=/; Secure; SameSite=Strict"
    );
}

#[test]
fn a_header_with_another_meaning_carries_no_csrf_token() {
    for name in [
        "",
        "x",
        "x-",
        "x y",
        "authorization",
        "cookie",
        "csrf",
        "X-Session-Token",
        "x-api-key",
    ] {
        let refused = Cookies::new(settings(|s| name.clone_into(&mut s.csrf_header)), None);
        assert_eq!(refused, Err(InvalidCookies::Header), "{name:?}");
    }
    let angular = Cookies::new(settings(|s| "X-XSRF-TOKEN".clone_into(&mut s.csrf_header)), None);
    assert_eq!(angular.unwrap().csrf_header(), "x-xsrf-token");
}

#[test]
fn what_cannot_stand_in_a_header_is_not_written() {
    let cookies = Cookies::default();
    let lifetime = Duration::from_secs(1);
    assert!(
        cookies
            .set("a", "b\r\nc", Keep::For(lifetime), Reader::Nobody)
            .is_none()
    );
    let value = cookies
        .set("a", "b", Keep::For(lifetime), Reader::Nobody)
        .unwrap();
    assert_eq!(format!("{value:?}"), "Sensitive");
}

#[test]
fn every_cookie_of_a_name_is_found_and_none_of_a_longer_one() {
    let mut headers = HeaderMap::new();
    for text in ["a=1; ab=2;a=3", "xa=4;  a=5 ;a;a =6", "a="] {
        headers.append(COOKIE, HeaderValue::from_static(text));
    }
    let found: Vec<_> = values(&headers, "a").collect();
    assert_eq!(found, [b"1".as_slice(), b"3", b"5", b""]);
}
