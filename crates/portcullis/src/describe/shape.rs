//! What texts look like: bounds, patterns and formats of the types that validate them, for the document.
//!
//! A pattern stands where the rule can be said in one that every client's engine reads alike. Where e-mails of all
//! scripts are welcome it can't, and a `format` names the rule: `username`, `identifier` (an address or a user name), `printable-text` (no control characters, nothing that
//! turns or hides text, no space at the ends) and `ip-network` (an address or a network in CIDR form).
//!
//! **Deliberately absent:** `format: password`. Some generators take it for a type that shows stars, and send the
//! stars.

use std::borrow::Cow;

use portcullis_core::api_key::Networks;
use portcullis_core::throttle::Rate;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::plan::by_hand;

macro_rules! shapes {
    ($($(#[doc = $doc:literal])+ $name:ident $schema:tt)+) => {$(
        $(#[doc = $doc])+
        pub struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema = json_schema!($schema);
                schema.insert("type".to_owned(), "string".into());
                schema.insert("description".to_owned(), concat!($($doc),+).trim().into());
                // The services parse these texts themselves, and their refusals have codes of their own.
                by_hand(&mut schema);
                schema
            }
        }
    )+};
}

shapes! {
    /// The account's id.
    AccountId { "format": "uuid" }
    /// The session's id.
    SessionId { "format": "uuid" }
    /// The key's id.
    ApiKeyId { "format": "uuid" }
    /// The invitation's id.
    InvitationId { "format": "uuid" }
    /// The refused request's trace id: `trace_id` of its answer.
    TraceId { "format": "uuid" }
    /// The organization's id or slug.
    OrganizationName {
        "minLength": 3,
        "maxLength": 40,
        "pattern": "^([a-z](-?[a-z0-9])+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
    }
    /// The role's name.
    RoleName { "minLength": 1, "maxLength": 64, "pattern": "^[a-z][a-z0-9_.-]*$" }
    /// The name of the role that is inherited.
    ParentRole { "minLength": 1, "maxLength": 64, "pattern": "^[a-z][a-z0-9_.-]*$" }
    /// The permission's name.
    PermissionName { "minLength": 3, "maxLength": 64, "pattern": "^[a-z][a-z0-9_.:-]*:[a-z0-9_.:-]*[a-z0-9_.-]$" }
    /// The signing key's id.
    KeyId { "minLength": 1, "maxLength": 128 }
    /// An e-mail address.
    Email { "format": "email", "minLength": 3, "maxLength": 254 }
    /// A user name.
    Username { "format": "username", "minLength": 3, "maxLength": 32 }
    /// An e-mail address or a user name.
    Identifier { "format": "identifier", "minLength": 3, "maxLength": 254 }
    /// A password. Its longest and shortest length are the default's.
    Password { "minLength": 8, "maxLength": 256 }
    /// A name that its owner gives to a key or a device.
    Label { "format": "printable-text", "minLength": 1, "maxLength": 64 }
    /// A name that people read.
    DisplayName { "format": "printable-text", "minLength": 1, "maxLength": 100 }
    /// A name in addresses.
    Slug { "minLength": 3, "maxLength": 40, "pattern": "^[a-z](-?[a-z0-9])+$" }
    /// What something is for.
    Description { "maxLength": 200, "pattern": "^[^\\x00-\\x1f\\x7f-\\x9f]*$" }
    /// How often something may be done: a count and a period, such as `100/minute`.
    RateText { "pattern": "^([1-9][0-9]{0,5}|1000000)/(second|minute|hour|day)$" }
    /// The text of an API key from elsewhere, if it is at hand. Exactly one of `text` and `sha256` is there.
    ForeignKeyText { "minLength": 16, "maxLength": 512, "pattern": "^[!-~]+$" }
    /// The SHA-256 of its whole text, in hex or base64.
    Sha256 { "pattern": "^([0-9A-Fa-f]{64}|([0-9A-Za-z+/]{42}|[0-9A-Za-z_-]{42})[048AEIMQUYcgkosw]=?)$" }
    /// An address or a network.
    Network { "format": "ip-network" }
}

const _: () = assert!(Rate::MOST == 1_000_000, "the pattern of rates says so");
const _: () = assert!(Networks::MOST == 100, "the schemas of keys say so");

#[cfg(test)]
mod tests {
    use portcullis_core::authz::{valid_permission_name, valid_role_name};
    use portcullis_core::organization;
    use proptest::prelude::*;
    use proptest::string::string_regex;
    use serde_json::Value;

    use super::*;

    fn schema<T: JsonSchema>() -> Value {
        T::json_schema(&mut SchemaGenerator::default()).to_value()
    }

    /// Texts of a shape with a pattern.
    fn texts<T: JsonSchema>() -> impl Strategy<Value = String> {
        let schema = schema::<T>();
        let pattern = schema["pattern"].as_str().unwrap();
        // Repetitions without a bound are taken as short ones here.
        let inside = string_regex(pattern.trim_start_matches('^').trim_end_matches('$')).unwrap();
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        let (least, most) = (
            bound("minLength").unwrap_or(0),
            bound("maxLength").unwrap_or(u64::MAX),
        );
        inside.prop_filter("a length within the bounds", move |text| {
            (least..=most).contains(&(text.chars().count() as u64))
        })
    }

    proptest! {
        #[test]
        fn what_a_pattern_admits_is_accepted(
            role in texts::<RoleName>(),
            permission in texts::<PermissionName>(),
            slug in texts::<Slug>(),
            rate in texts::<RateText>(),
            organization in texts::<OrganizationName>(),
        ) {
            let reserved = matches!(organization::Slug::parse(&organization), Err(organization::InvalidSlug::Reserved));
            prop_assert!(reserved || organization::Selector::parse(&organization).is_ok(), "{organization}");
            prop_assert!(valid_role_name(&role), "{role}");
            prop_assert!(valid_permission_name(&permission), "{permission}");
            let slug_is_good = !matches!(organization::Slug::parse(&slug), Err(organization::InvalidSlug::Form));
            prop_assert!(slug_is_good, "{slug}");
            prop_assert!(Rate::parse(&rate).is_ok(), "{rate}");
        }
    }
}
