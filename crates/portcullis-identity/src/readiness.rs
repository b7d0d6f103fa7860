//! Liveness and readiness: whether the process answers, and whether it can do its work.

use axum::extract::State;

use crate::composition::Portcullis;
use crate::{Api, Json, Problem, Public};
use portcullis::health::{Health, live, not_ready};

/// The routes below `/health`.
pub(crate) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/live", live)
        .summary("Does the process answer?")
        .operation_id("getLiveness")
        .description("Nothing else is looked at: a process that doesn't answer is to be started anew.")
        .get("/ready", ready)
        .summary("Can requests be served?")
        .operation_id("getReadiness")
        .description("503 while the database can't be reached, or what other nodes say isn't heard. Where limits are counted over all nodes, \
             `rate_limits` says whether they are: `shared`, or `each_node` while what counts them is away.")
}

async fn ready(_: Public, State(portcullis): State<Portcullis>) -> Result<Json<Health>, Problem> {
    match portcullis.ready().await {
        Ok(()) => Ok(Json(portcullis.health().await)),
        Err(fault) => Err(not_ready(&fault)),
    }
}
