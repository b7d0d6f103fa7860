//! The audit log, as administrators read it over HTTP.

use axum::extract::State;
use jiff::Timestamp as Moment;
use portcullis_core::audit::{Event, EventFilter};
use portcullis_core::authz::AuditRead;
use portcullis_core::environment::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::composition::Portcullis;
use crate::page::{Items, Page};
use crate::plan::by_hand;
use crate::{Allow, Api, Json, Problem, Query};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/audit", list)
        .summary("What happened, newest first")
        .operation_id("listAuditEvents")
        .description("A page of events; the parameters narrow it.")
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AuditSearch {
    /// The `next_cursor` of the page before.
    #[schemars(with = "Option<Uuid>", transform = by_hand)]
    cursor: Option<String>,
    /// How many: 1 to 200, 50 unless said otherwise.
    #[schemars(range(min = 1, max = 200), transform = by_hand)]
    limit: Option<u32>,
    /// Only events about this account.
    #[schemars(with = "Option<Uuid>", transform = by_hand)]
    account: Option<String>,
    /// Only this action, such as `login.refused`.
    action: Option<String>,
    /// Only the event of this request: a problem's `trace_id`.
    #[schemars(with = "Option<Uuid>", transform = by_hand)]
    trace: Option<String>,
    /// Only what was done, or refused, with this API key.
    #[schemars(with = "Option<Uuid>", transform = by_hand)]
    api_key: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
struct EventView {
    /// The event's id, ordered by time.
    #[schemars(with = "Uuid")]
    id: String,
    /// When it was done or refused, RFC 3339.
    #[schemars(with = "Moment")]
    at: Timestamp,
    /// What was done or refused.
    action: String,
    /// `anonymous`, `operator`, `system` or an account's id.
    actor: String,
    /// The account it was done to.
    #[schemars(with = "Option<Uuid>")]
    account: Option<String>,
    /// The session it was about.
    #[schemars(with = "Option<Uuid>")]
    session: Option<String>,
    /// The API key the actor came with, if it was one.
    #[schemars(with = "Option<Uuid>")]
    api_key: Option<String>,
    /// The client's address.
    ip: Option<String>,
    /// The client's program.
    user_agent: Option<String>,
    /// The request's trace id.
    #[schemars(with = "Option<Uuid>")]
    trace: Option<String>,
    /// More about it.
    detail: Option<String>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            id: event.id.to_string(),
            at: event.at,
            action: event.action,
            actor: event.actor,
            account: event.account.map(|id| id.to_string()),
            session: event.session.map(|id| id.to_string()),
            api_key: event.api_key.map(|id| id.to_string()),
            ip: event.ip,
            user_agent: event.user_agent,
            trace: event.trace.map(|id| id.to_string()),
            detail: event.detail,
        }
    }
}

async fn list(
    who: Allow<AuditRead>,
    State(portcullis): State<Portcullis>,
    Query(search): Query<AuditSearch>,
) -> Result<Json<Items<EventView>>, Problem> {
    let page = Page {
        cursor: search.cursor,
        limit: search.limit,
    };
    let limit = page.limit()?;
    let filter = EventFilter {
        account: id("account", search.account)?,
        action: search.action,
        trace: id("trace", search.trace)?,
        api_key: id("api_key", search.api_key)?,
        before: page.cursor()?,
    };
    let log = portcullis.audit();
    let events = log.list(who.permit(), filter, limit.and_one()).await?;
    let events = events.into_iter().map(EventView::from).collect();
    Ok(Items::page(events, limit, |event: &EventView| event.id.clone()))
}

fn id<T: std::str::FromStr>(name: &'static str, text: Option<String>) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    match text.parse() {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(Problem::bad_request(
            "invalid_id",
            format!("{name} must be an id"),
        )),
    }
}
