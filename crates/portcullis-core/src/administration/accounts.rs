//! What administrators do with accounts. Every call takes a [`Permit`].

use std::sync::Arc;

use crate::account::{Account, AccountState, AccountsError, Id, Stamp, Store};
use crate::audit;
use crate::authz::{AccountsRead, AccountsWrite, Permit};
use crate::environment::Environment;
use crate::fault::Fault;

/// Accounts, as administrators see them.
#[derive(Clone)]
pub struct Accounts {
    store: Arc<dyn Store>,
    environment: Environment,
}

impl Accounts {
    /// The accounts in `store`.
    pub fn new(store: Arc<dyn Store>, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// Up to `limit` accounts after `after`, by id.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn list(
        &self,
        _permit: &Permit<AccountsRead>,
        after: Option<Id>,
        limit: u32,
    ) -> Result<Vec<Account>, Fault> {
        self.store.list(after, limit).await
    }

    /// The account with this id, in whatever state it is; `None` if there is none.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn find(&self, _permit: &Permit<AccountsRead>, id: Id) -> Result<Option<Account>, Fault> {
        self.store.find(id).await
    }

    /// Sets an account's state. Disabling ends all its sessions and tokens, everywhere, within a second.
    ///
    /// # Errors
    /// [`AccountsError`]; the account is as it was.
    pub async fn set_state(
        &self,
        permit: &Permit<AccountsWrite>,
        id: Id,
        state: AccountState,
        by: audit::Context,
    ) -> Result<Account, AccountsError> {
        if state == AccountState::Unverified {
            return Err(AccountsError::NotSettable);
        }
        if permit.actor() == audit::Actor::Account(id) && state != AccountState::Active {
            return Err(AccountsError::Yourself);
        }
        let by = permit.sign(by);
        let stamp = Stamp::new(&self.environment);
        self.store.set_state(id, state, stamp, by).await?
    }

    /// Proves the account's address in the name of whoever acts, without a code: for e-mails that don't arrive. As by
    /// every proof, others who claim the address lose it.
    ///
    /// # Errors
    /// [`AccountsError`]; the account is as it was, and so are the others that claim its address.
    pub async fn prove_email(
        &self,
        permit: &Permit<AccountsWrite>,
        id: Id,
        by: audit::Context,
    ) -> Result<Account, AccountsError> {
        let stamp = Stamp::new(&self.environment);
        self.store.prove_email(id, stamp, permit.sign(by)).await?
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}
