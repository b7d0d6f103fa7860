//! Claims of a program's own in access tokens, computed when a token is issued.
//!
//! Invariants: the name of a claim is known when the program starts, so one with a meaning of its own is refused there
//! (`T231`); a function that panics gives no claim, and the login goes on without it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::account::Account;
use crate::attribute::{self, Attributes};
use crate::defends;
use crate::session::Session;
use crate::token::Resource;

/// Whose token it is, and whom it is for.
#[derive(Debug, Clone, Copy)]
pub struct ClaimSubject<'c> {
    /// The account that the token speaks for.
    pub account: &'c Account,
    /// What the program knows of it.
    pub attributes: &'c Attributes,
    /// The session that the token belongs to.
    pub session: &'c Session,
    /// Its `aud` (RFC 7519 §4.1.3).
    pub audience: &'c str,
}

type Function = dyn Fn(ClaimSubject<'_>) -> Option<Value> + Send + Sync;

/// A claim of the program's own.
#[derive(Clone)]
pub struct OwnClaim {
    name: String,
    /// The application that it is for; `None` is all of them.
    audience: Option<String>,
    value: Arc<Function>,
}

impl OwnClaim {
    /// A claim in the tokens for every application, the issuer itself included. `None` leaves it out.
    pub fn new(
        name: &str,
        value: impl Fn(ClaimSubject<'_>) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            audience: None,
            value: Arc::new(value),
        }
    }

    /// The same in the tokens for this resource alone.
    #[must_use]
    pub fn only_for(mut self, resource: &str) -> Self {
        self.audience = Some(resource.to_owned());
        self
    }

    /// Whether two would meet in one token.
    fn meets(&self, other: &Self) -> bool {
        let apart = self.audience.is_some() && other.audience.is_some() && self.audience != other.audience;
        self.name == other.name && !apart
    }
}

impl std::fmt::Debug for OwnClaim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnClaim")
            .field("name", &self.name)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Why a claim can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClaim {
    /// It means something else.
    #[error("the claim `{0}` needs another name: a standard, or Portcullis, defines what this one means")]
    Reserved(String),
    /// Two of one name in one token.
    #[error(
        "two claims, or a claim and an attribute, are named `{0}` in the same tokens: rename one of them"
    )]
    Twice(String),
    /// An application that nobody registered.
    #[error("the claim `{0}` is for `{1}`, which is no registered resource: name one to the letter")]
    UnknownResource(String, String),
    /// No name at all, or one that isn't shown as it is.
    #[error("a claim needs a name of up to 64 printable ASCII characters: `{0}` isn't one")]
    Name(String),
}

/// The claims that a program adds to the tokens.
#[derive(Debug, Clone, Default)]
pub struct OwnClaims {
    claims: Vec<OwnClaim>,
    attributes: attribute::Declared,
}

impl OwnClaims {
    /// These claims, and the attributes that tokens carry.
    ///
    /// # Errors
    /// [`InvalidClaim`]: a name that can't be one, stands twice, or is for an application that isn't in `resources`.
    pub fn new(
        claims: Vec<OwnClaim>,
        attributes: attribute::Declared,
        resources: &[Resource],
    ) -> Result<Self, InvalidClaim> {
        defends!("T231");
        for (index, claim) in claims.iter().enumerate() {
            let name = &claim.name;
            if name.is_empty() || name.len() > 64 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(InvalidClaim::Name(name.clone()));
            }
            if attribute::RESERVED.contains(&name.as_str()) {
                return Err(InvalidClaim::Reserved(name.clone()));
            }
            let carried = attributes.find(name).is_some_and(|attribute| attribute.in_tokens);
            if carried || claims.iter().take(index).any(|earlier| earlier.meets(claim)) {
                return Err(InvalidClaim::Twice(name.clone()));
            }
            if let Some(audience) = &claim.audience
                && !resources.iter().any(|known| known.as_str() == audience)
            {
                return Err(InvalidClaim::UnknownResource(name.clone(), audience.clone()));
            }
        }
        Ok(Self { claims, attributes })
    }

    /// Whether tokens carry none.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty() && !self.attributes.carries()
    }

    /// The claims of one token.
    pub fn of(&self, subject: ClaimSubject<'_>) -> Map<String, Value> {
        let mut claims = self.attributes.claims(subject.attributes);
        for claim in &self.claims {
            if claim
                .audience
                .as_ref()
                .is_none_or(|only| only == subject.audience)
                && let Some(value) = claim.value(subject)
            {
                claims.insert(claim.name.clone(), value);
            }
        }
        claims
    }
}

impl OwnClaim {
    fn value(&self, subject: ClaimSubject<'_>) -> Option<Value> {
        defends!("T231");
        let computed = catch_unwind(AssertUnwindSafe(|| (self.value)(subject)));
        computed.unwrap_or_else(|_| {
            tracing::error!(claim = %self.name, account = %subject.account.id, "a claim's function panicked: the token goes without it");
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Attribute, Declared};
    use crate::checks;

    const LEVEL: Attribute<i64> = Attribute::new("level").in_tokens();
    const BLOG: &str = "https://blog.example.com";

    fn claim(name: &str) -> OwnClaim {
        OwnClaim::new(name, |_| Some(Value::from(1)))
    }

    fn made(claims: Vec<OwnClaim>) -> Result<OwnClaims, InvalidClaim> {
        let attributes = Declared::new(vec![LEVEL.into()]).unwrap();
        OwnClaims::new(claims, attributes, &[Resource::parse(BLOG).unwrap()])
    }

    #[test]
    fn a_name_that_means_something_is_taken_or_stands_twice_is_refused() {
        checks!("T231");
        let name = |text: &str| text.to_owned();
        for (claims, expected) in [
            (vec![claim("sub")], InvalidClaim::Reserved(name("sub"))),
            (vec![claim("exp")], InvalidClaim::Reserved(name("exp"))),
            (vec![claim("roles")], InvalidClaim::Reserved(name("roles"))),
            (vec![claim("level")], InvalidClaim::Twice(name("level"))),
            (
                vec![claim("plan"), claim("plan")],
                InvalidClaim::Twice(name("plan")),
            ),
            (
                vec![claim("plan"), claim("plan").only_for(BLOG)],
                InvalidClaim::Twice(name("plan")),
            ),
            (
                vec![claim("plan").only_for("https://other.example.com")],
                InvalidClaim::UnknownResource(name("plan"), name("https://other.example.com")),
            ),
            (vec![claim("")], InvalidClaim::Name(name(""))),
            (vec![claim("a b")], InvalidClaim::Name(name("a b"))),
        ] {
            assert_eq!(made(claims).unwrap_err(), expected);
        }
        // Nothing that signing would refuse gets as far as that.
        for set in crate::token::claims::wire::RESERVED {
            assert_eq!(
                made(vec![claim(set)]).unwrap_err(),
                InvalidClaim::Reserved(name(set))
            );
        }
        assert!(made(vec![claim("https://example.com/plan")]).is_ok());
        assert!(made(Vec::new()).is_ok_and(|own| !own.is_empty()));
        assert!(OwnClaims::default().is_empty());
    }
}
