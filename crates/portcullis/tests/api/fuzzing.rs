//! The properties of the fuzz targets on random input: what must hold for every parser that reads a credential.

use portcullis::core::checks;
use proptest::prelude::*;

#[path = "../../../../fuzz/src/properties.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets use it from outside")]
mod properties;

/// Pieces that credentials are made of.
const PIECES: [&str; 31] = [
    "pk_live_",
    "pk_test_",
    "acme",
    "0198c5a4-0000-7000-8000-000000000001",
    "Bearer ",
    "bearer ",
    "Basic ",
    "pcs_",
    "pcr_",
    "pcv_",
    "pci_",
    "pcsetup_",
    "__Host-portcullis=",
    "; ",
    ";",
    "\n",
    ".",
    "=",
    "e30",
    "eyJhbGciOiJIUzI1NiIsImtpZCI6ImZ1enoiLCJ0eXAiOiJhdCtqd3QifQ",
    "{\"keys\":[",
    "]}",
    "{\"kty\":\"OKP\",",
    "\"crv\":\"Ed25519\",",
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"",
    ",\"kid\":\"a\"}",
    "\"alg\":\"none\"",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
    "-----BEGIN PUBLIC KEY-----\n",
    "-----END PUBLIC KEY-----\n",
];

/// Bytes of no form, and forms put together wrongly.
fn any_input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(&PIECES[..]).prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
    ]
}

macro_rules! smoke {
    ($($target:ident)+) => {
        proptest! {
            $(#[test]
            fn $target(input in any_input()) {
                properties::$target(&input);
            })+
        }

        /// Every target of the fuzz crate runs here too.
        #[test]
        fn every_target_is_run() {
            let manifest = include_str!("../../../../fuzz/Cargo.toml");
            let targets: Vec<_> = manifest
                .lines()
                .filter_map(|line| line.strip_prefix("path = \"targets/")?.strip_suffix(".rs\""))
                .collect();
            assert_eq!(targets, [$(stringify!($target)),+]);
        }
    };
}

smoke! { authorization cookies session_header tokens jwt claims jwk jwks pem api_key organization }

#[test]
fn good_credentials_hold_what_is_asked_of_all() {
    checks!("T079");
    let token = format!("pcs_{}", "A".repeat(43));
    for (target, input) in [
        (properties::authorization as fn(&[u8]), format!("Bearer {token}")),
        (properties::authorization, "bEARER a.b.c".to_owned()),
        (properties::cookies, format!("a=b; __Host-portcullis={token};c")),
        (properties::session_header, token.clone()),
        (properties::tokens, token),
        (properties::claims, CLAIMS.to_owned()),
        (properties::jwk, JWK.to_owned()),
        (properties::organization, "acme".to_owned()),
        (
            properties::organization,
            "0198C5A4-0000-7000-8000-000000000001".to_owned(),
        ),
        (properties::jwks, format!("{{\"keys\":[{JWK}]}}")),
    ] {
        target(input.as_bytes());
    }
}

const CLAIMS: &str = r#"{"iss":"portcullis","aud":"portcullis","sub":"0198c5a4-0000-7000-8000-000000000001",
"jti":"0198c5a4-0000-7000-8000-000000000002","sid":"0198c5a4-0000-7000-8000-000000000003","iat":1767225600,
"exp":1767225900,"auth_time":1767225600,"amr":["pwd"]}"#;

/// Source: RFC 8037 §A.2
const JWK: &str =
    r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
