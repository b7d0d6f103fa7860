//! What accounts are and may do, remembered.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::{Facts, Store};
use crate::account;
use crate::fault::Fault;
use crate::invalidation::{Mark, Marks};

/// Reads an account's [`Facts`] once and remembers them until an invalidation says otherwise.
pub struct Directory {
    store: Arc<dyn Store>,
    marks: Arc<Marks>,
    known: Cache<account::Id, (Mark, Arc<Facts>)>,
}

impl Directory {
    /// A directory over `store` that remembers up to `capacity` accounts.
    pub fn new(store: Arc<dyn Store>, marks: Arc<Marks>, capacity: usize) -> Self {
        Self {
            store,
            marks,
            known: Cache::new(capacity),
        }
    }

    /// The account's facts, from memory where they still hold.
    ///
    /// # Errors
    /// What the store says.
    pub async fn facts(&self, account: account::Id) -> Result<Option<Arc<Facts>>, Fault> {
        if let Some((mark, facts)) = self.known.get(&account)
            && self.marks.holds(account.as_uuid(), mark)
        {
            return Ok(Some(facts));
        }
        self.read(account).await
    }

    /// The account's facts from the store, whatever is remembered.
    ///
    /// # Errors
    /// What the store says.
    pub async fn read(&self, account: account::Id) -> Result<Option<Arc<Facts>>, Fault> {
        // The mark comes first: a change that lands while the facts are read makes them stale at once.
        let mark = self.marks.mark(account.as_uuid());
        let Some(facts) = self.store.facts(account).await? else {
            return Ok(None);
        };
        let facts = Arc::new(Facts::from(facts));
        self.known.insert(account, (mark, Arc::clone(&facts)));
        Ok(Some(facts))
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Directory")
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}
