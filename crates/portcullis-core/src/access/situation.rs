//! What a decision looks at besides the principal.

use std::fmt;
use std::net::IpAddr;

use super::{PermissionSet, Principal, ResourceFacts};
use crate::environment::Timestamp;
use crate::organization;

/// When, from where, in which organization, by which policies: everything a rule can ask about that isn't the
/// principal's own.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The one moment of the request.
    pub now: Timestamp,
    /// The caller's address, where it is known.
    pub ip: Option<IpAddr>,
    /// The caller's user agent, where it is known.
    pub user_agent: Option<&'a str>,
    /// The organization that the request selects.
    pub selected: Option<organization::Id>,
    /// The caller's membership in it; `None` if there is none.
    pub member: Option<&'a Membership>,
    /// What decides where a rule names an action.
    pub policies: &'a dyn Policies,
}

impl Situation<'_> {
    /// A moment without organization, address and policies.
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            ip: None,
            user_agent: None,
            selected: None,
            member: None,
            policies: &NoPolicies,
        }
    }
}

/// What an account is and may do in one organization, compiled for deciding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: organization::Id,
    /// The roles it has there, those they inherit included, sorted.
    pub roles: Vec<String>,
    /// The permissions it has there by name, sorted.
    pub permission_names: Vec<String>,
    /// Those that this process's code declares.
    pub permissions: PermissionSet,
}

impl Membership {
    /// Whether the account has the role there.
    pub fn has_role(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role == name)
    }
}

/// What the policies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A policy permits it and none forbids it.
    Permitted,
    /// A policy forbids it, whatever others permit.
    Forbidden,
    /// No policy speaks of it, or one that would have permitted it failed.
    Silent,
}

/// Decides by policies.
pub trait Policies: fmt::Debug + Send + Sync {
    /// Whether `principal` may do `action` to `resource`, or to the application as a whole.
    fn decide(
        &self,
        principal: &Principal,
        situation: &Situation<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Verdict;
}

/// No policies: nothing is permitted by any.
#[derive(Debug, Clone, Copy)]
pub struct NoPolicies;

impl Policies for NoPolicies {
    fn decide(&self, _: &Principal, _: &Situation<'_>, _: &str, _: Option<&ResourceFacts>) -> Verdict {
        Verdict::Silent
    }
}
