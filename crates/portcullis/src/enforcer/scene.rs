//! Where a guarded request stands: what further decisions about its caller look at.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::Method;
use http::header::USER_AGENT;
use http::request::Parts;
use portcullis_core::audit::Context;
use portcullis_core::authz::explain::explain_on;
use portcullis_core::authz::resource::{ActionRule, ResourceFacts};
use portcullis_core::authz::{Denied, Principal, Situation};
use portcullis_core::text::shown_up_to;

use super::Gate;
use super::circumstances::{context, situation};
use super::denials::{Denial, Operation};
use super::walk::Walk;
use crate::Problem;

/// A copy of what a decision looks at, for decisions that come after the access rule. There is a caller in it: a route
/// for anybody has no scene.
pub struct Scene {
    walk: Walk,
    principal: Arc<Principal>,
    user_agent: Option<String>,
    by: Context,
    method: Method,
}

impl Scene {
    /// The caller that the access rule found.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    #[doc(hidden)]
    pub fn gate(&self) -> &Gate {
        &self.walk.gate
    }

    /// What changes are recorded with.
    #[doc(hidden)]
    pub fn context(&self) -> Context {
        self.by.clone()
    }

    #[doc(hidden)]
    pub fn situation(&self) -> Situation<'_> {
        situation(&self.walk, self.user_agent.as_deref())
    }

    /// Records that an action on a resource was refused.
    pub fn refused(&self, action: &ActionRule, resource: &ResourceFacts, denied: Denied) {
        let id = shown_up_to(&resource.id, 64);
        let asked = format!("{} on {} {id}", action.name(), resource.kind.name);
        let problem = Problem::from(denied);
        let denial = Denial {
            operation: &Operation(&self.method, &self.walk.label),
            rule: &asked,
            code: denied.code(),
            why: &problem.detail(),
            credential: Some(self.principal.kind()),
            principal: Some(&self.principal),
            key: None,
            tree: &|| Some(explain_on(action, &self.principal, &self.situation(), resource)),
        };
        self.gate().denials().record(&denial, self.context());
    }
}

impl<S: Sync> FromRequestParts<S> for Scene {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let walk = Walk::of(&parts.extensions)
            .ok_or_else(|| Problem::internal("a handler runs outside of `Api::into_router`"))?;
        let principal = walk.principal.clone().ok_or_else(|| {
            Problem::internal("a resource is asked for where the access rule knows no caller")
        })?;
        let agent = parts.headers.get(USER_AGENT);
        Ok(Self {
            by: context(walk, parts),
            method: parts.method.clone(),
            walk: walk.clone(),
            principal,
            user_agent: agent.and_then(|value| value.to_str().ok()).map(str::to_owned),
        })
    }
}

impl aide::OperationInput for Scene {}
