use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

/// Claims as an issuer of ours makes them, issued at second 1,000 and good for 900.
pub(in crate::token) fn sample() -> AccessClaims {
    AccessClaims {
        issuer: "https://issuer.example".into(),
        audience: vec!["api".into()],
        client: Some("portcullis".into()),
        account: account::Id::from_uuid(Uuid::from_u128(1)),
        id: token::Id::from_uuid(Uuid::from_u128(2)),
        session: session::Id::from_uuid(Uuid::from_u128(3)),
        stamp: account::Stamp::from_uuid(Uuid::from_u128(4)),
        issued_at: Timestamp::from_seconds(1_000),
        not_before: None,
        expires_at: Timestamp::from_seconds(1_900),
        authenticated_at: Timestamp::from_seconds(900),
        method: Method::Password,
        scopes: None,
        extra: serde_json::Map::new(),
    }
}

pub(in crate::token) fn payload() -> Value {
    serde_json::from_slice(&serialise(&sample()).unwrap()).unwrap()
}

/// The sample with one claim set to something else; `null` is written as such.
pub(in crate::token) fn payload_with(name: &str, value: Value) -> Vec<u8> {
    let mut payload = payload();
    payload[name] = value;
    payload.to_string().into_bytes()
}

fn payload_without(name: &str) -> Vec<u8> {
    let mut payload = payload();
    payload.as_object_mut().unwrap().remove(name);
    payload.to_string().into_bytes()
}

#[test]
fn claims_of_the_wrong_type_are_refused() {
    crate::checks!("T004");
    let numbers = ["exp", "nbf", "iat", "auth_time"];
    let bad_numbers = [
        json!("1900"),
        json!("never"),
        json!(true),
        json!(false),
        json!(null),
        json!([1900]),
        json!({"$date": 1900}),
        json!(-1),
        json!(-0.5),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(i64::MAX),
        json!(253_402_300_800_i64),
        json!(1e300),
    ];
    for (name, value) in numbers
        .iter()
        .flat_map(|name| bad_numbers.iter().map(move |value| (name, value)))
    {
        let refused = parse(&payload_with(name, value.clone()));
        assert_eq!(refused, Err(InvalidToken::Malformed), "{name}: {value}");
    }
    for (name, value) in [
        ("iss", json!(["https://issuer.example"])),
        ("iss", json!(1)),
        ("iss", json!(null)),
        ("iss", json!({})),
        ("aud", json!(1)),
        ("aud", json!(null)),
        ("aud", json!({"api": true})),
        ("aud", json!(["api", 1])),
        ("aud", json!([["api"]])),
        ("client_id", json!(1)),
        ("client_id", json!(["portcullis"])),
        ("sub", json!(1)),
        ("sub", json!("root")),
        ("sub", json!("")),
        ("jti", json!("../../etc")),
        ("jti", json!(null)),
        ("sid", json!([])),
        ("stamp", json!(true)),
        ("amr", json!([])),
        ("amr", json!(["pwd", "pwd"])),
        ("amr", json!(["unknown"])),
        ("amr", json!(1)),
        ("scope", json!(["a:b"])),
        ("scope", json!(null)),
        ("scope", json!("a:b  c:d")),
        ("scope", json!(" ")),
        ("scope", json!("a:b ")),
        ("scope", json!("a\tb")),
        ("scope", json!("ä")),
    ] {
        let refused = parse(&payload_with(name, value.clone()));
        assert_eq!(refused, Err(InvalidToken::Malformed), "{name}: {value}");
    }
}

#[test]
fn claims_that_are_missing_are_refused() {
    for name in [
        "iss",
        "aud",
        "sub",
        "jti",
        "sid",
        "stamp",
        "iat",
        "exp",
        "auth_time",
        "amr",
    ] {
        assert_eq!(
            parse(&payload_without(name)),
            Err(InvalidToken::Malformed),
            "{name}"
        );
    }
    assert!(
        parse(&payload_without("client_id")).is_ok(),
        "nothing depends on it"
    );
    assert!(
        parse(&payload_without("scope")).is_ok(),
        "a token without scope is not narrowed"
    );
}

#[test]
fn claims_that_are_there_twice_are_refused() {
    crate::checks!("T004");
    let good = payload().to_string();
    let body = good.strip_prefix('{').unwrap();
    let names: Vec<String> = payload().as_object().unwrap().keys().cloned().collect();
    for name in &names {
        let value = &payload()[name];
        for first in [value.to_string(), "null".into(), "0".into()] {
            let twice = format!("{{\"{name}\":{first},{body}");
            assert!(parse(twice.as_bytes()).is_err(), "{name}: {first}");
        }
        let escaped = format!(
            "{{\"\\u{:04x}{}\":{value},{body}",
            u32::from(name.as_bytes()[0]),
            &name[1..]
        );
        assert_eq!(
            parse(escaped.as_bytes()),
            Err(InvalidToken::Malformed),
            "{escaped}"
        );
    }
    for extra in [r#""x":1,"x":1"#, r#""x":{"a":1,"a":1}"#, r#""x":[{"a":1,"a":1}]"#] {
        assert_eq!(
            parse(format!("{{{extra},{body}").as_bytes()),
            Err(InvalidToken::Malformed),
            "{extra}"
        );
    }
    assert!(
        parse(format!("{{\"Exp\":1,\"x\":{{\"exp\":1}},{body}").as_bytes()).is_ok(),
        "other names are others"
    );
}

#[test]
fn another_kind_of_token_is_told_apart() {
    crate::checks!("T003");
    for other in [
        json!("refresh"),
        json!("id"),
        json!("reset"),
        json!(""),
        json!("Access"),
        json!("access "),
    ] {
        assert_eq!(
            parse(&payload_with("token_use", other.clone())),
            Err(InvalidToken::WrongType),
            "{other}"
        );
    }
    assert_eq!(parse(&payload_without("token_use")), Err(InvalidToken::WrongType));
    assert_eq!(
        parse(&payload_with("token_use", json!(["access"]))),
        Err(InvalidToken::Malformed)
    );
    // An ID token: it hasn't even our claims.
    let id_token = json!({"iss": "https://issuer.example", "aud": "api", "sub": "x", "exp": 1, "nonce": "n"});
    assert!(parse(id_token.to_string().as_bytes()).is_err());
}

#[test]
fn payloads_that_are_no_json_object_are_refused() {
    let good = payload().to_string();
    for bad in [
        "".to_owned(),
        "null".into(),
        "[]".into(),
        "\"text\"".into(),
        format!("[{good}]"),
        format!("{good}{good}"),
        format!("{good} x"),
        good[..good.len() - 1].to_owned(),
        format!("\u{feff}{good}"),
    ] {
        assert_eq!(parse(bad.as_bytes()), Err(InvalidToken::Malformed), "{bad}");
    }
    let mut invalid = payload_with("x", json!("?"));
    let at = invalid.iter().position(|byte| *byte == b'?').unwrap();
    invalid[at] = 0xff;
    assert_eq!(parse(&invalid), Err(InvalidToken::Malformed), "invalid UTF-8");
}

#[test]
fn a_nesting_bomb_is_refused() {
    crate::checks!("T005");
    let deep = format!("{}{}", "[".repeat(7_000), "]".repeat(7_000));
    let body = payload().to_string();
    for name in ["x", "iss", "aud", "exp", "scope"] {
        let bomb = format!("{{\"{name}\":{deep},{}", body.strip_prefix('{').unwrap());
        assert_eq!(parse(bomb.as_bytes()), Err(InvalidToken::Malformed), "{name}");
    }
}

#[test]
fn every_shape_round_trips() {
    let mut claims = sample();
    for audience in [vec!["one"], vec!["one", "two"], vec![]] {
        for scopes in [None, Some(vec![]), Some(vec!["a:b"]), Some(vec!["a:b", "c:d"])] {
            claims.audience = audience.iter().map(ToString::to_string).collect();
            claims.scopes = scopes.map(|list| list.into_iter().map(str::to_owned).collect());
            claims.extra = json!({"roles": ["editor"], "org": {"id": 7}})
                .as_object()
                .unwrap()
                .clone();
            assert_eq!(parse(&serialise(&claims).unwrap()).unwrap(), claims);
        }
    }
    let wire = payload();
    assert_eq!(
        (&wire["aud"], &wire["amr"], &wire["token_use"]),
        (&json!("api"), &json!(["pwd"]), &json!("access"))
    );
    assert_eq!(wire.get("scope"), None);
}

#[test]
fn fractions_of_a_second_are_read() {
    let of = |value: Value| parse(&payload_with("exp", value)).unwrap().expires_at.as_micros();
    assert_eq!(of(json!(1900.5)), 1_900_500_000);
    assert_eq!(of(json!(1.9e3)), 1_900_000_000);
    assert_eq!(of(json!(0)), 0);
    assert_eq!(of(json!(253_402_300_799_i64)), 253_402_300_799_000_000);
}

#[test]
fn extra_claims_never_replace_the_issuers() {
    let names: Vec<String> = payload().as_object().unwrap().keys().cloned().collect();
    for name in names.iter().map(String::as_str).chain(["scope"]) {
        let mut claims = sample();
        claims.extra.insert(name.to_owned(), json!("forged"));
        assert_eq!(serialise(&claims), Err(InvalidClaims::Reserved(name.to_owned())));
    }
}

#[test]
fn a_scope_is_one_word() {
    crate::checks!("T024");
    for scope in ["", "a b", "a\"b", "a\\b", "a\n", "ä", "a:b admin:all"] {
        let mut claims = sample();
        claims.scopes = Some(vec!["ok:ok".into(), scope.to_owned()]);
        assert_eq!(serialise(&claims), Err(InvalidClaims::Scope(scope.to_owned())));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse(&bytes).is_err());
    }

    #[test]
    fn no_value_of_any_claim_panics(name in "(iss|aud|sub|jti|sid|stamp|iat|nbf|exp|auth_time|amr|scope|token_use|x)", value in "\\PC{0,40}") {
        let body = payload().to_string();
        let _ = parse(format!("{{\"{name}\":{value},{}", body.strip_prefix('{').unwrap()).as_bytes());
    }

    #[test]
    fn any_number_is_a_sane_time_or_refused(seconds in any::<f64>(), whole in any::<i64>()) {
        for value in [json!(seconds), json!(whole)] {
            if let Ok(claims) = parse(&payload_with("exp", value)) {
                let micros = claims.expires_at.as_micros();
                prop_assert!((0..=253_402_300_799_000_000).contains(&micros));
            }
        }
    }
}

#[test]
fn what_is_issued_names_no_beginning_and_what_others_name_counts() {
    let issued = payload();
    assert_eq!(
        issued.get("nbf"),
        None,
        "many readers allow its clock no tolerance"
    );
    let read = parse(&payload_with("nbf", json!(1_234))).unwrap();
    assert_eq!(read.not_before, Some(Timestamp::from_seconds(1_234)));
    let again: Value = serde_json::from_slice(&serialise(&read).unwrap()).unwrap();
    assert_eq!(again["nbf"], 1_234);
}
