//! Why requests were refused, and what an account could do.

use axum::extract::State;
use portcullis_core::access::explain::Access;
use portcullis_core::access::{
    CredentialKind, Decision, DecisionsRead, Explanation, Kinds, Permit, Situation,
};
use portcullis_core::account;
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::session::Assurance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::roles::account_id;
use crate::enforcer::Caller;
use crate::portcullis::Portcullis;
use crate::router::RouteInfo;
use crate::{Allow, Api, Json, Path, Problem, Query};

pub(super) fn routes(api: Api<Portcullis>) -> Api<Portcullis> {
    api.get("/decisions/{trace}", find)
        .summary("Why a request was refused")
        .description(
            "The decision of a refused request, by the `trace_id` of its answer. Decisions are kept for seven days; \
             of refusals that come in floods only some are kept.",
        )
        .get("/accounts/{account}/access", access)
        .summary("What an account could do")
        .description(
            "For every route, whether the account could call it with a fresh login, and why not. \
             `method` and `path` narrow the list. Nobody is logged in for it.",
        )
}

/// Why a request was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Decision")]
pub(crate) struct DecisionView {
    /// The request's trace id.
    trace: String,
    /// When, RFC 3339.
    #[schemars(with = "String")]
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
    account: Option<String>,
    /// The session its credential belonged to.
    session: Option<String>,
    /// The API key, if it was one.
    api_key: Option<String>,
    /// The scopes it was narrowed to; absent if it wasn't.
    scopes: Option<Vec<String>>,
    /// When the login was made, RFC 3339.
    #[schemars(with = "Option<String>")]
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
    /// Its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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
struct Asked {
    /// Only routes that answer to this method.
    method: Option<String>,
    /// Only routes that a request to this path could come to: `/posts/7`, or `/posts/{id}` as it was registered.
    path: Option<String>,
    /// Whether the login is imagined with a second factor: `false` unless said otherwise.
    second_factor: Option<bool>,
}

/// What an account could do.
#[derive(Debug, Serialize, JsonSchema)]
struct AccessView {
    /// Why it could not even log in; absent if it could.
    refused: Option<String>,
    /// The routes.
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
    /// Whether the account could call it.
    pub allowed: bool,
    /// What is asked about single resources besides: who may that, only a call tells.
    pub resources: Vec<String>,
    /// What is asked, part by part.
    explanation: ExplanationView,
}

impl RouteAccess {
    /// What is asked, in the form of `authz.lock`.
    pub fn rule(&self) -> &str {
        &self.explanation.rule
    }

    /// Why it holds or doesn't, for people.
    pub fn why(&self) -> &str {
        &self.explanation.why
    }
}

async fn access(
    who: Allow<DecisionsRead>,
    State(portcullis): State<Portcullis>,
    Path(account): Path<String>,
    Query(asked): Query<Asked>,
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
    let access = portcullis
        .access_to(who.permit(), (account_id(&account)?, assurance), &routes)
        .await?;
    let (refused, items) = access.ok_or_else(Problem::not_found)?;
    Ok(Json(AccessView {
        refused,
        items,
        next_cursor: None,
    }))
}

impl Portcullis {
    /// What the account could do on each of these routes with a fresh login of this assurance: why it could not log in,
    /// and each route. `None` if there is no such account.
    ///
    /// # Errors
    /// What the store says.
    pub async fn access_to(
        &self,
        permit: &Permit<DecisionsRead>,
        login: (account::Id, Assurance),
        routes: &[RouteInfo<'_>],
    ) -> Result<Option<(Option<String>, Vec<RouteAccess>)>, Fault> {
        let situation = Situation {
            policies: self.gate().policies(),
            ..Situation::at(self.environment().now())
        };
        let rules: Vec<_> = routes.iter().map(|route| *route.rule()).collect();
        for route in routes {
            // A name without a bit would be left out of what the account may do.
            route.each_permission(&mut |permission| {
                (permission.id)();
            });
        }
        let access = self.decisions().access(permit, login, &rules, &situation).await?;
        Ok(access.map(|Access { refused, rules }| {
            let items = routes
                .iter()
                .zip(rules)
                .map(|(route, rule)| item(route, rule, refused.is_none()));
            (refused.map(|reason| reason.to_string()), items.collect())
        }))
    }
}

fn item(route: &RouteInfo<'_>, explanation: Explanation, logs_in: bool) -> RouteAccess {
    // Who can't log in is a stranger, and a login is of no use where only machines are let in.
    let personal = CredentialKind::ALL
        .into_iter()
        .any(|kind| Kinds::PERSONAL.accepts(kind) && route.kinds().accepts(kind));
    let known = route.caller() != Caller::Required || (logs_in && personal);
    RouteAccess {
        method: route.verb().as_str().to_owned(),
        path: route.path().to_owned(),
        credentials: route.kinds().iter().map(CredentialKind::as_str).collect(),
        allowed: known && explanation.holds,
        resources: route.asks().iter().map(ToString::to_string).collect(),
        explanation: explanation.into(),
    }
}
