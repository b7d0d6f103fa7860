//! Who is told when something is no longer what it was.
//!
//! A verb's invalidations reach the subscribers of this process after its commit and before its caller's answer.
//! What other processes wrote is read by the [follower](crate::Follower).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

use portcullis_core::invalidation::Invalidation;

/// Something that wants to hear of invalidations. It is called on a thread of the database: it must be quick and
/// never wait.
pub type Subscriber = Arc<dyn Fn(Invalidation) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Bus {
    subscribers: RwLock<Vec<Subscriber>>,
}

impl Bus {
    pub(crate) fn subscribe(&self, subscriber: Subscriber) {
        self.subscribers
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(subscriber);
    }

    pub(crate) fn publish(&self, what: Invalidation) {
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        for subscriber in &*subscribers {
            // A subscriber that panics must not take the others, or the writer, with it.
            if catch_unwind(AssertUnwindSafe(|| subscriber(what))).is_err() {
                tracing::error!(?what, "a subscriber to invalidations panicked");
            }
        }
    }
}
