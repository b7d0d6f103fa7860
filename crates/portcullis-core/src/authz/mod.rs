//! Authorization: permissions, rules, and the decision about a caller.
//!
//! A route's [`Rule`] is data made at compile time from the types in its handler's signature
//! ([`Requirement::RULE`]). The same rule is enforced by [`decide`], shown in OpenAPI and written to `authz.lock`:
//! there is no second place to forget. A [`Permit`] can only be made by a decision, and services that change things
//! ask for one.
//!
//! Permissions are names; each name a process meets gets a bit ([`PermissionId`]), so a decision is a bit test.
//!
//! **Deliberately absent:** a rule that allows by default, and a deny that doesn't say why.

mod authority;
mod builtin;
pub(crate) mod decide;
mod decision_context;
mod declared_role;
pub mod explain;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod function;
mod kind;
mod names;
mod permit;
#[cfg(feature = "policies")]
pub mod policy;
mod principal;
mod requirement;
pub mod resource;
mod rule;
mod step_up;

pub use self::authority::{Authority, Brings, Everywhere, InAnOrganization};
pub use self::builtin::{
    AccountsRead, AccountsWrite, ApiKeysRead, ApiKeysWrite, AuditRead, BUILT_IN, DecisionsRead, KeysWrite,
    LimitsWrite, MembersRead, MembersWrite, OrganizationsRead, OrganizationsWrite, PoliciesRead, RolesRead,
    RolesWrite, SessionsWrite, SettingsWrite, is_reserved, is_the_servers,
};
pub use self::decide::{Denied, decide};
pub use self::decision_context::{
    DecisionContext, Membership, NoPolicies, Policies, PolicyFilters, Reasons, Verdict,
};
pub use self::declared_role::{DeclaredRole, RoleRef};
pub use self::explain::{Decision, Explanation, explain};
pub use self::kind::{CredentialKind, Kinds};
pub use self::names::{InvalidName, PermissionId, PermissionSet, valid_permission_name, valid_role_name};
pub use self::permit::Permit;
pub use self::principal::{AccountFacts, Facts, Principal, Rights};
pub use self::requirement::{
    ActionName, Any, Authenticated, FreshLogin, InOrganization, Member, Permission, Policy, Requirement,
    Role, RoleName, SecondFactor, Signed, Unscoped,
};
pub use self::resource::{Filter, ResourceFacts, ResourceKind};
pub use self::rule::{PermissionRef, Rule};
pub use self::step_up::{StepUp, step_up};
