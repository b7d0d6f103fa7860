//! A clock to move by hand and randomness to repeat, for the tests of this crate's key and token slices.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::environment::{Clock, Entropy, Environment, Timestamp};

/// A clock that stands still until it is moved.
pub(crate) struct FakeClock(AtomicI64);

impl FakeClock {
    pub(crate) fn at(moment: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(moment.as_micros())))
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.0
            .fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Different for every call, the same for every run: SHA-256 of a counter.
pub(crate) struct SeededEntropy {
    seed: u64,
    counter: AtomicU64,
}

impl SeededEntropy {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            seed,
            counter: AtomicU64::new(0),
        })
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let counter = self.counter.fetch_add(1, Ordering::SeqCst);
            let input = [self.seed.to_be_bytes(), counter.to_be_bytes()].concat();
            let block = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &input);
            chunk.copy_from_slice(&block.as_ref()[..chunk.len()]);
        }
    }
}

/// The moment tests begin at: 2023-11-14T22:13:20Z.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// An environment at [`START`].
pub(crate) fn environment(seed: u64) -> Environment {
    Environment::new(FakeClock::at(START), SeededEntropy::new(seed))
}
