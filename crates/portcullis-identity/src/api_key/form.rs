//! What is asked for when a key is made, changed or rotated.

use std::time::Duration;

use jiff::Timestamp as Moment;
use portcullis_core::api_key::{
    Change, ForeignKey, Format, InvalidNetwork, KeyName, Networks, NewEnd, Renewal, Settings,
};
use portcullis_core::environment::Timestamp;
use portcullis_core::issuance::Form;
use portcullis_core::secret::SecretText;
use portcullis_core::throttle::Rate;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::describe::shape;
use crate::plan::by_hand;
use crate::{FieldErrors, Problem};

/// A new key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// 1 to 64 printable characters.
    #[schemars(with = "shape::Label")]
    name: String,
    /// What it may do, at most what its owner may.
    #[schemars(with = "Vec<shape::PermissionName>", length(max = 256), transform = by_hand)]
    pub(crate) permissions: Vec<String>,
    /// When it ends, RFC 3339; absent for never.
    #[schemars(with = "Option<Moment>")]
    expires_at: Option<Timestamp>,
    /// Addresses and networks it may be used from; absent or empty for everywhere.
    #[serde(default)]
    #[schemars(with = "Vec<shape::Network>", length(max = 100), transform = by_hand)]
    networks: Vec<String>,
    /// How often it may be used, such as `100/minute`; absent for no limit.
    #[schemars(with = "Option<shape::RateText>")]
    limit: Option<String>,
}

impl NewKey {
    /// The parsed form, or everything that is wrong with it.
    pub(crate) fn parse(&self) -> Result<Form, Problem> {
        let mut fields = FieldErrors::new();
        let name = fields.check("/name", "invalid_key_name", KeyName::parse(&self.name));
        let networks = networks(&mut fields, &self.networks);
        let limit = limit(&mut fields, self.limit.as_deref());
        if self.permissions.len() > MOST_PERMISSIONS {
            fields.push(
                "/permissions",
                "too_many",
                format!("at most {MOST_PERMISSIONS} permissions"),
            );
        }
        let (Some(name), Some(networks), Some(limit)) = (name, networks, limit) else {
            return Err(fields.into());
        };
        fields.done(Form {
            name,
            permissions: self.permissions.clone(),
            expires_at: self.expires_at,
            networks,
            limit,
        })
    }
}

/// A key whose text was made elsewhere.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportKey {
    /// 1 to 64 printable characters.
    #[schemars(with = "shape::Label")]
    name: String,
    /// What it may do, at most what its owner may.
    #[schemars(with = "Vec<shape::PermissionName>", length(max = 256), transform = by_hand)]
    permissions: Vec<String>,
    /// When it ends, RFC 3339; absent for never.
    #[schemars(with = "Option<Moment>")]
    expires_at: Option<Timestamp>,
    /// Addresses and networks it may be used from; absent or empty for everywhere.
    #[serde(default)]
    #[schemars(with = "Vec<shape::Network>", length(max = 100), transform = by_hand)]
    networks: Vec<String>,
    /// How often it may be used, such as `100/minute`; absent for no limit.
    #[schemars(with = "Option<shape::RateText>")]
    limit: Option<String>,
    /// Its text, if it is at hand. Exactly one of `text` and `sha256` is there.
    #[schemars(with = "Option<shape::ForeignKeyText>")]
    text: Option<SecretText>,
    /// The SHA-256 of its whole text, in hex or base64.
    #[schemars(with = "Option<shape::Sha256>")]
    sha256: Option<String>,
}

impl ImportKey {
    /// What it is to be, and the key; or what is wrong with either.
    pub(crate) fn parse(self, format: &Format) -> Result<(NewKey, ForeignKey), Problem> {
        let mut fields = FieldErrors::new();
        let key = match (&self.text, &self.sha256) {
            (Some(text), None) => {
                let key = ForeignKey::of_text(text.expose(), format);
                fields.check("/text", "unsuitable_key", key)
            }
            (None, Some(digest)) => fields.check("/sha256", "invalid_digest", ForeignKey::of_sha256(digest)),
            _ => {
                fields.push("/text", "text_or_sha256", "give either `text` or `sha256`");
                None
            }
        };
        let Some(key) = key else {
            return Err(fields.into());
        };
        let form = NewKey {
            name: self.name,
            permissions: self.permissions,
            expires_at: self.expires_at,
            networks: self.networks,
            limit: self.limit,
        };
        Ok((form, key))
    }
}

/// What changes of a key; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedKey {
    /// 1 to 64 printable characters.
    #[schemars(with = "Option<shape::Label>")]
    name: Option<String>,
    /// Whether it is honoured.
    enabled: Option<bool>,
    /// Addresses and networks it may be used from; empty for everywhere.
    #[schemars(with = "Option<Vec<shape::Network>>", length(max = 100), transform = by_hand)]
    networks: Option<Vec<String>>,
    /// How often it may be used, such as `100/minute`; null for no limit.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<shape::RateText>")]
    limit: Option<Option<String>>,
}

/// Tells a member that is null from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

impl ChangedKey {
    /// The parsed form, or everything that is wrong with it.
    pub(crate) fn parse(&self) -> Result<Change, Problem> {
        let mut fields = FieldErrors::new();
        let name = self.name.as_deref();
        let name = name.and_then(|name| fields.check("/name", "invalid_key_name", KeyName::parse(name)));
        let listed = self.networks.as_ref();
        let networks = listed.and_then(|texts| networks(&mut fields, texts));
        let asked = self.limit.as_ref();
        let limit = asked.and_then(|text| limit(&mut fields, text.as_deref()));
        fields.done(Change {
            name,
            enabled: self.enabled,
            networks,
            limit,
        })
    }
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotate {
    /// For how many seconds the present text stays good beside the new one: 0 to 2592000 (30 days), 86400 (a day)
    /// unless said otherwise. 0 ends every earlier text at once.
    #[schemars(range(max = 2_592_000), transform = by_hand)]
    overlap_seconds: Option<u64>,
    /// When the key ends from now on, RFC 3339; null for never. Absent, it ends when it did.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<Moment>")]
    expires_at: Option<Option<Timestamp>>,
}

impl Rotate {
    pub(crate) fn renewal(&self, settings: &Settings) -> Renewal {
        Renewal {
            overlap: self.overlap_seconds.map_or(settings.overlap, Duration::from_secs),
            end: match self.expires_at {
                None => NewEnd::AsBefore,
                Some(None) => NewEnd::Never,
                Some(Some(end)) => NewEnd::At(end),
            },
        }
    }
}

fn networks(fields: &mut FieldErrors, texts: &[String]) -> Option<Networks> {
    match Networks::parse(texts) {
        Ok(networks) => Some(networks),
        Err((_, error @ InvalidNetwork::TooMany)) => {
            fields.push("/networks", "too_many", error.to_string());
            None
        }
        Err((place, error)) => {
            fields.push(format!("/networks/{place}"), "invalid_network", error.to_string());
            None
        }
    }
}

/// `Some(None)` is no limit.
#[allow(clippy::option_option, reason = "absent, none, and wrong are three things")]
fn limit(fields: &mut FieldErrors, text: Option<&str>) -> Option<Option<Rate>> {
    match text {
        None => Some(None),
        Some(text) => fields
            .check("/limit", "invalid_rate", Rate::parse(text))
            .map(Some),
    }
}

const MOST_PERMISSIONS: usize = 256;
