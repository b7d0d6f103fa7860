//! Decisions explained: the tree of a rule with what held and what didn't, and why.
//!
//! Flow: [`decide`](crate::authz::decide) answers first; only a refusal is explained, by going through the whole rule once
//! more ([`explain`]). The explanation is recorded as a [`Decision`] under the request's trace id, together with the
//! refusal's audit event, and read by administrators ([`Decisions`](crate::administration::Decisions)).
//!
//! Invariants: every leaf of the tree is decided by the decider itself, so an explanation never disagrees with the
//! decision. It carries names, ids and times, never a credential (`T075`).
//!
//! **Deliberately absent:** an explanation in the refusal's answer. Outside of the administration a refusal says
//! what is missing, not how the rule is built.

mod decision;
mod resource;

use serde::{Deserialize, Serialize};

#[cfg(any(test, feature = "stub"))]
pub use self::decision::Stub;
pub use self::decision::{Bounds, Decision, Store};
pub use self::resource::explain_on;
use crate::authz::decide::{Evaluation, Within};
use crate::authz::{DecisionContext, Denied, Principal, Reasons, Rule};

/// One node of a rule: what was asked, whether it holds, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What was asked, in the form of `authz.lock`.
    pub rule: String,
    /// Whether this part of the rule holds for the caller.
    pub holds: bool,
    /// Whose permissions and roles counted: `account` or `organization`.
    pub within: String,
    /// A stable, machine-readable code: `holds`, or what [`Denied::code`] says.
    pub code: String,
    /// A sentence for people that says the same as the code; not for programs to compare.
    pub why: String,
    /// The parts of an "and", of an "or" or of a membership.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// Goes through the whole of `rule`, also past the first thing that is missing. Its root holds if and only if
/// [`decide`](crate::authz::decide) allows.
pub fn explain(rule: &Rule, principal: &Principal, context: &DecisionContext<'_>) -> Explanation {
    Evaluation {
        principal,
        context,
        within: Within::Account,
    }
    .explain(rule)
}

impl Evaluation<'_> {
    fn explain(self, rule: &Rule) -> Explanation {
        let parts: Vec<Explanation> = match *rule {
            Rule::All(rules) | Rule::Any(rules) => rules.iter().map(|rule| self.explain(rule)).collect(),
            Rule::Member(rule) if self.context.member.is_some() => vec![self.inside().explain(rule)],
            _ => Vec::new(),
        };
        let outcome = self.decide(rule);
        Explanation {
            rule: rule.to_string(),
            holds: outcome.is_ok(),
            within: self.within.as_str().to_owned(),
            code: outcome
                .map_or_else(|denied| denied.code(), |()| "holds")
                .to_owned(),
            why: self.why(rule, outcome, &parts),
            parts,
        }
    }

    fn why(self, rule: &Rule, outcome: Result<(), Denied>, parts: &[Explanation]) -> String {
        let whose = self.within.whose();
        match (rule, outcome) {
            (Rule::Public, _) => "anybody may".to_owned(),
            (Rule::Authenticated, _) => "the caller is known".to_owned(),
            (Rule::Unscoped, Ok(())) => "no scopes narrow the credential".to_owned(),
            (Rule::Unscoped, Err(_)) => {
                "the credential is narrowed by scopes, and this is for the account as a whole".to_owned()
            }
            (Rule::Permission(_) | Rule::Role(_), Ok(())) => format!("the {whose} has it"),
            (Rule::Permission(_), Err(Denied::InsufficientScope(_))) => {
                format!("the {whose} has it, but the credential's scopes leave it out")
            }
            (Rule::Role(name), Err(_)) if self.has_role_unscoped(name) => {
                format!("the {whose} has it, but a credential narrowed by scopes carries no roles")
            }
            (Rule::Permission(_) | Rule::Role(_), Err(_)) => format!("the {whose} lacks it"),
            (Rule::FreshLogin(seconds), _) => self.why_login(*seconds),
            (Rule::SecondFactor, Ok(())) => "the login was made with two factors".to_owned(),
            (Rule::SecondFactor, Err(_)) => self
                .no_login()
                .unwrap_or_else(|| "the login was made with one factor".to_owned()),
            (Rule::Signed, Ok(())) => "the request is signed".to_owned(),
            (Rule::Signed, Err(_)) => "the credential is shown, and nothing is signed".to_owned(),
            (Rule::Policy(action), _) => self.why_policy(action),
            (Rule::Member(_), Err(Denied::NoOrganization)) => {
                "the request selects no organization".to_owned()
            }
            (Rule::Member(_), Err(Denied::NotAMember)) => {
                "there is no such organization, or the account is no member of it".to_owned()
            }
            (Rule::Member(_), Err(Denied::OrganizationSuspended)) => {
                "the account is a member of the organization, but it is suspended".to_owned()
            }
            (Rule::Member(_), _) => "the account is a member of the organization".to_owned(),
            (Rule::All(_), _) => count(parts, "all"),
            (Rule::Any(_), _) => count(parts, "at least one"),
        }
    }

    fn why_login(self, seconds: u32) -> String {
        let Some(at) = self.principal.authenticated_at() else {
            return NO_LOGIN.to_owned();
        };
        self.no_login().unwrap_or_else(|| {
            let age = self.context.now.since(at).as_secs();
            format!("the login was made {age} s before, at {at}; it is fresh for {seconds} s")
        })
    }

    /// Why the credential stands for no login, if it doesn't.
    fn no_login(self) -> Option<String> {
        (!self.principal.kind().is_personal()).then(|| NO_LOGIN.to_owned())
    }

    fn why_policy(self, action: &'static str) -> String {
        let policies = self.context.policies;
        describe(policies.reasons(self.principal, self.context, action, None))
    }
}

/// What the policies said, by their names.
fn describe(reasons: Reasons) -> String {
    let described = [
        ("forbidden by", reasons.forbidding),
        ("permitted by", reasons.permitting),
        ("failed:", reasons.errors),
    ];
    let described: Vec<String> = described
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what} {}", names.join(", ")))
        .collect();
    if described.is_empty() {
        "no policy speaks of it".to_owned()
    } else {
        described.join("; ")
    }
}

fn count(parts: &[Explanation], needed: &str) -> String {
    let held = parts.iter().filter(|part| part.holds).count();
    format!("{held} of {} hold; {needed} must", parts.len())
}

const NO_LOGIN: &str = "the credential stands for no login by a person";

#[cfg(test)]
mod tests;
