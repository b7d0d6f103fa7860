//! What a decision looks at besides the principal.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::authz::{Filter, PermissionSet, Principal, ResourceFacts, ResourceKind};
use crate::environment::Timestamp;
use crate::id::OrganizationId;

/// When, from where, in which organization, by which policies: everything a rule can ask about that isn't the
/// principal's own.
#[derive(Debug, Clone, Copy)]
pub struct DecisionContext<'a> {
    /// The one moment of the request.
    pub now: Timestamp,
    /// The caller's address, where it is known.
    pub ip: Option<IpAddr>,
    /// The caller's user agent, where it is known.
    pub user_agent: Option<&'a str>,
    /// The organization that the request selects.
    pub selected: Option<OrganizationId>,
    /// The caller's membership in it; `None` if there is none.
    pub member: Option<&'a Membership>,
    /// Whether there is none because the organization is suspended.
    pub suspended: bool,
    /// What decides where a rule names an action.
    pub policies: &'a dyn Policies,
}

impl DecisionContext<'_> {
    /// A moment without organization, address and policies.
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            ip: None,
            user_agent: None,
            selected: None,
            member: None,
            suspended: false,
            policies: &NoPolicies,
        }
    }
}

/// What an account is and may do in one organization, compiled for deciding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization that the account is a member of.
    pub organization: OrganizationId,
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

/// What the policies say, and which of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reasons {
    /// What the policies say, all together.
    pub verdict: Verdict,
    /// The names of the policies that permit it.
    pub permitting: Vec<String>,
    /// The names of the policies that forbid it.
    pub forbidding: Vec<String>,
    /// Policies that failed, and how.
    pub errors: Vec<String>,
}

/// What the policies say of all resources of a kind at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFilters {
    /// The resources that some policy permits the action on.
    pub permitted: Filter,
    /// The resources that some policy forbids the action on, whatever others permit.
    pub forbidden: Filter,
}

/// Decides by policies. What decides, what gives reasons and what filters always agree.
pub trait Policies: fmt::Debug + Send + Sync {
    /// What is in force at this moment, for decisions and explanations that must agree with each other. `None` where it
    /// never changes: then `self` will do.
    fn snapshot(&self) -> Option<Arc<dyn Policies>> {
        None
    }

    /// Whether the action, on resources of this kind or on the application as a whole, can be decided about. Where it
    /// can't, because nobody made it known, everything is forbidden.
    fn knows(&self, _action: &str, _kind: Option<&'static ResourceKind>) -> bool {
        true
    }

    /// Whether `principal` may do `action` to `resource`, or to the application as a whole.
    fn decide(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Verdict;

    /// The same with reasons, for people. Slower.
    fn reasons(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Reasons;

    /// The same for all resources of a kind at once.
    fn filters(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        kind: &'static ResourceKind,
    ) -> PolicyFilters;
}

/// No policies: nothing is permitted by any.
#[derive(Debug, Clone, Copy)]
pub struct NoPolicies;

impl Policies for NoPolicies {
    fn decide(&self, _: &Principal, _: &DecisionContext<'_>, _: &str, _: Option<&ResourceFacts>) -> Verdict {
        Verdict::Silent
    }

    fn reasons(&self, _: &Principal, _: &DecisionContext<'_>, _: &str, _: Option<&ResourceFacts>) -> Reasons {
        Reasons {
            verdict: Verdict::Silent,
            permitting: Vec::new(),
            forbidding: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn filters(
        &self,
        _: &Principal,
        _: &DecisionContext<'_>,
        _: &str,
        _: &'static ResourceKind,
    ) -> PolicyFilters {
        PolicyFilters {
            permitted: Filter::Never,
            forbidden: Filter::Never,
        }
    }
}
