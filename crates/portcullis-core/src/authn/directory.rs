//! What accounts are and may do, remembered.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::authz::{Facts, Rights};
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::invalidation::{Generation, Generations};
use crate::roles::Store;
use crate::{account, defends};

/// Reads an account's [`Facts`] once and remembers them until an invalidation says otherwise, at most for
/// [`REMEMBERED`].
pub struct AccountDirectory {
    store: Arc<dyn Store>,
    generations: Arc<Generations>,
    known: Cache<account::Id, Known>,
    rights: Pool,
}

/// The rights that accounts in memory have, each once.
#[derive(Default)]
struct Pool(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    known: HashSet<Arc<Rights>>,
    /// How many there were after those that nobody holds were last let go.
    kept: usize,
}

impl Pool {
    /// The same rights, in the place where others hold them too.
    fn shared(&self, rights: Arc<Rights>) -> Arc<Rights> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = rows.known.get(&rights) {
            return Arc::clone(known);
        }
        if rows.known.len() >= rows.kept.saturating_mul(2).max(FEW) {
            rows.known.retain(|known| Arc::strong_count(known) > 1);
            rows.kept = rows.known.len();
        }
        rows.known.insert(Arc::clone(&rights));
        rights
    }
}

/// So many rights are kept without a look at who holds them.
const FEW: usize = 64;

#[derive(Clone)]
struct Known {
    generation: Generation,
    read_at: Timestamp,
    facts: Arc<Facts>,
}

impl AccountDirectory {
    /// A directory over `store` that remembers up to `capacity` accounts.
    pub fn new(store: Arc<dyn Store>, generations: Arc<Generations>, capacity: usize) -> Self {
        Self {
            store,
            generations,
            known: Cache::new(capacity),
            rights: Pool::default(),
        }
    }

    /// The account's facts at `now`, from memory where they still hold.
    ///
    /// # Errors
    /// [`Fault`] if the store must be asked and can't be reached, or what it holds can't be read.
    pub async fn facts(&self, account: account::Id, now: Timestamp) -> Result<Option<Arc<Facts>>, Fault> {
        if let Some(known) = self.known.get(&account)
            && self.generations.holds(account.as_uuid(), known.generation)
            && is_young(known.read_at, now)
        {
            return Ok(Some(known.facts));
        }
        self.read(account, now).await
    }

    /// The account's facts from the store at `now`, whatever is remembered.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn read(&self, account: account::Id, now: Timestamp) -> Result<Option<Arc<Facts>>, Fault> {
        // The generation comes first: a change that lands while the facts are read makes them stale at once.
        let generation = self.generations.generation(account.as_uuid());
        let Some(facts) = self.store.facts(account).await? else {
            return Ok(None);
        };
        let mut facts = Facts::from(facts);
        facts.rights = self.rights.shared(facts.rights);
        let facts = Arc::new(facts);
        let known = Known {
            generation,
            read_at: now,
            facts: Arc::clone(&facts),
        };
        self.known.insert(account, known);
        Ok(Some(facts))
    }

    /// Of these names those that a credential of the account may be narrowed to: what it has, and actions on resources.
    ///
    /// # Errors
    /// [`Fault`] if the store must be asked and can't be reached, or what it holds can't be read.
    pub(crate) async fn scopes_of(
        &self,
        facts: &Facts,
        mut names: Vec<String>,
    ) -> Result<Vec<String>, Fault> {
        defends!("T182");
        if names.iter().all(|name| facts.has(name)) {
            return Ok(names);
        }
        let known = self.store.permissions().await?;
        let is_action = |name: &str| known.iter().any(|permission| permission.is_action(name));
        names.retain(|name| facts.has(name) || is_action(name));
        Ok(names)
    }
}

/// Whether something that was read then may still be remembered: not what was read in the future of a clock that was
/// set back.
pub(crate) fn is_young(read_at: Timestamp, now: Timestamp) -> bool {
    defends!("T083");
    read_at <= now && now < read_at.plus(REMEMBERED)
}

/// How long anything is remembered at most, as long as an access token lives. Invalidations end what is remembered
/// much sooner; but a machine that slept for longer than they are kept woke up without having heard them.
pub const REMEMBERED: Duration = Duration::from_secs(15 * 60);

impl std::fmt::Debug for AccountDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountDirectory")
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(role: usize) -> Arc<Rights> {
        Arc::new(Rights {
            roles: vec![format!("role{role}")],
            ..Rights::default()
        })
    }

    #[test]
    fn the_same_rights_are_kept_once_and_those_that_nobody_holds_are_let_go() {
        let pool = Pool::default();
        let held = pool.shared(rights(0));
        assert!(Arc::ptr_eq(&held, &pool.shared(rights(0))));
        for role in 1..10 * FEW {
            pool.shared(rights(role));
            assert!(pool.0.lock().unwrap().known.len() <= FEW, "{role}");
        }
        assert!(Arc::ptr_eq(&held, &pool.shared(rights(0))));
        let all: Vec<_> = (0..10 * FEW).map(|role| pool.shared(rights(role))).collect();
        assert!(
            all.iter()
                .all(|one| Arc::ptr_eq(one, &pool.shared(Arc::new(Rights::clone(one)))))
        );
    }
}
