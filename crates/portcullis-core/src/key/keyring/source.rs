//! Between the store's records and the ring: opening what was sealed, sealing what is new.

use std::sync::Arc;

use futures_channel::oneshot;

use super::{KeyringError, Settings};
use crate::environment::{Environment, Timestamp};
use crate::key::algorithm::Family;
use crate::key::{Algorithm, InvalidKey, Phase, Record, Sealer, SigningKey, Store};

/// Where a ring comes from.
pub(super) struct Source {
    pub(super) store: Arc<dyn Store>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) environment: Environment,
    pub(super) settings: Settings,
}

/// An immutable ring.
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

impl Source {
    /// The ring of these records. Keys that are open already are taken from `open`.
    pub(super) fn ring(
        &self,
        records: &[Record],
        open: &[Entry],
        edition: u64,
    ) -> Result<Ring, KeyringError> {
        let mut entries = Vec::with_capacity(records.len());
        for record in records {
            let held = open.iter().find(|entry| {
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
        let (current, entry) = of(Phase::Current).ok_or(KeyringError::NoSigner(algorithm))?;
        // The next key is made in the same step in which the current one becomes current.
        let published_at = of(Phase::Next).map_or(current.created_at, |(next, _)| next.created_at);
        Ok(Ring {
            edition,
            signer: entry.key.clone(),
            next_since: published_at,
            entries,
        })
    }

    /// Opens one key.
    pub(super) fn open_record(&self, record: &Record) -> Result<SigningKey, KeyringError> {
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
    pub(super) fn record(&self, key: &SigningKey, phase: Phase) -> Result<Record, KeyringError> {
        let stored = key.to_stored().map_err(KeyringError::Generate)?;
        let sealed = self
            .sealer
            .seal(PURPOSE, &owner(key.kid(), key.algorithm()), stored.expose())
            .map_err(|why| KeyringError::Sealed {
                kid: key.kid().to_owned(),
                why,
            })?;
        Ok(Record {
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
