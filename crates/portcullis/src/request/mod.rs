//! What the running task knows of the request it works on, wherever it is: the trace id, in which form its route says what
//! went wrong, the realm of its challenges, and the cookies that go out with its answer.
//!
//! Flow: the layer around every route opens it ([`scope`]); a [`Problem`](crate::Problem) reads it when it becomes an answer,
//! and whatever sets cookies without an answer in its hand [leaves](leave) them here.
//!
//! **Deliberately absent:** the caller, and whatever verifies and decides. Those are the enforcers', who stand above.

mod realm;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

pub use self::realm::{InvalidRealm, Realm};

/// What is known of one request.
pub(crate) struct Facts {
    trace: Uuid,
    voice: Voice,
    realm: Realm,
    /// Where the request's anonymous sessions leave their cookies.
    outgoing: RefCell<Vec<Outgoing>>,
}

impl Facts {
    pub(crate) fn new(trace: Uuid, voice: Voice, realm: Realm) -> Self {
        Self {
            trace,
            voice,
            realm,
            outgoing: RefCell::default(),
        }
    }
}

/// In which form a route says what went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Voice {
    /// RFC 9457.
    #[default]
    Problem,
    /// RFC 6749 §5.2: its clients know no other.
    OAuth,
}

/// The `Set-Cookie` that a request leaves behind, if any.
pub(crate) type Outgoing = Arc<Mutex<Option<HeaderValue>>>;

tokio::task_local! {
    static CURRENT: Facts;
}

/// Lets `future` know of the request.
pub(crate) fn scope<F: Future>(facts: Facts, future: F) -> impl Future<Output = F::Output> + use<F> {
    CURRENT.scope(facts, future)
}

/// The same for something that doesn't wait.
pub(crate) fn sync_scope<T>(facts: Facts, run: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(facts, run)
}

/// The trace id of the request this task works on.
pub(crate) fn trace() -> Option<Uuid> {
    CURRENT.try_with(|facts| facts.trace).ok()
}

/// The form in which the route of this task says what went wrong.
pub(crate) fn voice() -> Voice {
    CURRENT.try_with(|facts| facts.voice).unwrap_or_default()
}

/// The realm of the request this task works on.
pub(crate) fn realm() -> Option<Realm> {
    CURRENT.try_with(|facts| facts.realm.clone()).ok()
}

/// Whatever is left in `outgoing` by the end of the request goes out with its answer.
pub(crate) fn leave(outgoing: &Outgoing) {
    // Outside of a request there is no answer either.
    let _ = CURRENT.try_with(|facts| facts.outgoing.borrow_mut().push(Arc::clone(outgoing)));
}

/// Puts what was left on the answer.
pub(crate) fn send_cookies(headers: &mut HeaderMap) {
    let _ = CURRENT.try_with(|facts| {
        for outgoing in facts.outgoing.borrow().iter() {
            let mut outgoing = outgoing.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = outgoing.take() {
                headers.append(SET_COOKIE, value);
            }
        }
    });
}
