//! The caller's row in a table of the program's own.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use portcullis_core::authz::Principal;
use portcullis_core::defends;

use super::context::RequestContext;
use crate::Problem;
use crate::describe::Input;

/// What a program knows of an account by itself: a user, a customer, a profile. [`Mine`] loads it of the caller.
#[diagnostic::on_unimplemented(
    message = "nothing says how the caller's `{Self}` is loaded from a `{S}`",
    label = "no row of the caller's",
    note = "write `impl OfCaller<{S}> for {Self}`; `{S}` is the state of the route, see `with_state`"
)]
pub trait OfCaller<S>: Sized + Send {
    /// Loads it for the account that [`Principal::id`] names.
    ///
    /// # Errors
    /// What the request is answered with: [`Problem::not_found`] where an account needs no row, for instance.
    fn of_caller(caller: &Principal, state: &S) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// The caller's row, beside the access rule:
///
/// ```
/// use portcullis::{Allow, Authenticated, Mine, OfCaller, Principal, Problem};
///
/// struct Profile { nickname: String }
///
/// impl OfCaller<Profiles> for Profile {
///     async fn of_caller(caller: &Principal, profiles: &Profiles) -> Result<Self, Problem> {
///         profiles.find(caller.id()).await.ok_or_else(Problem::not_found)
///     }
/// }
///
/// async fn greet(_: Allow<Authenticated>, Mine(me): Mine<Profile>) -> String {
///     format!("Hello, {}", me.nickname)
/// }
/// # #[derive(Clone)] struct Profiles;
/// # impl Profiles { async fn find(&self, _: portcullis::core::account::Id) -> Option<Profile> { None } }
/// # let _: portcullis::Api<()> = portcullis::Api::new("", "").get("/me", greet).with_state(Profiles);
/// ```
///
/// It is loaded by the account that the access rule let in, never by anything that the request says.
#[derive(Debug, Clone, Copy)]
pub struct Mine<T>(pub T);

impl<S: Sync, T: OfCaller<S>> FromRequestParts<S> for Mine<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match caller(parts)? {
            Some(caller) => T::of_caller(&caller, state).await.map(Self),
            None => Err(Problem::internal(
                "`Mine` stands on a route that lets in strangers: put `Allow<Authenticated>` before it, or write `Option<Mine<_>>`",
            )),
        }
    }
}

/// Nothing for a stranger on a route that takes them, such as one behind [`OptionalAuth`](crate::OptionalAuth).
impl<S: Sync, T: OfCaller<S>> OptionalFromRequestParts<S> for Mine<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        match caller(parts)? {
            Some(caller) => T::of_caller(&caller, state).await.map(|row| Some(Self(row))),
            None => Ok(None),
        }
    }
}

/// Whom the access rule let in, if it knows.
fn caller(parts: &Parts) -> Result<Option<Arc<Principal>>, Problem> {
    defends!("T230");
    Ok(RequestContext::of(&parts.extensions)?.let_in_as())
}

impl<T> Input for Mine<T> {}
