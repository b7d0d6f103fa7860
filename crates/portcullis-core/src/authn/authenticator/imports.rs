//! Which texts of another form are keys: all that were imported, by their hashes.
//!
//! Any text may have been imported, so any would be worth a look into the store, and whoever sends random ones would keep it
//! busy. So each node keeps the hashes of all imported keys, 32 bytes each, until one more is imported ([`IMPORTS`]): a text
//! that isn't among them is refused without I/O (`T185`). One that was revoked stays among them for a while; the store says
//! that it is gone.
//!
//! While other nodes can't be heard, what is kept counts for [`SHORT_LIFE`] only; else no longer than anything else.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::lock::Mutex as Turn;

use super::{Authenticator, SHORT_LIFE};
use crate::api_key::{IMPORTS, KeyDigest};
use crate::authn::directory::is_young;
use crate::defends;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::invalidation::Generation;

/// What is known of imported keys.
#[derive(Default)]
pub(super) struct Imports {
    known: Mutex<Option<Known>>,
    /// Whoever reads them anew: one at a time.
    turn: Turn<()>,
}

#[derive(Clone)]
struct Known {
    generation: Generation,
    read_at: Timestamp,
    digests: Arc<HashSet<KeyDigest>>,
}

impl Authenticator {
    /// Whether a key of this hash was imported.
    pub(super) async fn is_imported(&self, digest: &KeyDigest, now: Timestamp) -> Result<bool, Fault> {
        defends!("T185");
        if let Some(digests) = self.known_imports(now) {
            return Ok(digests.contains(digest));
        }
        let _turn = self.imports.turn.lock().await;
        if let Some(digests) = self.known_imports(now) {
            return Ok(digests.contains(digest));
        }
        // The generation comes first: an import that lands while they are read makes them stale at once.
        let generation = self.on.generations.generation(IMPORTS.as_uuid());
        let digests: HashSet<_> = self.on.api_keys.imported().await?.into_iter().collect();
        let known = Known {
            generation,
            read_at: now,
            digests: Arc::new(digests),
        };
        let is_imported = known.digests.contains(digest);
        *self.imports.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(is_imported)
    }

    fn known_imports(&self, now: Timestamp) -> Option<Arc<HashSet<KeyDigest>>> {
        let known = self.imports.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        let holds = self.on.generations.holds(IMPORTS.as_uuid(), known.generation)
            && is_young(known.read_at, now)
            && (self.hears_others() || now.since(known.read_at) <= SHORT_LIFE);
        holds.then(|| Arc::clone(&known.digests))
    }
}
