//! The properties of the fuzz targets on random input and on their seeds: what must hold for every parser that reads a
//! credential or a policy.

use std::fs;
use std::path::Path;

use portcullis::core::checks;
use proptest::prelude::*;

#[path = "../../../../fuzz/src/properties.rs"]
#[expect(unreachable_pub, reason = "the fuzz targets use it from outside")]
mod properties;

/// Pieces that credentials and policies are made of.
const PIECES: [&str; 45] = [
    "pk_live_",
    "pk_test_",
    "acme",
    "0198c5a4-0000-7000-8000-000000000001",
    "Bearer ",
    "bearer ",
    "Basic ",
    "YTpi",
    "dGVzdDoxMjPCow==",
    "anna@example.com:",
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
    "permit(principal, action, resource)",
    "forbid(principal, action == Action::\"posts:edit\", resource is Post)",
    "@id(\"a\")",
    " when { ",
    " unless { ",
    " };",
    "resource.title like \"a*\"",
    "resource has size && resource.size < ",
    "context.ip.isInRange(ip(\"192.0.2.0/24\"))",
    "principal in Role::\"editor\"",
    " && ",
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

        /// What the fuzz crate begins with: a good input of every kind, and a few that come close.
        #[test]
        fn every_seed_holds_what_is_asked_of_all() {
            checks!("T079");
            $({
                let seeds = seeds(stringify!($target));
                assert!(!seeds.is_empty(), "fuzz/seeds/{} is empty", stringify!($target));
                seeds.iter().for_each(|seed| properties::$target(seed));
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

smoke! {
    authorization cookies session_header tokens jwt claims jwk jwks pem api_key organization basic csrf cookie_session
    policies
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let files = fs::read_dir(folder.join(target)).unwrap();
    files
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect()
}

/// As deep as a file of 4 KiB goes, on the small stack of a thread.
#[test]
fn deeply_nested_policies_end_with_an_answer() {
    for (open, inner, close) in [
        ("(", "true", ")"),
        ("!", "true", ""),
        ("-", "1 == 1", ""),
        ("[", "", "]"),
        ("{a:", "1", "}"),
        ("true && ", "true", ""),
        ("(true || ", "false", ")"),
        ("", "1 == 1", " + 1"),
        ("", "resource", ".title"),
        ("", "context", "[\"ip\"]"),
        ("ip(", "\"192.0.2.1\"", ")"),
        ("!(", "principal in Role::\"editor\"", ")"),
    ] {
        let depth = 4_000 / (open.len() + close.len());
        for head in [
            "permit(principal, action, resource)",
            "forbid(principal, action == Action::\"posts:edit\", resource)",
        ] {
            let [open, close] = [open, close].map(|text| text.repeat(depth));
            properties::policies(format!("{head} when {{ {open}{inner}{close} }};").as_bytes());
        }
    }
}
