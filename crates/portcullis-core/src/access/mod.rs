//! Access: roles, permissions, scopes, and the decision.
//!
//! A route's [`Rule`] is data made at compile time from the types in its handler's signature
//! ([`Requirement::RULE`]). The same rule is enforced by [`decide`], shown in OpenAPI and written to `authz.lock`:
//! there is no second place to forget. A [`Permit`] can only be made by a decision, and services that change things
//! ask for one.
//!
//! Permissions are names; each name a process meets gets a bit ([`PermissionId`]), so a decision is a bit test.
//!
//! **Deliberately absent:** a rule that allows by default, and a deny that doesn't say why.

mod authentication;
mod authenticator;
mod authority;
mod builtin;
pub(crate) mod decide;
mod directory;
pub mod explain;
#[cfg(test)]
pub(crate) mod given;
pub mod grant;
mod identity;
mod names;
#[cfg(feature = "policies")]
pub mod policy;
mod principal;
mod remote;
mod requirement;
pub mod resource;
mod rule;
mod service;
mod situation;
mod step_up;

use async_trait::async_trait;
use serde::Serialize;

pub use self::authentication::Authentication;
pub use self::authenticator::{Alone, Authenticator, Bus, Foundation, SHORT_LIFE};
pub use self::authority::{Authority, Brings, in_words};
pub use self::builtin::{
    AccountsRead, AccountsWrite, ApiKeysRead, ApiKeysWrite, AuditRead, BUILT_IN, DecisionsRead, KeysWrite,
    MembersRead, MembersWrite, OrganizationsRead, OrganizationsWrite, PoliciesRead, RolesRead, RolesWrite,
    SessionsWrite, SettingsWrite, is_reserved, is_the_servers,
};
pub use self::decide::{Denied, Permit, decide};
pub(crate) use self::directory::is_young;
pub use self::directory::{Directory, REMEMBERED};
pub use self::explain::{Decision, Explanation, explain};
pub use self::identity::{AuthenticationError, Bearer, Credential, CredentialKind, Kinds, Pair, Refused};
pub use self::names::{InvalidName, PermissionId, PermissionSet, valid_permission_name, valid_role_name};
pub use self::principal::{Facts, Principal};
pub use self::remote::{MAX_LIFETIME, RemoteAuthenticator};
pub use self::requirement::{
    ActionName, Any, Authenticated, FreshLogin, InOrganization, Member, Permission, Policy, Requirement,
    Role, RoleName, SecondFactor, Unnarrowed,
};
pub use self::resource::{Filter, ResourceFacts, ResourceKind};
pub use self::rule::{PermissionRef, Rule};
pub use self::service::{MayGive, Roles, RolesError};
pub use self::situation::{Membership, NoPolicies, Policies, PolicyFilters, Reasons, Situation, Verdict};
pub use self::step_up::{StepUp, step_up};
use crate::environment::Timestamp;
use crate::fault::Fault;
pub use crate::scopes::{ADMINISTRATOR, Lacks, Scopes};
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

/// What an account is in organizations, all of them together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFacts {
    /// How many it is a member of, suspended ones included.
    pub organizations: u64,
    /// What its roles give it in those that aren't suspended, each in its own: every name once, sorted.
    pub permissions: Vec<String>,
}

/// What an account is and may do, read at once: a principal is built from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// The account.
    pub account: account::Account,
    /// All its roles, those it inherits included.
    pub roles: Vec<String>,
    /// All its permissions, those it inherits included.
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
/// transaction ([`Authority`]), by whoever acts (`by.actor`) and what narrows them (`by.scopes`). Changing a role invalidates
/// [`Roles`](crate::invalidation::Invalidation::Roles), changing an account's roles the account.
#[async_trait]
pub trait Store: Send + Sync {
    /// What an account is as a member of organizations, all together.
    async fn as_member(&self, account: account::Id) -> Result<MemberFacts, Fault>;

    /// Makes the given permissions known (or updates their descriptions) and gives every one of them to
    /// [`ADMINISTRATOR`], creating that role if need be, with an audit event for each that changes. Writes and
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
