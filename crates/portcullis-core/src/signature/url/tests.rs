//! Signed addresses: whatever is changed is refused.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::*;
use crate::checks;
use crate::environment::{Clock, Entropy};
use crate::key::MasterKey;
use crate::signature::MemoryNonces;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }
}

impl Entropy for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

fn environment() -> Environment {
    Environment::new(Arc::new(Fixed), Arc::new(Fixed))
}

fn urls_under(master: MasterKey) -> Urls {
    Urls::new(&Sealer::new(master, environment()), Arc::new(MemoryNonces::new()))
}

fn urls() -> Urls {
    urls_under(MasterKey::generate(&environment()))
}

fn grant() -> UrlGrant {
    UrlGrant::lasting(Duration::from_secs(300))
}

fn sign(target: &str, grant: &UrlGrant) -> String {
    urls().sign(target, grant, &environment()).unwrap()
}

fn visit(
    urls: &Urls,
    method: &str,
    url: &str,
    from: Option<&str>,
    at: Timestamp,
) -> Result<Proven, Unsigned> {
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    let address = from.map(|from| from.parse().unwrap());
    let visit = Visit {
        method,
        path,
        query,
        address,
    };
    let verified = urls.verify(&visit, at).now_or_never().unwrap();
    verified.map_err(|error| match error {
        SignatureError::Refused(reason) => reason,
        SignatureError::Fault(fault) => panic!("{fault}"),
    })
}

fn get(url: &str) -> Result<Proven, Unsigned> {
    visit(&urls(), "GET", url, None, NOW)
}

#[test]
fn an_address_altered_in_any_character_is_refused() {
    checks!("T260");
    let grant = grant()
        .made_for("anna")
        .from_address("203.0.113.7".parse().unwrap())
        .once();
    let url = sign("/files/7?size=large&size=small&name=b%C3%A4r", &grant);
    let good = |url: &str| visit(&urls(), "GET", url, Some("203.0.113.7"), NOW);
    assert!(good(&url).is_ok());
    for at in 0..url.len() {
        for other in ["A", "a", "0", "1", "/", "%", "&", "=", "-", "~", ""] {
            let changed = format!("{}{other}{}", &url[..at], &url[at + 1..]);
            if changed != url {
                assert!(good(&changed).is_err(), "{changed}");
            }
            let longer = format!("{}{other}{}", &url[..at], &url[at..]);
            if longer != url {
                assert!(good(&longer).is_err(), "{longer}");
            }
        }
    }
    for longer in ["A", "&", "&x=1", "=", "?"] {
        assert!(good(&format!("{url}{longer}")).is_err(), "{longer}");
    }
}

#[test]
fn parameters_of_different_names_may_change_places_and_nothing_else() {
    checks!("T260");
    let url = sign("/files?a=1&b=2&a=3&c=%7Ex+y", &grant());
    let parts: Vec<&str> = url.split_once('?').unwrap().1.split('&').collect();
    let [a1, b2, a3, c, expires, signature] = parts[..] else {
        panic!("{url}");
    };
    let with = |parts: &[&str]| get(&format!("/files?{}", parts.join("&")));
    assert!(with(&[a1, b2, a3, c, expires, signature]).is_ok());
    assert!(with(&[signature, expires, c, a1, a3, b2]).is_ok());
    assert!(with(&[b2, a1, a3, signature, c, expires]).is_ok());
    let refused: [&[&str]; 14] = [
        &[a3, b2, a1, c, expires, signature],
        &[a1, b2, c, expires, signature],
        &[a1, b2, a3, a3, c, expires, signature],
        &[a1, b2, a3, c, expires, signature, "d=4"],
        &[a1, b2, a3, c, expires, signature, signature],
        &[a1, b2, a3, c, expires, "pc_signature=x", signature],
        &[a1, b2, a3, c, expires, "pc_signature", signature],
        &[a1, b2, a3, c, expires, expires, signature],
        &[a1, b2, a3, c, "pc_expires=1800000000", expires, signature],
        &[a1, b2, a3, "c=~x+y", expires, signature],
        &[a1, b2, a3, "c=%7ex+y", expires, signature],
        &[a1, b2, a3, "c=%7Ex%20y", expires, signature],
        &[a1, b2, a3, "%63=%7Ex+y", expires, signature],
        &[a1, "b=%32", a3, c, expires, signature],
    ];
    for parts in refused {
        assert_eq!(with(parts).unwrap_err(), Unsigned::BadUrl, "{parts:?}");
    }
}

#[test]
fn a_path_is_the_one_that_was_signed() {
    checks!("T260");
    let url = sign("/files/7", &grant());
    let query = url.split_once('?').unwrap().1;
    assert!(get(&url).is_ok());
    for path in [
        "/files/%37",
        "/files/7/",
        "//files/7",
        "/files/./7",
        "/Files/7",
        "/files/8",
        "",
    ] {
        assert_eq!(
            get(&format!("{path}?{query}")).unwrap_err(),
            Unsigned::BadUrl,
            "{path}"
        );
    }
    let whole = sign("https://files.example.com/files/7?a=1", &grant());
    assert!(whole.starts_with("https://files.example.com/files/7?a=1&pc_expires="));
    assert!(get(whole.strip_prefix("https://files.example.com").unwrap()).is_ok());
}

#[test]
fn a_method_is_the_one_that_was_signed() {
    checks!("T260");
    let url = sign("/files/7", &grant());
    let by = |method, url: &str| visit(&urls(), method, url, None, NOW);
    assert!(by("HEAD", &url).is_ok());
    for method in ["POST", "PUT", "DELETE", "get", "OPTIONS"] {
        assert_eq!(by(method, &url).unwrap_err(), Unsigned::BadUrl, "{method}");
    }
    let put = sign("/files/7", &grant().by_method("PUT"));
    assert!(by("PUT", &put).is_ok());
    assert!(by("GET", &put).is_err() && by("HEAD", &put).is_err());
}

#[test]
fn an_address_is_good_until_the_second_it_is_over() {
    checks!("T261");
    let url = sign("/files/7", &grant());
    let end = NOW.plus(Duration::from_secs(300));
    let at = |at| visit(&urls(), "GET", &url, None, at);
    let last = at(end.minus(Duration::from_micros(1))).unwrap();
    assert_eq!(at(end).unwrap_err(), Unsigned::UrlExpired);
    assert!(last.holds(end.minus(Duration::from_micros(1))) && !last.holds(end));
    assert!(last.still(end).is_err());
}

#[test]
fn an_address_for_one_client_is_good_for_no_other() {
    checks!("T261");
    for (meant, good) in [
        ("203.0.113.7", ["203.0.113.7", "::ffff:203.0.113.7"]),
        ("::ffff:203.0.113.7", ["203.0.113.7", "::ffff:203.0.113.7"]),
        ("2001:db8::1", ["2001:db8::1", "2001:db8:0:0::1"]),
    ] {
        let url = sign("/files/7", &grant().from_address(meant.parse().unwrap()));
        let from = |from| visit(&urls(), "GET", &url, from, NOW);
        for good in good {
            assert!(from(Some(good)).is_ok(), "{meant} {good}");
        }
        for bad in [Some("203.0.113.8"), Some("2001:db8::2"), None] {
            assert_eq!(from(bad).unwrap_err(), Unsigned::OtherAddress, "{meant} {bad:?}");
        }
    }
}

#[test]
fn an_address_that_is_good_once_is_used_up() {
    checks!("T261");
    let url = sign("/files/7", &grant().once());
    let urls = urls();
    let once = |method| visit(&urls, method, &url, None, NOW);
    assert_eq!(once("POST").unwrap_err(), Unsigned::BadUrl);
    assert!(once("GET").is_ok());
    assert_eq!(once("GET").unwrap_err(), Unsigned::UrlUsed);
    assert_eq!(once("HEAD").unwrap_err(), Unsigned::UrlUsed);
}

#[test]
fn whom_it_was_made_for_comes_back_as_it_was_said() {
    for subject in ["anna", "Ä & ö=%", "a+b c", "pc_signature="] {
        let url = sign("/files/7", &grant().made_for(subject));
        let proven = get(&url).unwrap();
        assert_eq!(proven.signer().subject.as_deref(), Some(subject));
        assert!(proven.is_url() && proven.permissions().is_empty());
    }
    assert_eq!(get(&sign("/files/7", &grant())).unwrap().signer().subject, None);
}

#[test]
fn a_key_of_another_deployment_or_purpose_signs_nothing_here() {
    checks!("T263");
    struct Other;
    impl Entropy for Other {
        fn fill(&self, out: &mut [u8]) {
            out.fill(8);
        }
    }
    let other = Environment::new(Arc::new(Fixed), Arc::new(Other));
    let others = MasterKey::generate(&other);
    let url = sign("/files/7", &grant());
    let refused = visit(&urls_under(others), "GET", &url, None, NOW);
    assert_eq!(refused.unwrap_err(), Unsigned::BadUrl);
    // After the ring was rotated, what the former key signed is good until that leaves.
    let ring = MasterKey::generate(&environment());
    let former = ring.current_id().to_owned();
    let rotated = ring.rotated(&other);
    assert!(visit(&urls_under(rotated.clone()), "GET", &url, None, NOW).is_ok());
    let alone = rotated.without(&former);
    assert_eq!(
        visit(&urls_under(alone), "GET", &url, None, NOW).unwrap_err(),
        Unsigned::BadUrl
    );
    // The text that is signed begins as no request's does.
    assert!(canonical::text("GET", "/", "").starts_with("portcullis signed URL 1\n"));
}

#[test]
fn what_cannot_be_signed_is_told_why() {
    let error = |target: &str, grant: &UrlGrant| urls().sign(target, grant, &environment()).unwrap_err();
    for target in [
        "",
        "files",
        "https://host",
        "https:///x",
        "ftp://host/x",
        "/a b",
        "/ä",
        "/a#b",
        "?a=1",
    ] {
        assert_eq!(error(target, &grant()), InvalidGrant::Target, "{target}");
    }
    assert_eq!(error("/a?pc_expires=1", &grant()), InvalidGrant::Reserved);
    let seconds = Duration::from_secs;
    for (grant, expected) in [
        (UrlGrant::lasting(seconds(0)), InvalidGrant::Lifetime),
        (
            UrlGrant::lasting(seconds(366 * 86_400 + 1)),
            InvalidGrant::Lifetime,
        ),
        (UrlGrant::lasting(seconds(86_401)).once(), InvalidGrant::Lifetime),
        (grant().by_method("get"), InvalidGrant::Method),
        (grant().by_method("HEAD"), InvalidGrant::Method),
        (grant().by_method(""), InvalidGrant::Method),
        (grant().made_for(""), InvalidGrant::Subject),
        (grant().made_for(&"x".repeat(257)), InvalidGrant::Subject),
    ] {
        assert_eq!(error("/a", &grant), expected);
    }
    assert!(
        urls()
            .sign("/a", &UrlGrant::lasting(seconds(366 * 86_400)), &environment())
            .is_ok()
    );
}

#[test]
fn an_address_that_is_not_signed_is_none() {
    assert!(!Urls::is_signed(None));
    assert!(!Urls::is_signed(Some("a=pc_signature=1&xpc_signature=1")));
    assert!(Urls::is_signed(Some("a=1&pc_signature=")));
    for url in [
        "/files",
        "/files?pc_signature=",
        "/files?pc_signature=AAAA",
        "/files?pc_expires=1",
    ] {
        assert_eq!(get(url).unwrap_err(), Unsigned::BadUrl, "{url}");
    }
}
