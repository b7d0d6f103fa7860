//! All resources of a kind that the caller may do an action to.

use std::marker::PhantomData;

use crate::filter::{self, Columns, Condition, Dialect, SqlError};
use axum::extract::FromRequestParts;
use http::request::Parts;
use portcullis_core::authz::resource::{ActionOn, Filter};
use portcullis_core::grants;

use super::{Resource, every};
use crate::Problem;
use crate::describe::{Input, Operation};
use crate::enforcer::CallerContext;

/// Role: enforcer. Which resources of type `R` the caller may do `A` to, for a list that asks its database once. Stands
/// behind the access rule in a handler's parameters.
///
/// ```ignore
/// async fn list(_: Allow<Authenticated>, visible: Visible<Post, Read>, State(app): State<App>) -> Result<Json<Vec<Post>>> {
///     let visible = visible.to_sql(Dialect::Sqlite, &COLUMNS)?;
///     app.posts(&format!("SELECT … FROM posts WHERE {} ORDER BY id", visible.sql), &visible.params)
/// }
/// ```
pub struct Visible<R, A> {
    visible: grants::Visible,
    action: PhantomData<fn() -> (R, A)>,
}

impl<R: Resource, A: ActionOn<R>> Visible<R, A> {
    /// What they have in common.
    pub fn filter(&self) -> &Filter {
        &self.visible.filter
    }

    /// Whether everything that was shared with the caller is in it. Beyond
    /// [`Grants::MOST_IDS`](portcullis_core::grants::Grants::MOST_IDS) shared resources, the list leaves some out
    /// that a single call hands over.
    pub fn is_complete(&self) -> bool {
        self.visible.complete
    }

    /// The condition for a table with these columns; its parameters are numbered from 1.
    ///
    /// # Errors
    /// [`SqlError`]: the columns don't fit.
    pub fn to_sql(&self, dialect: Dialect, columns: &Columns) -> Result<Condition, SqlError> {
        self.to_sql_from(1, dialect, columns)
    }

    /// The same for a statement with parameters of its own: the first one of the condition is number `first`.
    ///
    /// # Errors
    /// [`SqlError`]: the columns don't fit.
    pub fn to_sql_from(
        &self,
        first: usize,
        dialect: Dialect,
        columns: &Columns,
    ) -> Result<Condition, SqlError> {
        filter::condition(&self.visible.filter, R::KIND, dialect, columns, first)
    }
}

impl<R, A> std::fmt::Debug for Visible<R, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visible").finish_non_exhaustive()
    }
}

impl<S: Send + Sync, R: Resource, A: ActionOn<R>> FromRequestParts<S> for Visible<R, A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = CallerContext::from_request_parts(parts, state).await?;
        let grants = caller.gate().grants();
        let decision = caller.decision_context();
        let visible = grants.visible(&A::RULE, caller.principal(), &decision, R::KIND);
        let visible = visible.await?;
        if !visible.complete {
            tracing::warn!(account = ?caller.principal().id(), kind = R::KIND.name, "more is shared than one list shows");
        }
        Ok(Self {
            visible,
            action: PhantomData,
        })
    }
}

impl<R: Resource, A: ActionOn<R>> Input for Visible<R, A> {
    fn reads(operation: &mut Operation<'_>) {
        operation.asks(every::<R, A>());
    }
}

/// The columns are the program's: that they don't fit is its mistake.
impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        Self::internal(error)
    }
}
