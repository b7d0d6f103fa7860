//! Tiers, as administrators change them over HTTP.

use std::collections::BTreeMap;

use axum::extract::State;
use portcullis_core::authz::LimitsWrite;
use portcullis_core::throttle::Limits;
use portcullis_core::tier::{Keeper, Kept};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::composition::Portcullis;
use crate::{Allow, Api, AuditContext, Json, Problem};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/tiers", list)
        .summary("See what tiers allow")
        .operation_id("getTiers")
        .description("Those that are in force on the node that answers: the program's own until somebody sets others.")
        .put("/tiers", replace)
        .summary("Change what tiers allow")
        .operation_id("setTiers")
        .description(
            "All tiers at once. They hold for the next request here, and on every other node within a second; a tier whose \
             limits change begins anew. 422 `invalid_tiers` lists everything that is wrong, and changes nothing.",
        )
}

/// What tiers allow.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TierTable {
    /// The name of the tier that whoever has no other is in.
    #[schemars(length(min = 1, max = 64))]
    default: String,
    /// What each tier allows, such as `60/minute, 1000/day`, by name.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 100))]
    tiers: BTreeMap<String, String>,
}

impl TierTable {
    fn of(keeper: &Keeper) -> Self {
        let Kept { default, tiers } = Kept::from(keeper.tiers());
        let text = |(name, limits): (String, Limits)| (name, limits.to_string());
        Self {
            default,
            tiers: tiers.into_iter().map(text).collect(),
        }
    }
}

async fn list(
    _: Allow<LimitsWrite>,
    State(portcullis): State<Portcullis>,
) -> Result<Json<TierTable>, Problem> {
    Ok(Json(TierTable::of(keeper(&portcullis)?)))
}

async fn replace(
    who: Allow<LimitsWrite>,
    State(portcullis): State<Portcullis>,
    AuditContext(by): AuditContext,
    Json(new): Json<TierTable>,
) -> Result<Json<TierTable>, Problem> {
    let keeper = keeper(&portcullis)?;
    keeper.replace(who.permit(), &new.default, new.tiers, by).await?;
    Ok(Json(TierTable::of(keeper)))
}

/// These routes are there only where there are tiers.
fn keeper(portcullis: &Portcullis) -> Result<&Keeper, Problem> {
    portcullis.tiers().ok_or_else(Problem::not_found)
}
