//! How long sessions live.

use std::time::Duration;

use portcullis_core::session::Settings;

use super::duration;
use super::reader::Reader;

/// How long sessions live.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    /// How long a session may stay unused.
    pub(crate) idle: Duration,
    /// When it ends in any case.
    pub(crate) absolute: Duration,
    /// How long a remembered session may stay unused.
    pub(crate) remembered_idle: Duration,
    /// When it ends in any case.
    pub(crate) remembered_absolute: Duration,
    /// When a session with refresh tokens ends in any case.
    pub(crate) tokens_absolute: Duration,
    /// How many an account may have.
    pub(crate) per_account: u32,
}

impl Sessions {
    pub(super) fn read(from: &mut Reader) -> Self {
        let default = Settings::default();
        let bounds = || Duration::from_secs(60)..=Duration::from_secs(365 * 86_400);
        let sessions = Self {
            idle: from.span("sessions.idle", default.idle, bounds()),
            absolute: from.span("sessions.absolute", default.absolute, bounds()),
            remembered_idle: from.span("sessions.remembered_idle", default.remembered_idle, bounds()),
            remembered_absolute: from.span(
                "sessions.remembered_absolute",
                default.remembered_absolute,
                bounds(),
            ),
            tokens_absolute: from.span("sessions.tokens_absolute", default.tokens_absolute, bounds()),
            per_account: from.number("sessions.per_account", default.per_account, 1..=10_000),
        };
        for (idle, absolute, key, other) in [
            (
                sessions.idle,
                sessions.absolute,
                "sessions.idle",
                "sessions.absolute",
            ),
            (
                sessions.remembered_idle,
                sessions.remembered_absolute,
                "sessions.remembered_idle",
                "sessions.remembered_absolute",
            ),
        ] {
            if idle > absolute {
                from.fail(
                    key,
                    format!("must not be longer than {other} ({})", duration::show(absolute)),
                );
            }
        }
        sessions
    }
}
