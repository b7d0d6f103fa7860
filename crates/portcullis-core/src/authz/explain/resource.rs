//! A decision about a resource, part by part.

use super::{Explanation, describe, explain};
use crate::authz::resource::{ActionRule, ResourceFacts, in_scope, within_organization};
use crate::authz::{DecisionContext, Denied, Principal, Verdict};

/// Goes through everything that decides about the action on the resource, without what was shared: grants are looked at
/// before, and where one counts there is nothing to explain. Its root holds if and only if
/// [`decide_on`](crate::authz::resource::decide_on) allows it without a grant.
pub fn explain_on(
    action: &ActionRule,
    principal: &Principal,
    context: &DecisionContext<'_>,
    resource: &ResourceFacts,
) -> Explanation {
    let name = action.name();
    let reasons = context.policies.reasons(principal, context, name, Some(resource));
    let (verdict, policies) = (reasons.verdict, describe(reasons));
    // In the order of the decision: the first part that doesn't hold is what is answered.
    let mut parts = Vec::new();
    if context.selected.is_some() || resource.organization.is_some() {
        let within = within_organization(context, resource);
        parts.push(leaf(
            "within reach of the organization".to_owned(),
            within,
            match within {
                Ok(()) => "it is".to_owned(),
                Err(Denied::NoOrganization) => {
                    "only members reach it, and the request selects no organization".to_owned()
                }
                Err(Denied::NotAMember) => "only members reach it, and the account is none".to_owned(),
                Err(_) => "it belongs to another organization than the selected one, or to none".to_owned(),
            },
        ));
    }
    let in_scope = in_scope(action, principal);
    parts.push(leaf(
        format!("scope({name})"),
        in_scope,
        why(
            in_scope.is_ok(),
            "the credential may do all that its account may, or this",
            "the credential's scopes, or the list of the API key, leave it out",
        ),
    ));
    parts.push(leaf(
        format!("policy({name}) doesn't forbid"),
        outcome(verdict != Verdict::Forbidden, Denied::ForbiddenByPolicy(name)),
        policies.clone(),
    ));
    parts.push(ways(action, principal, context, resource, (verdict, policies)));
    let missing = parts.iter().find(|part| !part.holds);
    let held = parts.iter().filter(|part| part.holds).count();
    Explanation {
        rule: format!("{name} on {}", resource.kind.name),
        holds: missing.is_none(),
        within: ACCOUNT.to_owned(),
        code: missing.map_or_else(|| "holds".to_owned(), |part| part.code.clone()),
        why: format!("{held} of {} hold; all must", parts.len()),
        parts,
    }
}

/// The ways in, of which one is enough.
fn ways(
    action: &ActionRule,
    principal: &Principal,
    context: &DecisionContext<'_>,
    resource: &ResourceFacts,
    (verdict, policies): (Verdict, String),
) -> Explanation {
    let closed = Denied::NotGranted(action.name());
    let mut parts = vec![explain(&action.privileged, principal, context)];
    if action.owner {
        let owns = resource.owner == Some(principal.id());
        let described = why(owns, "the account owns it", "the account doesn't own it");
        parts.push(leaf("owner".to_owned(), outcome(owns, closed), described));
    }
    if action.shared {
        parts.push(leaf(
            "shared".to_owned(),
            Err(closed),
            "nothing that was shared with the account counted".to_owned(),
        ));
    }
    let permits = verdict == Verdict::Permitted;
    parts.push(leaf(
        format!("policy({}) permits", action.name()),
        outcome(permits, Denied::NoPolicyPermits(action.name())),
        policies,
    ));
    let rules: Vec<&str> = parts.iter().map(|part| part.rule.as_str()).collect();
    let held = parts.iter().filter(|part| part.holds).count();
    Explanation {
        rule: rules.join(" or "),
        holds: held > 0,
        within: ACCOUNT.to_owned(),
        code: if held > 0 { "holds" } else { closed.code() }.to_owned(),
        why: format!("{held} of {} hold; at least one must", parts.len()),
        parts,
    }
}

fn leaf(rule: String, outcome: Result<(), Denied>, why: String) -> Explanation {
    Explanation {
        rule,
        holds: outcome.is_ok(),
        within: ACCOUNT.to_owned(),
        code: outcome
            .map_or_else(|denied| denied.code(), |()| "holds")
            .to_owned(),
        why,
        parts: Vec::new(),
    }
}

fn outcome(holds: bool, denied: Denied) -> Result<(), Denied> {
    if holds { Ok(()) } else { Err(denied) }
}

fn why(holds: bool, yes: &str, no: &str) -> String {
    if holds { yes } else { no }.to_owned()
}

const ACCOUNT: &str = "account";
