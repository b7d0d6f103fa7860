//! Liveness and readiness.

use std::time::Duration;

use axum::extract::State;
use portcullis_core::fault::Fault;
use schemars::JsonSchema;
use serde::Serialize;

use crate::portcullis::Portcullis;
use crate::{Api, Json, Problem, Public};

/// The routes below `/health`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/live", live)
        .summary("Does the process answer?")
        .operation_id("getLiveness")
        .description("Nothing else is looked at: a process that doesn't answer is to be started anew.")
        .get("/ready", ready)
        .summary("Can requests be served?")
        .operation_id("getReadiness")
        .description("503 while the database can't be reached, or what other nodes say isn't heard.")
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `up`.
    status: &'static str,
}

impl Health {
    pub(crate) const UP: Self = Self { status: "up" };
}

pub(crate) async fn live(_: Public) -> Json<Health> {
    Json(Health::UP)
}

async fn ready(_: Public, State(portcullis): State<Portcullis>) -> Result<Json<Health>, Problem> {
    match portcullis.ready().await {
        Ok(()) => Ok(Json(Health::UP)),
        Err(fault) => Err(not_ready(&fault)),
    }
}

pub(crate) fn not_ready(fault: &Fault) -> Problem {
    tracing::warn!(%fault, "not ready");
    Problem::unavailable(fault.retry_after().unwrap_or(Duration::from_secs(5)))
}
