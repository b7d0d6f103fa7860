//! Roles and permissions as records: which there are, who has which, and how they are changed.

mod service;

use async_trait::async_trait;
use serde::Serialize;

pub use self::service::{MayGive, Roles, RolesError};
use crate::authz::{AccountFacts, PermissionRef};
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::scopes::Lacks;
use crate::{account, audit};

/// A permission as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionRecord {
    /// Its name, such as `posts:read`.
    pub name: String,
    /// What it allows, for people.
    pub description: String,
}

/// A role as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleRecord {
    /// Its name, such as `editor`.
    pub name: String,
    /// What it is for, for people.
    pub description: String,
    /// The permissions given to it directly.
    pub permissions: Vec<String>,
    /// The roles whose permissions it inherits directly.
    pub inherits: Vec<String>,
}

impl From<&PermissionRef> for PermissionRecord {
    fn from(permission: &PermissionRef) -> Self {
        Self {
            name: permission.name.to_owned(),
            description: permission.description.to_owned(),
        }
    }
}

/// What an account is in organizations, all of them together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFacts {
    /// How many it is a member of, suspended ones included.
    pub organizations: u64,
    /// What its roles give it in those that aren't suspended, each in its own: every name once, sorted.
    pub permissions: Vec<String>,
}

/// What came of changing roles.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a role, permission or account that doesn't exist is told here only: handle it, or check that it is so now"]
pub enum Change {
    /// It is so now.
    Done,
    /// It was so already; nothing was written.
    Unchanged,
    /// No such role.
    UnknownRole,
    /// No such permission.
    UnknownPermission,
    /// No such account.
    UnknownAccount,
    /// The role would inherit from itself; nothing was written.
    Cycle,
    /// A role of this name exists.
    Taken,
    /// The role or permission is Portcullis' own, or the last administrator would lose it.
    Protected,
    /// Who acts lacks what is named, or may not change roles any more; nothing was written.
    Beyond(Lacks),
}

impl Change {
    /// Whether what was asked for is so now, made by this call or before it.
    pub fn is_so(&self) -> bool {
        matches!(self, Self::Done | Self::Unchanged)
    }
}

/// Where roles and permissions are kept. Every verb is atomic. Verbs that give or take are judged inside their
/// transaction ([`Authority`](crate::authz::Authority)), by whoever acts (`by.actor`) and what narrows them (`by.scopes`). Changing a role invalidates
/// [`Roles`](crate::invalidation::Invalidation::Roles), changing an account's roles the account.
#[async_trait]
pub trait Store: Send + Sync {
    /// What an account is as a member of organizations, all together.
    async fn as_member(&self, account: account::Id) -> Result<MemberFacts, Fault>;

    /// Makes the given permissions known (or updates their descriptions) and gives every one of them to
    /// [`ADMINISTRATOR`](crate::scopes::ADMINISTRATOR), creating that role if need be, with an audit event for each that changes. Writes and
    /// invalidates nothing if all of it is so already.
    async fn declare(&self, permissions: Vec<PermissionRecord>, at: Timestamp) -> Result<(), Fault>;

    /// The same for one permission of an application that runs elsewhere, said by somebody.
    async fn declare_permission(
        &self,
        permission: PermissionRecord,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Forgets a permission: no role gives it any more. Those that Portcullis declares itself are
    /// [`Change::Protected`].
    async fn withdraw_permission(&self, name: String, by: audit::Context) -> Result<Change, Fault>;

    /// The account with everything it may do.
    async fn facts(&self, account: account::Id) -> Result<Option<AccountFacts>, Fault>;

    /// All permissions by name.
    async fn permissions(&self) -> Result<Vec<PermissionRecord>, Fault>;

    /// All roles by name.
    async fn roles(&self) -> Result<Vec<RoleRecord>, Fault>;

    /// Creates a role without permissions.
    async fn create_role(
        &self,
        name: String,
        description: String,
        by: audit::Context,
    ) -> Result<Change, Fault>;

    /// Deletes a role: nobody has it, nothing inherits it any more.
    async fn delete_role(&self, name: String, by: audit::Context) -> Result<Change, Fault>;

    /// Gives a permission to a role.
    async fn allow(&self, role: String, permission: String, by: audit::Context) -> Result<Change, Fault>;

    /// Takes a permission from a role.
    async fn disallow(&self, role: String, permission: String, by: audit::Context) -> Result<Change, Fault>;

    /// Lets `role` inherit everything of `parent`; refuses cycles of any length, also when two calls race.
    async fn inherit(&self, role: String, parent: String, by: audit::Context) -> Result<Change, Fault>;

    /// Ends the inheritance.
    async fn disinherit(&self, role: String, parent: String, by: audit::Context) -> Result<Change, Fault>;

    /// Gives the account a role.
    async fn assign(&self, account: account::Id, role: String, by: audit::Context) -> Result<Change, Fault>;

    /// Takes a role from the account.
    async fn unassign(&self, account: account::Id, role: String, by: audit::Context)
    -> Result<Change, Fault>;

    /// The accounts that the role was given to directly, by id, those beyond `after` and at most `limit`; `None` if there
    /// is no such role.
    async fn holders(
        &self,
        role: String,
        after: Option<account::Id>,
        limit: u32,
    ) -> Result<Option<Vec<account::Account>>, Fault>;

    /// The roles given to the account directly, by name; `None` if there is no such account.
    async fn assigned(&self, account: account::Id) -> Result<Option<Vec<String>>, Fault>;
}
