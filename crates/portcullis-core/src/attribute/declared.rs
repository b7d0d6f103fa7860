//! The attributes that a deployment declares.

use serde_json::{Map, Value as Json};

use super::{Attributes, Definition};
use crate::defends;

/// The attributes that a deployment declares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared(Vec<Definition>);

impl Declared {
    /// These attributes.
    ///
    /// # Errors
    /// [`InvalidAttribute`]: a name that can't be one, that stands twice, or that means something else.
    pub fn new(all: Vec<Definition>) -> Result<Self, InvalidAttribute> {
        defends!("T228");
        for (index, Definition { name, .. }) in all.iter().enumerate() {
            if !is_name(name) {
                return Err(InvalidAttribute::Name(name));
            }
            if RESERVED.contains(name) {
                return Err(InvalidAttribute::Reserved(name));
            }
            if all.iter().take(index).any(|earlier| earlier.name == *name) {
                return Err(InvalidAttribute::Twice(name));
            }
        }
        Ok(Self(all))
    }

    /// All of them, in the order of their declaration.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.0.iter()
    }

    /// The one of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Definition> {
        self.iter().find(|definition| definition.name == name)
    }

    /// Those that policies may name.
    pub fn in_policies(&self) -> impl Iterator<Item = &Definition> {
        self.iter().filter(|definition| definition.in_policies)
    }

    /// What access tokens carry of an account's.
    #[must_use]
    pub fn claims(&self, of: &Attributes) -> Map<String, Json> {
        let carried = self.iter().filter(|definition| definition.in_tokens);
        let claim = |definition: &Definition| {
            let value = of.find(definition)?;
            Some((definition.name.to_owned(), value.to_json()))
        };
        carried.filter_map(claim).collect()
    }

    /// Whether access tokens carry any.
    #[must_use]
    pub fn carries(&self) -> bool {
        self.iter().any(|definition| definition.in_tokens)
    }
}

/// Why attributes can't be declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttribute {
    /// Its name.
    #[error(
        "the attribute `{0}` needs another name: a lower-case letter, then up to 63 lower-case letters, digits and _"
    )]
    Name(&'static str),
    /// It means something else.
    #[error(
        "the attribute `{0}` needs another name: in tokens or policies this one means something that a standard, or \
         Portcullis, defines"
    )]
    Reserved(&'static str),
    /// Two of one name.
    #[error("two attributes are named `{0}`: rename one of them")]
    Twice(&'static str),
}

pub(super) fn is_name(name: &str) -> bool {
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    begins && name.len() <= 64 && name.bytes().all(goes_on)
}

/// Names with a meaning of their own: the claims of access and ID tokens, and what policies know of an account.
///
/// Source: RFC 7519 §4.1, RFC 7800 §3.1, RFC 8693 §4, RFC 9068 §2.2, OpenID Connect Core 1.0 §2 and §5.1
pub const RESERVED: &[&str] = &[
    "acr",
    "act",
    "address",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "authorization_details",
    "azp",
    "birthdate",
    "c_hash",
    "client_id",
    "cnf",
    "email",
    "email_verified",
    "entitlements",
    "exp",
    "family_name",
    "gender",
    "given_name",
    "groups",
    "iat",
    "id",
    "iss",
    "jti",
    "locale",
    "may_act",
    "middle_name",
    "name",
    "nbf",
    "nickname",
    "nonce",
    "organization",
    "permissions",
    "phone_number",
    "phone_number_verified",
    "picture",
    "preferred_username",
    "profile",
    "roles",
    "s_hash",
    "scope",
    "sid",
    "stamp",
    "state",
    "sub",
    "token_use",
    "updated_at",
    "username",
    "website",
    "zoneinfo",
];
