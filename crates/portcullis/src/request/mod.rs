//! What an answer says of the request it answers, wherever it is made: the trace id, in which form its route says what went
//! wrong, and the realm of its challenges.
//!
//! Flow: the layer around every route lets the running task know of its request ([`scope`]); a [`Problem`](crate::Problem)
//! asks when it becomes an answer, and a line of the log when it is written.
//!
//! Invariant: there is no copy. What is asked here is the request's one context, which stands above with the enforcers; from
//! below it is seen as [`Answered`] only.

mod realm;

use std::sync::Arc;

use uuid::Uuid;

pub use self::realm::{InvalidRealm, Realm};

/// A request as its answers see it.
pub(crate) trait Answered: Send + Sync {
    /// Names the request in answers, in the log and in the record.
    fn trace(&self) -> Uuid;

    /// In which form its route says what went wrong.
    fn voice(&self) -> Voice;

    /// What its challenges call the place that a caller wants into.
    fn realm(&self) -> &Realm;
}

/// In which form a route says what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Voice {
    /// As problem details (RFC 9457).
    #[default]
    Problem,
    /// RFC 6749 §5.2: its clients know no other.
    OAuth,
}

tokio::task_local! {
    static CURRENT: Arc<dyn Answered>;
}

/// Lets `future` know of the request.
pub(crate) fn scope<F: Future>(
    request: Arc<dyn Answered>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    CURRENT.scope(request, future)
}

/// The same for something that doesn't wait.
pub(crate) fn sync_scope<T>(request: Arc<dyn Answered>, run: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(request, run)
}

/// The trace id of the request this task works on.
pub(crate) fn trace() -> Option<Uuid> {
    CURRENT.try_with(|request| request.trace()).ok()
}

/// The form in which the route of this task says what went wrong.
pub(crate) fn voice() -> Voice {
    CURRENT.try_with(|request| request.voice()).unwrap_or_default()
}

/// The realm of the request this task works on.
pub(crate) fn realm() -> Option<Realm> {
    CURRENT.try_with(|request| request.realm().clone()).ok()
}
