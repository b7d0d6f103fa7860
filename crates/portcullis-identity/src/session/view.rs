//! How sessions are shown.

use std::time::Duration;

use jiff::Timestamp as Moment;
use portcullis_core::environment::Timestamp;
use portcullis_core::session::{ApiKeyHandling, Everything, Id, Session, Token};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::CsrfToken;

/// A session that was opened.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct SessionResponse {
    /// The token, shown once; absent when it went into a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<String>,
    /// `Session`: send it as `Authorization: Bearer` or in `X-Session-Token`.
    #[schemars(extend("const" = "Session"))]
    token_type: &'static str,
    /// When it ends in any case, in seconds.
    expires_in: u64,
    /// The session's id.
    #[schemars(with = "Uuid")]
    session_id: String,
}

impl SessionResponse {
    pub(super) fn new(id: Id, token: Option<&Token>, lifetime: Duration) -> Self {
        Self {
            session_token: token.map(|token| token.expose().to_string()),
            token_type: "Session",
            expires_in: lifetime.as_secs(),
            session_id: id.to_string(),
        }
    }
}

/// All living sessions of an account.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sessions {
    /// The sessions, most recently seen first.
    items: Vec<SessionView>,
    /// Always absent: an account has few sessions.
    next_cursor: Option<String>,
}

impl Sessions {
    pub(super) fn new(sessions: &[Session], current: Option<Id>) -> Self {
        let items = sessions
            .iter()
            .map(|session| SessionView::new(session, current))
            .collect();
        Self {
            items,
            next_cursor: None,
        }
    }
}

/// One session of an account, as its owner sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
struct SessionView {
    /// The session's id.
    #[schemars(with = "Uuid")]
    id: String,
    /// Whether it is the one that asks.
    current: bool,
    /// The name its owner gave it.
    device_name: Option<String>,
    /// The program that logged in.
    user_agent: Option<String>,
    /// Where it logged in from.
    ip: Option<String>,
    /// When the login was made, RFC 3339.
    #[schemars(with = "Moment")]
    created_at: Timestamp,
    /// When it was last used, to the minute, RFC 3339.
    #[schemars(with = "Moment")]
    last_seen_at: Timestamp,
    /// When it ends in any case, RFC 3339.
    #[schemars(with = "Moment")]
    expires_at: Timestamp,
}

impl SessionView {
    fn new(session: &Session, current: Option<Id>) -> Self {
        Self {
            id: session.id.to_string(),
            current: current == Some(session.id),
            device_name: session.device.name.clone(),
            user_agent: session.device.user_agent.clone(),
            ip: session.device.ip.map(|ip| ip.to_string()),
            created_at: session.authenticated_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
        }
    }
}

/// The token of the session that asks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Csrf {
    /// To be sent in `X-CSRF-Token` with every change that the session cookie makes.
    csrf_token: String,
}

impl Csrf {
    pub(super) fn new(token: &CsrfToken) -> Self {
        Self {
            csrf_token: token.expose().to_owned(),
        }
    }
}

/// What becomes of the account's API keys.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeysToo {
    /// They stay; the answer says how many.
    Keep,
    /// They are disabled until each is enabled again.
    Disable,
    /// They end for ever.
    Revoke,
}

/// What ends besides sessions and tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithKeys {
    /// What becomes of the account's API keys: `keep` (as without it), `disable` or `revoke`.
    pub(crate) api_keys: Option<KeysToo>,
}

impl WithKeys {
    /// The same for the store.
    pub(crate) fn keys(&self) -> ApiKeyHandling {
        match self.api_keys {
            None | Some(KeysToo::Keep) => ApiKeyHandling::Stay,
            Some(KeysToo::Disable) => ApiKeyHandling::Disable,
            Some(KeysToo::Revoke) => ApiKeyHandling::Revoke,
        }
    }
}

/// What was ended, and what was left.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EndedEverything {
    /// How many sessions were ended.
    ended: u64,
    /// How many API keys were disabled or revoked.
    api_keys_ended: u64,
    /// How many API keys are honoured still.
    api_keys_left: u64,
}

impl From<Everything> for EndedEverything {
    fn from(ended: Everything) -> Self {
        Self {
            ended: ended.sessions,
            api_keys_ended: ended.keys,
            api_keys_left: ended.keys_left,
        }
    }
}

/// How many sessions were ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ended {
    /// How many sessions were ended.
    pub(super) ended: u64,
}
