//! One resource that the caller may do an action to.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use http::request::Parts;
use portcullis_core::access::grant::{Refusal, ResourcePermit};
use portcullis_core::access::resource::Action;
use portcullis_core::defends;

use super::Resource;
use super::asks::{Asks, note};
use crate::Problem;
use crate::enforcer::Scene;

/// Role: enforcer. The resource of type `R` that the path names, once it is decided that the caller may do `A` to it.
/// Stands behind the access rule in a handler's parameters.
///
/// An id that doesn't exist is 404. A refusal is audited and, as [`Resource::HIDDEN`] says, 404 as well or 403.
pub struct Authorized<R, A: Action<R>> {
    resource: R,
    permit: ResourcePermit<R, A>,
}

impl<R, A: Action<R>> Authorized<R, A> {
    /// The proof of the decision, for services that ask for one.
    pub fn permit(&self) -> &ResourcePermit<R, A> {
        &self.permit
    }

    /// The resource and the proof.
    pub fn into_parts(self) -> (R, ResourcePermit<R, A>) {
        (self.resource, self.permit)
    }
}

impl<R, A: Action<R>> Deref for Authorized<R, A> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.resource
    }
}

impl<R, A: Action<R>> DerefMut for Authorized<R, A> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.resource
    }
}

impl<R, A: Action<R>> std::fmt::Debug for Authorized<R, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorized").finish_non_exhaustive()
    }
}

impl<S, R, A> FromRequestParts<S> for Authorized<R, A>
where
    S: Send + Sync,
    R: Resource,
    R::State: FromRef<S>,
    A: Action<R>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        defends!("T063");
        let scene = Scene::from_request_parts(parts, state).await?;
        let id = id_in_path::<R, S>(parts, state).await?;
        let Some(resource) = R::load(&R::State::from_ref(state), &id).await? else {
            return Err(Problem::not_found());
        };
        let facts = resource.facts();
        if facts.kind != R::KIND {
            return Err(Problem::internal(
                "a resource's facts are of another kind than it is",
            ));
        }
        let who = Arc::clone(scene.principal());
        let (grants, situation) = (scene.gate().grants(), scene.situation());
        match grants.permit(who, &situation, facts.clone()).await {
            Ok(permit) => Ok(Self { resource, permit }),
            Err(Refusal::Fault(fault)) => Err(fault.into()),
            Err(Refusal::Denied(denied)) => {
                scene.refused(&A::RULE, &facts, denied);
                Err(if R::HIDDEN {
                    Problem::not_found()
                } else {
                    denied.into()
                })
            }
        }
    }
}

async fn id_in_path<R: Resource, S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, Problem> {
    let parameters = RawPathParams::from_request_parts(parts, state)
        .await
        // A parameter that isn't UTF-8 names nothing.
        .map_err(|_| Problem::not_found())?;
    let id = parameters.iter().find(|(name, _)| *name == R::PARAMETER);
    id.map(|(_, value)| value.to_owned())
        .ok_or_else(|| Problem::internal("a resource is asked for on a path that doesn't name it"))
}

impl<R: Resource, A: Action<R>> OperationInput for Authorized<R, A> {
    fn operation_input(_: &mut GenContext, _: &mut Operation) {
        note(Asks::one::<R, A>());
    }
}
