use http::HeaderName;
use portcullis_core::checks;

use super::*;

const PEER: &str = "10.0.0.1";

fn proxies(header: Header) -> Proxies {
    Proxies::new(&["127.0.0.1", "10.0.0.0/8", "2001:db8:a::/48"], header).unwrap()
}

/// Who is found behind `peer` with these lines of the header.
fn found(header: Header, peer: &str, lines: &[&str]) -> String {
    let mut headers = HeaderMap::new();
    let name: HeaderName = header.as_str().parse().unwrap();
    for line in lines {
        headers.append(&name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    proxies(header)
        .client(peer.parse().unwrap(), &headers)
        .to_string()
}

#[track_caller]
fn check(header: Header, lines: &[&str], client: &str) {
    assert_eq!(found(header, PEER, lines), client, "{lines:?}");
}

// Shows: WP-3
#[test]
fn a_peer_that_is_not_trusted_is_the_client_whatever_it_sends() {
    checks!("T150");
    for peer in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8:b::1"] {
        let own = peer.parse::<IpAddr>().unwrap().to_canonical().to_string();
        assert_eq!(found(Header::XForwardedFor, peer, &["192.0.2.1"]), own);
        assert_eq!(found(Header::Forwarded, peer, &["for=192.0.2.1"]), own);
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
    headers.insert("forwarded", HeaderValue::from_static("for=192.0.2.1"));
    let by_default = Proxies::default().client(PEER.parse().unwrap(), &headers);
    assert_eq!(by_default.to_string(), PEER, "nobody is trusted unless named");
}

#[test]
fn only_the_named_header_is_read() {
    checks!("T150");
    let mut headers = HeaderMap::new();
    headers.insert("forwarded", HeaderValue::from_static("for=192.0.2.1"));
    headers.insert("x-real-ip", HeaderValue::from_static("192.0.2.1"));
    let peer = PEER.parse().unwrap();
    assert_eq!(proxies(Header::XForwardedFor).client(peer, &headers), peer);
    headers.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.2"));
    let by_forwarded = proxies(Header::Forwarded).client(peer, &headers);
    assert_eq!(by_forwarded.to_string(), "192.0.2.1");
}

// Shows: WP-3
#[test]
fn what_stands_left_of_the_client_is_its_own_writing() {
    checks!("T150");
    let of = |lines: &[&str]| check(Header::XForwardedFor, lines, "203.0.113.9");
    of(&["203.0.113.9"]);
    of(&["192.0.2.1, 203.0.113.9"]);
    of(&["10.0.0.9, 192.0.2.1, 203.0.113.9, 10.0.0.2"]);
    // A proxy that adds a line of its own instead of joining.
    of(&["192.0.2.1", "198.51.100.2", "203.0.113.9"]);
    of(&["192.0.2.1", "203.0.113.9", "10.0.0.2"]);
    of(&[
        "127.0.0.1",
        "203.0.113.9, 2001:db8:a::7",
        "::1, ::ffff:127.0.0.1,10.1.2.3",
    ]);
    of(&["nonsense", "\"", "203.0.113.9"]);
    let commas = ",".repeat(65_536);
    of(&[&commas, "203.0.113.9"]);
    of(&[&format!("{commas}203.0.113.9")]);
    check(
        Header::Forwarded,
        &["for=192.0.2.1;x=\"", "for=203.0.113.9", "for=10.0.0.2"],
        "203.0.113.9",
    );
}

// Shows: WP-3
#[test]
fn where_nothing_can_be_read_the_nearest_proxy_counts() {
    checks!("T150");
    let of = |lines: &[&str], client| check(Header::XForwardedFor, lines, client);
    of(&[], PEER);
    of(&[""], PEER);
    of(&["192.0.2.1, unknown"], PEER);
    of(&["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2");
    of(&["192.0.2.1,, 10.0.0.2"], "10.0.0.2");
    of(&["192.0.2.1", "", "10.0.0.2"], "10.0.0.2");
    of(&["192.0.2.1,"], PEER);
    of(&[&",".repeat(65_536)], PEER);
    of(&[&format!("192.0.2.1,{}", "x".repeat(65_536))], PEER);
    of(&["10.0.0.3, 10.0.0.2"], "10.0.0.3");
    // More proxies than there are anywhere: who is behind them isn't looked for.
    let long = format!("192.0.2.1{}", ", 10.0.0.2".repeat(MOST_HOPS));
    of(&[&long], "10.0.0.2");
    let all = format!("192.0.2.1{}", ", 10.0.0.2".repeat(MOST_HOPS - 1));
    of(&[&all], "192.0.2.1");
}

#[test]
fn this_machine_is_trusted_by_each_of_its_addresses() {
    for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(found(Header::XForwardedFor, peer, &["192.0.2.1"]), "192.0.2.1");
    }
    let elsewhere = Proxies::new(&["10.0.0.0/8"], Header::XForwardedFor).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.1"));
    for peer in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        let peer: IpAddr = peer.parse().unwrap();
        assert_eq!(elsewhere.client(peer, &headers), peer.to_canonical());
    }
}

// Shows: WP-3
#[test]
fn every_form_of_an_element_is_read_or_names_nobody() {
    let named = [
        ("192.0.2.1", "192.0.2.1"),
        (" \t192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:5678", "192.0.2.1"),
        ("192.0.2.1:_hidden", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]:_port", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
    ];
    for (text, address) in named {
        check(Header::XForwardedFor, &[text], address);
        check(Header::Forwarded, &[&format!("for=\"{}\"", text.trim())], address);
    }
    let nobody = [
        "unknown",
        "_hidden",
        "_",
        "",
        "-",
        "localhost",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "0x7f.1",
        "192.0.2.1:",
        "192.0.2.1:port",
        "192.0.2.1:123456",
        "192.0.2.1:80:80",
        "192.0.2.1/32",
        "192.0.2.1 203.0.113.9",
        "[192.0.2.1]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]x",
        "[2001:db8::1]:",
        "[]",
        "[",
        "fe80::1%eth0",
        "\u{661}92.0.2.1",
        "unix:",
        "192.0.2.1;x",
    ];
    for text in nobody {
        check(Header::XForwardedFor, &[&format!("192.0.2.7, {text}")], PEER);
        check(
            Header::Forwarded,
            &[&format!("for=192.0.2.7, for=\"{text}\"")],
            PEER,
        );
    }
}

#[test]
fn pairs_of_forwarded_are_told_apart() {
    for element in [
        "for=192.0.2.1",
        "For=192.0.2.1",
        "FOR=\"192.0.2.1:80\"",
        "for=192.0.2.1; proto=https ; by=_us",
        "proto=https;host=\"a;b=c\";for=192.0.2.1",
        "host=\"for=192.0.2.9\";for=\"\\1\\92.0.2.1\"",
        "for=192.0.2.1;",
        ";;for=192.0.2.1;;",
    ] {
        check(Header::Forwarded, &[element], "192.0.2.1");
    }
    for element in [
        "192.0.2.1",
        "for",
        "for=",
        "=192.0.2.1",
        "for =192.0.2.1",
        "for= 192.0.2.1",
        "for=192.0.2.1 x",
        "for=\"192.0.2.1",
        "for=192.0.2.1\"",
        "for=\"192.0.2.1\"x",
        "for=\"192.0.2.1\\",
        "for=192.0.2.1;for=192.0.2.1",
        "for=192.0.2.1;For=192.0.2.2",
        "proto=https",
        "host=\"a,for=192.0.2.1;b=c\"",
        "for=192.0.2.1;h\u{f6}st=x",
    ] {
        check(Header::Forwarded, &[&format!("for=192.0.2.7, {element}")], PEER);
    }
}

#[test]
fn bytes_that_are_no_text_name_nobody() {
    let mut headers = HeaderMap::new();
    headers.insert(
        "x-forwarded-for",
        HeaderValue::from_bytes(b"192.0.2.1, \xff").unwrap(),
    );
    let peer = PEER.parse().unwrap();
    assert_eq!(proxies(Header::XForwardedFor).client(peer, &headers), peer);
}

#[test]
fn networks_that_trust_too_much_or_are_none_are_refused() {
    let refused = |texts: &[&str]| Proxies::new(texts, Header::XForwardedFor).unwrap_err();
    assert_eq!(
        refused(&["10.0.0.0/8", "0.0.0.0/0"]),
        (1, InvalidProxies::Everybody)
    );
    assert_eq!(refused(&["::/0"]), (0, InvalidProxies::Everybody));
    for text in ["", "proxy", "10.0.0.0/33", "10.0.0.1/8", "::ffff:10.0.0.1"] {
        assert!(
            matches!(refused(&[text]), (0, InvalidProxies::Network(_))),
            "{text}"
        );
    }
    assert!(
        Proxies::new::<&str>(&[], Header::XForwardedFor)
            .unwrap()
            .is_empty()
    );
    for name in ["X-Forwarded-For", "x-forwarded-for", "FORWARDED"] {
        assert!(Header::parse(name).is_some());
    }
    for name in ["", "X-Real-IP", "X-Forwarded-Host", " Forwarded"] {
        assert_eq!(Header::parse(name), None);
    }
}
