//! What an account could do: a request is imagined, and decided as if it had come.
//!
//! Invariant: "no" is never said of what the account may do in some organization. Where a rule asks for a membership and
//! no organization is named, what could hold in one is left open.
//!
//! **Deliberately absent:** what only a request brings. Policies are asked without an address and a user agent.

use std::sync::Arc;

use crate::account;
use crate::authn::Refused;
use crate::authz::decide::{Evaluation, Within};
use crate::authz::explain::{Explanation, explain};
use crate::authz::{
    CredentialKind, DecisionContext, Denied, Facts, Kinds, Principal, Rule, is_reserved, is_the_servers,
};
use crate::scopes::{ADMINISTRATOR, Scopes};
use crate::session::{Assurance, Method};

/// What is asked of a caller on one route.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// What the route asks of its caller, as it was registered.
    pub rule: Rule,
    /// The kinds of credential that are read; `None` where nobody needs one.
    pub kinds: Option<Kinds>,
}

/// What would come of calling one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// Whether the account could call it; `None` where that depends on the organization and none was named.
    pub allowed: Option<bool>,
    /// A stable code: `holds`, what is missing ([`Denied::code`](crate::authz::Denied::code)),
    /// `depends_on_organization`, `credential_not_accepted` or `account_refused`.
    pub code: String,
    /// A sentence for people that says the same as the code; not for programs to compare.
    pub why: String,
    /// The rule, part by part.
    pub explanation: Explanation,
}

/// Whoever calls: a person who logged in this moment, or a service account with a key of all it may have. It never
/// leaves [`Decisions`](super::Decisions): no permit is made of it.
pub(super) struct Imagined {
    principal: Principal,
    usable: Kinds,
    refused: Option<Refused>,
}

impl Imagined {
    /// The account with a login of this assurance; `refused` says why nothing of it would be honoured.
    pub(super) fn new(
        facts: Arc<Facts>,
        assurance: Assurance,
        context: &DecisionContext<'_>,
        refused: Option<Refused>,
    ) -> Self {
        let (principal, usable) = match facts.account.kind {
            account::AccountKind::Person => (logged_in(facts, assurance, context), Kinds::PERSONAL),
            account::AccountKind::Service => (by_key(facts, context), Kinds::of(&[CredentialKind::ApiKey])),
        };
        Self {
            principal,
            usable,
            refused,
        }
    }

    /// What would come of calling a route that asks this.
    pub(super) fn outlook(&self, asked: &Asked, context: &DecisionContext<'_>) -> Outlook {
        // As for a request: only rules that ask for a membership look which organization is named.
        let context = if asked.rule.needs_organization() {
            *context
        } else {
            DecisionContext {
                selected: None,
                member: None,
                suspended: false,
                ..*context
            }
        };
        let explanation = explain(&asked.rule, &self.principal, &context);
        let (allowed, code, why) = if let Some((code, why)) = self.turned_away(asked.kinds) {
            (Some(false), code, why)
        } else if explanation.holds || !asked.rule.needs_organization() || context.selected.is_some() {
            (
                Some(explanation.holds),
                &*explanation.code,
                explanation.why.clone(),
            )
        } else {
            match self.evaluation(&context).missing_everywhere(&asked.rule) {
                Some(denied) => (Some(false), denied.code(), everywhere(denied)),
                None => (None, DEPENDS, DEPENDS_WHY.to_owned()),
            }
        };
        Outlook {
            allowed,
            code: code.to_owned(),
            why,
            explanation,
        }
    }

    /// Why no credential of the account would be honoured where these kinds are read.
    fn turned_away(&self, kinds: Option<Kinds>) -> Option<(&'static str, String)> {
        let kinds = kinds?;
        if let Some(refused) = &self.refused {
            return Some(("account_refused", refused.to_string()));
        }
        if !kinds.intersection(self.usable).is_empty() {
            return None;
        }
        let accepted: Vec<_> = kinds.iter().map(CredentialKind::as_str).collect();
        let accepted = accepted.join(", ");
        let why = if self.principal.kind().is_personal() {
            format!("a login is of no use here, only: {accepted}")
        } else {
            format!("a service account has API keys only and never logs in; this takes only: {accepted}")
        };
        Some(("credential_not_accepted", why))
    }

    fn evaluation<'a>(&'a self, context: &'a DecisionContext<'a>) -> Evaluation<'a> {
        Evaluation {
            principal: &self.principal,
            context,
            within: Within::Account,
        }
    }
}

impl Evaluation<'_> {
    /// What keeps the rule from holding, whichever organization is named; `None` if there could be one where it holds. No
    /// rule asks that something isn't so: what is missing in the best organization is missing in each.
    fn missing_everywhere(self, rule: &Rule) -> Option<Denied> {
        match (*rule, self.within) {
            (Rule::Member(rule), _) => self.inside().missing_everywhere(rule),
            (Rule::Permission(it), Within::Organization) if is_the_servers(it.name) => {
                Some(Denied::MissingPermission(it))
            }
            (Rule::Permission(it), Within::Organization) => {
                // A key may name what only a membership gives, but nothing of Portcullis' own.
                let left_out = is_reserved(it.name) && !self.principal.scopes().include(it.name);
                left_out.then_some(Denied::InsufficientScope(it))
            }
            (Rule::Role(name), Within::Organization) => {
                let here = name != ADMINISTRATOR && self.principal.is_unscoped();
                (!here).then_some(Denied::MissingRole(name))
            }
            // Policies look at the organization, too.
            (Rule::Policy(_), _) => None,
            (Rule::All(rules), _) => rules.iter().find_map(|rule| self.missing_everywhere(rule)),
            (Rule::Any(rules), _) => {
                let hopeless = rules.iter().all(|rule| self.missing_everywhere(rule).is_some());
                hopeless.then_some(Denied::NoAlternative(rules))
            }
            (rule, _) => self.decide(&rule).err(),
        }
    }
}

fn everywhere(denied: Denied) -> String {
    format!("whichever organization is named, this needs {}", denied.lacking())
}

fn logged_in(facts: Arc<Facts>, assurance: Assurance, context: &DecisionContext<'_>) -> Principal {
    Principal {
        effective: facts.rights.permissions.clone(),
        facts,
        kind: CredentialKind::Session,
        session: None,
        token: None,
        method: Some(Method::Password),
        assurance: Some(assurance),
        authenticated_at: Some(context.now),
        scopes: Scopes::Everything,
        key: None,
        signer: None,
    }
}

/// A key that names all it may: what its account has everywhere, and of the application's permissions those that the
/// membership gives. It carries no roles.
fn by_key(facts: Arc<Facts>, context: &DecisionContext<'_>) -> Principal {
    let mut names = facts.rights.permission_names.clone();
    let here = context
        .member
        .into_iter()
        .flat_map(|member| &member.permission_names);
    names.extend(here.filter(|name| !is_reserved(name)).cloned());
    Principal {
        effective: facts.rights.permissions.clone(),
        kind: CredentialKind::ApiKey,
        session: None,
        token: None,
        method: None,
        assurance: None,
        authenticated_at: None,
        scopes: Scopes::Only(names),
        key: None,
        facts,
        signer: None,
    }
}

const DEPENDS: &str = "depends_on_organization";
const DEPENDS_WHY: &str = "it depends on the organization, and none is named";

#[cfg(test)]
mod tests;
