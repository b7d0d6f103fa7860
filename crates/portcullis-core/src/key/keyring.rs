//! The key ring: which key signs, which keys verify, and how one follows the other.
//!
//! Per algorithm there is a *next* key (published, not signing yet, so that verifiers learn it in time), a
//! *current* one (signs) and *retired* ones (verify what they signed until the last of it has expired). Rotating
//! moves each one step on. Two nodes never rotate twice: the store moves the ring only if the expected key still is
//! the current one, and every node reads the ring anew when it is told that it changed.
//!
//! Reading is one load of a pointer: a ring is immutable, a new one replaces it. Keys are parsed when they enter the
//! ring and kept over reloads.
//!
//! A key that is no longer trusted doesn't wait for its overlap: [`SigningKeys::withdraw`](crate::administration::SigningKeys::withdraw) takes it out at once (`T095`).
//! When the deployment signs with another algorithm, the keys of the former one retire when it begins to serve.
//!
//! **Invariants:** a key enters only with a known algorithm and after its seal was opened; a ring that can't be
//! read leaves the one before in place; shared secrets are never published, nor is a key that verifies no more.
//!
//! **Deliberately absent:** a timer. Whoever composes the program calls [`Keyring::rotate_if_due`],
//! [`Keyring::delete_retired`] and, on [`Keys`](crate::invalidation::Invalidation::Keys), [`Keyring::reload`].

mod error;
mod source;
mod withdraw;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::Value;

pub use self::error::KeyringError;
use self::source::{Entry, Ring, Source, generate};
use super::{Algorithm, Phase, Sealer, SigningKey, Store, VerifyingKey, jwk};
use crate::audit;
use crate::environment::{Environment, Timestamp};

/// How a ring is kept.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What new tokens are signed with. Keys of other algorithms in the store verify until they are retired
    /// ([`Keyring::retire_former`]), and for the overlap then.
    pub algorithm: Algorithm,
    /// How long a retired key still verifies: the lifetime of an access token and the leeway of verifiers.
    pub overlap: Duration,
}

impl Default for Settings {
    /// ES256, and the overlap that access tokens need by default.
    fn default() -> Self {
        Self {
            algorithm: Algorithm::ES256,
            overlap: DEFAULT_OVERLAP,
        }
    }
}

/// The life of an access token, 15 minutes, and a minute for clocks that differ.
const DEFAULT_OVERLAP: Duration = Duration::from_secs(16 * 60);

/// Role: key manager. Holds the keys that sign and verify, and moves them through their life.
pub struct Keyring {
    ring: ArcSwap<Ring>,
    source: Option<Source>,
    /// Loads are numbered when they begin; a load that began earlier never replaces a later one.
    begun: AtomicU64,
    applied: Mutex<u64>,
    /// Whether the last load met a record that it couldn't read.
    unread: AtomicBool,
}

impl Keyring {
    /// Opens the ring in `store`, and founds it with a current and a next key if there is none of the algorithm.
    /// Two nodes that found at once end with the same ring.
    ///
    /// # Errors
    /// [`KeyringError`]: nothing signs and nothing verifies before this succeeded.
    pub async fn open(
        store: Arc<dyn Store>,
        sealer: Arc<Sealer>,
        environment: Environment,
        settings: Settings,
    ) -> Result<Self, KeyringError> {
        let source = Source {
            store,
            sealer,
            environment,
            settings,
        };
        let mut records = source.store.load().await?;
        let algorithm = settings.algorithm;
        let by = audit::Context::system(source.environment.now());
        // Retired ones are what is left from before the algorithm was changed, and changed back.
        if !records
            .iter()
            .any(|record| record.algorithm == algorithm.as_str() && record.phase != Phase::Retired)
        {
            let current = source.record(&generate(algorithm, &source.environment).await?, Phase::Current)?;
            let next = source.record(&generate(algorithm, &source.environment).await?, Phase::Next)?;
            records = source.store.initialize(vec![current, next], by).await?;
        }
        let ring = source.ring(&records, None, 0)?;
        Ok(Self {
            ring: ArcSwap::from_pointee(ring),
            source: Some(source),
            begun: AtomicU64::new(0),
            unread: AtomicBool::new(false),
            applied: Mutex::new(0),
        })
    }

    /// A ring of given keys that never changes; the first one signs.
    pub fn of_keys(signer: SigningKey, others: Vec<SigningKey>) -> Self {
        let signer = Arc::new(signer);
        let keys = std::iter::once(signer.clone()).chain(others.into_iter().map(Arc::new));
        let entries = keys
            .map(|key| Entry {
                key,
                phase: Phase::Current,
                delete_at: None,
            })
            .collect();
        Self {
            ring: ArcSwap::from_pointee(Ring {
                signer,
                edition: 0,
                next_since: Timestamp::from_micros(0),
                entries,
            }),
            source: None,
            begun: AtomicU64::new(0),
            unread: AtomicBool::new(false),
            applied: Mutex::new(0),
        }
    }

    /// The key that signs.
    pub fn signer(&self) -> Arc<SigningKey> {
        self.ring.load().signer.clone()
    }

    /// The key with exactly this name, if it verifies at `now`.
    pub fn verifying(&self, kid: &str, now: Timestamp) -> Option<VerifyingKey> {
        crate::defends!("T002");
        self.find(now, |key| key.kid() == kid)
    }

    /// The key whose access tokens begin with exactly this encoded header, if it verifies at `now`.
    pub(crate) fn by_access_header(&self, encoded: &str, now: Timestamp) -> Option<VerifyingKey> {
        self.find(now, |key| key.access_header() == encoded)
    }

    fn find(&self, now: Timestamp, wanted: impl Fn(&VerifyingKey) -> bool) -> Option<VerifyingKey> {
        // A handful of keys: comparing them one by one is cheaper than hashing.
        let ring = self.ring.load();
        let found = ring.entries.iter().find(|entry| wanted(entry.key.verifying()))?;
        found.holds_at(now).then(|| found.key.verifying().clone())
    }

    /// Which ring this is: another number after every load that may have taken a key away.
    pub(crate) fn edition(&self) -> u64 {
        self.ring.load().edition
    }

    /// The public keys that verify at `now` as a JWK set: current and next ones first, then the retired ones. Shared
    /// secrets aren't in it.
    pub fn jwks(&self, now: Timestamp) -> Value {
        crate::defends!("T095");
        let ring = self.ring.load();
        let mut entries: Vec<&Entry> = ring.entries.iter().filter(|entry| entry.holds_at(now)).collect();
        entries.sort_by_key(|entry| match entry.phase {
            Phase::Current => 0,
            Phase::Next => 1,
            Phase::Retired => 2,
        });
        jwk::publish_set(entries.into_iter().map(|entry| entry.key.verifying()))
    }

    /// The names and phases of all keys, for people.
    pub fn list(&self) -> Vec<(String, Algorithm, Phase)> {
        let ring = self.ring.load();
        ring.entries
            .iter()
            .map(|entry| (entry.key.kid().to_owned(), entry.key.algorithm(), entry.phase))
            .collect()
    }

    /// Reads the ring anew. Keys that were open stay open.
    ///
    /// # Errors
    /// [`KeyringError`]; the ring is as it was, but for keys that aren't recorded any more: those are taken out, whatever
    /// else can't be read.
    pub async fn reload(&self) -> Result<(), KeyringError> {
        let source = self.source()?;
        let number = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let records = source.store.load().await?;
        let before = self.ring.load_full();
        let (ring, outcome) = match source.ring(&records, Some(&before), number) {
            Ok(ring) => (ring, Ok(())),
            Err(error) => (before.reduced_to(&records, number), Err(error)),
        };
        let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        if number > *applied {
            *applied = number;
            self.unread.store(outcome.is_err(), Ordering::Release);
            self.ring.store(Arc::new(ring));
        }
        outcome
    }

    /// Whether everything that is recorded was read: a node that can't open a key refuses what it signs.
    pub fn is_whole(&self) -> bool {
        !self.unread.load(Ordering::Acquire)
    }

    /// What [`SigningKeys::rotate`](crate::administration::SigningKeys::rotate) does once the permit is shown.
    pub(crate) async fn rotate(&self, by: audit::Context) -> Result<bool, KeyringError> {
        let source = self.source()?;
        let seen_at = self.ring.load().next_since.plus(PUBLICATION);
        // Shared secrets are never published: the nodes that know them read the ring itself.
        if by.at < seen_at && !source.settings.algorithm.is_symmetric() {
            return Err(KeyringError::TooSoon(seen_at.since(by.at)));
        }
        self.turn(by).await
    }

    /// What [`SigningKeys::rotate_at_once`](crate::administration::SigningKeys::rotate_at_once) does once the permit is shown.
    pub(crate) async fn rotate_at_once(&self, by: audit::Context) -> Result<bool, KeyringError> {
        crate::defends!("T113");
        let ring = self.ring.load();
        let retired = ring.entries.iter().filter(|entry| entry.phase == Phase::Retired);
        let retired = retired.filter(|entry| entry.holds_at(by.at)).count();
        if retired >= MOST_RETIRED {
            return Err(KeyringError::TooManyRetired(retired));
        }
        self.turn(by).await
    }

    async fn turn(&self, by: audit::Context) -> Result<bool, KeyringError> {
        let source = self.source()?;
        let next = generate(source.settings.algorithm, &source.environment).await?;
        self.rotate_to(&next, by).await
    }

    /// Rotates if the current key has signed for `max_age` or longer. Answers whether it did.
    ///
    /// # Errors
    /// [`KeyringError`]; the current key goes on signing.
    pub async fn rotate_if_due(&self, max_age: Duration, by: audit::Context) -> Result<bool, KeyringError> {
        let since = self.ring.load().next_since;
        if by.at < since.plus(max_age) {
            return Ok(false);
        }
        self.turn(by).await
    }

    /// What [`SigningKeys::import`](crate::administration::SigningKeys::import) does once the permit is shown.
    pub(crate) async fn import(&self, key: SigningKey, by: audit::Context) -> Result<bool, KeyringError> {
        let source = self.source()?;
        self.reload().await?;
        let algorithm = key.algorithm();
        let (known, founded) = {
            let ring = self.ring.load();
            let known = ring.entries.iter().any(|entry| entry.key.kid() == key.kid());
            (
                known,
                ring.entries
                    .iter()
                    .any(|entry| entry.key.algorithm() == algorithm && entry.phase != Phase::Retired),
            )
        };
        if known {
            return Err(KeyringError::Known(key.kid().to_owned()));
        }
        if founded {
            return self.rotate_to(&key, by).await;
        }
        let current = source.record(&key, Phase::Current)?;
        let next = source.record(&generate(algorithm, &source.environment).await?, Phase::Next)?;
        let records = source.store.initialize(vec![current, next], by).await?;
        self.reload().await?;
        Ok(records.iter().any(|record| record.kid == key.kid()))
    }

    /// Retires the keys of other algorithms than the ring's: what is left of before the algorithm was changed. They
    /// verify for the overlap still. Whoever serves calls it once, when it begins to. Answers how many those were.
    ///
    /// # Errors
    /// [`KeyringError::Store`] if the store can't do its work, [`KeyringError::Fixed`] without one; other
    /// [`KeyringError`]s.
    pub async fn retire_former(&self, by: audit::Context) -> Result<u64, KeyringError> {
        let source = self.source()?;
        let until = by.at.plus(source.settings.overlap);
        let algorithm = source.settings.algorithm.as_str().to_owned();
        let retired = source.store.retire_others(algorithm, until, by).await?;
        if retired > 0 {
            self.reload().await?;
        }
        Ok(retired)
    }

    /// Deletes retired keys whose time has come. Answers how many.
    ///
    /// # Errors
    /// [`KeyringError::Store`] if the store can't do its work, [`KeyringError::Fixed`] without one; other
    /// [`KeyringError`]s.
    pub async fn delete_retired(&self) -> Result<u64, KeyringError> {
        let source = self.source()?;
        let deleted = source.store.delete_retired(source.environment.now()).await?;
        if deleted > 0 {
            self.reload().await?;
        }
        Ok(deleted)
    }

    /// Seals every key under the current master key. Answers how many were sealed anew; zero means that no key
    /// rests under an older master key.
    ///
    /// # Errors
    /// [`KeyringError`] at the first key that can't be read, opened or written; those before it are sealed anew.
    pub async fn reseal(&self) -> Result<u64, KeyringError> {
        let source = self.source()?;
        let mut resealed = 0;
        for record in source.store.load().await? {
            if !source.sealer.needs_reseal(&record.sealed) {
                continue;
            }
            let key = source.open_record(&record)?;
            let new = source.record(&key, record.phase)?.sealed;
            resealed += u64::from(source.store.reseal(record.kid, record.sealed, new).await?);
        }
        Ok(resealed)
    }

    async fn rotate_to(&self, next: &SigningKey, by: audit::Context) -> Result<bool, KeyringError> {
        let source = self.source()?;
        let current = self.current_of(next.algorithm())?;
        let retired_until = by.at.plus(source.settings.overlap);
        let record = source.record(next, Phase::Next)?;
        let rotated = source.store.rotate(current, record, retired_until, by).await?;
        self.reload().await?;
        Ok(rotated)
    }

    fn current_of(&self, algorithm: Algorithm) -> Result<String, KeyringError> {
        let ring = self.ring.load();
        ring.entries
            .iter()
            .find(|entry| entry.phase == Phase::Current && entry.key.algorithm() == algorithm)
            .map(|entry| entry.key.kid().to_owned())
            .ok_or(KeyringError::NoSigner(algorithm))
    }

    fn source(&self) -> Result<&Source, KeyringError> {
        self.source.as_ref().ok_or(KeyringError::Fixed)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("keys", &self.list())
            .finish_non_exhaustive()
    }
}

/// For how long a copy of the published keys may be kept: a next key that is as old is known everywhere.
pub const PUBLICATION: Duration = Duration::from_secs(300);

/// How many retired keys may verify still when one more is to retire at once: those who follow the published set refuse
/// one that is very long, and each key takes time to make.
const MOST_RETIRED: usize = 8;

#[cfg(test)]
mod tests;
