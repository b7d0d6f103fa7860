//! Changes roles. Every change takes a [`Permit`]: a page, a job or a command can't skip the check.

use std::sync::Arc;

use super::{
    Change, InvalidName, PermissionRecord, Permit, RoleRecord, RolesRead, RolesWrite, Store,
    valid_permission_name, valid_role_name,
};
use crate::fault::Fault;
use crate::{account, audit};

/// Why roles were not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RolesError {
    /// The name isn't one.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The description is too long.
    #[error("a description has at most 200 characters")]
    DescriptionTooLong,
    /// The store couldn't.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Roles and who has them.
#[derive(Clone)]
pub struct Roles {
    store: Arc<dyn Store>,
}

type Outcome = Result<Change, RolesError>;

impl Roles {
    /// The roles in `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// All roles by name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list(&self, _permit: &Permit<RolesRead>) -> Result<Vec<RoleRecord>, Fault> {
        self.store.roles().await
    }

    /// All permissions by name.
    ///
    /// # Errors
    /// What the store says.
    pub async fn permissions(&self, _permit: &Permit<RolesRead>) -> Result<Vec<PermissionRecord>, Fault> {
        self.store.permissions().await
    }

    /// The roles an account was given directly; `None` if there is no such account.
    ///
    /// # Errors
    /// What the store says.
    pub async fn of_account(
        &self,
        _permit: &Permit<RolesRead>,
        account: account::Id,
    ) -> Result<Option<Vec<String>>, Fault> {
        self.store.assigned(account).await
    }

    /// Creates a role without permissions.
    ///
    /// # Errors
    /// [`RolesError`]; an existing role of that name is [`Change::Taken`].
    pub async fn create(
        &self,
        permit: &Permit<RolesWrite>,
        name: &str,
        description: &str,
        by: audit::Context,
    ) -> Outcome {
        if !valid_role_name(name) {
            return Err(InvalidName::Role.into());
        }
        if description.chars().count() > 200 {
            return Err(RolesError::DescriptionTooLong);
        }
        Ok(self
            .store
            .create_role(name.to_owned(), description.to_owned(), permit.sign(by))
            .await?)
    }

    /// Deletes a role.
    ///
    /// # Errors
    /// [`RolesError`].
    pub async fn delete(&self, permit: &Permit<RolesWrite>, name: &str, by: audit::Context) -> Outcome {
        Ok(self.store.delete_role(name.to_owned(), permit.sign(by)).await?)
    }

    /// Gives a permission to a role.
    ///
    /// # Errors
    /// [`RolesError`]; a permission nobody declared is [`Change::UnknownPermission`].
    pub async fn allow(
        &self,
        permit: &Permit<RolesWrite>,
        role: &str,
        permission: &str,
        by: audit::Context,
    ) -> Outcome {
        if !valid_permission_name(permission) {
            return Err(InvalidName::Permission.into());
        }
        Ok(self
            .store
            .allow(role.to_owned(), permission.to_owned(), permit.sign(by))
            .await?)
    }

    /// Takes a permission from a role.
    ///
    /// # Errors
    /// [`RolesError`].
    pub async fn disallow(
        &self,
        permit: &Permit<RolesWrite>,
        role: &str,
        permission: &str,
        by: audit::Context,
    ) -> Outcome {
        Ok(self
            .store
            .disallow(role.to_owned(), permission.to_owned(), permit.sign(by))
            .await?)
    }

    /// Lets a role inherit everything of another.
    ///
    /// # Errors
    /// [`RolesError`]; a cycle is [`Change::Cycle`].
    pub async fn inherit(
        &self,
        permit: &Permit<RolesWrite>,
        role: &str,
        parent: &str,
        by: audit::Context,
    ) -> Outcome {
        Ok(self
            .store
            .inherit(role.to_owned(), parent.to_owned(), permit.sign(by))
            .await?)
    }

    /// Ends the inheritance.
    ///
    /// # Errors
    /// [`RolesError`].
    pub async fn disinherit(
        &self,
        permit: &Permit<RolesWrite>,
        role: &str,
        parent: &str,
        by: audit::Context,
    ) -> Outcome {
        Ok(self
            .store
            .disinherit(role.to_owned(), parent.to_owned(), permit.sign(by))
            .await?)
    }

    /// Gives an account a role; it may use its permissions from the next request on.
    ///
    /// # Errors
    /// [`RolesError`].
    pub async fn assign(
        &self,
        permit: &Permit<RolesWrite>,
        account: account::Id,
        role: &str,
        by: audit::Context,
    ) -> Outcome {
        Ok(self
            .store
            .assign(account, role.to_owned(), permit.sign(by))
            .await?)
    }

    /// Takes a role from an account.
    ///
    /// # Errors
    /// [`RolesError`]; the last administrator stays one ([`Change::Protected`]).
    pub async fn unassign(
        &self,
        permit: &Permit<RolesWrite>,
        account: account::Id,
        role: &str,
        by: audit::Context,
    ) -> Outcome {
        Ok(self
            .store
            .unassign(account, role.to_owned(), permit.sign(by))
            .await?)
    }
}

impl std::fmt::Debug for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roles").finish_non_exhaustive()
    }
}
