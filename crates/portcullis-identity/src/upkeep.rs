//! What runs beside the requests: writing down who was seen, sweeping, hearing other nodes, rotating keys, watching
//! the policies, telling whose API key ends soon, sending e-mails that wait.
//!
//! Every task is a plain method of [`Portcullis`] that a test calls with its own clock; this module only calls them
//! at intervals. A task that fails logs why and is tried again at its next turn: none of them is needed for the
//! next answer to be right.

mod steady;

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::steady::Steady;
use crate::composition::Portcullis;

/// The running background tasks. Dropping it aborts them; [`Upkeep::stop`] lets them finish.
#[derive(Debug)]
#[must_use = "dropping it ends what it does"]
pub struct Upkeep {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    portcullis: Portcullis,
}

impl Upkeep {
    /// Starts every background task for `portcullis`.
    pub(crate) fn start(portcullis: &Portcullis) -> Self {
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let once = portcullis.clone();
        tasks.spawn(async move {
            if let Err(error) = once.retire_former_keys().await {
                tracing::warn!(%error, "the keys of a former algorithm could not be retired");
            }
        });
        every(&mut tasks, &stop, portcullis, FLUSH, |portcullis| async move {
            portcullis.write_seen().await
        });
        every(&mut tasks, &stop, portcullis, EMAILS, |portcullis| async move {
            portcullis.emails().wake();
            Ok::<(), Infallible>(())
        });
        let steady = Mutex::new(Steady::new(patience(portcullis)));
        every(&mut tasks, &stop, portcullis, SWEEP, move |portcullis| {
            let mut steady = steady.lock().unwrap_or_else(PoisonError::into_inner);
            let by = steady.judge_by(Instant::now(), portcullis.environment().now());
            async move {
                match by {
                    Some(by) => portcullis.sweep_by(by).await,
                    None => Ok(()),
                }
            }
        });
        every(&mut tasks, &stop, portcullis, SETTLE, |portcullis| async move {
            portcullis.settle().await
        });
        every(&mut tasks, &stop, portcullis, ROTATE, |portcullis| async move {
            portcullis.tend_keys().await
        });
        every(&mut tasks, &stop, portcullis, WATCH, |portcullis| async move {
            if let Err(error) = portcullis.watch_policies().await {
                tracing::error!(%error, "the changed policies are invalid; the last valid ones stay in force");
            }
            Ok::<(), Infallible>(())
        });
        // What the version before registers beside this one.
        every(
            &mut tasks,
            &stop,
            portcullis,
            SETTLE_NAMES,
            |portcullis| async move { portcullis.database().settle_names().await.map(drop) },
        );
        every(&mut tasks, &stop, portcullis, WARN, |portcullis| async move {
            portcullis.warn_expiring().await
        });
        Self {
            tasks,
            stop,
            portcullis: portcullis.clone(),
        }
    }

    /// Ends them, and writes down what they would have written next.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        if let Err(fault) = self.portcullis.write_seen().await {
            tracing::warn!(%fault, "when sessions were last seen could not be written down");
        }
    }
}

fn every<F, E>(
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
    portcullis: &Portcullis,
    interval: Duration,
    task: impl Fn(Portcullis) -> F + Send + 'static,
) where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: std::fmt::Display + Send,
{
    let (stop, portcullis) = (stop.clone(), portcullis.clone());
    tasks.spawn(async move {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = task(portcullis.clone()).await {
                tracing::warn!(%error, "a background task failed; it is tried again");
            }
        }
    });
}

/// How long the clock must have been steady before something is deleted by it: longer than a revocation is needed.
fn patience(portcullis: &Portcullis) -> Duration {
    let tokens = portcullis.issuer().settings().key_overlap();
    tokens.saturating_add(SWEEP)
}

const EMAILS: Duration = Duration::from_secs(1);
const FLUSH: Duration = Duration::from_secs(5);
const WATCH: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_secs(60);
const SWEEP: Duration = Duration::from_secs(5 * 60);
const ROTATE: Duration = Duration::from_secs(60 * 60);
const SETTLE_NAMES: Duration = Duration::from_secs(60 * 60);
const WARN: Duration = Duration::from_secs(60 * 60);
