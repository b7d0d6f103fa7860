//! How long sessions live, and where opaque ones are kept.

use std::ops::RangeInclusive;
use std::time::Duration;

use portcullis_core::login::Settings;
use portcullis_identity::SessionStore;

use super::duration::{self, days, minutes};
use super::form::{SecretFile, number, secret, span, text};
use super::reader::Reader;
use super::redis::{self, Passwords};
use super::section::section;

section! {
    /// How long sessions live, and where opaque ones are kept.
    pub(crate) struct Sessions {
        /// How long they live, and how many there are.
        settings: Settings,
    }
    "sessions.idle" => settings.idle, span(LIFETIMES),
        "how long a session may stay unused";
    "sessions.absolute" => settings.absolute, span(LIFETIMES),
        "when a session ends in any case";
    "sessions.remembered_idle" => settings.remembered_idle, span(LIFETIMES),
        "how long a remembered session may stay unused",
        manual "how long a session may stay unused with \"remember me\"";
    "sessions.remembered_absolute" => settings.remembered_absolute, span(LIFETIMES),
        "when a remembered session ends in any case",
        manual "when a session ends in any case with \"remember me\"";
    "sessions.tokens_absolute" => settings.tokens_absolute, span(LIFETIMES),
        "when a session with refresh tokens ends in any case";
    "sessions.per_account" => settings.per_account, number(1..=10_000),
        "how many sessions an account may have at once",
        manual "how many an account may have at once; the least recently seen one makes room";
    "sessions.store" => store: SessionStore = SessionStore::default(),
        text(|text| parse(text, Passwords::Refused), show),
        "where opaque sessions are kept: database, memory or redis://HOST:PORT/",
        manual "where opaque sessions are kept: `database`, `memory` (they end with the process) or `redis://host:port/`";
    "sessions.store_file" => store_file: Option<SecretFile> = None, secret(),
        "file that holds the address of Redis, where it has a password",
        manual "a file with the address of Redis, where it has a password";
}

/// What any of the lifetimes may be.
const LIFETIMES: RangeInclusive<Duration> = minutes(1)..=days(365);

impl Sessions {
    pub(super) fn read(from: &mut Reader) -> Self {
        let mut sessions = Self::declared(from);
        let settings = &sessions.settings;
        for (idle, absolute, key, other) in [
            (
                settings.idle,
                settings.absolute,
                "sessions.idle",
                "sessions.absolute",
            ),
            (
                settings.remembered_idle,
                settings.remembered_absolute,
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
        sessions.look_into_file(from);
        sessions
    }

    /// An address with a password comes from a file.
    fn look_into_file(&mut self, from: &mut Reader) {
        let Some(file) = &self.store_file else { return };
        if from.is_set("sessions.store") {
            from.fail(
                "sessions.store_file",
                "set sessions.store or sessions.store_file, not both",
            );
        }
        match parse(file.text.expose(), Passwords::Allowed) {
            Ok(store) => self.store = store,
            Err(says) => from.fail("sessions.store_file", says),
        }
        from.reshow("sessions.store", show(&self.store));
    }
}

/// Reads a choice. No message repeats it.
fn parse(text: &str, passwords: Passwords) -> Result<SessionStore, String> {
    match text {
        "database" => Ok(SessionStore::Database),
        "memory" => Ok(SessionStore::Memory),
        _ => {
            redis::parse(text, passwords, "database, memory", "sessions.store_file").map(SessionStore::Redis)
        }
    }
}

/// What may be shown of a choice.
fn show(store: &SessionStore) -> String {
    match store {
        SessionStore::Database => "database".to_owned(),
        SessionStore::Memory => "memory".to_owned(),
        SessionStore::Redis(address) => redis::show(address),
        _ => "another".to_owned(),
    }
}
