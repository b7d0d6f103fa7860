//! The ids that more than one slice speaks of.
//!
//! Each slice calls the id of its own record `Id`; it is defined here, below all of them, so that who only names an account, a
//! session or a key doesn't depend on what it is.

use crate::define_id;

define_id! {
    /// Names an account, for ever: ids are never reused.
    AccountId
}

define_id! {
    /// Names a session. Shown to its owner; never a secret.
    SessionId
}

define_id! {
    /// The `jti` of an access token.
    TokenId
}

define_id! {
    /// Names an API key. Shown to its owner; never a secret.
    ApiKeyId
}

define_id! {
    /// Names an organization, for ever: ids are never reused.
    OrganizationId
}

impl OrganizationId {
    /// The id that no organization has: what a request selected that the caller is no member of.
    pub const NONE: Self = Self(uuid::Uuid::nil());
}
