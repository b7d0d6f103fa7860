//! How sessions are shown.

use std::time::Duration;

use jiff::Timestamp as Moment;
use portcullis_core::environment::Timestamp;
use portcullis_core::session::{Id, Session, Token};
use schemars::JsonSchema;
use serde::Serialize;
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

/// One session.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
struct SessionView {
    /// Its id.
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

/// How many sessions were ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ended {
    /// How many.
    pub(super) ended: u64,
}
