//! Where it is counted how often things are done.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portcullis::health::Health;
use portcullis_core::fault::Fault;
use portcullis_core::invalidation::Invalidation;
#[cfg(feature = "redis")]
use portcullis_core::throttle::SharedCounts;
use portcullis_core::throttle::{Counts, Limiter, Throttle, Tiers};
use portcullis_core::tier;
use portcullis_store::Database;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::builder::shared;
use super::{Builder, Portcullis};
use crate::rates::LimitHeaders;

/// Where it is counted how often routes are called and API keys are used.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RateCounts {
    /// In this process: several nodes each allow the whole.
    #[default]
    Own,
    /// In Redis or Valkey, at `redis://…` or `rediss://…`, for all nodes together. While it is away each node goes on by
    /// itself; the start doesn't wait for it.
    Redis(String),
}

impl fmt::Debug for RateCounts {
    /// The address may carry a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "Own",
            Self::Redis(_) => "Redis",
        })
    }
}

impl RateCounts {
    pub(super) fn open(&self) -> Result<Arc<Throttle>, Fault> {
        let own = Limiter::new(Limiter::CAPACITY);
        Ok(Arc::new(match self {
            Self::Own => Throttle::alone(own),
            Self::Redis(url) => redis(url, own)?,
        }))
    }
}

#[cfg(feature = "redis")]
fn redis(url: &str, own: Limiter) -> Result<Throttle, Fault> {
    let redis = portcullis_store::ephemeral::Redis::lazily(url, "portcullis:")?;
    Ok(Throttle::sharing(Arc::new(redis) as Arc<dyn SharedCounts>, own))
}

#[cfg(not(feature = "redis"))]
fn redis(_: &str, _: Limiter) -> Result<Throttle, Fault> {
    Err(Fault::Other("it was built without the feature `redis`".into()))
}

/// What was said about limits when the deployment was built.
#[derive(Debug, Clone, Default)]
pub(super) struct Rates {
    pub(super) counts: RateCounts,
    pub(super) headers: LimitHeaders,
    tiers: Option<Tiers>,
}

impl Rates {
    /// What keeps the program's tiers, with those in force that somebody set.
    pub(super) async fn keep_tiers(&self, database: &Database) -> Result<Option<tier::Keeper>, Fault> {
        let Some(tiers) = self.tiers.clone() else {
            return Ok(None);
        };
        let keeper = tier::Keeper::new(shared(database), tiers);
        keeper.reload().await?;
        Ok(Some(keeper))
    }
}

/// Puts tiers in force that another node set. Dropping it ends that.
pub(super) struct TierWatch(JoinHandle<()>);

impl TierWatch {
    pub(super) fn start(database: &Database, keeper: tier::Keeper) -> Self {
        let changed = Arc::new(Notify::new());
        let notify = Arc::clone(&changed);
        database.subscribe(Arc::new(move |what| {
            if what == Invalidation::Tiers {
                notify.notify_one();
            }
        }));
        Self(tokio::spawn(follow(keeper, changed)))
    }
}

impl Drop for TierWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn follow(keeper: tier::Keeper, changed: Arc<Notify>) {
    loop {
        changed.notified().await;
        while let Err(fault) = keeper.reload().await {
            if fault == Fault::Closed {
                return;
            }
            tracing::error!(%fault, "the changed tiers can't be read; the last good ones stay in force");
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// How long after a failed reload the tiers are read again.
const RETRY: Duration = Duration::from_secs(1);

impl Builder {
    /// Where it is counted how often routes are called and API keys are used: in this process unless said otherwise.
    pub fn rate_counts(mut self, counts: RateCounts) -> Self {
        self.rates.counts = counts;
        self
    }

    /// The program's tiers, to be kept in the database once an administrator sets others (`PUT /admin/api/v1/tiers`): they hold
    /// on every node then, within a second and after a restart. Limits go by the same `tiers`
    /// ([`Allowance::tier`](crate::rates::Allowance::tier)).
    pub fn tiers(mut self, tiers: &Tiers) -> Self {
        self.rates.tiers = Some(tiers.clone());
        self
    }

    /// In which headers answers tell what is left of the limits of routes.
    pub fn limit_headers(mut self, headers: LimitHeaders) -> Self {
        self.rates.headers = headers;
        self
    }
}

impl Portcullis {
    /// What keeps the program's tiers, if it has any ([`Builder::tiers`]).
    pub fn tiers(&self) -> Option<&tier::Keeper> {
        self.0.tiers.as_ref()
    }

    /// What readiness answers of a node that is ready: it says whether limits are counted over all nodes, where they should
    /// be. A node whose shared counts are away works on.
    pub(crate) async fn health(&self) -> Health {
        let throttle = self.0.gate.throttle();
        throttle.look(self.0.environment.now()).await;
        match throttle.counts() {
            Counts::Own => Health::UP,
            Counts::Shared => Health::UP.counting("shared"),
            Counts::OwnMeanwhile => Health::UP.counting("each_node"),
        }
    }
}
