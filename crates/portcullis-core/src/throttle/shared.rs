//! Counts that all nodes share, and what becomes of them while they are away.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;

use super::{Ask, LimitVerdict, Limiter};
use crate::defends;
use crate::environment::Timestamp;
use crate::fault::Fault;

/// Counts that all nodes share. They go by a clock of their own.
#[async_trait]
pub trait SharedCounts: Send + Sync {
    /// Counts a call if every limit of its quota admits it: one step for everybody else.
    ///
    /// # Errors
    /// [`Fault`] if they don't answer; whether it was counted isn't known then.
    async fn take(&self, ask: &Ask<'_>) -> Result<LimitVerdict, Fault>;

    /// Whether they answer.
    ///
    /// # Errors
    /// [`Fault`] if they don't.
    async fn ping(&self) -> Result<(), Fault>;
}

/// Whose counts are gone by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// This node's own: there are no others.
    Own,
    /// Those of all nodes.
    Shared,
    /// This node's own, because those of all nodes are away.
    OwnMeanwhile,
}

/// Role: says whether a call may be made now. It asks the counts that all nodes share, where there are any, and goes by this
/// node's own while they are away: a limit is never off.
pub struct Throttle {
    own: Limiter,
    shared: Option<Arc<dyn SharedCounts>>,
    /// Until when nobody asks the shared counts, in microseconds; [`HERE`] while they answer.
    away: AtomicI64,
}

impl Throttle {
    /// A throttle that goes by counts of its own.
    pub const fn alone(own: Limiter) -> Self {
        Self {
            own,
            shared: None,
            away: AtomicI64::new(HERE),
        }
    }

    /// A throttle that goes by `shared`, and by `own` while they are away.
    pub fn sharing(shared: Arc<dyn SharedCounts>, own: Limiter) -> Self {
        Self {
            shared: Some(shared),
            ..Self::alone(own)
        }
    }

    /// Whose counts are gone by at present.
    pub fn counts(&self) -> Counts {
        match &self.shared {
            None => Counts::Own,
            Some(_) if self.away.load(Ordering::Relaxed) == HERE => Counts::Shared,
            Some(_) => Counts::OwnMeanwhile,
        }
    }

    /// This node's own counts, if there are no others: nothing to wait for.
    pub const fn own(&self) -> Option<&Limiter> {
        match self.shared {
            None => Some(&self.own),
            Some(_) => None,
        }
    }

    /// Counts a call at `now`, if every limit of its quota admits it.
    pub async fn take(&self, ask: &Ask<'_>, now: Timestamp) -> LimitVerdict {
        let Some(shared) = self.shared.as_ref().filter(|_| self.asks(now)) else {
            return self.own.take(ask, now);
        };
        match shared.take(ask).await {
            Ok(verdict) => {
                self.heard();
                // So that this node knows of what came here, should the others be away next.
                if verdict.wait().is_none() {
                    let _ = self.own.take(ask, now);
                }
                verdict
            }
            Err(fault) => {
                self.missed(&fault, now);
                self.own.take(ask, now)
            }
        }
    }

    /// Looks whether the shared counts answer, if there are any: for readiness, where nobody may have called for a while.
    pub async fn look(&self, now: Timestamp) {
        let Some(shared) = self.shared.as_ref().filter(|_| self.asks(now)) else {
            return;
        };
        match shared.ping().await {
            Ok(()) => self.heard(),
            Err(fault) => self.missed(&fault, now),
        }
    }

    /// Whether to ask the shared counts: while they are away one caller a second does, and the others don't wait for it.
    fn asks(&self, now: Timestamp) -> bool {
        let (until, now) = (self.away.load(Ordering::Relaxed), now.as_micros());
        // A clock that was set back makes nobody wait for longer.
        if until == HERE {
            return true;
        }
        if now < until && until.saturating_sub(now) <= PAUSE {
            return false;
        }
        let next = now.saturating_add(PAUSE);
        let won = self
            .away
            .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed);
        won.is_ok()
    }

    fn heard(&self) {
        if self.away.load(Ordering::Relaxed) != HERE && self.away.swap(HERE, Ordering::Relaxed) != HERE {
            tracing::info!("rate limits are counted over all nodes again");
        }
    }

    fn missed(&self, fault: &Fault, now: Timestamp) {
        defends!("T247");
        let until = now.as_micros().saturating_add(PAUSE);
        if self.away.swap(until, Ordering::Relaxed) == HERE {
            tracing::warn!(%fault, "rate limits are counted by each node for itself: the shared counts are away");
        }
    }
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Throttle")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// The shared counts answer.
const HERE: i64 = i64::MIN;

/// How long nobody asks shared counts that are away, in microseconds.
const PAUSE: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::time::Duration;

    use uuid::Uuid;

    use super::super::{LimitKey, Limits, Quota};
    use super::*;
    use crate::checks;

    const START: Timestamp = Timestamp::from_seconds(1_000_000);

    /// What two nodes share, at a clock of its own.
    struct Elsewhere {
        counts: Limiter,
        clock: Mutex<Timestamp>,
        away: AtomicBool,
        asked: AtomicUsize,
    }

    impl Elsewhere {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                counts: Limiter::new(100),
                clock: Mutex::new(START),
                away: AtomicBool::new(false),
                asked: AtomicUsize::new(0),
            })
        }

        fn node(self: &Arc<Self>) -> Throttle {
            Throttle::sharing(Arc::clone(self) as _, Limiter::new(100))
        }
    }

    #[async_trait]
    impl SharedCounts for Elsewhere {
        async fn take(&self, ask: &Ask<'_>) -> Result<LimitVerdict, Fault> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.away.load(Ordering::Relaxed) {
                return Err(Fault::Unreachable("away".into()));
            }
            let now = *self.clock.lock().unwrap();
            Ok(self.counts.take(ask, now))
        }

        async fn ping(&self) -> Result<(), Fault> {
            match self.away.load(Ordering::Relaxed) {
                true => Err(Fault::Unreachable("away".into())),
                false => Ok(()),
            }
        }
    }

    fn quota(text: &str) -> Quota {
        Quota::new("test", Limits::parse(text).unwrap()).unwrap()
    }

    fn subject() -> LimitKey {
        LimitKey::user(Uuid::from_u128(1))
    }

    async fn admits(node: &Throttle, quota: &Quota, now: Timestamp) -> bool {
        node.take(&Ask::once(quota, subject()), now)
            .await
            .wait()
            .is_none()
    }

    #[tokio::test]
    async fn two_nodes_share_one_count_and_its_clock() {
        let elsewhere = Elsewhere::new();
        let (one, other, four) = (elsewhere.node(), elsewhere.node(), quota("4/minute"));
        let wrong = START.plus(Duration::from_secs(3_600));
        for _ in 0..2 {
            assert!(admits(&one, &four, START).await);
            assert!(admits(&other, &four, wrong).await);
        }
        assert!(!admits(&one, &four, START).await);
        assert!(!admits(&other, &four, wrong).await);
        assert_eq!((one.counts(), other.counts()), (Counts::Shared, Counts::Shared));
    }

    #[tokio::test]
    async fn without_the_shared_counts_a_node_goes_by_what_came_to_it() {
        checks!("T247");
        let elsewhere = Elsewhere::new();
        let (node, four) = (elsewhere.node(), quota("4/minute"));
        for _ in 0..3 {
            assert!(admits(&node, &four, START).await);
        }
        elsewhere.away.store(true, Ordering::Relaxed);
        assert!(admits(&node, &four, START).await);
        assert!(!admits(&node, &four, START).await);
        assert_eq!(node.counts(), Counts::OwnMeanwhile);
    }

    #[tokio::test]
    async fn nobody_but_one_a_second_waits_for_what_is_away() {
        let elsewhere = Elsewhere::new();
        let (node, many) = (elsewhere.node(), quota("1000/minute"));
        elsewhere.away.store(true, Ordering::Relaxed);
        let asked = || elsewhere.asked.load(Ordering::Relaxed);
        for _ in 0..100 {
            assert!(admits(&node, &many, START).await);
        }
        assert_eq!(asked(), 1);
        let later = START.plus(Duration::from_secs(1));
        assert!(admits(&node, &many, later.minus(Duration::from_micros(1))).await);
        assert_eq!(asked(), 1);
        for _ in 0..100 {
            assert!(admits(&node, &many, later).await);
        }
        assert_eq!(asked(), 2);
        // A clock that was set back keeps nobody from asking.
        let back = START.minus(Duration::from_secs(86_400));
        elsewhere.away.store(false, Ordering::Relaxed);
        assert!(admits(&node, &many, back).await);
        assert_eq!((asked(), node.counts()), (3, Counts::Shared));
    }

    #[tokio::test]
    async fn a_look_finds_out_what_nobody_called_for() {
        let elsewhere = Elsewhere::new();
        let node = elsewhere.node();
        node.look(START).await;
        assert_eq!(node.counts(), Counts::Shared);
        elsewhere.away.store(true, Ordering::Relaxed);
        node.look(START).await;
        assert_eq!(node.counts(), Counts::OwnMeanwhile);
        elsewhere.away.store(false, Ordering::Relaxed);
        node.look(START).await;
        assert_eq!(node.counts(), Counts::OwnMeanwhile, "not before a second is over");
        node.look(START.plus(Duration::from_secs(1))).await;
        assert_eq!(node.counts(), Counts::Shared);
    }

    #[tokio::test]
    async fn a_node_of_its_own_waits_for_nobody() {
        let (node, two) = (Throttle::alone(Limiter::new(100)), quota("2/minute"));
        assert!(node.own().is_some());
        assert_eq!(node.counts(), Counts::Own);
        assert!(admits(&node, &two, START).await && admits(&node, &two, START).await);
        assert!(!admits(&node, &two, START).await);
    }
}
