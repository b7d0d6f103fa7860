//! What liveness and readiness answer.

use std::time::Duration;

use portcullis_core::fault::Fault;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Json, Problem, Public};

/// The answer of a process that is well.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// Always `up`: a process that isn't well answers with a problem.
    status: &'static str,
    /// Whether limits are counted over all nodes, where they should be: `shared`, or `each_node` for itself meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_limits: Option<&'static str>,
}

impl Health {
    /// The answer of a process that is well.
    pub const UP: Self = Self {
        status: "up",
        rate_limits: None,
    };

    /// The same, with whose counts limits go by.
    #[must_use]
    pub const fn counting(self, rate_limits: &'static str) -> Self {
        Self {
            rate_limits: Some(rate_limits),
            ..self
        }
    }
}

/// Answers that the process does.
pub async fn live(_: Public) -> Json<Health> {
    Json(Health::UP)
}

/// 503: why requests can't be served is for the log alone.
pub fn not_ready(fault: &Fault) -> Problem {
    tracing::warn!(%fault, "not ready");
    Problem::unavailable(fault.retry_after().unwrap_or(Duration::from_secs(5)))
}
