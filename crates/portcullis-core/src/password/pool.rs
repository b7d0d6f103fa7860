//! The hashing pool: as many threads as cores, of low priority, with a short queue.
//!
//! A hash takes tens of milliseconds of a whole core. On the pool it never blocks an async worker, the scheduler
//! prefers every other thread (`T013`), and when the queue is full the caller is told at once instead of waiting
//! for an answer that would come too late.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use futures_channel::oneshot;

use super::compute::Workspace;
use crate::defends;

type Job = Box<dyn FnOnce(&mut Workspace) + Send>;

pub(super) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    capacity: usize,
}

struct State {
    queue: VecDeque<Job>,
    open: bool,
}

/// The queue is full, or the pool is closing.
#[derive(Debug)]
pub(super) struct Full;

impl Pool {
    /// Starts `threads` threads with room for `capacity` waiting jobs.
    #[cfg_attr(not(feature = "passwords"), allow(dead_code, reason = "nobody hashes then"))]
    pub(super) fn start(threads: usize, capacity: usize) -> std::io::Result<Self> {
        let state = State {
            queue: VecDeque::with_capacity(capacity),
            open: true,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: Condvar::new(),
            capacity,
        });
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("hasher-{number}"))
                .spawn(move || work(&shared))?;
        }
        Ok(Self { shared })
    }

    /// Runs `job` on the pool.
    pub(super) async fn run<T, F>(&self, job: F) -> Result<T, Full>
    where
        T: Send + 'static,
        F: FnOnce(&mut Workspace) -> T + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let boxed: Job = Box::new(move |workspace| {
            // Nobody waits any more: the request was given up.
            if !answer.is_canceled() {
                let _ = answer.send(job(workspace));
            }
        });
        {
            let mut state = self.shared.lock();
            if !state.open || state.queue.len() >= self.shared.capacity {
                defends!("T013");
                return Err(Full);
            }
            state.queue.push_back(boxed);
        }
        self.shared.wake.notify_one();
        receiver.await.map_err(|_| Full)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.open = false;
        state.queue.clear();
        drop(state);
        self.shared.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `Idle` when none came for a while; `None` when the pool closes.
    fn next(&self) -> Option<Next> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                return Some(Next::Job(job));
            }
            if !state.open {
                return None;
            }
            let (next, waited) = self
                .wake
                .wait_timeout(state, IDLE)
                .unwrap_or_else(PoisonError::into_inner);
            if waited.timed_out() && next.queue.is_empty() && next.open {
                return Some(Next::Idle);
            }
            state = next;
        }
    }
}

enum Next {
    Job(Job),
    Idle,
}

fn work(shared: &Shared) {
    // On Linux the priority is the thread's own. Where it can't be lowered the pool still works.
    let _ = rustix::process::setpriority_process(None, LOW_PRIORITY);
    let mut workspace = Workspace::default();
    while let Some(next) = shared.next() {
        match next {
            Next::Job(job) => {
                // A job that panics drops its answer, and its caller is told; the thread lives on.
                let run = std::panic::AssertUnwindSafe(|| job(&mut workspace));
                if std::panic::catch_unwind(run).is_err() {
                    workspace.release();
                }
            }
            Next::Idle => workspace.release(),
        }
    }
}

/// After this long without a job a thread gives its 19 MiB back.
const IDLE: Duration = Duration::from_secs(5);

/// The `nice` value of the hashing threads.
const LOW_PRIORITY: i32 = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use futures_util::FutureExt as _;
    use std::sync::mpsc;

    #[test]
    fn a_full_queue_answers_at_once_and_nothing_accepted_is_lost() {
        checks!("T013");
        let pool = Pool::start(1, 2).unwrap();
        let (release, held) = mpsc::channel::<()>();
        let (started, running) = mpsc::channel::<()>();
        let mut busy = Box::pin(pool.run(move |_| {
            started.send(()).unwrap();
            held.recv().unwrap();
            0
        }));
        assert!(busy.as_mut().now_or_never().is_none());
        running.recv().unwrap();
        let mut first = Box::pin(pool.run(|_| 1));
        let mut second = Box::pin(pool.run(|_| 2));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(
            matches!(pool.run(|_| 3).now_or_never(), Some(Err(Full))),
            "the third has no room"
        );
        release.send(()).unwrap();
        let answers = futures_util::future::join3(busy, first, second);
        let answers = futures_executor_block_on(answers);
        assert!(matches!(answers, (Ok(0), Ok(1), Ok(2))));
    }

    #[test]
    fn a_panicking_job_is_an_error_and_the_thread_lives_on() {
        let pool = Pool::start(1, 2).unwrap();
        assert!(futures_executor_block_on(pool.run(|_| panic!("boom"))).is_err());
        assert_eq!(futures_executor_block_on(pool.run(|_| 5)).ok(), Some(5));
    }

    /// The least executor there is: park until woken.
    fn futures_executor_block_on<F: Future>(future: F) -> F::Output {
        struct Unpark(thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut context = std::task::Context::from_waker(&waker);
        let mut future = std::pin::pin!(future);
        loop {
            match future.as_mut().poll(&mut context) {
                std::task::Poll::Ready(output) => return output,
                std::task::Poll::Pending => thread::park(),
            }
        }
    }
}
