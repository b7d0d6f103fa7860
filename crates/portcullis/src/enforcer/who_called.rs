//! For a layer: who the caller of a request turned out to be.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use portcullis_core::authz::Principal;

use super::context::RequestContext;
use crate::Problem;

/// What a middleware function of [`Api::route_layer`](crate::Api::route_layer) takes to learn, once the route has answered, whom
/// its rule let in. It asks for nothing itself and lets nobody in.
///
/// ```
/// use axum::extract::Request;
/// use axum::middleware::{Next, from_fn};
/// use axum::response::Response;
/// use portcullis::{Allow, Api, Authenticated, WhoCalled};
///
/// async fn logged(who: WhoCalled, request: Request, next: Next) -> Response {
///     let answer = next.run(request).await;
///     if let Some(caller) = who.principal() {
///         println!("{} {}", caller.id(), answer.status());
///     }
///     answer
/// }
///
/// async fn me(who: Allow<Authenticated>) -> String { who.id().to_string() }
///
/// let api: Api = Api::new("Blog", "1.0").get("/me", me).route_layer(from_fn(logged));
/// ```
///
/// Around the whole API, in [`Api::layer`](crate::Api::layer), there is no caller yet: it answers 500.
#[derive(Clone)]
pub struct WhoCalled(Arc<RequestContext>);

impl WhoCalled {
    /// The caller. Nobody before the route's rule was asked, where the rule refused, and where it takes strangers and one came.
    pub fn principal(&self) -> Option<Arc<Principal>> {
        self.0.let_in_as()
    }
}

impl fmt::Debug for WhoCalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.principal().map(|caller| caller.id());
        f.debug_struct("WhoCalled").field("account", &account).finish()
    }
}

impl<S: Sync> FromRequestParts<S> for WhoCalled {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let context = parts.extensions.get::<Arc<RequestContext>>();
        context.map(Arc::clone).map(Self).ok_or_else(|| {
            Problem::internal("`WhoCalled` is taken where no route is known yet: its middleware belongs into `Api::route_layer`")
        })
    }
}

impl crate::describe::Input for WhoCalled {}
