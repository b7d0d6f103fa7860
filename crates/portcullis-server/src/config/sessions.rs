//! How long sessions live, and where opaque ones are kept.

use std::time::Duration;

use portcullis_core::login::Settings;
use portcullis_identity::SessionStore;
use url::Url;

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
    /// Where opaque ones are kept.
    pub(crate) store: SessionStore,
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
            store: store(from),
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

/// Where opaque sessions are kept. An address with a password comes from a file.
fn store(from: &mut Reader) -> SessionStore {
    let given = from.optional("sessions.store", |text| parse(text, Passwords::Refused), show);
    let secret = from.secret("sessions.store_file");
    if from.is_set("sessions.store") && from.is_set("sessions.store_file") {
        from.fail(
            "sessions.store_file",
            "set sessions.store or sessions.store_file, not both",
        );
    }
    let from_file = match secret.map(|text| parse(text.expose(), Passwords::Allowed)) {
        Some(Ok(store)) => Some(store),
        Some(Err(says)) => {
            from.fail("sessions.store_file", says);
            None
        }
        None => None,
    };
    let store = given.or(from_file).unwrap_or_default();
    from.reshow("sessions.store", show(&store));
    store
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Passwords {
    Allowed,
    Refused,
}

/// Reads a choice. No message repeats it.
fn parse(text: &str, passwords: Passwords) -> Result<SessionStore, String> {
    match text {
        "database" => return Ok(SessionStore::Database),
        "memory" => return Ok(SessionStore::Memory),
        _ => {}
    }
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "redis" | "rediss") && url.has_host());
    let url = url.ok_or("must be database, memory, or an address such as redis://127.0.0.1:6379/")?;
    if passwords == Passwords::Refused && url.password().is_some() {
        return Err(
            "must not hold a password: write the whole address to a file and set sessions.store_file"
                .to_owned(),
        );
    }
    Ok(SessionStore::Redis(text.to_owned()))
}

/// What may be shown of a choice.
fn show(store: &SessionStore) -> String {
    match store {
        SessionStore::Database => "database".to_owned(),
        SessionStore::Memory => "memory".to_owned(),
        SessionStore::Redis(address) => Url::parse(address).map_or_else(
            |_| "redis".to_owned(),
            |url| {
                let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
                format!(
                    "{}://{}{port}{}",
                    url.scheme(),
                    url.host_str().unwrap_or_default(),
                    url.path()
                )
            },
        ),
        _ => "another".to_owned(),
    }
}
