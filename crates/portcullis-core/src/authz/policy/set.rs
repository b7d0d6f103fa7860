//! A loaded set of policies, and its decisions.

use std::collections::HashMap;
use std::sync::Arc;

use cedar_policy::{
    AuthorizationError, Authorizer, Effect, Entities, PolicyId, PolicySet, Request, Response,
};
use quick_cache::sync::Cache;

use super::direct::{self, Question};
use super::facts::{self, Types, Unfit};
use super::report::{Flaw, Report};
use super::slice::{Loaded, Slice};
use super::{Schema, Source, listing, load};
use crate::authz::{
    CredentialKind, DecisionContext, Facts, Policies, PolicyFilters, Principal, Reasons, ResourceFacts,
    ResourceKind, Verdict,
};
use crate::defends;

/// A set of policies that is right as a whole.
#[derive(Debug)]
pub struct Set {
    pub(super) schema: Schema,
    pub(super) types: Types,
    slices: HashMap<&'static str, HashMap<String, Slice>>,
    authorizer: Authorizer,
    remembered: Cache<Key, Remembered>,
    notes: Vec<Flaw>,
    names: Vec<String>,
    forbidding: Vec<String>,
}

/// What a remembered decision depends on, besides the policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    /// Where the account's facts are. [`Remembered`] keeps them there: no others can take the place.
    facts: usize,
    slice: usize,
    kind: CredentialKind,
    two_factors: bool,
}

#[derive(Debug, Clone)]
struct Remembered {
    verdict: Verdict,
    _facts: Arc<Facts>,
}

/// A set in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How many policies there are.
    pub policies: usize,
    /// How many actions they can speak of, counted for each kind of resource.
    pub actions: usize,
}

impl Set {
    /// Parses and checks the files.
    ///
    /// # Errors
    /// [`Report`]: everything that is wrong, each with its place.
    pub fn load(schema: &Schema, sources: &[Source]) -> Result<Self, Report> {
        let read = load::read(schema, sources)?;
        let unfit = |unfit: Unfit| {
            Report(vec![Flaw {
                file: String::new(),
                line: 1,
                column: 1,
                message: unfit.to_string(),
            }])
        };
        let attributes = schema.declarations().attributes();
        let mut slices: HashMap<&'static str, HashMap<String, Slice>> = HashMap::new();
        for (number, (action, kind)) in schema.pairs().enumerate() {
            let slice = Slice::new(number, action, kind, &read.policies, attributes).map_err(unfit)?;
            slices
                .entry(facts::type_of(kind))
                .or_default()
                .insert(action.to_owned(), slice);
        }
        Ok(Self {
            schema: schema.clone(),
            types: Types::new(attributes).map_err(unfit)?,
            slices,
            authorizer: Authorizer::new(),
            remembered: Cache::new(REMEMBERED),
            notes: read.notes,
            names: read
                .policies
                .iter()
                .map(|loaded| loaded.policy.id().to_string())
                .collect(),
            forbidding: forbidding(&read.policies),
        })
    }

    /// What isn't wrong but worth knowing: policies that never apply, and those that lists can't use.
    pub fn notes(&self) -> &[Flaw] {
        &self.notes
    }

    /// The names of all policies.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The names of the policies that forbid.
    pub fn forbidding(&self) -> &[String] {
        &self.forbidding
    }

    /// The set in numbers.
    pub fn summary(&self) -> Summary {
        Summary {
            policies: self.names.len(),
            actions: self.slices.values().map(HashMap::len).sum(),
        }
    }

    /// Whether some policy could permit the action on the application as a whole.
    pub fn can_permit(&self, action: &str) -> bool {
        self.slice(action, None).is_ok_and(Slice::can_permit)
    }

    /// How many decisions are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.remembered.len()
    }

    pub(super) fn slice(&self, action: &str, kind: Option<&'static ResourceKind>) -> Result<&Slice, Unfit> {
        let of_type = self.slices.get(facts::type_of(kind));
        let slice = of_type.and_then(|actions| actions.get(action));
        slice.filter(|slice| same(slice.kind, kind)).ok_or_else(|| {
            let of = facts::type_of(kind);
            Unfit::Language(format!("the action `{action}` on `{of}` isn't declared"))
        })
    }

    fn evaluate(
        &self,
        principal: &Principal,
        decision: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Result<Verdict, Unfit> {
        let slice = self.slice(action, resource.map(|facts| facts.kind))?;
        resource.map_or(Ok(()), facts::conforms)?;
        if slice.policies.is_empty() {
            return Ok(Verdict::Silent);
        }
        let key = key(slice, principal);
        if let Some(found) = key.and_then(|key| self.remembered.get(&key)) {
            return Ok(found.verdict);
        }
        let verdict = self.ask(slice, principal, decision, resource)?;
        if let Some(key) = key {
            let _facts = Arc::clone(&principal.facts);
            self.remembered.insert(key, Remembered { verdict, _facts });
        }
        Ok(verdict)
    }

    /// Decides by the compiled policies, and by the language where they leave something open.
    fn ask(
        &self,
        slice: &Slice,
        principal: &Principal,
        decision: &DecisionContext<'_>,
        resource: Option<&ResourceFacts>,
    ) -> Result<Verdict, Unfit> {
        let question = Question {
            principal,
            decision,
            resource,
        };
        let (known, left) = match direct::decide(&slice.direct, question) {
            Some(known) => (known, &slice.rest),
            None => (Verdict::Silent, &slice.policies),
        };
        if known == Verdict::Forbidden || left.is_empty() {
            return Ok(known);
        }
        let (request, entities) = self.question(slice, principal, decision, resource)?;
        let response = self.authorizer.is_authorized(&request, left, &entities);
        Ok(match verdict(slice, &response) {
            Verdict::Silent => known,
            spoken => spoken,
        })
    }

    fn question(
        &self,
        slice: &Slice,
        principal: &Principal,
        decision: &DecisionContext<'_>,
        resource: Option<&ResourceFacts>,
    ) -> Result<(Request, Entities), Unfit> {
        let (uid, entity) = match resource {
            Some(facts) => {
                let uid = facts::uid(&slice.resource, &facts.id);
                let entity = self.types.resource(uid.clone(), facts, &slice.members)?;
                (uid, Some(entity))
            }
            None => (self.types.application(), None),
        };
        let context = self.types.context(slice.looks, principal, decision)?;
        let entities = self.types.entities(slice.looks, principal, decision, entity)?;
        let account = self.types.account(principal);
        let request = facts::request(account, slice.action.clone(), uid, context)?;
        Ok((request, entities))
    }

    fn explain(
        &self,
        principal: &Principal,
        decision: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Result<Reasons, Unfit> {
        let slice = self.slice(action, resource.map(|facts| facts.kind))?;
        resource.map_or(Ok(()), facts::conforms)?;
        let (request, entities) = self.question(slice, principal, decision, resource)?;
        let ask = |policies: &PolicySet| self.authorizer.is_authorized(&request, policies, &entities);
        let names = |response: &Response| {
            let mut names: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
            names.sort();
            names
        };
        let failed = |response: &Response| {
            let mut failed: Vec<String> = response.diagnostics().errors().map(ToString::to_string).collect();
            failed.sort();
            failed
        };
        let permits = ask(&slice.of_effect(Effect::Permit));
        let forbids = ask(&slice.of_effect(Effect::Forbid));
        let mut errors = failed(&permits);
        errors.extend(failed(&forbids));
        let mut forbidding = names(&forbids);
        forbidding.extend(
            forbids
                .diagnostics()
                .errors()
                .map(|error| failing(error).to_string()),
        );
        let permitting = names(&permits);
        let verdict = match (forbidding.is_empty(), permitting.is_empty()) {
            (false, _) => Verdict::Forbidden,
            (true, false) => Verdict::Permitted,
            (true, true) => Verdict::Silent,
        };
        Ok(Reasons {
            verdict,
            permitting,
            forbidding,
            errors,
        })
    }
}

impl Policies for Set {
    fn knows(&self, action: &str, kind: Option<&'static ResourceKind>) -> bool {
        self.slice(action, kind).is_ok()
    }

    fn decide(
        &self,
        principal: &Principal,
        decision: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Verdict {
        self.evaluate(principal, decision, action, resource)
            .unwrap_or(Verdict::Forbidden)
    }

    fn reasons(
        &self,
        principal: &Principal,
        decision: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Reasons {
        self.explain(principal, decision, action, resource)
            .unwrap_or_else(|unfit| Reasons {
                verdict: Verdict::Forbidden,
                permitting: Vec::new(),
                forbidding: Vec::new(),
                errors: vec![unfit.to_string()],
            })
    }

    fn filters(
        &self,
        principal: &Principal,
        decision: &DecisionContext<'_>,
        action: &str,
        kind: &'static ResourceKind,
    ) -> PolicyFilters {
        listing::filters(self, principal, decision, action, kind)
    }
}

/// Kinds are constants: mostly they are one and the same.
fn same(declared: Option<&'static ResourceKind>, asked: Option<&'static ResourceKind>) -> bool {
    match (declared, asked) {
        (Some(declared), Some(asked)) => std::ptr::eq(declared, asked) || declared == asked,
        (None, None) => true,
        _ => false,
    }
}

fn forbidding(policies: &[Loaded]) -> Vec<String> {
    let forbidding = policies
        .iter()
        .filter(|loaded| loaded.policy.effect() == Effect::Forbid);
    forbidding.map(|loaded| loaded.policy.id().to_string()).collect()
}

/// One policy that forbids outweighs all that permit, and one that would forbid and fails does forbid.
fn verdict(slice: &Slice, response: &Response) -> Verdict {
    defends!("T060");
    let diagnostics = response.diagnostics();
    let forbids = |id: &PolicyId| slice.forbidding.contains(id);
    if diagnostics.reason().any(forbids) || diagnostics.errors().any(|error| forbids(failing(error))) {
        Verdict::Forbidden
    } else if diagnostics.reason().next().is_some() {
        Verdict::Permitted
    } else {
        Verdict::Silent
    }
}

fn failing(error: &AuthorizationError) -> &PolicyId {
    match error {
        AuthorizationError::PolicyEvaluationError(error) => error.policy_id(),
    }
}

/// By what the decision may be remembered: only where account and credential alone decide.
fn key(slice: &Slice, principal: &Principal) -> Option<Key> {
    defends!("T062");
    (slice.looks.steady() && principal.is_unscoped()).then(|| Key {
        facts: Arc::as_ptr(&principal.facts) as usize,
        slice: slice.number,
        kind: principal.kind(),
        two_factors: facts::two_factors(principal),
    })
}

/// How many decisions are remembered.
const REMEMBERED: usize = 10_000;
