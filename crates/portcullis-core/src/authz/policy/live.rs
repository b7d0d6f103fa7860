//! The policies in force.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::Set;
use crate::authz::{
    DecisionContext, Filter, Policies, PolicyFilters, Principal, Reasons, ResourceFacts, ResourceKind,
    Verdict,
};
use crate::defends;

/// Role: policy provider. Holds the set of policies in force; a new one takes its place as a whole.
///
/// Until the first set is in force everything is forbidden: what the policies would forbid isn't known yet.
#[derive(Debug, Default)]
pub struct Live(ArcSwapOption<Set>);

impl Live {
    /// A holder without a set: everything is forbidden until [`Live::put`] brings one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set in force.
    pub fn current(&self) -> Option<Arc<Set>> {
        self.0.load_full()
    }

    /// Puts a set in force. Decisions that run finish with the one before.
    pub fn put(&self, set: Set) {
        self.0.store(Some(Arc::new(set)));
    }
}

impl Policies for Live {
    fn snapshot(&self) -> Option<Arc<dyn Policies>> {
        Some(match self.current() {
            Some(set) => set,
            // One that never gets a set.
            None => Arc::new(Self::new()),
        })
    }

    fn knows(&self, action: &str, kind: Option<&'static ResourceKind>) -> bool {
        self.current().is_some_and(|set| set.knows(action, kind))
    }

    fn decide(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Verdict {
        defends!("T060");
        match &*self.0.load() {
            Some(set) => set.decide(principal, context, action, resource),
            None => Verdict::Forbidden,
        }
    }

    fn reasons(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        resource: Option<&ResourceFacts>,
    ) -> Reasons {
        match &*self.0.load() {
            Some(set) => set.reasons(principal, context, action, resource),
            None => Reasons {
                verdict: Verdict::Forbidden,
                permitting: Vec::new(),
                forbidding: Vec::new(),
                errors: vec![NOT_YET.to_owned()],
            },
        }
    }

    fn filters(
        &self,
        principal: &Principal,
        context: &DecisionContext<'_>,
        action: &str,
        kind: &'static ResourceKind,
    ) -> PolicyFilters {
        match &*self.0.load() {
            Some(set) => set.filters(principal, context, action, kind),
            None => PolicyFilters {
                permitted: Filter::Never,
                forbidden: Filter::Always,
            },
        }
    }
}

const NOT_YET: &str = "the policies aren't loaded yet: what the routes ask for wasn't made known";
