//! Accounts of programs. Every call takes a [`Permit`].
//!
//! A service account is an account: it has roles, a state, and its place in the list of accounts, and is locked and
//! disabled there. It has no password and no address, so there is nothing to log in with and nothing to reset; and the
//! store opens no session for it, whoever asks (`T042`).

use std::sync::Arc;

use crate::account::{Account, Id, NewServiceAccount, Outcome, Stamp, Store, Username};
use crate::audit;
use crate::authz::{AccountsRead, AccountsWrite, Permit};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};

/// Why no service account was made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ServiceAccountError {
    /// The name belongs to somebody.
    #[error("an account has this name already")]
    Taken,
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for ServiceAccountError {
    fn details(&self) -> Details {
        match self {
            Self::Taken => Details::conflict("username_taken"),
            Self::Fault(fault) => fault.details(),
        }
    }
}

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
    /// [`ServiceAccountError`]; no account was made then.
    pub async fn create(
        &self,
        permit: &Permit<AccountsWrite>,
        name: Username,
        by: audit::Context,
    ) -> Result<Account, ServiceAccountError> {
        let new = NewServiceAccount {
            id: Id::new(&self.environment),
            username: name,
            stamp: Stamp::new(&self.environment),
        };
        match self.store.create_service(new, permit.sign(by)).await? {
            Outcome::Created(account) => Ok(account),
            Outcome::Taken { .. } | Outcome::SetupClosed => Err(ServiceAccountError::Taken),
        }
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
