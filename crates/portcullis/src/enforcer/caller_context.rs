//! Where a guarded request stands: what further decisions about its caller look at.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use portcullis_core::audit::Context;
use portcullis_core::authz::explain::explain_on;
use portcullis_core::authz::resource::{ActionRule, ResourceFacts};
use portcullis_core::authz::{DecisionContext, Denied, Principal};
use portcullis_core::text::shown_up_to;

use super::Gate;
use super::context::{RequestContext, Snapshot};
use super::denials::{Denial, Operation};
use crate::Problem;

/// The request's context and where its caller stood at one moment, for decisions that come after the access rule. There is a
/// caller in it: a route for anybody has no caller.
pub struct CallerContext {
    context: Arc<RequestContext>,
    snapshot: Snapshot,
    principal: Arc<Principal>,
}

impl CallerContext {
    /// The caller that the access rule found.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    #[doc(hidden)]
    pub fn gate(&self) -> &Gate {
        &self.context.gate
    }

    /// What changes are recorded with.
    #[doc(hidden)]
    pub fn context(&self) -> Context {
        self.context.signature(&self.snapshot)
    }

    #[doc(hidden)]
    pub fn decision_context(&self) -> DecisionContext<'_> {
        self.context.decision_context(&self.snapshot)
    }

    /// Records that an action on a resource was refused.
    pub fn refused(&self, action: &ActionRule, resource: &ResourceFacts, denied: Denied) {
        let id = shown_up_to(&resource.id, 64);
        let asked = format!("{} on {} {id}", action.name(), resource.kind.name);
        let problem = Problem::from(denied);
        let denial = Denial {
            operation: &Operation(&self.context.method, &self.context.label),
            rule: &asked,
            code: denied.code(),
            why: &problem.detail(),
            credential: Some(self.principal.kind()),
            principal: Some(&self.principal),
            key: None,
            tree: &|| {
                Some(explain_on(
                    action,
                    &self.principal,
                    &self.decision_context(),
                    resource,
                ))
            },
        };
        self.context.record(&denial, self.context());
    }
}

impl<S: Sync> FromRequestParts<S> for CallerContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = Arc::clone(RequestContext::of(&parts.extensions)?);
        let snapshot = context.snapshot().clone();
        let principal = snapshot.principal().cloned().ok_or_else(|| {
            Problem::internal("a resource is asked for where the access rule knows no caller")
        })?;
        Ok(Self {
            context,
            snapshot,
            principal,
        })
    }
}

impl crate::describe::Input for CallerContext {}
