//! Why requests were refused, and what an account could do.

use axum::extract::State;
use jiff::Timestamp as Moment;
use portcullis_core::account;
use portcullis_core::administration::{Asked, Outlook};
use portcullis_core::authz::{CredentialKind, Decision, DecisionContext, DecisionsRead, Explanation, Permit};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::organization::Selector;
use portcullis_core::session::Assurance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::roles::account_id;
use crate::composition::Portcullis;
use crate::describe::shape;
use crate::enforcer::organization::{self, Selected};
use crate::route::{Caller, RouteInfo};
use crate::{Allow, Api, Json, Path, Problem, Query};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/decisions/{trace}", find)
        .summary("Why a request was refused")
        .operation_id("getDecision")
        .description(
            "The decision of a refused request, by the `trace_id` of its answer. Decisions are kept for seven days; \
             of refusals that come in floods only some are kept.",
        )
        .get("/accounts/{account}/access", access)
        .summary("What an account could do")
        .operation_id("getAccountAccess")
        .description(
            "For every route, whether the account could call it with a fresh login, and why not; a service account, \
             which never logs in, with an API key of all its permissions. `method` and `path` narrow the list, \
             `organization` names the organization that the requests are for. Without it, `allowed` is `null` where \
             that depends on the organization. Nobody is logged in for it; policies are asked without an address.",
        )
        .parameter::<shape::TraceId>("trace")
        .parameter::<shape::AccountId>("account")
}

/// Why a request was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
pub(crate) struct DecisionView {
    /// The request's trace id.
    #[schemars(with = "Uuid")]
    trace: String,
    /// When the request was refused, RFC 3339.
    #[schemars(with = "Moment")]
    at: Timestamp,
    /// What was called: method, and path as it was registered.
    operation: String,
    /// What is asked of a caller there.
    rule: String,
    /// A stable code.
    code: String,
    /// Why, for people.
    why: String,
    /// The kind of credential that was presented, if it could be told.
    credential: Option<String>,
    /// The account that called, if it was known.
    #[schemars(with = "Option<Uuid>")]
    account: Option<String>,
    /// The session its credential belonged to.
    #[schemars(with = "Option<Uuid>")]
    session: Option<String>,
    /// The API key, if it was one.
    #[schemars(with = "Option<Uuid>")]
    api_key: Option<String>,
    /// The scopes it was narrowed to; absent if it wasn't.
    scopes: Option<Vec<String>>,
    /// When the login was made, RFC 3339.
    #[schemars(with = "Option<Moment>")]
    authenticated_at: Option<Timestamp>,
    /// The rule, part by part; absent if nobody was known to decide about.
    explanation: Option<ExplanationView>,
}

impl From<Decision> for DecisionView {
    fn from(decision: Decision) -> Self {
        Self {
            trace: decision.trace.to_string(),
            at: decision.at,
            operation: decision.operation,
            rule: decision.rule,
            code: decision.code,
            why: decision.why,
            credential: decision.credential,
            account: decision.account.map(|id| id.to_string()),
            session: decision.session.map(|id| id.to_string()),
            api_key: decision.key.map(|id| id.to_string()),
            scopes: decision.scopes,
            authenticated_at: decision.authenticated_at,
            explanation: decision.tree.map(ExplanationView::from),
        }
    }
}

/// One part of a rule.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Explanation")]
pub(crate) struct ExplanationView {
    /// What was asked.
    rule: String,
    /// Whether it holds.
    holds: bool,
    /// Whose permissions and roles counted: `account` or `organization`.
    within: String,
    /// A stable code: `holds`, or what is missing.
    code: String,
    /// Why, for people.
    why: String,
    /// Its parts; empty for what has none.
    parts: Vec<Self>,
}

impl From<Explanation> for ExplanationView {
    fn from(node: Explanation) -> Self {
        Self {
            rule: node.rule,
            holds: node.holds,
            within: node.within,
            code: node.code,
            why: node.why,
            parts: node.parts.into_iter().map(Self::from).collect(),
        }
    }
}

async fn find(
    who: Allow<DecisionsRead>,
    State(portcullis): State<Portcullis>,
    Path(trace): Path<String>,
) -> Result<Json<DecisionView>, Problem> {
    let trace: Uuid = trace.parse().map_err(|_| unknown_decision())?;
    let decision = portcullis.decisions().find(who.permit(), trace).await?;
    Ok(Json(decision.ok_or_else(unknown_decision)?.into()))
}

fn unknown_decision() -> Problem {
    Problem::unknown(
        "unknown_decision",
        "no refusal of this trace id is kept: look for it in the audit log, or at another trace id",
    )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Only routes that answer to this method.
    method: Option<String>,
    /// Only routes that a request to this path could come to: `/posts/7`, or `/posts/{id}` as it was registered.
    path: Option<String>,
    /// Whether the login is imagined with a second factor: `false` unless said otherwise.
    second_factor: Option<bool>,
    /// The organization that the requests are imagined for, by its id or slug.
    #[schemars(with = "Option<shape::OrganizationName>")]
    organization: Option<String>,
}

/// What an account could do.
#[derive(Debug, Serialize, JsonSchema)]
struct AccessView {
    /// Why no credential of it would be honoured; absent if one would.
    refused: Option<String>,
    /// What would come of each route of the API.
    items: Vec<RouteAccess>,
    /// Always absent: the list is whole.
    next_cursor: Option<String>,
}

/// What an account could do on one route.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RouteAccess {
    /// The method, or `ANY`.
    pub method: String,
    /// The path as it was registered.
    pub path: String,
    /// The kinds of credential that are accepted.
    pub credentials: Vec<&'static str>,
    /// Whether the account could call it; `null` where that depends on the organization and none is named.
    pub allowed: Option<bool>,
    /// A stable code: `holds`, the code of the refusal, `depends_on_organization`, or `account_refused`.
    pub code: String,
    /// Why, for people.
    pub why: String,
    /// What is asked about single resources besides: who may that, only a call tells.
    pub resources: Vec<String>,
    /// What is asked, part by part, and what of it holds.
    explanation: ExplanationView,
}

impl RouteAccess {
    /// What is asked, in the form of `authz.lock`.
    pub fn rule(&self) -> &str {
        &self.explanation.rule
    }
}

/// Whose access is asked for, and how their requests are imagined.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// The account whose access is asked for.
    pub account: account::Id,
    /// How sure the login makes us, if the account is a person's.
    pub assurance: Assurance,
    /// The organization that the requests name.
    pub organization: Option<Selector>,
}

async fn access(
    who: Allow<DecisionsRead>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
    Query(asked): Query<Question>,
) -> Result<Json<AccessView>, Problem> {
    let mut routes = portcullis.gate().routes();
    routes.retain(|route| route.answers(asked.method.as_deref(), asked.path.as_deref()));
    if routes.is_empty() {
        return Err(Problem::unknown(
            "unknown_route",
            "no route answers to this method and path",
        ));
    }
    let assurance = match asked.second_factor {
        Some(true) => Assurance::MultiFactor,
        Some(false) | None => Assurance::SingleFactor,
    };
    let run = DryRun {
        account: account_id(&account)?,
        assurance,
        organization: asked
            .organization
            .as_deref()
            .map(organization::read)
            .transpose()?,
    };
    let access = portcullis.access_to(who.permit(), run, &routes).await?;
    let (refused, items) = access.ok_or_else(Problem::not_found)?;
    Ok(Json(AccessView {
        refused,
        items,
        next_cursor: None,
    }))
}

impl Portcullis {
    /// What the account could do on each of these routes: why nothing of it would be honoured, and each route. `None` if
    /// there is no such account. A person is imagined with a fresh login, a service account with an API key of all its
    /// permissions.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn access_to(
        &self,
        permit: &Permit<DecisionsRead>,
        run: DryRun,
        routes: &[RouteInfo<'_>],
    ) -> Result<Option<(Option<String>, Vec<RouteAccess>)>, Fault> {
        let (gate, now) = (self.gate(), self.environment().now());
        for route in routes {
            // A name without a bit would be left out of what the account may do.
            route.each_permission(&mut |permission| {
                (permission.id)();
            });
        }
        let selected = match run.organization {
            Some(name) => Selected::find(gate, run.account, name, now).await?,
            None => Selected::Nothing,
        };
        let context = DecisionContext {
            policies: gate.policies(),
            ..selected.decision_context(now)
        };
        let asked: Vec<_> = routes.iter().map(asked).collect();
        let login = (run.account, run.assurance);
        let access = self.decisions().access(permit, login, &asked, &context).await?;
        Ok(access.map(|access| {
            let items = routes
                .iter()
                .zip(access.routes)
                .map(|(route, outlook)| item(route, outlook));
            (access.refused.map(|reason| reason.to_string()), items.collect())
        }))
    }
}

fn asked(route: &RouteInfo<'_>) -> Asked {
    Asked {
        rule: *route.rule(),
        kinds: (route.caller() == Caller::Required).then(|| route.kinds()),
    }
}

fn item(route: &RouteInfo<'_>, outlook: Outlook) -> RouteAccess {
    RouteAccess {
        method: route.verb().as_str().to_owned(),
        path: route.path().to_owned(),
        credentials: route.kinds().iter().map(CredentialKind::as_str).collect(),
        allowed: outlook.allowed,
        code: outlook.code,
        why: outlook.why,
        resources: route.asks().iter().map(ToString::to_string).collect(),
        explanation: outlook.explanation.into(),
    }
}
