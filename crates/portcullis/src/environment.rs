//! The system's clock and randomness.
//!
//! These two types are the only places of the workspace that read them; everything else takes an [`Environment`].
//!
//! **Deployment caveat:** tokens and sessions end by the wall clock. Keep it right (NTP); a clock that is set back
//! never revives what was used up, but it lengthens what hasn't expired.

use std::sync::Arc;
use std::time::SystemTime;

use portcullis_core::environment::{Clock, Entropy, Environment, Timestamp};

/// The wall clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let micros = |span: std::time::Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => micros(after),
            Err(before) => -micros(before.duration()),
        })
    }
}

/// The random bytes of the crypto library, seeded by the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    fn fill(&self, out: &mut [u8]) {
        if aws_lc_rs::rand::fill(out).is_err() {
            // Weak secrets would be worse than no service, and no caller could do anything better.
            tracing::error!("the system gives no randomness; the process stops");
            std::process::abort();
        }
    }
}

/// The system's clock and randomness.
pub fn system() -> Environment {
    Environment::new(Arc::new(SystemClock), Arc::new(SystemEntropy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_in_this_century_and_does_not_stand_in_seconds() {
        let now = SystemClock.now();
        // 2025-01-01 and 2100-01-01.
        assert!(now > Timestamp::from_seconds(1_735_689_600), "{now}");
        assert!(now < Timestamp::from_seconds(4_102_444_800), "{now}");
    }

    #[test]
    fn no_two_draws_agree() {
        let environment = system();
        let drawn: std::collections::HashSet<[u8; 16]> = (0..1_000).map(|_| environment.bytes()).collect();
        assert_eq!(drawn.len(), 1_000);
    }
}
