//! Changes roles. Every change takes a [`Permit`]: a page, a job or a command can't skip the check. What somebody may
//! give and take is checked by the store, in the transaction that does it ([`Authority`](crate::authz::Authority)).

use std::sync::Arc;

use crate::account::Account;
use crate::authz::{
    FreshLogin, InvalidName, PermissionId, Permit, RolesRead, RolesWrite, is_reserved, valid_permission_name,
    valid_role_name,
};
use crate::effect::Effect;
use crate::fault::Fault;
use crate::roles::{Declaration, PermissionRecord, RoleRecord, RolesError, Store};
use crate::text::{Bounded, reads_plainly};
use crate::{account, audit, defends};

/// What it takes to make roles and to give: as much as to make the key of a service account, which gives no more than
/// this can. Taking asks for the permission alone.
pub type MayGive = (RolesWrite, FreshLogin<900>);

/// Roles and who has them.
#[derive(Clone)]
pub struct Roles {
    store: Arc<dyn Store>,
    declared: Arc<Declaration>,
}

type Outcome = Result<Effect, RolesError>;

impl Roles {
    /// The roles in `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            declared: Arc::default(),
        }
    }

    /// The same, of a program whose code declares these roles: what they give is changed there and not here.
    #[must_use]
    pub fn declaring(mut self, roles: Declaration) -> Self {
        self.declared = Arc::new(roles);
        self
    }

    /// All roles by name.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn list(&self, _permit: &Permit<RolesRead>) -> Result<Vec<RoleRecord>, Fault> {
        self.store.roles().await
    }

    /// All permissions by name.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn permissions(&self, _permit: &Permit<RolesRead>) -> Result<Vec<PermissionRecord>, Fault> {
        self.store.permissions().await
    }

    /// The roles an account was given directly; `None` if there is no such account.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn of_account(
        &self,
        _permit: &Permit<RolesRead>,
        account: account::Id,
    ) -> Result<Option<Vec<String>>, Fault> {
        self.store.assigned(account).await
    }

    /// The accounts that were given a role directly, by id, those beyond `after`; `None` if there is no such role.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn holders(
        &self,
        _permit: &Permit<RolesRead>,
        role: &str,
        after: Option<account::Id>,
        limit: u32,
    ) -> Result<Option<Vec<Account>>, Fault> {
        self.store.holders(role.to_owned(), after, limit).await
    }

    /// Makes a permission of an application that runs elsewhere known, so that roles can give it; the administrator
    /// gets it. Of one that is known the description is set, and that it is an action where it is said to be one. One that this process's own code declares has the
    /// description that the code gives it.
    ///
    /// # Errors
    /// [`RolesError`]; a name below `portcullis:` or `org:` is [`RolesError::Protected`], and who is no administrator goes
    /// beyond what they may ([`RolesError::Forbidden`]): owners of organizations get the permission too.
    pub async fn declare(
        &self,
        permit: &Permit<MayGive>,
        permission: PermissionRecord,
        by: audit::Context,
    ) -> Outcome {
        let permission = PermissionRecord {
            name: valid_permission(&permission.name)?,
            description: valid_description(&permission.description)?,
            ..permission
        };
        if of_this_program(&permission.name) {
            return Err(RolesError::Protected);
        }
        self.store.declare_permission(permission, permit.sign(by)).await?
    }

    /// Takes a permission from every role and forgets it.
    ///
    /// # Errors
    /// [`RolesError`]; one that this process's own code declares is [`RolesError::Protected`].
    pub async fn withdraw(&self, permit: &Permit<RolesWrite>, name: &str, by: audit::Context) -> Outcome {
        let name = valid_permission(name)?;
        if of_this_program(&name) {
            return Err(RolesError::Protected);
        }
        self.store.withdraw_permission(name, permit.sign(by)).await?
    }

    /// Creates a role without permissions.
    ///
    /// # Errors
    /// [`RolesError`]; an existing role of that name is [`RolesError::Taken`].
    pub async fn create(
        &self,
        permit: &Permit<MayGive>,
        name: &str,
        description: &str,
        by: audit::Context,
    ) -> Outcome {
        if !valid_role_name(name) {
            return Err(InvalidName::Role.into());
        }
        let description = valid_description(description)?;
        self.store
            .create_role(name.to_owned(), description, permit.sign(by))
            .await?
    }

    /// Deletes a role: nobody has it any more, and nothing inherits from it.
    ///
    /// # Errors
    /// [`RolesError`]; a role of Portcullis' own is [`RolesError::Protected`], one of the program's code
    /// [`RolesError::Declared`].
    pub async fn delete(&self, permit: &Permit<RolesWrite>, name: &str, by: audit::Context) -> Outcome {
        self.is_changed_here(name)?;
        self.store.delete_role(name.to_owned(), permit.sign(by)).await?
    }

    /// Gives a permission to a role.
    ///
    /// # Errors
    /// [`RolesError`]; a permission nobody declared is [`RolesError::UnknownPermission`].
    pub async fn allow(
        &self,
        permit: &Permit<MayGive>,
        role: &str,
        permission: &str,
        by: audit::Context,
    ) -> Outcome {
        self.is_changed_here(role)?;
        let permission = valid_permission(permission)?;
        self.store
            .allow(role.to_owned(), permission, permit.sign(by))
            .await?
    }

    /// Takes a permission from a role.
    ///
    /// # Errors
    /// [`RolesError`]; the role gives the permission as before.
    pub async fn disallow(
        &self,
        permit: &Permit<RolesWrite>,
        role: &str,
        permission: &str,
        by: audit::Context,
    ) -> Outcome {
        self.is_changed_here(role)?;
        self.store
            .disallow(role.to_owned(), permission.to_owned(), permit.sign(by))
            .await?
    }

    /// Lets a role inherit everything of another.
    ///
    /// # Errors
    /// [`RolesError`]; a cycle is [`RolesError::Cycle`].
    pub async fn inherit(
        &self,
        permit: &Permit<MayGive>,
        role: &str,
        parent: &str,
        by: audit::Context,
    ) -> Outcome {
        self.is_changed_here(role)?;
        self.store
            .inherit(role.to_owned(), parent.to_owned(), permit.sign(by))
            .await?
    }

    /// Ends that a role inherits from another; what it has directly stays.
    ///
    /// # Errors
    /// [`RolesError`]; the role inherits as before.
    pub async fn disinherit(
        &self,
        permit: &Permit<RolesWrite>,
        role: &str,
        parent: &str,
        by: audit::Context,
    ) -> Outcome {
        self.is_changed_here(role)?;
        self.store
            .disinherit(role.to_owned(), parent.to_owned(), permit.sign(by))
            .await?
    }

    /// Gives an account a role; it may use its permissions from the next request on.
    ///
    /// # Errors
    /// [`RolesError`], above all `UnknownRole` and `UnknownAccount`; the account's roles are as they were.
    pub async fn assign(
        &self,
        permit: &Permit<MayGive>,
        account: account::Id,
        role: &str,
        by: audit::Context,
    ) -> Outcome {
        self.store
            .assign(account, role.to_owned(), permit.sign(by))
            .await?
    }

    /// Takes a role from an account.
    ///
    /// # Errors
    /// [`RolesError`]; the last administrator stays one ([`RolesError::Protected`]).
    pub async fn unassign(
        &self,
        permit: &Permit<RolesWrite>,
        account: account::Id,
        role: &str,
        by: audit::Context,
    ) -> Outcome {
        self.store
            .unassign(account, role.to_owned(), permit.sign(by))
            .await?
    }
}

impl Roles {
    /// What code declares is what counts: a change from elsewhere would be gone at the next start.
    fn is_changed_here(&self, role: &str) -> Result<(), RolesError> {
        defends!("T211");
        if self.declared.names(role) {
            return Err(RolesError::Declared);
        }
        Ok(())
    }
}

fn valid_permission(name: &str) -> Result<String, InvalidName> {
    if valid_permission_name(name) {
        Ok(name.to_owned())
    } else {
        Err(InvalidName::Permission)
    }
}

pub(super) fn valid_description(text: &str) -> Result<String, RolesError> {
    defends!("T141");
    let text = Bounded::new(text, 800)
        .ok_or(RolesError::InvalidDescription)?
        .as_str();
    if text.chars().count() > 200 || !reads_plainly(text) {
        return Err(RolesError::InvalidDescription);
    }
    Ok(text.to_owned())
}

/// What a program declares in its code it declares again at its next start: not here.
fn of_this_program(permission: &str) -> bool {
    defends!("T080");
    is_reserved(permission) || PermissionId::find(permission).is_some()
}

impl std::fmt::Debug for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roles").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
