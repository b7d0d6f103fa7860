//! What a token of a purpose says, once its key is known.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Form, PurposeToken};
use crate::account;
use crate::defends;
use crate::environment::Timestamp;
use crate::key::{VerifyingKey, strict};
use crate::token::jws::{Header, Parts};
use crate::token::verifier::MAX_LEEWAY;
use crate::token::{Id, InvalidToken};

/// A token of which nothing was believed yet.
pub(super) struct Unread<'t> {
    parts: Parts<'t>,
    header: Header,
    kid: String,
}

impl<'t> Unread<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, InvalidToken> {
        let parts = Parts::split(token)?;
        let mut header = Header::parse(parts.header)?;
        let kid = header.kid.take().ok_or(InvalidToken::UnknownKey)?;
        Ok(Self { parts, header, kid })
    }

    /// The key that it names.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// What it says of itself, but for the key.
    pub(super) const fn header(&self) -> &Header {
        &self.header
    }

    /// Signature, type, issuer, audience and time, in this order; then what it says.
    pub(super) fn read<C: DeserializeOwned>(
        &self,
        key: &VerifyingKey,
        form: Form,
        issuer: &str,
        now: Timestamp,
    ) -> Result<PurposeToken<C>, InvalidToken> {
        self.header.agrees(key)?;
        self.parts.check(key)?;
        defends!("T217");
        if !self.header.is_type(&form.typ()) || self.header.content_type.is_some() {
            return Err(InvalidToken::WrongType);
        }
        let claims = strict::object(&self.parts.payload()?).ok_or(InvalidToken::Malformed)?;
        said(claims, form, issuer, now)
    }
}

fn said<C: DeserializeOwned>(
    mut all: Map<String, Value>,
    form: Form,
    issuer: &str,
    now: Timestamp,
) -> Result<PurposeToken<C>, InvalidToken> {
    if all.remove("iss") != Some(Value::from(issuer)) {
        return Err(InvalidToken::WrongIssuer);
    }
    if all.remove("aud") != Some(Value::from(form.audience())) {
        return Err(InvalidToken::WrongAudience);
    }
    let issued_at = seconds(all.remove("iat"))?;
    let expires_at = seconds(all.remove("exp"))?;
    let id = all.remove("jti").as_ref().and_then(id_in);
    let id = id.ok_or(InvalidToken::Malformed)?;
    let subject = match all.remove("sub") {
        None => None,
        Some(subject) => Some(id_in(&subject).ok_or(InvalidToken::Malformed)?),
    };
    // Another node's clock may be ahead; how long a token is good isn't stretched by it.
    if issued_at > now.plus(MAX_LEEWAY) {
        return Err(InvalidToken::NotYetValid);
    }
    if now >= expires_at {
        return Err(InvalidToken::Expired);
    }
    let claims = serde_json::from_value(Value::Object(all)).map_err(|_| InvalidToken::Malformed)?;
    Ok(PurposeToken {
        claims,
        subject: subject.map(account::Id::from_uuid),
        id: Id::from_uuid(id),
        issued_at,
        expires_at,
    })
}

/// Whole seconds, as they are written here.
fn seconds(claim: Option<Value>) -> Result<Timestamp, InvalidToken> {
    let seconds = claim
        .and_then(|claim| claim.as_u64())
        .ok_or(InvalidToken::Malformed)?;
    let seconds = i64::try_from(seconds)
        .ok()
        .filter(|seconds| *seconds <= LAST_SECOND);
    seconds
        .map(Timestamp::from_seconds)
        .ok_or(InvalidToken::Malformed)
}

fn id_in(claim: &Value) -> Option<uuid::Uuid> {
    claim.as_str()?.parse().ok()
}

/// 9999-12-31T23:59:59Z in seconds since 1970: the latest moment that a claim may name.
const LAST_SECOND: i64 = 253_402_300_799;
