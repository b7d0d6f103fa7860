//! The log, as administrators read it.

use std::sync::Arc;

use crate::audit::{Event, EventFilter, Store};
use crate::authz::{AuditRead, Permit};
use crate::fault::Fault;

/// Reads the log. Every call takes a [`Permit`].
#[derive(Clone)]
pub struct Log {
    store: Arc<dyn Store>,
}

impl Log {
    /// The log in `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Up to `limit` events, newest first.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn list(
        &self,
        _permit: &Permit<AuditRead>,
        filter: EventFilter,
        limit: u32,
    ) -> Result<Vec<Event>, Fault> {
        self.store.list(filter, limit).await
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}
