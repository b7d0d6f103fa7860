//! A clock to move by hand and randomness to repeat, for the tests of this crate's key and token slices.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::algorithm::Family;
use super::{Algorithm, SigningKey, jwk};
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

/// A key of the algorithm, the same for the same seed. RSA keys take seconds to find in a debug build, so there is
/// one: that of RFC 7520 §3.4.
pub(crate) fn signing_key(algorithm: Algorithm, seed: u64) -> SigningKey {
    if algorithm.family() == Family::Rsa {
        let text = include_bytes!("../../tests/vectors/rfc7520_rsa.json");
        return jwk::signing(text, Some(algorithm)).unwrap();
    }
    SigningKey::generate(algorithm, &environment(seed)).unwrap()
}

/// An environment at [`START`].
pub(crate) fn environment(seed: u64) -> Environment {
    Environment::new(FakeClock::at(START), SeededEntropy::new(seed))
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}
