//! A clock to move by hand, and randomness that repeats.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::environment::{Clock, Entropy, Environment, Timestamp};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A clock that stands still until it is moved. It begins at 2026-01-01T00:00:00Z.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl FakeClock {
    /// A clock that stands at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self(AtomicI64::new(START.as_micros()))
    }

    /// Moves the clock forward by `span`.
    pub fn advance(&self, span: Duration) {
        self.0
            .fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Moves it forward by whole seconds.
    pub fn advance_secs(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// Sets it: also back, as clocks do.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.as_micros(), Ordering::SeqCst);
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Randomness from a seed: every run of a test draws the same.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<ChaCha20Rng>);

impl SeededEntropy {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(out);
    }
}

/// An environment on a fake clock and seeded randomness.
pub fn environment(clock: &Arc<FakeClock>, seed: u64) -> Environment {
    Environment::new(Arc::clone(clock) as _, Arc::new(SeededEntropy::new(seed)))
}

const START: Timestamp = Timestamp::from_seconds(1_767_225_600);
