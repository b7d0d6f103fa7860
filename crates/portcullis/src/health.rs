//! Liveness and readiness.

use std::time::Duration;

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::portcullis::Portcullis;
use crate::{Api, Json, Problem, Public};

/// The routes below `/health`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/live", live)
        .summary("Does the process answer?")
        .get("/ready", ready)
        .summary("Can requests be served?")
}

#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// `up`.
    status: &'static str,
}

async fn live(_: Public) -> Json<Health> {
    Json(Health { status: "up" })
}

async fn ready(_: Public, State(portcullis): State<Portcullis>) -> Result<Json<Health>, Problem> {
    match portcullis.ready().await {
        Ok(()) => Ok(Json(Health { status: "up" })),
        Err(fault) => {
            tracing::warn!(%fault, "not ready");
            Err(Problem::unavailable(
                fault.retry_after().unwrap_or(Duration::from_secs(5)),
            ))
        }
    }
}
