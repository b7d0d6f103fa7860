//! Roles and permissions as records: which there are, who has which, and how they are changed.

mod declaration;
mod error;
mod service;

use serde::Serialize;

pub use self::declaration::{Declaration, DeclarationError};
pub use self::error::RolesError;
pub use self::service::{MayGive, Roles};
use crate::authz::{AccountFacts, PermissionRef, is_reserved};
use crate::effect::Effect;
use crate::environment::Timestamp;
use crate::port::port;
use crate::{account, audit};

/// A permission as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionRecord {
    /// Its name, such as `posts:read`.
    pub name: String,
    /// What it allows, for people.
    pub description: String,
    /// Whether it names an action on resources ([`PermissionRef::action`]). A name stays one until it is withdrawn.
    pub action: bool,
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

impl PermissionRecord {
    /// Whether it is the action of this name, which a credential may be narrowed to by whoever it is: it allows nothing by
    /// itself. What Portcullis declares itself is none.
    pub fn is_action(&self, name: &str) -> bool {
        self.action && self.name == name && !is_reserved(name)
    }
}

impl From<&PermissionRef> for PermissionRecord {
    fn from(permission: &PermissionRef) -> Self {
        Self {
            name: permission.name.to_owned(),
            description: permission.description.to_owned(),
            action: permission.action,
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

port! {
    /// Where roles and permissions are kept. Every verb is atomic. Verbs that give or take are checked inside their
    /// transaction ([`Authority`](crate::authz::Authority)), by whoever acts (`by.actor`) and what narrows them (`by.scopes`). Changing a role invalidates
    /// [`Roles`](crate::invalidation::Invalidation::Roles), changing an account's roles the account.
    pub trait Store => roles_port;

    /// What an account is as a member of organizations, all together.
    read fn as_member(account: account::Id) -> MemberFacts;

    /// Makes the given permissions known (or updates their descriptions, and marks those that are actions) and gives every one of them to
    /// [`ADMINISTRATOR`](crate::scopes::ADMINISTRATOR), creating that role if need be, with an audit event for each that changes. Writes and
    /// invalidates nothing if all of it is so already.
    write fn declare(permissions: Vec<PermissionRecord>, at: Timestamp) -> ();

    /// Makes roles of a program's code what the code says, to the letter, and remembers that code declares them: each is
    /// made if need be, gives these permissions alone and inherits these roles alone. An event of the system for each
    /// difference; writes and invalidates nothing where there is none. A role that nobody's code declared before, and that
    /// somebody has already, is not taken over if that would give its holders anything ([`DeclarationError::Held`]).
    /// Answers the roles that code declared before and these aren't, by name; they stay as they are.
    write fn declare_roles(roles: Vec<RoleRecord>, at: Timestamp) -> Result<Vec<String>, DeclarationError>;

    /// As `declare`, for one permission of an application that runs elsewhere, said by somebody.
    write fn declare_permission(permission: PermissionRecord, by: audit::Context) -> Result<Effect, RolesError>;

    /// Forgets a permission: no role gives it any more. Those that Portcullis declares itself are
    /// [`RolesError::Protected`].
    write fn withdraw_permission(name: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// The account with everything it may do.
    read fn facts(account: account::Id) -> Option<AccountFacts>;

    /// All permissions by name.
    read fn permissions() -> Vec<PermissionRecord>;

    /// All roles by name.
    read fn roles() -> Vec<RoleRecord>;

    /// Creates a role without permissions.
    write fn create_role(name: String, description: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// Deletes a role: nobody has it, nothing inherits it any more.
    write fn delete_role(name: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// Gives a permission to a role.
    write fn allow(role: String, permission: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// Takes a permission from a role.
    write fn disallow(role: String, permission: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// Lets `role` inherit everything of `parent`; refuses cycles of any length, also when two calls race.
    write fn inherit(role: String, parent: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// Ends that `role` inherits from `parent`.
    write fn disinherit(role: String, parent: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// Gives the account a role.
    write fn assign(account: account::Id, role: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// Takes a role from the account.
    write fn unassign(account: account::Id, role: String, by: audit::Context) -> Result<Effect, RolesError>;

    /// The accounts that the role was given to directly, by id, those beyond `after` and at most `limit`; `None` if there
    /// is no such role.
    read fn holders(role: String, after: Option<account::Id>, limit: u32) -> Option<Vec<account::Account>>;

    /// The roles given to the account directly, by name; `None` if there is no such account.
    read fn assigned(account: account::Id) -> Option<Vec<String>>;
}
