//! One key set as it was read, and until when it counts.

use std::fmt;
use std::time::Duration;

use super::{Published, Settings};
use crate::defends;
use crate::environment::{Environment, Timestamp};
use crate::key::algorithm::Family;
use crate::key::{Algorithm, InvalidKey, VerifyingKey, jwk};

/// The keys of an issuer as they were published at one moment.
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    /// Changes when a key changes: what was verified with another edition is verified again.
    pub(crate) edition: u64,
    pub(super) fetched_at: Timestamp,
    /// From here on it is fetched anew beside the requests.
    pub(super) refresh_at: Timestamp,
    /// Up to here it counts without a question.
    fresh_until: Timestamp,
    /// Up to here it counts while the issuer can't be asked.
    pub(super) good_until: Timestamp,
}

/// Why a published set is refused as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SetRefused {
    /// It isn't a JWK set (RFC 7517 §5), or names two keys alike.
    #[error("{0}")]
    Invalid(#[from] InvalidKey),
    /// More keys than are looked through for each token.
    #[error("it has {0} keys, more than are allowed")]
    TooMany(usize),
}

impl KeySet {
    /// Reads a published set. Keys of other kinds and algorithms are passed over.
    pub(super) fn read(
        published: &Published,
        before: Option<&Self>,
        settings: &Settings,
        environment: &Environment,
        now: Timestamp,
    ) -> Result<Self, SetRefused> {
        defends!("T054");
        let mut keys = jwk::set(&published.text, rsa_algorithm(settings))?;
        keys.retain(|key| settings.honours(key.algorithm()));
        if keys.len() > settings.keys {
            return Err(SetRefused::TooMany(keys.len()));
        }
        let edition = match before {
            Some(before) if before.has_exactly(&keys) => before.edition,
            Some(before) => before.edition + 1,
            None => 0,
        };
        let fresh = published.max_age.unwrap_or(settings.fresh_at_least).clamp(
            settings.fresh_at_least,
            settings.fresh_at_most.max(settings.fresh_at_least),
        );
        // Between three quarters and seven eighths of its time: many nodes don't come at the same moment.
        let drawn = f64::from(u32::from_le_bytes(environment.bytes())) / f64::from(u32::MAX);
        let refresh = fresh.mul_f64(0.75 + drawn / 8.0);
        Ok(Self {
            keys,
            edition,
            fetched_at: now,
            refresh_at: now.plus(refresh),
            fresh_until: now.plus(fresh),
            good_until: now.plus(settings.stale.max(fresh)),
        })
    }

    /// Whether it counts at `now` without a question. A clock that was set back makes it doubtful.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now >= self.fetched_at.minus(BACKWARDS) && now < self.fresh_until
    }

    /// The key with exactly this name.
    pub(crate) fn verifying(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.kid() == kid)
    }

    /// The key whose access tokens begin with exactly this encoded header.
    pub(crate) fn by_access_header(&self, encoded: &str) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.access_header() == encoded)
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has none: nothing verifies.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether these are its keys, in any order.
    fn has_exactly(&self, keys: &[VerifyingKey]) -> bool {
        let same = |key: &VerifyingKey| {
            self.verifying(key.kid())
                .is_some_and(|known| known.algorithm() == key.algorithm() && known.public() == key.public())
        };
        self.keys.len() == keys.len() && keys.iter().all(same)
    }

    /// Says in the log what has changed.
    pub(super) fn tell(&self, before: Option<&Self>) {
        if before.is_some_and(|before| before.edition == self.edition) {
            return;
        }
        if self.is_empty() {
            tracing::error!("the issuer publishes no key that can be used: every token is refused");
        } else {
            tracing::info!(keys = ?self.keys, "the issuer's keys");
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("keys", &self.keys)
            .field("fetched_at", &self.fetched_at)
            .finish_non_exhaustive()
    }
}

/// What an RSA key without `alg` is for: the one algorithm of its family that is honoured, else the usual one.
fn rsa_algorithm(settings: &Settings) -> Option<Algorithm> {
    Algorithm::ALL
        .into_iter()
        .find(|algorithm| algorithm.family() == Family::Rsa && settings.honours(*algorithm))
}

/// How far a clock may be set back before a set of "later" is doubted.
const BACKWARDS: Duration = Duration::from_secs(60);
