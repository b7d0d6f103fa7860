//! Who somebody is in the organization that a request selects, remembered.

use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use super::{Id, MembershipFacts, Organization, OrganizationState, Selector, Store};
#[cfg(doc)]
use crate::authn::REMEMBERED;
use crate::authn::{Bus, SHORT_LIFE, is_young};
use crate::authz::{Membership, PermissionSet, is_the_servers};
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::invalidation::{Generation, Generations};
use crate::scopes::ADMINISTRATOR;
use crate::{account, defends};

/// An organization and what an account is there, compiled for deciding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    organization: Organization,
    membership: Membership,
}

impl Current {
    /// An organization that doesn't exist, where nobody may do anything.
    pub fn nowhere() -> Self {
        Self::from(MembershipFacts {
            organization: Organization {
                id: Id::NONE,
                slug: String::new(),
                name: String::new(),
                state: OrganizationState::Suspended,
                created_at: Timestamp::from_seconds(0),
            },
            roles: Vec::new(),
            permissions: Vec::new(),
        })
    }

    /// The organization's id: what every query about a tenant's data begins with.
    pub fn id(&self) -> Id {
        self.organization.id
    }

    /// The organization itself, in whatever state it is.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// What the account is there.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Whether it may be worked in.
    pub fn is_active(&self) -> bool {
        self.organization.state == OrganizationState::Active
    }

    /// Whether `selector` names this organization.
    pub fn is_named_by(&self, selector: &Selector) -> bool {
        match selector {
            Selector::Id(id) => self.organization.id == *id,
            Selector::Slug(slug) => self.organization.slug == slug.as_str(),
        }
    }
}

impl From<MembershipFacts> for Current {
    /// Whatever roles say: nothing of the server's comes from an organization (`T073`).
    fn from(facts: MembershipFacts) -> Self {
        defends!("T073");
        let MembershipFacts {
            organization,
            mut roles,
            mut permissions,
        } = facts;
        roles.retain(|role| role != ADMINISTRATOR);
        permissions.retain(|permission| !is_the_servers(permission));
        roles.sort();
        permissions.sort();
        let set = PermissionSet::of_names(permissions.iter().map(String::as_str));
        Self {
            membership: Membership {
                organization: organization.id,
                roles,
                permission_names: permissions,
                permissions: set,
            },
            organization,
        }
    }
}

/// Reads who an account is in an organization once, and remembers it until an invalidation says otherwise.
///
/// Invariants: the generations of account and organization are as old as the record (`T069`). What isn't a membership is not
/// remembered: who becomes a member is one from the next request on. While other nodes can't be heard, what is
/// remembered counts for [`SHORT_LIFE`] only, and never for longer than [`REMEMBERED`].
pub struct MemberDirectory {
    store: Arc<dyn Store>,
    generations: Arc<Generations>,
    bus: Arc<dyn Bus>,
    known: Cache<(account::Id, Selector), Arc<Entry>>,
}

struct Entry {
    current: Arc<Current>,
    generations: [Generation; 2],
    read_at: Timestamp,
}

/// A key of the cache that owns nothing.
#[derive(Hash)]
struct Place<'k>(account::Id, &'k Selector);

impl Equivalent<(account::Id, Selector)> for Place<'_> {
    fn equivalent(&self, (account, selector): &(account::Id, Selector)) -> bool {
        self.0 == *account && self.1 == selector
    }
}

impl MemberDirectory {
    /// A directory over `store` that remembers up to `capacity` memberships.
    pub fn new(
        store: Arc<dyn Store>,
        generations: Arc<Generations>,
        bus: Arc<dyn Bus>,
        capacity: usize,
    ) -> Self {
        Self {
            store,
            generations,
            bus,
            known: Cache::new(capacity),
        }
    }

    /// What the account is in the organization, from memory where that still holds; `None` if it is no member, or
    /// there is no such organization.
    ///
    /// # Errors
    /// [`Fault`] if the store must be asked and can't be reached, or what it holds can't be read.
    pub async fn current(
        &self,
        account: account::Id,
        selector: Selector,
        now: Timestamp,
    ) -> Result<Option<Arc<Current>>, Fault> {
        let key = (account, selector);
        if let Some(entry) = self.known.get(&key)
            && self.holds(account, &entry, now)
        {
            return Ok(Some(Arc::clone(&entry.current)));
        }
        self.read(key, now).await
    }

    /// Whether the account is at `now` still what it was found to be: what is remembered is the very same, and holds.
    /// `false` says only that it must be looked up anew.
    pub fn still_holds(
        &self,
        account: account::Id,
        selector: &Selector,
        current: &Arc<Current>,
        now: Timestamp,
    ) -> bool {
        let entry = self.known.get(&Place(account, selector));
        entry.is_some_and(|entry| Arc::ptr_eq(&entry.current, current) && self.holds(account, &entry, now))
    }

    async fn read(
        &self,
        (account, selector): (account::Id, Selector),
        now: Timestamp,
    ) -> Result<Option<Arc<Current>>, Fault> {
        defends!("T069");
        let applied = self.generations.applied();
        let Some(found) = self.store.membership(account, selector.clone()).await? else {
            return Ok(None);
        };
        // The organization behind a slug isn't known before it is read. If something was invalidated meanwhile, the
        // generations may be younger than the record: it is read again, after them.
        let id = found.organization.id;
        let generations = self.generations_of(account, id);
        let found = if self.generations.applied() == applied {
            found
        } else {
            match self.store.membership(account, selector.clone()).await? {
                Some(again) if again.organization.id == id => again,
                // The slug has moved to another organization in between: that one's generations weren't taken.
                other => return Ok(other.map(|facts| Arc::new(Current::from(facts)))),
            }
        };
        let current = Arc::new(Current::from(found));
        let entry = Entry {
            current: Arc::clone(&current),
            generations,
            read_at: now,
        };
        self.known.insert((account, selector), Arc::new(entry));
        Ok(Some(current))
    }

    fn holds(&self, account: account::Id, entry: &Entry, now: Timestamp) -> bool {
        self.generations_of(account, entry.current.id()) == entry.generations
            && is_young(entry.read_at, now)
            && (self.bus.silence() <= SHORT_LIFE || now.since(entry.read_at) <= SHORT_LIFE)
    }

    fn generations_of(&self, account: account::Id, organization: Id) -> [Generation; 2] {
        [account.as_uuid(), organization.as_uuid()].map(|subject| self.generations.generation(subject))
    }
}

impl std::fmt::Debug for MemberDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemberDirectory")
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
