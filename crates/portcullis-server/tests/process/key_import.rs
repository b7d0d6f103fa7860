//! Signing keys from elsewhere, taken in beside a running server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_core::key::{Algorithm, SigningKey};
use portcullis_identity::environment;
use serde_json::Value;

use crate::server::{Place, client, fails, said, within, works};

/// A private key in PEM, and its name.
fn pem(algorithm: Algorithm) -> (String, String) {
    let key = SigningKey::generate(algorithm, &environment::system()).unwrap();
    let body = STANDARD.encode(key.to_stored().unwrap().expose());
    (block("PRIVATE KEY", &body), key.kid().to_owned())
}

fn block(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn write(place: &Place, text: &str, mode: u32) {
    let path = place.path("key.pem");
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn import(place: &Place, algorithm: &str) -> Output {
    place.run(&["key", "import", "--algorithm", algorithm, "key.pem", "--json"])
}

fn keys(place: &Place) -> Vec<Value> {
    let listed = works(&place.run(&["key", "list", "--json"]));
    serde_json::from_str(&listed).unwrap()
}

// Shows: TK-3
#[test]
fn what_is_no_private_key_of_the_algorithm_is_refused_with_a_reason() {
    let place = Place::new();
    drop(place.serve(&[]));
    let before = keys(&place);
    let (good, _) = pem(Algorithm::ES256);
    let body = good.lines().nth(1).unwrap();
    for (text, algorithm, code, says) in [
        (good.as_str(), "HS256", 2, "must be one of RS256"),
        (&good, "none", 2, "must be one of RS256"),
        (&good, "ES384", 1, "the key isn't one for ES384"),
        (&good, "EdDSA", 1, "the key isn't one for EdDSA"),
        (
            &block("PUBLIC KEY", body),
            "ES256",
            1,
            "a public key where a private key is needed",
        ),
        (
            &block("ENCRYPTED PRIVATE KEY", body),
            "ES256",
            1,
            "decrypt it first",
        ),
        (
            &block("EC PRIVATE KEY", body),
            "ES256",
            1,
            "convert it to PKCS#8 first",
        ),
        (
            &block("PRIVATE KEY", "AAAA"),
            "ES256",
            1,
            "the key isn't one for ES256",
        ),
        (&block("PRIVATE KEY", "?"), "ES256", 1, "the key can't be read"),
        (&good.repeat(2), "ES256", 1, "more than one key"),
        ("hunter2", "ES256", 1, "doesn't begin with -----BEGIN"),
        ("", "ES256", 1, "doesn't begin with -----BEGIN"),
    ] {
        write(&place, text, 0o600);
        let output = import(&place, algorithm);
        fails(&output, code, says);
        assert!(!said(&output).contains(body), "the key is never printed");
    }
    for mode in [0o644, 0o640, 0o602] {
        write(&place, &good, mode);
        fails(
            &import(&place, "ES256"),
            1,
            "others may use the key: run `chmod 600 key.pem`",
        );
    }
    fs::remove_file(place.path("key.pem")).unwrap();
    fails(&import(&place, "ES256"), 1, "key.pem can't be read");
    fs::create_dir(place.path("key.pem")).unwrap();
    fails(&import(&place, "ES256"), 1, "is no plain file");
    assert_eq!(keys(&place), before);
}

// Shows: TK-3
#[tokio::test]
async fn an_imported_key_is_published_and_signs_after_the_next_rotation() {
    let place = Place::new();
    let server = place.serve(&[]);
    let published = async |kid: &str| {
        let keys = client()
            .get(server.url("/.well-known/jwks.json"))
            .send()
            .await
            .unwrap();
        keys.text().await.unwrap().contains(kid)
    };
    let (text, kid) = pem(Algorithm::ES256);
    write(&place, &text, 0o400);
    let said_so: Value = serde_json::from_str(&works(&import(&place, "ES256"))).unwrap();
    assert_eq!(
        (&said_so["kid"], &said_so["phase"]),
        (&kid.as_str().into(), &"next".into())
    );
    fails(
        &import(&place, "ES256"),
        1,
        &format!("a key named {kid} is in the ring already"),
    );
    let phase = |kid: &str| {
        let keys = keys(&place);
        let key = keys.into_iter().find(|key| key["kid"] == kid);
        key.unwrap()["phase"].as_str().unwrap().to_owned()
    };
    assert_eq!(phase(&kid), "next");
    assert!(
        within(Duration::from_secs(2), || published(&kid)).await,
        "{}",
        server.log()
    );
    works(&place.run(&["key", "rotate", "--force"]));
    assert_eq!(phase(&kid), "current");

    // The first key of another algorithm waits for the configuration.
    let (text, kid) = pem(Algorithm::EdDSA);
    let arguments = ["key", "import", "--algorithm", "EdDSA", "-"];
    let output = works(&place.run_with(&arguments, &text));
    assert!(
        output.contains("signs once tokens.algorithm is EdDSA"),
        "{output}"
    );
    assert_eq!(phase(&kid), "current");
    assert!(
        within(Duration::from_secs(2), || published(&kid)).await,
        "{}",
        server.log()
    );
    let signer = works(&place.run(&["key", "list", "--set", "tokens.algorithm=EdDSA"]));
    assert!(signer.contains(&kid), "{signer}");
}
