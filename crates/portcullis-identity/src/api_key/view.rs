//! How keys are shown: everything but their text.

use jiff::Timestamp as Moment;
use portcullis_core::api_key::ApiKey;
use portcullis_core::environment::Timestamp;
use portcullis_core::issuance::IssuedKey;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// An API key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKey")]
pub(crate) struct View {
    /// The key's id.
    #[schemars(with = "Uuid")]
    id: String,
    /// What its owner calls it.
    name: String,
    /// What people recognise it by: how it begins and ends.
    hint: String,
    /// What it may do at most.
    permissions: Vec<String>,
    /// When it ends, RFC 3339; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    expires_at: Option<Timestamp>,
    /// Whether it is honoured.
    enabled: bool,
    /// From where it may be used; empty for everywhere.
    networks: Vec<String>,
    /// How often it may be used, such as `100/minute`; absent for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    /// Until when the text before the last rotation is honoured too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    previous_until: Option<Timestamp>,
    /// When it was made.
    #[schemars(with = "Moment")]
    created_at: Timestamp,
    /// When it was last used, to the minute; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    last_used_at: Option<Timestamp>,
    /// From where, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_ip: Option<String>,
}

impl View {
    /// A key as it is at `now`: an overlap that is over isn't shown.
    pub(crate) fn of(key: &ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            hint: key.hint.clone(),
            permissions: key.permissions.clone(),
            expires_at: key.expires_at,
            enabled: key.enabled,
            networks: key.networks.to_texts(),
            limit: key.limit.map(|rate| rate.to_string()),
            previous_until: key.previous_until.filter(|until| now < *until),
            created_at: key.created_at,
            last_used_at: key.last_used.map(|(at, _)| at),
            last_used_ip: key.last_used.and_then(|(_, from)| from).map(|ip| ip.to_string()),
        }
    }
}

/// A list of keys; all of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApiKeys")]
pub(crate) struct Views {
    /// The keys, oldest first.
    items: Vec<View>,
    /// Always absent: the list is whole.
    next_cursor: Option<String>,
}

impl Views {
    pub(crate) fn of(keys: &[ApiKey], now: Timestamp) -> Self {
        Self {
            items: keys.iter().map(|key| View::of(key, now)).collect(),
            next_cursor: None,
        }
    }
}

/// A key with its text: no `Debug` that shows it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "IssuedApiKey")]
pub(crate) struct IssuedView {
    /// The key without its text.
    #[serde(flatten)]
    view: View,
    /// Its text. Keep it now: it is never shown again.
    key: String,
}

impl IssuedView {
    pub(crate) fn of(issued: &IssuedKey, now: Timestamp) -> Self {
        Self {
            view: View::of(&issued.key, now),
            key: issued.secret.expose().to_owned(),
        }
    }
}
