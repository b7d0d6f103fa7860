//! What was seen, noted in memory until it is written behind.

use std::net::IpAddr;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Authenticator, Entry};
use crate::environment::Timestamp;
use crate::{api_key, session};

impl Authenticator {
    /// The sessions seen since the last call, for [`session::Store::touch`].
    pub fn take_seen(&self) -> Vec<(session::Id, Timestamp)> {
        // Taken, not drained: what a busy minute needed isn't kept for quiet ones.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *seen);
        drop(seen);
        taken.into_iter().collect()
    }

    /// The session with what isn't written yet: one that is read again while it is in use doesn't time out for it.
    pub(super) fn as_last_seen(&self, session: session::Session) -> session::Session {
        let waiting = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = waiting.get(&session.id).copied();
        session::Session {
            last_seen_at: noted.map_or(session.last_seen_at, |at| at.max(session.last_seen_at)),
            ..session
        }
    }

    /// Takes back what could not be written; what was seen since is later and stays.
    pub fn put_back(&self, seen: Vec<(session::Id, Timestamp)>) {
        let mut waiting = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in seen {
            waiting.entry(id).or_insert(at);
        }
    }

    /// The keys used since the last call, for [`api_key::Store::note_used`].
    pub fn take_used(&self) -> Vec<(api_key::Id, Timestamp, Option<IpAddr>)> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *used);
        drop(used);
        taken.into_iter().map(|(id, (at, from))| (id, at, from)).collect()
    }

    /// Takes back what could not be written; what was used since is later and stays.
    pub fn put_back_used(&self, used: Vec<(api_key::Id, Timestamp, Option<IpAddr>)>) {
        let mut waiting = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at, from) in used {
            waiting.entry(id).or_insert((at, from));
        }
    }

    pub(super) fn note_seen(&self, entry: &Entry, from: Option<IpAddr>, now: Timestamp) {
        entry.last_seen.fetch_max(now.as_micros(), Ordering::Relaxed);
        let written = Timestamp::from_micros(entry.last_written.load(Ordering::Relaxed));
        if now.since(written) < write_behind(entry.idle) {
            return;
        }
        entry.last_written.store(now.as_micros(), Ordering::Relaxed);
        if let Some(id) = entry.principal.session {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(id, now);
        }
        if let Some(id) = entry.principal.api_key() {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            used.insert(id, (now, from));
        }
    }
}

/// How much of "last seen" may be unwritten: at most a minute, and never a large part of the idle timeout. A
/// session may time out early by that much after a restart, never late.
fn write_behind(idle: Duration) -> Duration {
    (idle / 8).min(Duration::from_secs(60))
}
