//! Liveness and readiness of a resource server.

use axum::extract::State;

use super::Remote;
use crate::health::{Health, live, not_ready};
use crate::{Api, Json, Problem, Public};

pub(super) fn routes(api: Api<Remote>) -> Api<Remote> {
    api.get("/live", live)
        .summary("Does the process answer?")
        .get("/ready", ready)
        .summary("Are the issuer's keys known?")
}

async fn ready(_: Public, State(remote): State<Remote>) -> Result<Json<Health>, Problem> {
    match remote.ready().await {
        Ok(()) => Ok(Json(Health::UP)),
        Err(fault) => Err(not_ready(&fault)),
    }
}
