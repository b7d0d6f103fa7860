//! Time and randomness, passed in.
//!
//! No rule of this crate reads a clock or a random device by itself: a test moves time by hand and repeats every
//! "random" choice from a seed. `portcullis` brings the system's clock and randomness, `portcullis-testkit` the
//! fake ones.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A moment: microseconds since 1970-01-01T00:00:00Z, UTC, without leap seconds.
///
/// Written to JSON and shown to people as RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `micros` microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The moment `seconds` seconds after 1970-01-01T00:00:00Z; saturates at the ends of the range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z; negative before.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down: what JWT calls a `NumericDate`.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment moved later by `span`; saturates at the end of the range.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// This moment moved earlier by `span`; saturates at the start of the range.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => moment.fmt(f),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let moment = jiff::Timestamp::deserialize(deserializer)?;
        Ok(Self(moment.as_microsecond()))
    }
}

/// Role: tells the time to every rule.
pub trait Clock: Send + Sync {
    /// The present moment in UTC, to the microsecond. It may go back when somebody sets the clock.
    fn now(&self) -> Timestamp;
}

/// Role: the one source of unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills `out` with bytes nobody can predict.
    ///
    /// There is no error: a process that can't get randomness must stop, never continue with weak bytes.
    fn fill(&self, out: &mut [u8]);
}

/// The clock and the randomness a process, or a test, runs on.
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Environment {
    /// An environment made of `clock` and `entropy`.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// The present moment in UTC, by the clock of this environment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `N` bytes that nobody can predict, by the entropy of this environment.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.entropy.fill(&mut out);
        out
    }

    /// A new UUID v7: ordered by time, with 74 random bits. An id, never a secret.
    ///
    /// Source: RFC 9562 §5.7
    pub fn id(&self) -> Uuid {
        let millis = u64::try_from(self.now().as_micros() / 1_000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes::<10>()).into_uuid()
    }

    /// The source of randomness itself.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// Declares a slice's id: a UUID v7 behind a type of its own, so that ids of two slices can't be mixed up.
#[macro_export]
macro_rules! define_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new id: a UUID v7 of the environment's clock and entropy, so ordered by time.
            pub fn new(environment: &$crate::environment::Environment) -> Self {
                Self(environment.id())
            }

            /// The UUID that the id is, as it is stored and sent.
            pub const fn as_uuid(self) -> uuid::Uuid {
                self.0
            }

            /// The id behind a UUID that was stored or received.
            pub const fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::Uuid::try_parse(text).map(Self)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_round_down_before_the_epoch_too() {
        for (micros, seconds) in [
            (0, 0),
            (999_999, 0),
            (1_000_000, 1),
            (-1, -1),
            (-1_000_000, -1),
            (-1_000_001, -2),
        ] {
            assert_eq!(
                Timestamp::from_micros(micros).as_seconds(),
                seconds,
                "{micros} µs"
            );
        }
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let last = Timestamp::from_micros(i64::MAX);
        assert_eq!(last.plus(Duration::from_secs(1)), last);
        assert_eq!(Timestamp::from_seconds(i64::MAX), last);
        let first = Timestamp::from_micros(i64::MIN);
        assert_eq!(first.minus(Duration::MAX), first);
        assert_eq!(first.since(last), Duration::ZERO);
    }

    #[test]
    fn json_form_is_rfc_3339() {
        let moment = Timestamp::from_micros(1_700_000_000_123_456);
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(json, "\"2023-11-14T22:13:20.123456Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), moment);
    }
}
