//! Turns another issuer's access token into its claims.
//!
//! The checks and their order are those of [`Verifier`](super::Verifier); the keys are a remote set, and a name that
//! isn't in it is told apart from everything else, because the issuer may have published it just now.

pub(crate) use super::MAX_LEEWAY;
use super::claims::{self, RemoteClaims};
use super::jws::{ACCESS_TOKEN, Header, Parts};
use super::{Expectation, InvalidToken};
use crate::defends;
use crate::environment::Timestamp;
use crate::key::VerifyingKey;
use crate::key::remote::{KeySet, RemoteKeys};

/// What came of verifying with one set.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Form, type, signature and claims hold.
    Verified(Box<RemoteClaims>),
    /// The token names a key that isn't in the set, of an algorithm that is honoured.
    UnknownKey,
}

/// Verifies form, type, signature and claims of `token` at `now` with the keys of `set`.
///
/// Source: RFC 9068 §4, RFC 8725 §3.10
pub(crate) fn verify(
    token: &str,
    (keys, set): (&RemoteKeys, &KeySet),
    expectation: &Expectation,
    now: Timestamp,
) -> Result<Outcome, InvalidToken> {
    let parts = Parts::split(token)?;
    let found = match set.by_access_header(parts.header) {
        Some(key) => Some((key, true)),
        None => named(parts.header, keys, set)?,
    };
    let Some((key, is_access_token)) = found else {
        return Ok(Outcome::UnknownKey);
    };
    parts.check(key)?;
    if !is_access_token {
        defends!("T003");
        return Err(InvalidToken::WrongType);
    }
    let claims = claims::parse_remote(&parts.payload()?)?;
    verify_claims(&claims, expectation, now)?;
    Ok(Outcome::Verified(Box::new(claims)))
}

/// The key that a header names; `None` if the set has none of that name and the issuer may be asked for it.
fn named<'s>(
    encoded: &str,
    keys: &RemoteKeys,
    set: &'s KeySet,
) -> Result<Option<(&'s VerifyingKey, bool)>, InvalidToken> {
    let header = Header::parse(encoded)?;
    let kid = header.kid.as_deref().ok_or(InvalidToken::UnknownKey)?;
    if let Some(key) = set.verifying(kid) {
        header.agrees(key)?;
        let is_access_token = header.is_type(ACCESS_TOKEN) && header.content_type.is_none();
        return Ok(Some((key, is_access_token)));
    }
    defends!("T053");
    // Nothing that could never be in a set makes anybody ask for it.
    let asks = crate::key::valid_kid(kid) && header.algorithm.is_some_and(|alg| keys.honours(alg));
    if asks && header.is_type(ACCESS_TOKEN) {
        Ok(None)
    } else {
        Err(InvalidToken::UnknownKey)
    }
}

fn verify_claims(
    claims: &RemoteClaims,
    expectation: &Expectation,
    now: Timestamp,
) -> Result<(), InvalidToken> {
    defends!("T055");
    if claims.issuer != expectation.issuer {
        return Err(InvalidToken::WrongIssuer);
    }
    if !claims.audience.contains(&expectation.audience) {
        return Err(InvalidToken::WrongAudience);
    }
    let latest = now.plus(expectation.leeway);
    let begins = [Some(claims.issued_at), claims.not_before, claims.authenticated_at];
    // A login in the future would be fresh for longer than anybody asked for.
    if begins.into_iter().flatten().any(|begin| begin > latest) {
        return Err(InvalidToken::NotYetValid);
    }
    if now >= claims.expires_at.plus(expectation.leeway) {
        return Err(InvalidToken::Expired);
    }
    Ok(())
}
