//! What administrators do with accounts. Every call takes a [`Permit`].

use std::sync::Arc;

use crate::account::{Account, Id, Proving, Stamp, State, StateSet, Store};
use crate::audit;
use crate::authz::{AccountsRead, AccountsWrite, Permit, in_words};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::problem::{Details, Refusal};
use crate::scopes::Lacks;

/// Why an account's state was not set.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// No account has this id.
    #[error("there is no such account")]
    NoAccount,
    /// Nobody shuts themselves out.
    #[error("your own account stays active: ask another administrator")]
    Yourself,
    /// Somebody must be left who can undo it.
    #[error("this is the last administrator who can act: make another one first")]
    LastAdministrator,
    /// Only a proven address makes an account active.
    #[error("an account becomes unverified by registering only: use active, locked or disabled")]
    NotSettable,
    /// It is unverified, and nothing but a proof of its address makes it active.
    #[error(
        "its address isn't proven, and this proves nothing: its owner asks for a code at /auth/email/code, or \
         `portcullis account prove-email {0}` on the server proves the address in the operator's name"
    )]
    Unproven(Id),
    /// The account may do more than whoever acts.
    #[error("insufficient privileges over this account: your credential lacks {}", in_words(.missing))]
    Forbidden {
        /// What the credential lacks.
        missing: Lacks,
    },
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal for StateError {
    fn details(&self) -> Details {
        match self {
            Self::NoAccount => Details::not_found(),
            Self::Yourself => Details::conflict("yourself"),
            Self::LastAdministrator => Details::conflict("last_administrator"),
            Self::Unproven(_) => Details::conflict("email_unproven"),
            Self::NotSettable => Details::bad_request("invalid_state"),
            Self::Forbidden { .. } => Details::beyond(),
            Self::Fault(fault) => fault.details(),
        }
    }
}

/// Why an account's address was not proven.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProveError {
    /// No account has this id.
    #[error("there is no such account")]
    NoAccount,
    /// It has proven its address, or has none.
    #[error("the account has no address that isn't proven")]
    NothingToProve,
    /// Another account has proven it.
    #[error("another account has proven this address")]
    Taken,
    /// The account may do more than whoever acts.
    #[error("insufficient privileges over this account: your credential lacks {}", in_words(.missing))]
    Forbidden {
        /// What the credential lacks.
        missing: Lacks,
    },
    /// The store couldn't be reached, read or written.
    #[error(transparent)]
    Fault(#[from] Fault),
}

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
    /// [`StateError`]; the account is as it was.
    pub async fn set_state(
        &self,
        permit: &Permit<AccountsWrite>,
        id: Id,
        state: State,
        by: audit::Context,
    ) -> Result<Account, StateError> {
        if state == State::Unverified {
            return Err(StateError::NotSettable);
        }
        if permit.actor() == audit::Actor::Account(id) && state != State::Active {
            return Err(StateError::Yourself);
        }
        let by = permit.sign(by);
        let stamp = Stamp::new(&self.environment);
        match self.store.set_state(id, state, stamp, by).await? {
            StateSet::Set(account) => Ok(account),
            StateSet::UnknownAccount => Err(StateError::NoAccount),
            StateSet::Unproven => Err(StateError::Unproven(id)),
            StateSet::LastAdministrator => Err(StateError::LastAdministrator),
            StateSet::Beyond(missing) => Err(StateError::Forbidden { missing }),
        }
    }

    /// Proves the account's address in the name of whoever acts, without a code: for letters that don't arrive. As by
    /// every proof, others who claim the address lose it.
    ///
    /// # Errors
    /// [`ProveError`]; the account is as it was, and so are the others that claim its address.
    pub async fn prove_email(
        &self,
        permit: &Permit<AccountsWrite>,
        id: Id,
        by: audit::Context,
    ) -> Result<Account, ProveError> {
        let stamp = Stamp::new(&self.environment);
        match self.store.prove_email(id, stamp, permit.sign(by)).await? {
            Proving::Proven(account) => Ok(account),
            Proving::UnknownAccount => Err(ProveError::NoAccount),
            Proving::NothingToProve => Err(ProveError::NothingToProve),
            Proving::Taken => Err(ProveError::Taken),
            Proving::Beyond(missing) => Err(ProveError::Forbidden { missing }),
        }
    }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}
