//! Between the store's records and the ring: opening what was sealed, sealing what is new.

use std::sync::Arc;

use futures_channel::oneshot;

use super::{KeyringError, Settings};
use crate::environment::{Environment, Timestamp};
use crate::key::algorithm::Family;
use crate::key::{Algorithm, InvalidKey, KeyRecord, Phase, Sealer, SigningKey, Store};

/// Where a ring comes from.
pub(super) struct Source {
    pub(super) store: Arc<dyn Store>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) environment: Environment,
    pub(super) settings: Settings,
}

/// The keys as they were read at one moment. It never changes: a load puts another ring in its place.
pub(super) struct Ring {
    /// Another one with every load: what was verified under one ring may not verify under the next.
    pub(super) edition: u64,
    pub(super) signer: Arc<SigningKey>,
    /// Since when the next key is published; the signer signs for as long, unless a next key was withdrawn.
    pub(super) next_since: Timestamp,
    pub(super) entries: Vec<Entry>,
}

/// One key of a ring.
pub(super) struct Entry {
    pub(super) key: Arc<SigningKey>,
    pub(super) phase: Phase,
    pub(super) delete_at: Option<Timestamp>,
}

impl Entry {
    pub(super) fn holds_at(&self, now: Timestamp) -> bool {
        self.delete_at.is_none_or(|end| now < end)
    }
}

impl Ring {
    /// Of this ring what the records still name, with the ends they say: what was taken away counts, also where what
    /// was added can't be read. The signer stays; if it was taken away, nobody honours what it signs.
    pub(super) fn reduced_to(&self, records: &[KeyRecord], edition: u64) -> Self {
        crate::defends!("T110");
        let entries = self.entries.iter().filter_map(|entry| {
            let record = records.iter().find(|record| record.kid == entry.key.kid())?;
            Some(Entry {
                key: Arc::clone(&entry.key),
                phase: record.phase,
                delete_at: record.delete_at,
            })
        });
        Self {
            edition,
            signer: Arc::clone(&self.signer),
            next_since: self.next_since,
            entries: entries.collect(),
        }
    }
}

impl Source {
    /// The ring of these records. Keys that are open already are taken from the ring `before`.
    ///
    /// What verifies is what the records say, always: a withdrawal must not be missed because nothing can sign. Where
    /// another node retired this one's keys, they go on signing, and where none is left, the key of before, whose tokens
    /// nobody honours.
    pub(super) fn ring(
        &self,
        records: &[KeyRecord],
        before: Option<&Ring>,
        edition: u64,
    ) -> Result<Ring, KeyringError> {
        let mut entries = Vec::with_capacity(records.len());
        for record in records {
            let open = before.into_iter().flat_map(|ring| &ring.entries);
            let held = open.into_iter().find(|entry| {
                entry.key.kid() == record.kid && entry.key.algorithm().as_str() == record.algorithm
            });
            let key = match held {
                Some(entry) => entry.key.clone(),
                None => Arc::new(self.open_record(record)?),
            };
            entries.push(Entry {
                key,
                phase: record.phase,
                delete_at: record.delete_at,
            });
        }
        let algorithm = self.settings.algorithm;
        let of = |phase: Phase| {
            records
                .iter()
                .zip(&entries)
                .find(|(record, entry)| record.phase == phase && entry.key.algorithm() == algorithm)
        };
        let signs = |record: &KeyRecord| before.is_some_and(|ring| ring.signer.kid() == record.kid);
        let own = records.iter().zip(&entries);
        let own = own
            .filter(|(record, entry)| record.phase == Phase::Retired && entry.key.algorithm() == algorithm);
        let retired = own.max_by_key(|(record, _)| (signs(record), record.delete_at));
        let living = entries.iter().any(|entry| entry.phase != Phase::Retired);
        let signer = match (of(Phase::Current).or(retired), before) {
            (Some((record, entry)), _) => {
                if record.phase == Phase::Retired {
                    tracing::error!(%algorithm, "another node retired the keys that sign here: give all nodes one algorithm");
                }
                entry.key.clone()
            }
            (None, Some(before)) if living && of(Phase::Next).is_none() => before.signer.clone(),
            (None, _) => return Err(KeyringError::NoSigner(algorithm)),
        };
        // The next key is made in the same step in which the current one becomes current.
        let published = of(Phase::Next).or(of(Phase::Current));
        let next_since = published.map_or(Timestamp::from_micros(0), |(record, _)| record.created_at);
        Ok(Ring {
            edition,
            signer,
            next_since,
            entries,
        })
    }

    /// Opens the sealed private part of one record, and makes the key of it.
    pub(super) fn open_record(&self, record: &KeyRecord) -> Result<SigningKey, KeyringError> {
        let kid = || record.kid.clone();
        let algorithm =
            Algorithm::parse(&record.algorithm).ok_or_else(|| KeyringError::UnknownAlgorithm {
                kid: kid(),
                algorithm: record.algorithm.clone(),
            })?;
        let stored = self
            .sealer
            .open(PURPOSE, &owner(&record.kid, algorithm), &record.sealed)
            .map_err(|why| KeyringError::Sealed { kid: kid(), why })?;
        SigningKey::from_stored(&record.kid, algorithm, stored)
            .map_err(|why| KeyringError::Invalid { kid: kid(), why })
    }

    /// Seals one key under the current master key.
    pub(super) fn record(&self, key: &SigningKey, phase: Phase) -> Result<KeyRecord, KeyringError> {
        let stored = key.to_stored().map_err(KeyringError::Generate)?;
        let sealed = self
            .sealer
            .seal(PURPOSE, &owner(key.kid(), key.algorithm()), stored.expose())
            .map_err(|why| KeyringError::Sealed {
                kid: key.kid().to_owned(),
                why,
            })?;
        Ok(KeyRecord {
            kid: key.kid().to_owned(),
            algorithm: key.algorithm().as_str().to_owned(),
            sealed: sealed.into_bytes(),
            phase,
            created_at: self.environment.now(),
            delete_at: None,
        })
    }
}

/// What a sealed key belongs to: another algorithm's or another name's record doesn't open it.
fn owner(kid: &str, algorithm: Algorithm) -> Vec<u8> {
    format!("{algorithm}:{kid}").into_bytes()
}

/// A new key. RSA keys take long to find, so that is done on a thread of its own.
pub(super) async fn generate(
    algorithm: Algorithm,
    environment: &Environment,
) -> Result<SigningKey, KeyringError> {
    if algorithm.family() != Family::Rsa {
        return SigningKey::generate(algorithm, environment).map_err(KeyringError::Generate);
    }
    let (done, key) = oneshot::channel();
    let environment = environment.clone();
    std::thread::Builder::new()
        .name("rsa-key".into())
        .spawn(move || done.send(SigningKey::generate(algorithm, &environment)))
        .map_err(|_| KeyringError::Generate(InvalidKey::Generate))?;
    key.await
        .unwrap_or(Err(InvalidKey::Generate))
        .map_err(KeyringError::Generate)
}

const PURPOSE: &str = "signing-key";
