//! Policies as plain functions: for a rule of a few lines that needs no second language.
//!
//! A function speaks of the actions it is given for and of no other. Functions and what is beside them decide together: one that forbids
//! outweighs all that permit, and one that permits is enough where none forbids.
//!
//! **Invariants:** a function that panics forbids. [`Policies::decide`] and [`Policies::reasons`] agree, as far as a
//! function answers the same question twice in the same way. A list can't ask a function about each row: where one speaks of its action
//! it shows nothing.
//!
//! **Deliberately absent:** functions that wait, and functions about every action: a slip would close, or open, the whole
//! application.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use crate::authz::{
    DecisionContext, Filter, NoPolicies, Policies, PolicyFilters, Principal, Reasons, Requirement,
    ResourceFacts, ResourceKind, Verdict, decide, valid_permission_name,
};
use crate::defends;
use crate::text::reads_plainly;

/// What a policy function is asked.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Question<'a> {
    /// Who wants to do it. Its roles and permissions are the account's, whatever narrows the credential: ask by
    /// [`Question::holds`].
    pub principal: &'a Principal,
    /// When, from where, in which organization. The organization counts where the caller is a
    /// [member](DecisionContext::member), not where it is only selected. Its policies permit nothing: a function doesn't ask further ones.
    pub context: &'a DecisionContext<'a>,
    /// The action's name, one of those that the function is for.
    pub action: &'a str,
    /// What it is to be done to; `None` for the application as a whole.
    pub resource: Option<&'a ResourceFacts>,
}

impl Question<'_> {
    /// Whether the caller satisfies a requirement, as on a route: with the credential's scopes, so that one narrowed to
    /// something else has no roles. A [`Policy`](crate::authz::Policy) never holds here.
    pub fn holds<R: Requirement>(&self) -> bool {
        defends!("T216");
        decide(&R::RULE, self.principal, self.context).is_ok()
    }
}

/// A policy that is a function of the program.
#[derive(Clone)]
pub struct PolicyFunction {
    name: &'static str,
    actions: Vec<&'static str>,
    check: Arc<Check>,
}

type Check = dyn Fn(&Question<'_>) -> Verdict + Send + Sync;

impl PolicyFunction {
    /// The function under this name, for these actions. It is called with every decision about one of them, on the thread
    /// that answers the request, and perhaps again while a body comes or a refusal is explained: it answers the same question in the same
    /// way, and waits for nothing.
    pub fn new(
        name: &'static str,
        actions: &[&'static str],
        check: impl Fn(&Question<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            actions: actions.to_vec(),
            check: Arc::new(check),
        }
    }

    /// What explanations call it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The actions that it speaks of.
    pub fn actions(&self) -> &[&'static str] {
        &self.actions
    }

    /// What it says; `None` if it panics.
    fn ask(&self, question: &Question<'_>) -> Option<Verdict> {
        catch_unwind(AssertUnwindSafe(|| (self.check)(question))).ok()
    }
}

impl fmt::Debug for PolicyFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyFunction")
            .field("name", &self.name)
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}

/// Why policy functions can't be in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFunction {
    /// The name isn't one.
    #[error("a policy function is called {0:?}: a name is one line of 1 to 64 characters that can be seen")]
    Name(String),
    /// Two policies have one name.
    #[error("two policies are called {0:?}: explanations couldn't tell them apart")]
    Twice(String),
    /// It speaks of nothing.
    #[error("the policy function {0:?} is for no action, so it would never be asked")]
    NoAction(String),
    /// It is for something that isn't an action's name.
    #[error("the policy function {function:?} is for {action:?}, which isn't an action's name")]
    Action {
        /// The function's name.
        function: String,
        /// What should be an action.
        action: String,
    },
    /// It is for an action that nothing asks for.
    #[error(
        "the policy function {function:?} is for {action:?}, and no route and no kind of resource has such an action: it \
         would never be asked"
    )]
    Unasked {
        /// The function's name.
        function: String,
        /// The action.
        action: String,
    },
    /// It is for an action by which something is listed.
    #[error(
        "the policy function {function:?} is for {action:?}, by which a route lists {kind}: a list is one condition in the database and \
         can't ask a function about each row; say it in a policy file, or give the list an action of its own"
    )]
    Listed {
        /// The function's name.
        function: String,
        /// The action.
        action: String,
        /// The kind of resource that is listed.
        kind: String,
    },
}

/// Checks functions by themselves.
///
/// # Errors
/// [`InvalidFunction`], for the first that is wrong or has another's name.
pub fn check(functions: &[PolicyFunction]) -> Result<(), InvalidFunction> {
    for (index, function) in functions.iter().enumerate() {
        let name = || function.name.to_owned();
        let length = function.name.chars().count();
        if !(1..=64).contains(&length) || !reads_plainly(function.name) {
            return Err(InvalidFunction::Name(name()));
        }
        if functions
            .iter()
            .take(index)
            .any(|other| other.name == function.name)
        {
            return Err(InvalidFunction::Twice(name()));
        }
        if function.actions.is_empty() {
            return Err(InvalidFunction::NoAction(name()));
        }
        if let Some(action) = function.actions.iter().find(|name| !valid_permission_name(name)) {
            return Err(InvalidFunction::Action {
                function: name(),
                action: (*action).to_owned(),
            });
        }
    }
    Ok(())
}

/// A function that asked the policies would ask itself.
fn without_policies<'a>(context: &DecisionContext<'a>) -> DecisionContext<'a> {
    DecisionContext {
        policies: &NoPolicies,
        ..*context
    }
}

/// Role: policy provider. Functions beside other policies, deciding together.
pub struct WithFunctions {
    functions: Arc<[PolicyFunction]>,
    rest: Arc<dyn Policies>,
    /// The last snapshot, and what it was made of: as long as that is in force it is the same one.
    last: Mutex<Option<Pair>>,
}

type Pair = (Arc<dyn Policies>, Arc<dyn Policies>);

impl WithFunctions {
    /// These functions beside `rest`.
    pub fn new(functions: Arc<[PolicyFunction]>, rest: Arc<dyn Policies>) -> Self {
        Self {
            functions,
            rest,
            last: Mutex::new(None),
        }
    }

    fn of<'f>(&'f self, action: &'f str) -> impl Iterator<Item = &'f PolicyFunction> {
        self.functions
            .iter()
            .filter(move |function| function.actions.contains(&action))
    }
}

impl Policies for WithFunctions {
    fn snapshot(&self) -> Option<Arc<dyn Policies>> {
        let rest = self.rest.snapshot()?;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, snapshot)) = &*last
            && Arc::ptr_eq(of, &rest)
        {
            return Some(Arc::clone(snapshot));
        }
        let snapshot: Arc<dyn Policies> = Arc::new(Self::new(Arc::clone(&self.functions), Arc::clone(&rest)));
        *last = Some((rest, Arc::clone(&snapshot)));
        Some(snapshot)
    }

    fn knows(&self, action: &str, kind: Option<&'static ResourceKind>) -> bool {
        self.rest.knows(action, kind)
    }

    fn decide(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Verdict {
        defends!("T214");
        let asked = without_policies(context);
        let question = Question {
            principal,
            context: &asked,
            action,
            resource,
        };
        let mut permitted = false;
        for function in self.of(action) {
            match function.ask(&question) {
                Some(Verdict::Silent) => {}
                Some(Verdict::Permitted) => permitted = true,
                Some(Verdict::Forbidden) => return Verdict::Forbidden,
                None => {
                    tracing::error!(policy = function.name, "a policy function panicked: it forbids");
                    return Verdict::Forbidden;
                }
            }
        }
        match self.rest.decide(principal, context, action, resource) {
            Verdict::Silent if permitted => Verdict::Permitted,
            verdict => verdict,
        }
    }

    fn reasons(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Reasons {
        let mut reasons = self.rest.reasons(principal, context, action, resource);
        let asked = without_policies(context);
        let question = Question {
            principal,
            context: &asked,
            action,
            resource,
        };
        for function in self.of(action) {
            let name = function.name.to_owned();
            match function.ask(&question) {
                Some(Verdict::Silent) => {}
                Some(Verdict::Permitted) => reasons.permitting.push(name),
                Some(Verdict::Forbidden) => reasons.forbidding.push(name),
                None => {
                    reasons.errors.push(format!("{name}: panicked"));
                    reasons.forbidding.push(name);
                }
            }
        }
        // What is beside them may forbid without a policy of its own, before any is in force.
        reasons.verdict = match (
            reasons.verdict,
            reasons.forbidding.is_empty(),
            reasons.permitting.is_empty(),
        ) {
            (Verdict::Forbidden, ..) | (_, false, _) => Verdict::Forbidden,
            (_, true, false) => Verdict::Permitted,
            (verdict, true, true) => verdict,
        };
        reasons
    }

    fn filters(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        kind: &'static ResourceKind,
    ) -> PolicyFilters {
        defends!("T215");
        if self.of(action).next().is_some() {
            return PolicyFilters {
                permitted: Filter::Never,
                forbidden: Filter::Always,
            };
        }
        self.rest.filters(principal, context, action, kind)
    }
}

impl fmt::Debug for WithFunctions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithFunctions")
            .field("functions", &self.functions)
            .field("rest", &self.rest)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
