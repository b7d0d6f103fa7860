//! The audit log.

use axum::extract::State;
use portcullis_core::access::AuditRead;
use portcullis_core::audit::{Event, Filter};
use portcullis_core::environment::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::page::{Items, Page};
use crate::portcullis::Portcullis;
use crate::{Allow, Api, Json, Problem, Query};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/audit", list).summary("What happened, newest first")
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many: 1 to 200, 50 unless said otherwise.
    limit: Option<u32>,
    /// Only events about this account.
    account: Option<String>,
    /// Only this action, such as `login.refused`.
    action: Option<String>,
    /// Only the event of this request: a problem's `trace_id`.
    trace: Option<String>,
    /// Only what was done, or refused, with this API key.
    api_key: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
struct EventView {
    /// Its id.
    id: String,
    /// When, RFC 3339.
    #[schemars(with = "String")]
    at: Timestamp,
    /// What was done or refused.
    action: String,
    /// `anonymous`, `operator`, `system` or an account's id.
    actor: String,
    /// The account it was done to.
    account: Option<String>,
    /// The session it was about.
    session: Option<String>,
    /// The API key the actor came with, if it was one.
    api_key: Option<String>,
    /// The client's address.
    ip: Option<String>,
    /// The client's program.
    user_agent: Option<String>,
    /// The request's trace id.
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
    Query(search): Query<Search>,
) -> Result<Json<Items<EventView>>, Problem> {
    let page = Page {
        cursor: search.cursor,
        limit: search.limit,
    };
    let limit = page.limit()?;
    let filter = Filter {
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
