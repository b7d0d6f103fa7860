//! Trace ids: what a request is named by in answers, the log and the audit trail.

use std::sync::atomic::{AtomicU64, Ordering};

use portcullis_core::environment::{Environment, Timestamp};
use uuid::Uuid;

/// Makes trace ids: UUID v7 whose random part is a counter, scrambled by a bijection and a start drawn once. They
/// name requests, they are no secrets, and they cost no system call each.
///
/// Source: RFC 9562 §5.7, §6.2
pub(super) struct Traces {
    counter: AtomicU64,
    tail: u16,
}

impl Traces {
    pub(super) fn new(environment: &Environment) -> Self {
        Self {
            counter: AtomicU64::new(u64::from_le_bytes(environment.bytes())),
            tail: u16::from_le_bytes(environment.bytes()),
        }
    }

    pub(super) fn next(&self, at: Timestamp) -> Uuid {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let [a, b, c, d, e, f, g, h] = scramble(count).to_le_bytes();
        let [y, z] = self.tail.to_le_bytes();
        let millis = u64::try_from(at.as_micros() / 1_000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &[y, z, a, b, c, d, e, f, g, h]).into_uuid()
    }
}

/// A bijection on 64 bits that spreads neighbours apart (the finalizer of SplitMix64).
const fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
