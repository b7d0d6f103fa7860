//! Says when something is to be looked at that shares a task with something busier.
//!
//! A task is woken for all that it waits for alike. Here what seldom happens (time that is over, a server that stops) wakes it
//! through a bell, so that it needn't be asked each time the connection has something to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Looks only at what asked to be looked at, and once in the beginning.
pub(super) struct Bell(Arc<Ringing>);

struct Ringing {
    rung: AtomicBool,
    /// What wakes the task.
    task: Waker,
}

impl Default for Bell {
    fn default() -> Self {
        Self::of(Waker::noop().clone())
    }
}

impl Bell {
    fn of(task: Waker) -> Self {
        let rung = AtomicBool::new(true);
        Self(Arc::new(Ringing { rung, task }))
    }

    /// Has everything looked at the next time.
    pub(super) fn ring(&self) {
        self.0.rung.store(true, Ordering::Release);
    }

    /// Calls `look` if the bell was rung since the last time.
    pub(super) fn heard<T>(
        &mut self,
        context: &Context<'_>,
        look: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !self.0.task.will_wake(context.waker()) {
            // Whatever waits still holds the former one, which would wake nobody.
            *self = Self::of(context.waker().clone());
        }
        if !self.0.rung.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // Taken back before the look: what happens meanwhile rings again.
        self.0.rung.store(false, Ordering::Release);
        let bell = Waker::from(Arc::clone(&self.0));
        look(&mut Context::from_waker(&bell))
    }
}

impl Wake for Ringing {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether it was looked, and what was given to wait with.
    fn look(bell: &mut Bell, task: &Arc<Task>) -> Option<Waker> {
        let waker = Waker::from(Arc::clone(task));
        let mut given = None;
        let polled = bell.heard(&Context::from_waker(&waker), |context| {
            given = Some(context.waker().clone());
            Poll::<()>::Pending
        });
        assert!(polled.is_pending());
        given
    }

    #[test]
    fn what_waits_is_looked_at_once_it_rings_and_by_whoever_polls_then() {
        let (task, other) = (Arc::new(Task::default()), Arc::new(Task::default()));
        let woken = |task: &Task| task.0.load(Ordering::Relaxed);
        let mut bell = Bell::default();
        let waiting = look(&mut bell, &task).expect("the first time");
        assert!(look(&mut bell, &task).is_none());
        waiting.wake();
        assert_eq!(woken(&task), 1);
        assert!(look(&mut bell, &task).is_some());
        assert!(look(&mut bell, &task).is_none());
        bell.ring();
        assert!(look(&mut bell, &task).is_some());
        // The task has moved: what waits is told whom to wake.
        let waiting = look(&mut bell, &other).expect("anew");
        waiting.wake_by_ref();
        assert_eq!((woken(&other), woken(&task)), (1, 1));
    }
}
