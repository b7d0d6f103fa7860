//! One resource that the caller may do an action to.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use axum::extract::{FromRef, FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use portcullis_core::authz::resource::{ActionOn, in_scope};
use portcullis_core::defends;
use portcullis_core::grants::{PermitError, ResourcePermit};

use super::{Resource, one};
use crate::Problem;
use crate::describe::{Input, Operation};
use crate::enforcer::{CallerContext, RequestContext, again};
use crate::route::Body;

/// Role: enforcer. The resource of type `R` that the path names, once it is decided that the caller may do `A` to it.
/// Stands behind the access rule in a handler's parameters.
///
/// An id that doesn't exist is 404. A refusal is audited and, as [`Resource::HIDDEN`] says, 404 as well or 403. A credential
/// whose scopes leave the action out, or an API key that doesn't list it, gets 403 `insufficient_scope` with its name for
/// every id, whether or not there is such a resource: nothing is loaded for it.
///
/// **With a body:** where the request has one, name its extractor as `B` and let this be the last parameter. The body is
/// read and checked first, then the resource is loaded and decided about. A decision that doesn't wait for the body
/// holds for as long as the client takes to send it: so long, a grant that was taken back would count, and the id could
/// come to name another resource. A handler with `Authorized<R, A>` beside a parameter that reads the body is refused
/// when the router is built.
///
/// ```
/// # use portcullis::resource::{Actions as _, Tenancy};
/// # use portcullis::core::authz::{ResourceFacts, ResourceKind};
/// # use portcullis::{Allow, Authenticated, Authorized, Json, NoContent, Problem, Resource, resource_actions};
/// # struct Post;
/// # resource_actions! { Post: pub Edit = "posts:edit": "Change a post": owner; }
/// # impl Resource for Post {
/// #     type State = ();
/// #     const KIND: &'static ResourceKind = &ResourceKind {
/// #         name: "Post", tenancy: Tenancy::Anywhere, fields: &[], actions: Self::NAMES,
/// #     };
/// #     async fn load(_: &(), _: &str) -> Result<Option<Self>, Problem> { Ok(None) }
/// #     fn facts(&self) -> ResourceFacts { ResourceFacts::new(Self::KIND, "7") }
/// # }
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # struct Text { text: String }
/// async fn edit(_: Allow<Authenticated>, post: Authorized<Post, Edit, Json<Text>>) -> NoContent {
///     let (post, Json(Text { text })) = post.split();
///     # let _ = (post, text);
///     NoContent
/// }
/// let api = portcullis::Api::<()>::new("Blog", "1.0").put("/posts/{id}", edit);
/// ```
///
/// **Deployment caveat:** between the decision and what the handler does then, others act as well. Let ids never name a
/// second resource, and let a statement that changes one say what it relies on (`WHERE id = … AND owner = …`).
pub struct Authorized<R, A: ActionOn<R>, B = ()> {
    resource: R,
    permit: ResourcePermit<R, A>,
    caller: CallerContext,
    body: B,
}

impl<R, A: ActionOn<R>, B> Authorized<R, A, B> {
    /// The proof of the decision, for services that ask for one.
    pub fn permit(&self) -> &ResourcePermit<R, A> {
        &self.permit
    }

    /// The resource and the proof without the body, and the body.
    pub fn split(self) -> (Authorized<R, A>, B) {
        let Self {
            resource,
            permit,
            caller,
            body,
        } = self;
        let authorized = Authorized {
            resource,
            permit,
            caller,
            body: (),
        };
        (authorized, body)
    }

    /// Where it was decided: after the body, so later than the request began.
    #[doc(hidden)]
    pub fn caller_context(&self) -> &CallerContext {
        &self.caller
    }
}

impl<R, A: ActionOn<R>> Authorized<R, A> {
    /// The resource and the proof.
    pub fn into_parts(self) -> (R, ResourcePermit<R, A>) {
        (self.resource, self.permit)
    }
}

impl<R, A: ActionOn<R>, B> Deref for Authorized<R, A, B> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.resource
    }
}

impl<R, A: ActionOn<R>, B> DerefMut for Authorized<R, A, B> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.resource
    }
}

impl<R, A: ActionOn<R>, B> std::fmt::Debug for Authorized<R, A, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authorized").finish_non_exhaustive()
    }
}

impl<S, R, A> FromRequestParts<S> for Authorized<R, A>
where
    S: Send + Sync,
    R: Resource,
    R::State: FromRef<S>,
    A: ActionOn<R>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = CallerContext::from_request_parts(parts, state).await?;
        decide(caller, parts, state, ()).await
    }
}

impl<S, R, A, B> FromRequest<S> for Authorized<R, A, B>
where
    S: Send + Sync,
    R: Resource,
    R::State: FromRef<S>,
    A: ActionOn<R>,
    B: FromRequest<S> + Send,
{
    /// The body's own, or a [`Problem`].
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        defends!("T098");
        let (mut parts, body) = request.into_parts();
        let request = Request::from_parts(parts.clone(), body);
        let body = B::from_request(request, state).await;
        let body = body.map_err(axum::response::IntoResponse::into_response)?;
        let decided = async {
            // Whatever kind of body it was, and whoever checked after it: here it is known by whom.
            again(RequestContext::of(&parts.extensions)?).await?;
            let caller = CallerContext::from_request_parts(&mut parts, state).await?;
            decide(caller, &mut parts, state, body).await
        };
        decided.await.map_err(Problem::into_response)
    }
}

/// Loads the resource that the path names and decides about it.
async fn decide<S, R, A, B>(
    caller: CallerContext,
    parts: &mut Parts,
    state: &S,
    body: B,
) -> Result<Authorized<R, A, B>, Problem>
where
    S: Send + Sync,
    R: Resource,
    R::State: FromRef<S>,
    A: ActionOn<R>,
{
    defends!("T063");
    in_scope(&A::RULE, caller.principal())?;
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
    let who = Arc::clone(caller.principal());
    let grants = caller.gate().grants();
    match grants
        .permit(who, &caller.decision_context(), facts.clone())
        .await
    {
        Ok(permit) => Ok(Authorized {
            resource,
            permit,
            caller,
            body,
        }),
        Err(PermitError::Fault(fault)) => Err(fault.into()),
        Err(PermitError::Denied(denied)) => {
            caller.refused(&A::RULE, &facts, denied);
            Err(if R::HIDDEN {
                Problem::not_found()
            } else {
                denied.into()
            })
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

impl<R: Resource, A: ActionOn<R>, B: Input> Input for Authorized<R, A, B> {
    fn reads(operation: &mut Operation<'_>) {
        let before = operation.reads_body();
        B::reads(operation);
        let reads = operation.reads_body() && !before;
        operation.asks(one::<R, A>(if reads { Body::Read } else { Body::Unread }));
    }
}
