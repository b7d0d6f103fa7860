//! The decision about an action on a resource: for one resource, and for all of them at once.
//!
//! Allowed is what no policy forbids, of the organization that the request selects (if it selects one, and it must for
//! what belongs to one where the kind says [`Tenancy::Members`]), within the credential's scopes, and open in at least one way: a privilege, ownership, a grant, a policy that permits it.
//!
//! **Invariant:** [`decide_on`] and [`filter_for`] agree on every resource.

use super::{ActionRule, Filter, ORGANIZATION, ResourceFacts, ResourceKind, Tenancy};
use crate::authz::{DecisionContext, Denied, PolicyFilters, Principal, Verdict, decide};
use crate::defends;

/// What an action on a resource was allowed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The caller may do it to every resource.
    Privilege,
    /// The caller owns it.
    Owner,
    /// The caller was granted it.
    Grant,
    /// A policy permits it.
    Policy,
}

/// Role: decider. Whether `principal` may do the action to the resource; `granted` says whether a grant that counts
/// now was given to it.
///
/// # Errors
/// [`Denied`]. It is [`Denied::NotGranted`] exactly where a grant would have decided otherwise, or no grant counts.
pub fn decide_on(
    action: &ActionRule,
    principal: &Principal,
    context: &DecisionContext<'_>,
    resource: &ResourceFacts,
    granted: bool,
) -> Result<Basis, Denied> {
    defends!("T063");
    let name = action.name();
    // The policies last: they cost the most.
    within_organization(context, resource)?;
    in_scope(action, principal)?;
    let verdict = context.policies.decide(principal, context, name, Some(resource));
    if verdict == Verdict::Forbidden {
        return Err(Denied::ForbiddenByPolicy(name));
    }
    if is_privileged(action, principal, context) {
        Ok(Basis::Privilege)
    } else if action.owner && resource.owner == Some(principal.id()) {
        Ok(Basis::Owner)
    } else if action.shared && granted {
        Ok(Basis::Grant)
    } else if verdict == Verdict::Permitted {
        Ok(Basis::Policy)
    } else {
        Err(Denied::NotGranted(name))
    }
}

/// Whether the resource is within reach from where the request stands.
pub(crate) fn within_organization(
    context: &DecisionContext<'_>,
    resource: &ResourceFacts,
) -> Result<(), Denied> {
    defends!("T099");
    if context.selected.is_some() && context.selected != resource.organization {
        return Err(Denied::OtherOrganization);
    }
    let bound = resource.kind.tenancy == Tenancy::Members && resource.organization.is_some();
    let member = context.member.map(|member| member.organization);
    match context.selected {
        _ if !bound || member == resource.organization => Ok(()),
        None => Err(Denied::NoOrganization),
        Some(_) => Err(Denied::NotAMember),
    }
}

/// The same for all resources of a kind: `granted` are the ids of those that the caller was granted the action on.
pub fn filter_for(
    action: &ActionRule,
    principal: &Principal,
    context: &DecisionContext<'_>,
    kind: &'static ResourceKind,
    granted: Vec<String>,
) -> Filter {
    defends!("T065");
    if in_scope(action, principal).is_err() {
        return Filter::Never;
    }
    let PolicyFilters { permitted, forbidden } =
        context.policies.filters(principal, context, action.name(), kind);
    let ways = if is_privileged(action, principal, context) {
        Filter::Always
    } else {
        let owned = action.owner.then(|| Filter::OwnedBy(principal.id()));
        let shared = action.shared.then_some(Filter::Ids(granted));
        Filter::Any(owned.into_iter().chain(shared).chain([permitted]).collect())
    };
    let selected = context.selected.map(Filter::Of);
    let bound = (kind.tenancy == Tenancy::Members).then(|| {
        let member = context.member.map(|member| Filter::Of(member.organization));
        let unbound = Filter::Present(ORGANIZATION).negated();
        Filter::Any(member.into_iter().chain([unbound]).collect())
    });
    let parts = [ways, forbidden.negated()].into_iter();
    Filter::All(parts.chain(selected).chain(bound).collect()).simplified()
}

/// Whether a grant could make a difference to what `principal` may do.
pub(crate) fn grants_matter(
    action: &ActionRule,
    principal: &Principal,
    context: &DecisionContext<'_>,
) -> bool {
    action.shared && in_scope(action, principal).is_ok() && !is_privileged(action, principal, context)
}

/// Ownership, grants, privileges and policies are the account's: a credential narrowed by scopes uses them only for
/// the actions that its scopes name. An API key's list is its scopes. No resource is looked at for it, so this may be
/// answered before it is known whether there is one.
///
/// # Errors
/// [`Denied::InsufficientScope`].
pub fn in_scope(action: &ActionRule, principal: &Principal) -> Result<(), Denied> {
    defends!("T064");
    if principal.scopes().include(action.name()) {
        Ok(())
    } else {
        Err(Denied::InsufficientScope(action.permission))
    }
}

fn is_privileged(action: &ActionRule, principal: &Principal, context: &DecisionContext<'_>) -> bool {
    decide(&action.privileged, principal, context).is_ok()
}

#[cfg(test)]
mod tests;
