//! A route for anybody that knows its caller if there is one.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use portcullis_core::authz::{Kinds, Principal, Rule};

use super::context::RequestContext;
use super::verify;
use super::via::{Accepts, Usual, Via};
use crate::Problem;
use crate::route::{Access, Caller, sealed};

/// Anybody may call, and a caller with a credential is known. A bad credential is refused, not ignored.
#[derive(Debug)]
pub struct OptionalAuth<V: Accepts = Via<Usual>> {
    principal: Option<Arc<Principal>>,
    via: PhantomData<fn() -> V>,
}

impl<V: Accepts> OptionalAuth<V> {
    /// The caller, if one is known.
    pub fn principal(&self) -> Option<&Arc<Principal>> {
        self.principal.as_ref()
    }
}

impl<V: Accepts> sealed::Sealed for OptionalAuth<V> {}

impl<V: Accepts> Access for OptionalAuth<V> {
    const RULE: Rule = Rule::Public;
    const KINDS: Kinds = V::KINDS;
    const CALLER: Caller = Caller::Optional;
}

impl<S: Sync, V: Accepts> FromRequestParts<S> for OptionalAuth<V> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let principal = verify::caller(parts, &Self::RULE, V::KINDS).await?;
        RequestContext::of(&parts.extensions)?.let_in(Self::RULE);
        Ok(Self {
            principal,
            via: PhantomData,
        })
    }
}

impl<V: Accepts> crate::describe::Input for OptionalAuth<V> {}
