use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::key::{InvalidKey, jwk};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn published(modulus: &[u8], algorithm: &str) -> Vec<u8> {
    let n = URL_SAFE_NO_PAD.encode(modulus);
    json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": algorithm})
        .to_string()
        .into_bytes()
}

#[test]
fn a_key_of_the_faulty_chips_is_refused_for_every_algorithm() {
    crate::checks!("T190");
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        let refused = jwk::verifying(&published(&bytes(MARKED), algorithm), None);
        assert_eq!(refused.unwrap_err(), InvalidKey::Roca, "{algorithm}");
        assert!(jwk::verifying(&published(&bytes(SOUND), algorithm), None).is_ok());
    }
}

#[test]
fn a_set_passes_over_such_a_key_and_keeps_the_others() {
    let set = |modulus: &str| {
        let key = String::from_utf8(published(&bytes(modulus), "RS256")).unwrap();
        jwk::set(format!(r#"{{"keys":[{key}]}}"#).as_bytes(), None).unwrap()
    };
    assert_eq!(set(MARKED).len(), 0);
    assert_eq!(set(SOUND).len(), 1);
}

#[test]
fn the_primes_are_the_first_ones() {
    assert_eq!(PRIMES[..5], [3, 5, 7, 11, 13]);
    assert_eq!(PRIMES[124], 701);
}

/// The product of two primes of 1,024 bits that were made as the faulty library made its own.
const MARKED: &str = "\
     da1309a43763a8ef490750a745f00a625f43a6ea0326bec600899d99cc09c69fad6b06492db79b692ff575aa7756d50c\
     ecbce93b5bfc98f56059db812c96763063b12c3040a8f8d9d6ccf4f8deb6142b54f5af15c7528b29d3e39e07a8a0cb7d\
     e0cd02222e9d9777dd41cea3b3342ecafa432d96b72224fc12fc245faffdeadc5cd7c76717f59fd3090722a6be9fc4c8\
     5414974b20ec84d57dfbb462eb4b4f9b561a7235177765209223d4fad859d589db3fb2a5006401a65cad30e6ad1d4b5e\
     cf139528a99cba4aed92a8aa846672fa2a1d6453205298ee772acaf41edb75d3e443a5a4ffa9fb465aa5309cdb1f1ce9\
     19b11fe313e0ddd45b7f36d40f032c85";

/// The product of two primes of 1,024 bits drawn as they should be.
const SOUND: &str = "\
     9fbfb8a21bc30d8e8a6da03534b1bf88c6d93af69d48ed377367d793e78a8e2fdc60010bb2d5d264a5ea388237f75c29\
     951bfc86cbcfa8ccfbcf4b593732c2c9027f8f1299365afc6f7fbfa06eb8188ca86b7760908c9705e53a60a6adfc3aa0\
     51850fa7370065a7e11562e8468b7ece2003be4e109d4fff33efff815b7e0f523c2c50f5ffea507c42f1385dc92bb779\
     b8e6ec3873de52daa482aa836ee6e9599f528bc6eae8897e22b7fb33ce0b166262c1f8eed62a5eb96e4a1e3140fce116\
     0068a87c34a575b66fe00b25b16fbbd779f0e9ad0a42bb2316131f24394acde77fa944499d5548e28fd05f7f2d51cf5d\
     272a0a3e3e371a908156f8944f43124b";
