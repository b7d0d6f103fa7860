//! Keys as JSON: reading what others publish, publishing what others may see.
//!
//! Reading is strict: a member named twice, a `use` or `key_ops` that forbids the use, an `alg` of another family,
//! a coordinate of the wrong length, a point off the curve or a weak key is refused. Publishing
//! goes through a type that holds no private member, so none can be shown.
//!
//! **Deliberately absent:** a public key read from a private one, a shared secret read from a set others publish.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::algorithm::Family;
use super::signing::SigningKey;
use super::strict;
use super::verifying::{HmacSecret, PublicPart, VerifyingKey};
use super::{Algorithm, InvalidKey};
use crate::secret::SecretBytes;

/// Reads a public JWK as a key that verifies. `algorithm` is needed where the JWK has no `alg` and its type leaves
/// a choice (RSA), and must agree where it has one.
///
/// # Errors
/// [`InvalidKey`]; a private key and a shared secret are refused here.
///
/// Source: RFC 7517 §4, RFC 7518 §6, RFC 8037 §2
pub fn verifying(text: &[u8], algorithm: Option<Algorithm>) -> Result<VerifyingKey, InvalidKey> {
    verifying_of(&strict::object(text).ok_or(InvalidKey::Json)?, algorithm)
}

/// Reads a private JWK, or a shared secret (`oct`), as a key that signs.
///
/// # Errors
/// [`InvalidKey`]; an RSA key must bring all its CRT members.
///
/// Source: RFC 7517 §4, RFC 7518 §6, RFC 8037 §2
pub fn signing(text: &[u8], algorithm: Option<Algorithm>) -> Result<SigningKey, InvalidKey> {
    let jwk = strict::object(text).ok_or(InvalidKey::Json)?;
    let algorithm = algorithm_of(&jwk, algorithm)?;
    usable(&jwk, "sign")?;
    let kid = text_of(&jwk, "kid")?;
    if algorithm.is_symmetric() {
        let secret = HmacSecret::new(algorithm, SecretBytes::new(bytes_of(&jwk, "k")?.to_vec()))?;
        return SigningKey::of_secret(kid.ok_or(InvalidKey::Kid)?, secret);
    }
    let public = public_part(&jwk, algorithm)?;
    let d = bytes_of(&jwk, "d")?;
    let key = match algorithm.family() {
        Family::Rsa => SigningKey::of_rsa(kid, algorithm, rsa_pair(&jwk, &public, &d)?)?,
        Family::P256 | Family::P384 => {
            exact(&d, coordinate(algorithm)?)?;
            SigningKey::of_scalar(kid, algorithm, &d)?
        }
        _ => {
            exact(&d, 32)?;
            let pair = Ed25519KeyPair::from_seed_unchecked(&d).map_err(|_| InvalidKey::Malformed)?;
            SigningKey::of_ed25519(kid, pair)?
        }
    };
    // The public members must be those of the private one.
    if *key.verifying().public() != public {
        return Err(InvalidKey::Malformed);
    }
    Ok(key)
}

/// Reads a JWK set. Keys of a kind this program doesn't know, or not meant for signatures, are passed over, as the
/// RFC says, and the log of level `debug` says why; a key without `kid` is named by its thumbprint; a set that names one
/// `kid` twice is refused. `rsa` is the algorithm of RSA keys that don't name one.
///
/// # Errors
/// [`InvalidKey::Json`] if it isn't a set, [`InvalidKey::Kid`] for a name used twice.
///
/// Source: RFC 7517 §5
pub fn set(text: &[u8], rsa: Option<Algorithm>) -> Result<Vec<VerifyingKey>, InvalidKey> {
    let set = strict::object(text).ok_or(InvalidKey::Json)?;
    let Some(Value::Array(members)) = set.get("keys") else {
        return Err(InvalidKey::Json);
    };
    let mut keys: Vec<VerifyingKey> = Vec::new();
    for member in members {
        let Value::Object(jwk) = member else {
            return Err(InvalidKey::Json);
        };
        let unnamed = jwk.get("kty").and_then(Value::as_str) == Some("RSA") && !jwk.contains_key("alg");
        let key = match verifying_of(jwk, rsa.filter(|_| unnamed)) {
            Ok(key) => key,
            Err(why) => {
                let kid = jwk.get("kid").and_then(Value::as_str).unwrap_or_default();
                let kid: String = kid.chars().take(128).collect();
                tracing::debug!(?kid, %why, "a published key is passed over");
                continue;
            }
        };
        if keys.iter().any(|known| known.kid() == key.kid()) {
            return Err(InvalidKey::Kid);
        }
        keys.push(key);
    }
    Ok(keys)
}

/// The public JWK of a key, with `kid`, `use` and `alg`; `None` for a shared secret.
pub fn publish(key: &VerifyingKey) -> Option<Value> {
    let mut members = members_of(key.public())?;
    members.insert("kid".into(), key.kid().into());
    members.insert("use".into(), "sig".into());
    members.insert("alg".into(), key.algorithm().as_str().into());
    Some(Value::Object(members))
}

/// The JWK set of all keys that may be published.
pub fn publish_set<'k>(keys: impl IntoIterator<Item = &'k VerifyingKey>) -> Value {
    json!({ "keys": keys.into_iter().filter_map(publish).collect::<Vec<_>>() })
}

/// The thumbprint of a key: base64url of SHA-256 over its required members; `None` for a shared secret, whose
/// thumbprint would let anyone check guesses.
///
/// Source: RFC 7638 §3
pub fn thumbprint(key: &VerifyingKey) -> Option<String> {
    thumbprint_of(key.public())
}

pub(super) fn thumbprint_of(public: &PublicPart) -> Option<String> {
    // A JSON map is written in lexicographic order without spaces, as the RFC asks.
    let text = Value::Object(members_of(public)?).to_string();
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes())))
}

fn members_of(public: &PublicPart) -> Option<Map<String, Value>> {
    let b64 = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
    let members: Vec<(&str, Value)> = match public {
        PublicPart::Secret => return None,
        PublicPart::Rsa { n, e } => vec![("e", b64(e)), ("kty", "RSA".into()), ("n", b64(n))],
        PublicPart::Ec { point } => {
            let (x, y) = point.get(1..)?.split_at_checked(point.len() / 2)?;
            let curve = if x.len() == 32 { "P-256" } else { "P-384" };
            vec![
                ("crv", curve.into()),
                ("kty", "EC".into()),
                ("x", b64(x)),
                ("y", b64(y)),
            ]
        }
        PublicPart::Ed25519 { x } => vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", b64(x))],
    };
    Some(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn verifying_of(jwk: &Map<String, Value>, algorithm: Option<Algorithm>) -> Result<VerifyingKey, InvalidKey> {
    let algorithm = algorithm_of(jwk, algorithm)?;
    usable(jwk, "verify")?;
    if algorithm.is_symmetric() || PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name)) {
        return Err(InvalidKey::Private);
    }
    VerifyingKey::from_public(text_of(jwk, "kid")?, algorithm, public_part(jwk, algorithm)?)
}

/// The key's algorithm: what it says, else what its type leaves as the only choice, else what the caller says.
fn algorithm_of(jwk: &Map<String, Value>, asked: Option<Algorithm>) -> Result<Algorithm, InvalidKey> {
    let named = match text_of(jwk, "alg")? {
        Some(name) => Some(Algorithm::parse_foreign(name).ok_or(InvalidKey::Unknown)?),
        None => None,
    };
    let curve = text_of(jwk, "crv")?;
    let kind = text_of(jwk, "kty")?.ok_or(InvalidKey::Json)?;
    let only = match (kind, curve) {
        ("RSA" | "oct", None) => None,
        ("EC", Some("P-256")) => Some(Algorithm::ES256),
        ("EC", Some("P-384")) => Some(Algorithm::ES384),
        ("OKP", Some("Ed25519")) => Some(Algorithm::EdDSA),
        _ => return Err(InvalidKey::Unknown),
    };
    let algorithm = named.or(only).or(asked).ok_or(InvalidKey::AlgorithmNeeded)?;
    let fits = match kind {
        "RSA" => algorithm.family() == Family::Rsa,
        "oct" => algorithm.family() == Family::Hmac,
        _ => only == Some(algorithm),
    };
    let agreed = asked.is_none_or(|asked| asked == algorithm);
    if fits && agreed {
        Ok(algorithm)
    } else {
        Err(InvalidKey::Family(algorithm))
    }
}

/// Whether `use` and `key_ops` let the key be used for `operation`.
///
/// Source: RFC 7517 §4.2, §4.3
fn usable(jwk: &Map<String, Value>, operation: &str) -> Result<(), InvalidKey> {
    if text_of(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(InvalidKey::Use);
    }
    let Some(operations) = jwk.get("key_ops") else {
        return Ok(());
    };
    let names: Vec<&str> = operations
        .as_array()
        .and_then(|list| list.iter().map(Value::as_str).collect())
        .ok_or(InvalidKey::Json)?;
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    let allowed = names.iter().all(|name| matches!(*name, "sign" | "verify"));
    if unique.len() == names.len() && allowed && names.contains(&operation) {
        Ok(())
    } else {
        Err(InvalidKey::Use)
    }
}

fn public_part(jwk: &Map<String, Value>, algorithm: Algorithm) -> Result<PublicPart, InvalidKey> {
    let part = |name| bytes_of(jwk, name);
    Ok(match algorithm.family() {
        Family::Hmac => return Err(InvalidKey::Family(algorithm)),
        Family::Rsa => PublicPart::Rsa {
            n: part("n")?.as_slice().into(),
            e: part("e")?.as_slice().into(),
        },
        Family::P256 | Family::P384 => {
            let (x, y, length) = (part("x")?, part("y")?, coordinate(algorithm)?);
            exact(&x, length)?;
            exact(&y, length)?;
            PublicPart::Ec {
                point: [&[4], &x[..], &y[..]].concat().into(),
            }
        }
        Family::Ed25519 => PublicPart::Ed25519 {
            x: part("x")?.as_slice().into(),
        },
    })
}

fn rsa_pair(jwk: &Map<String, Value>, public: &PublicPart, d: &[u8]) -> Result<RsaKeyPair, InvalidKey> {
    let PublicPart::Rsa { n, e } = public else {
        return Err(InvalidKey::Malformed);
    };
    if jwk.contains_key("oth") {
        return Err(InvalidKey::Unknown);
    }
    let [p, q, dp, dq, qi] = [
        bytes_of(jwk, "p")?,
        bytes_of(jwk, "q")?,
        bytes_of(jwk, "dp")?,
        bytes_of(jwk, "dq")?,
        bytes_of(jwk, "qi")?,
    ];
    RsaKeyPair::from_components(&aws_lc_rs::rsa::KeyPairComponents {
        public_key: aws_lc_rs::rsa::PublicKeyComponents { n: &**n, e: &**e },
        d,
        p: &p[..],
        q: &q[..],
        dP: &dp[..],
        dQ: &dq[..],
        qInv: &qi[..],
    })
    .map_err(|_| InvalidKey::Malformed)
}

fn text_of<'j>(jwk: &'j Map<String, Value>, name: &str) -> Result<Option<&'j str>, InvalidKey> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(InvalidKey::Json),
    }
}

fn bytes_of(jwk: &Map<String, Value>, name: &str) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
    let text = text_of(jwk, name)?.ok_or(InvalidKey::Malformed)?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map(Zeroizing::new)
        .map_err(|_| InvalidKey::Malformed)
}

fn exact(bytes: &[u8], length: usize) -> Result<(), InvalidKey> {
    if bytes.len() == length {
        Ok(())
    } else {
        Err(InvalidKey::Malformed)
    }
}

const fn coordinate(algorithm: Algorithm) -> Result<usize, InvalidKey> {
    match algorithm.family() {
        Family::P256 => Ok(32),
        Family::P384 => Ok(48),
        _ => Err(InvalidKey::Family(algorithm)),
    }
}

/// Every member that holds something private, of any key type.
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[cfg(test)]
mod tests;
