//! The claims of another issuer's access token, as far as a resource server needs them.
//!
//! As strict about types and repetition as with tokens of our own (`T004`), but content with what RFC 9068 asks for:
//! ids may be any text, and what isn't said isn't assumed. A token that is bound to a key of its holder's (`cnf`, by DPoP
//! or mutual TLS) is refused: taken as a bearer's it would pass without that key, which is what the binding is against
//! (`T096`).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::carried::{ENTITLEMENTS, ROLES};
use super::wire::{NumericDate, TOKEN_USE, TWICE, Text, Texts, once, scopes_of};
use crate::attribute::Attributes;
use crate::defends;
use crate::environment::Timestamp;
use crate::key::strict::Strict;
use crate::session::{Assurance, Method};
use crate::token::InvalidToken;

/// What an access token of another issuer says.
///
/// Source: RFC 9068 §2.2
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteClaims {
    /// `iss`: who signed it.
    pub issuer: String,
    /// `aud`: whom it is for.
    pub audience: Vec<String>,
    /// `sub`: who it speaks of.
    pub subject: String,
    /// `jti`: the token's id.
    pub id: String,
    /// `sid`: the session it belongs to.
    pub session: Option<String>,
    /// `iat`: when it was signed, by the issuer's clock (RFC 7519 §4.1.6).
    pub issued_at: Timestamp,
    /// `nbf`: from when on it counts (RFC 7519 §4.1.5); `None` is from the start.
    pub not_before: Option<Timestamp>,
    /// `exp`: from when on it is refused (RFC 7519 §4.1.4).
    pub expires_at: Timestamp,
    /// `auth_time`: when the login was made.
    pub authenticated_at: Option<Timestamp>,
    /// `amr`: the first way of logging in that is known here.
    pub method: Option<Method>,
    /// `acr`: how sure the login makes the issuer, if it is a level known here.
    pub assurance: Option<Assurance>,
    /// `scope`: what it is narrowed to.
    pub scopes: Option<Vec<String>>,
    /// `roles`: those of the account.
    pub roles: Vec<String>,
    /// `entitlements`: the permissions of the account.
    pub permissions: Option<Vec<String>>,
    /// Whatever else it says that could be an attribute.
    pub attributes: Attributes,
}

/// Reads the payload of another issuer's access token.
pub(in crate::token) fn parse(payload: &[u8]) -> Result<RemoteClaims, InvalidToken> {
    let text = std::str::from_utf8(payload).map_err(|_| InvalidToken::Malformed)?;
    let raw: Raw<'_> = serde_json::from_str(text).map_err(|_| InvalidToken::Malformed)?;
    if raw.token_use.as_deref().is_some_and(|other| other != TOKEN_USE) {
        defends!("T003");
        return Err(InvalidToken::WrongType);
    }
    if raw.bound {
        defends!("T096");
        return Err(InvalidToken::Bound);
    }
    raw.complete().ok_or(InvalidToken::Malformed)
}

#[derive(Default)]
struct Raw<'p> {
    iss: Option<Text<'p>>,
    aud: Option<Texts>,
    sub: Option<Text<'p>>,
    jti: Option<Text<'p>>,
    sid: Option<Text<'p>>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
    exp: Option<NumericDate>,
    auth_time: Option<NumericDate>,
    acr: Option<Text<'p>>,
    amr: Option<Texts>,
    scope: Option<Text<'p>>,
    roles: Option<Texts>,
    entitlements: Option<Texts>,
    token_use: Option<Text<'p>>,
    /// There is a `cnf`, whatever it says: it names a key whose proof nobody asks for here.
    bound: bool,
    attributes: Attributes,
}

impl Raw<'_> {
    fn complete(self) -> Option<RemoteClaims> {
        let text = |text: Text<'_>| Some(text.0.into_owned()).filter(|text| is_id(text));
        let scopes = match self.scope {
            None => None,
            Some(text) => Some(scopes_of(&text)?),
        };
        let session = match self.sid {
            None => None,
            Some(sid) => Some(text(sid)?),
        };
        let levels = [Assurance::SingleFactor, Assurance::MultiFactor];
        let assurance = self
            .acr
            .and_then(|acr| levels.into_iter().find(|level| level.acr() == &*acr));
        let methods = self.amr.map(|amr| amr.0).unwrap_or_default();
        Some(RemoteClaims {
            issuer: self.iss?.0.into_owned(),
            audience: self.aud?.0,
            subject: text(self.sub?)?,
            id: text(self.jti?)?,
            session,
            issued_at: self.iat?.0,
            not_before: self.nbf.map(|date| date.0),
            expires_at: self.exp?.0,
            authenticated_at: self.auth_time.map(|date| date.0),
            method: methods.iter().find_map(|amr| Method::parse(amr)),
            assurance,
            scopes,
            roles: self.roles.map(|roles| roles.0).unwrap_or_default(),
            permissions: self.entitlements.map(|names| names.0),
            attributes: self.attributes,
        })
    }
}

/// Whether a text can be the id of something: not empty, not endless, nothing invisible.
fn is_id(text: &str) -> bool {
    (1..=MOST_ID).contains(&text.len()) && !text.chars().any(char::is_control)
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
        let mut others: Vec<String> = Vec::new();
        while let Some(name) = members.next_key::<Text<'de>>()? {
            match &*name.0 {
                "iss" => once(&mut raw.iss, &mut members)?,
                "aud" => once(&mut raw.aud, &mut members)?,
                "sub" => once(&mut raw.sub, &mut members)?,
                "jti" => once(&mut raw.jti, &mut members)?,
                "sid" => once(&mut raw.sid, &mut members)?,
                "iat" => once(&mut raw.iat, &mut members)?,
                "nbf" => once(&mut raw.nbf, &mut members)?,
                "exp" => once(&mut raw.exp, &mut members)?,
                "auth_time" => once(&mut raw.auth_time, &mut members)?,
                "acr" => once(&mut raw.acr, &mut members)?,
                "amr" => once(&mut raw.amr, &mut members)?,
                "scope" => once(&mut raw.scope, &mut members)?,
                ROLES => once(&mut raw.roles, &mut members)?,
                ENTITLEMENTS => once(&mut raw.entitlements, &mut members)?,
                "token_use" => once(&mut raw.token_use, &mut members)?,
                other => {
                    raw.bound |= other == CONFIRMATION;
                    if others.iter().any(|known| known == other) || others.len() == MOST_OTHERS {
                        return Err(A::Error::custom(TWICE));
                    }
                    let Strict(claim) = members.next_value()?;
                    raw.attributes.add_claim(other, &claim);
                    others.push(other.to_owned());
                }
            }
        }
        Ok(raw)
    }
}

/// The claim that binds a token to a key of its holder's.
///
/// Source: RFC 7800 §3.1
const CONFIRMATION: &str = "cnf";

/// The longest subject, token or session id, in bytes: OpenID Connect gives a subject 255.
const MOST_ID: usize = 255;

/// How many claims without a meaning here a token may have: each is compared with those before.
const MOST_OTHERS: usize = 256;

#[cfg(test)]
mod tests;
