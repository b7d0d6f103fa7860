//! Who fetches, and when: one at a time, never too soon.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};

use super::{KeySet, Settings};
use crate::environment::Timestamp;

/// A fetch under way: everybody who waits holds the same one.
pub(super) type Flight = Shared<BoxFuture<'static, Result<Arc<KeySet>, Arc<str>>>>;

/// What somebody gets who wants a fetch.
pub(super) enum Boarding {
    /// What is wanted is there already.
    Arrived,
    /// A place on the flight of this number.
    On(u64, Flight),
    /// The last fetch failed and its pause isn't over.
    BackingOff,
    /// The last fetch was made too recently to ask for a name again.
    Cooling,
}

struct UnderWay {
    number: u64,
    since: Timestamp,
    flight: Flight,
}

/// The fetch under way and what is known of those before.
pub(super) struct Flights {
    under_way: Option<UnderWay>,
    begun: u64,
    begun_at: Option<Timestamp>,
    failures: u32,
    /// No fetch begins before this moment.
    pub(super) retry_at: Timestamp,
}

impl Default for Flights {
    fn default() -> Self {
        Self {
            under_way: None,
            begun: 0,
            begun_at: None,
            failures: 0,
            retry_at: Timestamp::from_micros(i64::MIN),
        }
    }
}

impl Flights {
    /// A place on the flight under way, or on a new one if it is time for one.
    pub(super) fn board(
        &mut self,
        now: Timestamp,
        cooldown: Duration,
        settings: &Settings,
        begin: impl FnOnce() -> Flight,
    ) -> Boarding {
        // A fetch goes on only while somebody waits for it. Where all have left, whoever comes later would get what a
        // connection of long ago still says.
        let lives = |since: Timestamp| now >= since && now < since.plus(settings.patience);
        if let Some(on) = self.under_way.as_ref().filter(|on| lives(on.since)) {
            return Boarding::On(on.number, on.flight.clone());
        }
        // A pause longer than the longest was made by a clock that has been set back since.
        if now < self.retry_at && self.retry_at.since(now) <= settings.back_off_most {
            return Boarding::BackingOff;
        }
        // After a failure the back-off alone counts.
        let cools = |at: Timestamp| self.failures == 0 && now < at.plus(cooldown) && now >= at;
        if self.begun_at.is_some_and(cools) {
            return Boarding::Cooling;
        }
        let flight = begin();
        self.begun += 1;
        self.begun_at = Some(now);
        self.under_way = Some(UnderWay {
            number: self.begun,
            since: now,
            flight: flight.clone(),
        });
        Boarding::On(self.begun, flight)
    }

    /// Ends the flight of this number. Answers whether it was under way.
    pub(super) fn land(&mut self, number: u64) -> bool {
        self.under_way
            .take_if(|under_way| under_way.number == number)
            .is_some()
    }

    /// Whether the last fetch failed.
    pub(super) fn are_failing(&self) -> bool {
        self.failures > 0
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Notes a failure. Answers the pause before the next fetch: it doubles with each failure, and half of it is
    /// drawn, so that many nodes don't return at the same moment.
    pub(super) fn failed(&mut self, now: Timestamp, settings: &Settings, jitter: u32) -> Duration {
        let doubled = settings.back_off.saturating_mul(1 << self.failures.min(16));
        let most = doubled.min(settings.back_off_most);
        let pause = most / 2 + (most / 2).mul_f64(f64::from(jitter) / f64::from(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now.plus(pause);
        pause
    }
}
