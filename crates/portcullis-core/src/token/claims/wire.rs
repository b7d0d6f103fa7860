//! Claims as JSON, both ways.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{AccessClaims, InvalidToken, written};
use crate::environment::Timestamp;
use crate::key::strict::Strict;
use crate::session::Method;
use crate::{account, session, token};

/// Why claims can't be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClaims {
    /// An extra claim has a name with a meaning of its own.
    #[error("the claim {0:?} is set by the issuer; choose another name")]
    Reserved(String),
    /// A scope that could be read as two, or as none.
    #[error("the scope {0:?} has a character no scope may have")]
    Scope(String),
}

/// Reads the payload of an access token.
///
/// Source: RFC 7519 §4.1, RFC 9068 §2.2
pub(in crate::token) fn parse(payload: &[u8]) -> Result<AccessClaims, InvalidToken> {
    // One look at the whole costs less than one at each string.
    let text = std::str::from_utf8(payload).map_err(|_| InvalidToken::Malformed)?;
    match written::read(text) {
        Some(claims) => Ok(claims),
        None => strictly(text),
    }
}

/// Reads it in whatever form it is written.
pub(super) fn strictly(text: &str) -> Result<AccessClaims, InvalidToken> {
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|_| InvalidToken::Malformed)?;
    if raw.token_use.as_deref() != Some(TOKEN_USE) {
        crate::defends!("T003");
        return Err(InvalidToken::WrongType);
    }
    raw.complete().ok_or(InvalidToken::Malformed)
}

/// Writes the payload of an access token. Times are written as whole seconds, rounded down.
pub(in crate::token) fn serialise(claims: &AccessClaims) -> Result<Vec<u8>, InvalidClaims> {
    if let Some(name) = claims.extra.keys().find(|name| is_reserved(name)) {
        return Err(InvalidClaims::Reserved(name.clone()));
    }
    if let Some(scope) = claims.scopes.iter().flatten().find(|scope| !valid_scope(scope)) {
        return Err(InvalidClaims::Scope(scope.clone()));
    }
    let wire = Wire {
        iss: &claims.issuer,
        aud: match claims.audience.as_slice() {
            [one] => Audience::One(one),
            many => Audience::Many(many),
        },
        client_id: claims.client.as_deref(),
        sub: claims.account.as_uuid(),
        jti: claims.id.as_uuid(),
        sid: claims.session.as_uuid(),
        stamp: claims.stamp.as_uuid(),
        iat: claims.issued_at.as_seconds(),
        nbf: claims.not_before.map(Timestamp::as_seconds),
        exp: claims.expires_at.as_seconds(),
        auth_time: claims.authenticated_at.as_seconds(),
        acr: claims.method.assurance().acr(),
        amr: [claims.method.amr()],
        scope: claims.scopes.as_ref().map(|scopes| scopes.join(" ")),
        token_use: TOKEN_USE,
        extra: &claims.extra,
    };
    // Every member is a string, a number or a JSON value: writing them can't fail.
    Ok(serde_json::to_vec(&wire).unwrap_or_default())
}

/// Whether a claim of this name is the issuer's to set.
pub(in crate::token) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

#[derive(serde::Serialize)]
struct Wire<'c> {
    iss: &'c str,
    aud: Audience<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'c str>,
    sub: Uuid,
    jti: Uuid,
    sid: Uuid,
    stamp: Uuid,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
    auth_time: i64,
    acr: &'static str,
    amr: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    token_use: &'static str,
    #[serde(flatten)]
    extra: &'c Map<String, Value>,
}

enum Audience<'c> {
    One(&'c str),
    Many(&'c [String]),
}

impl Serialize for Audience<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(one) => one.serialize(serializer),
            Self::Many(many) => many.serialize(serializer),
        }
    }
}

/// The claims as they stand in the payload; each at most once.
#[derive(Default)]
struct Raw<'p> {
    iss: Option<Text<'p>>,
    aud: Option<Texts>,
    client_id: Option<Text<'p>>,
    sub: Option<Uuid>,
    jti: Option<Uuid>,
    sid: Option<Uuid>,
    stamp: Option<Uuid>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    exp: Option<NumericDate>,
    auth_time: Option<NumericDate>,
    /// Follows from `amr`: written for others, not read back.
    acr: Option<Text<'p>>,
    amr: Option<Amr>,
    scope: Option<Text<'p>>,
    token_use: Option<Text<'p>>,
    extra: Map<String, Value>,
}

impl Raw<'_> {
    /// All of them, unless one is missing or makes no sense.
    fn complete(self) -> Option<AccessClaims> {
        let scopes = match self.scope {
            None => None,
            Some(text) => Some(scopes_of(&text)?),
        };
        Some(AccessClaims {
            issuer: self.iss?.0.into_owned(),
            audience: self.aud?.0,
            client: self.client_id.map(|client| client.0.into_owned()),
            account: account::Id::from_uuid(self.sub?),
            id: token::Id::from_uuid(self.jti?),
            session: session::Id::from_uuid(self.sid?),
            stamp: account::Stamp::from_uuid(self.stamp?),
            issued_at: self.iat?.0,
            not_before: self.nbf.map(|date| date.0),
            expires_at: self.exp?.0,
            authenticated_at: self.auth_time?.0,
            method: self.amr?.0,
            scopes,
            extra: self.extra,
        })
    }
}

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object of claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Raw<'de>, A::Error> {
        let mut raw = Raw::default();
        while let Some(name) = members.next_key::<Text<'de>>()? {
            match &*name.0 {
                "iss" => once(&mut raw.iss, &mut members)?,
                "aud" => once(&mut raw.aud, &mut members)?,
                "client_id" => once(&mut raw.client_id, &mut members)?,
                "sub" => once(&mut raw.sub, &mut members)?,
                "jti" => once(&mut raw.jti, &mut members)?,
                "sid" => once(&mut raw.sid, &mut members)?,
                "stamp" => once(&mut raw.stamp, &mut members)?,
                "iat" => once(&mut raw.iat, &mut members)?,
                "nbf" => once(&mut raw.nbf, &mut members)?,
                "exp" => once(&mut raw.exp, &mut members)?,
                "auth_time" => once(&mut raw.auth_time, &mut members)?,
                "acr" => once(&mut raw.acr, &mut members)?,
                "amr" => once(&mut raw.amr, &mut members)?,
                "scope" => once(&mut raw.scope, &mut members)?,
                "token_use" => once(&mut raw.token_use, &mut members)?,
                _ => {
                    let value = members.next_value::<Strict>()?.0;
                    if raw.extra.insert(name.0.into_owned(), value).is_some() {
                        return Err(A::Error::custom(TWICE));
                    }
                }
            }
        }
        Ok(raw)
    }
}

/// Reads a claim that wasn't there before.
pub(super) fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    members: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        crate::defends!("T004");
        members.next_value::<IgnoredAny>()?;
        return Err(A::Error::custom(TWICE));
    }
    *slot = Some(members.next_value()?);
    Ok(())
}

/// Text, borrowed from the payload where it has no escapes.
pub(super) struct Text<'p>(pub(super) Cow<'p, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// One string, or an array of strings.
pub(super) struct Texts(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;
        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element::<Text<'de>>()? {
                    texts.push(text.0.into_owned());
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(TextsVisitor)
    }
}

/// `amr`: an array of exactly one method we know.
///
/// Source: RFC 8176 §1
struct Amr(Method);

impl<'de> Deserialize<'de> for Amr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [text] = <[Text<'de>; 1]>::deserialize(deserializer)?;
        Method::parse(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("an unknown method"))
    }
}

/// Seconds since 1970, up to the end of the year 9999. Fractions are allowed, as the RFC has it.
///
/// Source: RFC 7519 §2
pub(super) struct NumericDate(pub(super) Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;
        impl Visitor<'_> for DateVisitor {
            type Value = NumericDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of seconds between 1970 and 9999")
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
                i64::try_from(seconds)
                    .ok()
                    .filter(|seconds| *seconds <= LAST_SECOND)
                    .map(|seconds| NumericDate(Timestamp::from_seconds(seconds)))
                    .ok_or_else(|| E::custom("out of range"))
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
                #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
                // Checked by the range.
                if (0.0..=LAST_SECOND as f64).contains(&seconds) {
                    Ok(NumericDate(Timestamp::from_micros((seconds * 1e6) as i64)))
                } else {
                    Err(E::custom("out of range"))
                }
            }
        }
        deserializer.deserialize_any(DateVisitor)
    }
}

/// The scopes of a list that is separated by single spaces; `None` if one of them is none.
pub(super) fn scopes_of(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(' ')
        .map(|scope| valid_scope(scope).then(|| scope.to_owned()))
        .collect()
}

/// Whether `scope` is one scope token.
///
/// Source: RFC 6749 §3.3
fn valid_scope(scope: &str) -> bool {
    !scope.is_empty()
        && scope
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
}

pub(super) const TOKEN_USE: &str = "access";
pub(super) const TWICE: &str = "a claim is there twice";

/// 9999-12-31T23:59:59Z in seconds since 1970: the latest moment that a claim may name.
pub(super) const LAST_SECOND: i64 = 253_402_300_799;

/// The names of the claims the issuer sets.
pub(super) const RESERVED: [&str; 15] = [
    "iss",
    "aud",
    "client_id",
    "sub",
    "jti",
    "sid",
    "stamp",
    "iat",
    "nbf",
    "exp",
    "auth_time",
    "acr",
    "amr",
    "scope",
    "token_use",
];
