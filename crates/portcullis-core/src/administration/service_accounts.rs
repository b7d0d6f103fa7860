//! Accounts of programs. Every call takes a [`Permit`].
//!
//! A service account is an account: it has roles, a state, and its place in the list of accounts, and is locked and
//! disabled there. It has no password and no address, so there is nothing to log in with and nothing to reset; and the
//! store opens no session for it, whoever asks (`T042`).

use std::sync::Arc;

use crate::account::{Account, Id, NewServiceAccount, RegistrationError, Stamp, Store, Username};
use crate::audit;
use crate::authz::{AccountsRead, AccountsWrite, Permit};
use crate::environment::Environment;
use crate::fault::Fault;

/// Accounts that programs act as.
#[derive(Clone)]
pub struct ServiceAccounts {
    store: Arc<dyn Store>,
    environment: Environment,
}

impl ServiceAccounts {
    /// The service accounts in `store`.
    pub fn new(store: Arc<dyn Store>, environment: Environment) -> Self {
        Self { store, environment }
    }

    /// Makes one. It may do nothing until it is given a role.
    ///
    /// # Errors
    /// [`RegistrationError`]; a name that belongs to somebody is [`RegistrationError::Taken`].
    pub async fn create(
        &self,
        permit: &Permit<AccountsWrite>,
        name: Username,
        by: audit::Context,
    ) -> Result<Account, RegistrationError> {
        let new = NewServiceAccount {
            id: Id::new(&self.environment),
            username: name,
            stamp: Stamp::new(&self.environment),
        };
        self.store.create_service(new, permit.sign(by)).await?
    }

    /// Up to `limit` service accounts after `after`, by id.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn list(
        &self,
        _permit: &Permit<AccountsRead>,
        after: Option<Id>,
        limit: u32,
    ) -> Result<Vec<Account>, Fault> {
        self.store.list_services(after, limit).await
    }
}

impl std::fmt::Debug for ServiceAccounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceAccounts").finish_non_exhaustive()
    }
}
