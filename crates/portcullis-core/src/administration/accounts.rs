//! What administrators do with accounts. Every call takes a [`Permit`].

use std::sync::Arc;

use crate::account::{Account, AccountState, AccountsError, Id, Stamp, Store};
use crate::attribute::{AttributeChange, Attributes, Declared};
use crate::audit;
use crate::authz::{AccountsRead, AccountsWrite, Permit};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::roles::MayGive;

/// Accounts, as administrators see them.
#[derive(Clone)]
pub struct Accounts {
    store: Arc<dyn Store>,
    environment: Environment,
    declared: Declared,
}

impl Accounts {
    /// The accounts in `store`.
    pub fn new(store: Arc<dyn Store>, environment: Environment) -> Self {
        Self {
            store,
            environment,
            declared: Declared::default(),
        }
    }

    /// The same accounts, which may have these attributes.
    #[must_use]
    pub fn with_attributes(mut self, declared: Declared) -> Self {
        self.declared = declared;
        self
    }

    /// The attributes that accounts may have.
    pub fn declared(&self) -> &Declared {
        &self.declared
    }

    /// The account's attributes; `None` if there is no such account.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn attributes(
        &self,
        _permit: &Permit<AccountsRead>,
        id: Id,
    ) -> Result<Option<Attributes>, Fault> {
        self.store.find_attributes(id).await
    }

    /// Changes attributes of the account, all or none. Policies and applications may decide by them, so it takes what giving
    /// a role takes, and all permissions of the server's that the account has.
    ///
    /// # Errors
    /// [`AccountsError`]; the account is as it was.
    pub async fn change_attributes(
        &self,
        permit: &Permit<MayGive>,
        id: Id,
        changes: impl IntoIterator<Item = AttributeChange>,
        by: audit::Context,
    ) -> Result<(), AccountsError> {
        let changes = self.known(changes)?;
        self.store.change_attributes(id, changes, permit.sign(by)).await?
    }

    /// The same in the name of the program itself: for its own code, where no caller decides which account or value it is.
    ///
    /// # Errors
    /// [`AccountsError`]; the account is as it was.
    pub async fn change_attributes_by_program(
        &self,
        id: Id,
        changes: impl IntoIterator<Item = AttributeChange>,
    ) -> Result<(), AccountsError> {
        let changes = self.known(changes)?;
        let by = audit::Context::system(self.environment.now());
        self.store.change_attributes(id, changes, by).await?
    }

    /// The changes, if all of them are of declared attributes.
    fn known(
        &self,
        changes: impl IntoIterator<Item = AttributeChange>,
    ) -> Result<Vec<AttributeChange>, AccountsError> {
        let changes: Vec<AttributeChange> = changes.into_iter().collect();
        let unknown = changes.iter().find(|change| {
            let declared = self.declared.find(change.name);
            let fits = |kind| change.value.as_ref().is_none_or(|value| value.kind() == kind);
            !declared.is_some_and(|declared| fits(declared.kind))
        });
        match unknown {
            Some(change) => Err(AccountsError::UndeclaredAttribute(change.name.to_owned())),
            None => Ok(changes),
        }
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
