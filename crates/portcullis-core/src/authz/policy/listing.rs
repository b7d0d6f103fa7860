//! The policies' answer for all resources of a kind at once.
//!
//! Cedar evaluates the policies with the resource unknown. What remains of each is a condition on the resource, which
//! becomes two filters: where the condition is true, and where evaluating it fails. A failing permit permits nothing
//! and a failing forbid forbids, as with a single resource.
//!
//! A condition that no filter can say counts as failing everywhere. [`check`] finds such policies when they are
//! loaded. So does one that would be too long to ask a database for ([`outcome`]).
//!
//! A row that lacks a field which was declared for every resource is in no list, as no single decision allows it.

mod condition;
mod literal;
mod outcome;

pub(super) use self::literal::pieces;

use cedar_policy::pst::{self, Clause};
use cedar_policy::{EntityId, PartialEntities, PartialEntityUid, PartialRequest, Policy, Schema};

pub(super) use self::condition::Unsayable;
use self::condition::{Condition, Known};
use self::outcome::Outcome;
use super::Set;
use super::facts::Unfit;
use super::looks::Looks;
use super::slice::Slice;
use crate::authz::{DecisionContext, Filter, PolicyFilters, Principal, ResourceKind};
use crate::defends;

/// Whether the policy's conditions on a resource of `kind` can be said by a filter, whoever calls.
pub(super) fn check(policy: &pst::StaticPolicy, kind: &'static ResourceKind) -> Result<(), Unsayable> {
    let condition = Condition {
        kind,
        known: Known::Later,
    };
    for clause in policy.body().clauses() {
        let (Clause::When(expr) | Clause::Unless(expr)) = clause;
        condition.outcome(expr)?;
    }
    Ok(())
}

/// The filters for the caller. What can't be worked out permits nothing and forbids everything.
pub(super) fn filters(
    set: &Set,
    principal: &Principal,
    decision: &DecisionContext<'_>,
    action: &str,
    kind: &'static ResourceKind,
) -> PolicyFilters {
    defends!("T060");
    work_out(set, principal, decision, action, kind).unwrap_or(PolicyFilters {
        permitted: Filter::Never,
        forbidden: Filter::Always,
    })
}

fn work_out(
    set: &Set,
    principal: &Principal,
    decision: &DecisionContext<'_>,
    action: &str,
    kind: &'static ResourceKind,
) -> Result<PolicyFilters, Unfit> {
    let slice = set.slice(action, Some(kind))?;
    let schema = &set.schema.cedar;
    let (request, entities) = question(set, slice, principal, decision, schema)?;
    let response = slice
        .policies
        .tpe(&request, &entities, schema)
        .map_err(|error| Unfit::Language(error.to_string()))?;
    let (mut permitted, mut forbidden) = (Vec::new(), Vec::new());
    if response.true_permits().next().is_some() {
        permitted.push(Filter::Always);
    }
    if response.true_forbids().next().is_some() || response.error_forbids().next().is_some() {
        forbidden.push(Filter::Always);
    }
    let mut left = outcome::MOST;
    for policy in response.residual_policies() {
        let outcome = remainder(&policy, kind).and_then(|outcome| {
            // What is too much together is as unsayable as what is too much by itself.
            left = left.checked_sub(outcome.nodes()).ok_or(Unsayable::too_much())?;
            Ok(outcome)
        });
        match (slice.forbidding.contains(policy.id()), outcome) {
            (false, Ok(outcome)) => permitted.push(outcome.yes),
            (false, Err(_)) => {}
            (true, Ok(outcome)) => forbidden.extend([outcome.yes, outcome.fails]),
            (true, Err(_)) => forbidden.push(Filter::Always),
        }
    }
    forbidden.extend(undeclared(kind));
    Ok(PolicyFilters {
        permitted: Filter::any(permitted),
        forbidden: Filter::any(forbidden),
    })
}

/// Rows that are not what was declared: a single decision refuses them ([`conforms`](super::facts::conforms)).
fn undeclared(kind: &'static ResourceKind) -> impl Iterator<Item = Filter> {
    defends!("T102");
    let needed = kind.fields.iter().filter(|field| !field.optional);
    needed.map(|field| Filter::Present(field.name).negated())
}

fn question(
    set: &Set,
    slice: &Slice,
    principal: &Principal,
    decision: &DecisionContext<'_>,
    schema: &Schema,
) -> Result<(PartialRequest, PartialEntities), Unfit> {
    let unfit = |error: &dyn std::fmt::Display| Unfit::Language(error.to_string());
    let context = set.types.context(Looks::EVERYTHING, principal, decision)?;
    let entities = set.types.entities(Looks::EVERYTHING, principal, decision, None)?;
    let request = PartialRequest::new(
        PartialEntityUid::from_concrete(set.types.account(principal)),
        slice.action.clone(),
        PartialEntityUid::new(slice.resource.clone(), None::<EntityId>),
        Some(context),
        schema,
    );
    let request = request.map_err(|error| unfit(&error))?;
    let entities = PartialEntities::from_concrete(entities, schema).map_err(|error| unfit(&error))?;
    Ok((request, entities))
}

/// What remains of a policy, as filters.
fn remainder(policy: &Policy, kind: &'static ResourceKind) -> Result<Outcome, Unsayable> {
    let condition = Condition {
        kind,
        known: Known::Now,
    };
    let body = policy.to_pst().map_err(|error| Unsayable(error.to_string()))?;
    let mut all = Outcome::always();
    for clause in body.body().clauses() {
        let (Clause::When(expr) | Clause::Unless(expr)) = clause;
        let outcome = condition.outcome(expr)?;
        let outcome = match clause {
            Clause::When(_) => outcome,
            Clause::Unless(_) => outcome.negated(),
        };
        all = all.and(outcome).bounded(expr)?;
    }
    Ok(all)
}
