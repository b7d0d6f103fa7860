//! Where it is counted how often things are done.

use std::fmt;
use std::sync::Arc;

use portcullis::health::Health;
use portcullis_core::fault::Fault;
#[cfg(feature = "redis")]
use portcullis_core::throttle::SharedCounts;
use portcullis_core::throttle::{Counts, Limiter, Throttle};

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
}

impl Builder {
    /// Where it is counted how often routes are called and API keys are used: in this process unless said otherwise.
    pub fn rate_counts(mut self, counts: RateCounts) -> Self {
        self.rates.counts = counts;
        self
    }

    /// In which headers answers tell what is left of the limits of routes.
    pub fn limit_headers(mut self, headers: LimitHeaders) -> Self {
        self.rates.headers = headers;
        self
    }
}

impl Portcullis {
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
