//! Actions on single resources: a handler's parameter loads one, decides, and hands it over.
//!
//! Flow: [`Resource`] says how one of the application's records is found and what decisions look at in it;
//! [`resource_actions!`](crate::resource_actions) says what can be done to it and by whom. [`Authorized`] in a handler's
//! parameters is one record the caller may do the action to; [`Visible`] is the same decision about all of them, as a
//! condition for the application's own statement. Routes to share one are made by
//! `Portcullis::sharing`.
//!
//! Invariants: where a request has a body, the decision comes after it (`T098`), by the
//! time, the policies, the membership and the grants of then; the caller is who they were when the request came. A
//! list shows exactly what single calls hand over (`T065`). Both stand behind an access rule that knows its caller: an
//! [`Api`](crate::Api) where they don't is not built. What they ask for stands in `authz.lock` and in OpenAPI, from the
//! types that are enforced (`T018`).
//!
//! **Deliberately absent:** a list that decides row by row, and a cache of grants.

mod authorized;
mod visible;

pub use crate::filter::{Column, Columns, Condition, Dialect, SqlError, SqlValue};
pub use portcullis_core::authz::resource::{
    ActionOn, ActionRule, Actions, Comparison, FieldKind, Filter, ResourceField, Tenancy, Value,
};
use portcullis_core::authz::resource::{ResourceFacts, ResourceKind};

pub use self::authorized::Authorized;
pub use self::visible::Visible;
use crate::Problem;
pub use crate::route::{Asks, Body, How};

/// A record of the application that is shared, owned, or decided about by policies.
///
/// **Deployment caveat:** an id must never come to name another record: grants are kept by id, and so is what a slow
/// request is about. SQLite gives the ids of deleted rows again unless the table says `AUTOINCREMENT`; call
/// [`Grants::unshare_all`](portcullis_core::grants::Grants::unshare_all) when a record is deleted.
///
/// ```
/// use portcullis::resource::{Actions as _, ResourceField, FieldKind, Tenancy};
/// use portcullis::{Allow, Authenticated, Authorized, Problem, Resource, resource_actions};
/// use portcullis::core::authz::{ResourceFacts, ResourceKind};
///
/// #[derive(Clone)]
/// struct App;
///
/// struct Post {
///     id: String,
///     author: portcullis::core::account::Id,
///     title: String,
/// }
///
/// resource_actions! {
///     Post:
///     pub Read = "posts:read": "Read a post":   owner, shared;
///     pub Edit = "posts:edit": "Change a post": owner;
/// }
///
/// impl Resource for Post {
///     type State = App;
///     const KIND: &'static ResourceKind = &ResourceKind {
///         name: "Post",
///         tenancy: Tenancy::Anywhere,
///         fields: &[ResourceField { name: "title", kind: FieldKind::Text, optional: false }],
///         actions: Self::NAMES,
///     };
///
///     async fn load(_: &App, id: &str) -> Result<Option<Self>, Problem> {
///         # let _ = id;
///         Ok(None)
///     }
///
///     fn facts(&self) -> ResourceFacts {
///         ResourceFacts::new(Self::KIND, &self.id)
///             .owned_by(self.author)
///             .with("title", self.title.as_str())
///     }
/// }
///
/// async fn edit(_: Allow<Authenticated>, post: Authorized<Post, Edit>) -> String {
///     format!("you may change {}", post.title)
/// }
/// let api = portcullis::Api::<App>::new("Blog", "1.0").put("/posts/{id}", edit);
/// assert!(api.authz_lock().contains("authenticated on Post:posts:edit"));
/// ```
pub trait Resource: Sized + Send + Sync + 'static {
    /// What it is loaded from: the state of the routes, or a part of it (`FromRef`).
    type State: Clone + Send + Sync + 'static;

    /// Its kind, as policies and filters know it.
    const KIND: &'static ResourceKind;

    /// The parameter in the path that holds its id.
    const PARAMETER: &'static str = "id";

    /// Whether it is a secret that it exists: then whoever is refused gets the 404 of an id that doesn't exist, else a
    /// 403 that says why.
    const HIDDEN: bool = true;

    /// Finds it by the id in the path, which is anything that somebody wrote there.
    ///
    /// # Errors
    /// A [`Problem`]: it couldn't be found out whether it exists. Nobody is let in then.
    fn load(state: &Self::State, id: &str) -> impl Future<Output = Result<Option<Self>, Problem>> + Send;

    /// What decisions look at.
    fn facts(&self) -> ResourceFacts;
}

/// What a parameter asks that hands over one resource.
const fn one<R: Resource, A: ActionOn<R>>(body: Body) -> Asks {
    Asks {
        kind: R::KIND,
        action: A::RULE,
        how: How::One {
            parameter: R::PARAMETER,
            hidden: R::HIDDEN,
            body,
        },
    }
}

/// What a parameter asks that speaks of all of them.
const fn every<R: Resource, A: ActionOn<R>>() -> Asks {
    Asks {
        how: How::Every,
        ..one::<R, A>(Body::Unread)
    }
}
