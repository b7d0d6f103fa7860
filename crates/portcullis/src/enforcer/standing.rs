//! Refusals behind the access rule: a handler, or another of its parameters, answers 401 or 403 to a caller whom the rule
//! let in, because of something that only it can know.
//!
//! Invariant: such an answer is explained and audited as the rule's own are (`T086`), once, whoever made it: the layer
//! around every route looks at what goes out. Its reason comes along with the [`Problem`](crate::Problem).

use std::net::IpAddr;
use std::sync::Arc;

use axum::response::Response;
use http::header::USER_AGENT;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use portcullis_core::audit::{Actor, Context};
use portcullis_core::authz::{Principal, Rule};
use portcullis_core::defends;
use portcullis_core::text::shown_up_to;

use super::circumstances::printable;
use super::denials::{Denial, Operation};
use super::organization::Selected;
use super::walk::Walk;
use crate::problem::Reason;

/// A caller whom the access rule let in, where a refusal behind it finds them.
pub(crate) struct Standing {
    rule: Rule,
    principal: Arc<Principal>,
    selected: Selected,
    ip: Option<IpAddr>,
    user_agent: Option<HeaderValue>,
}

impl Standing {
    /// What let the caller in.
    pub(crate) fn rule(&self) -> Rule {
        self.rule
    }
}

/// Remembers beside the running task that `rule` let the request's caller in.
pub(super) fn note(parts: &Parts, rule: Rule) {
    let Some(walk) = Walk::of(&parts.extensions) else {
        return;
    };
    if let Some(principal) = &walk.principal {
        Walk::stand(Standing {
            rule,
            principal: Arc::clone(principal),
            selected: walk.selected.clone(),
            ip: walk.client,
            user_agent: parts.headers.get(USER_AGENT).cloned(),
        });
    }
}

/// What is asked, and where: as decisions record it.
pub(super) fn asked(rule: &Rule, selected: &Selected) -> String {
    match selected {
        Selected::Own(current) => format!("{rule} in {}", current.id()),
        Selected::Nothing | Selected::Strange => rule.to_string(),
    }
}

/// Records what somebody whom no rule had to let in tried to guess: at the pace of strangers.
fn record_guess(walk: &Walk, method: &Method, reason: &Reason) {
    defends!("T176");
    let denial = Denial {
        operation: &Operation(method, &walk.label),
        rule: &"anybody",
        code: &shown_up_to(&reason.code, 64),
        why: &shown_up_to(&reason.detail, 300),
        credential: None,
        principal: None,
        key: None,
        tree: &|| None,
    };
    let by = Context {
        actor: Actor::Anonymous,
        trace: Some(walk.trace),
        ..Context::system(walk.at)
    };
    walk.gate.denials().record(&denial, by);
}

/// Records the answer if it is a refusal that nobody has recorded yet.
pub(crate) fn record_behind(walk: &Walk, method: &Method, answer: &Response) {
    defends!("T086");
    let reason = answer.extensions().get::<Reason>();
    let refuses = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if !refuses && reason.is_none() {
        return;
    }
    let Some(standing) = Walk::unrecorded() else {
        if let Some(reason) = reason.filter(|reason| reason.attempt && !Walk::is_recorded()) {
            record_guess(walk, method, reason);
        }
        return;
    };
    let (code, why) = reason.map_or(
        ("refused_by_handler", "the handler refused and gave no reason"),
        |reason| (&*reason.code, &*reason.detail),
    );
    // A handler's words are its own: one line of them is recorded.
    let (code, why) = (shown_up_to(code, 64), shown_up_to(why, 300));
    let denial = Denial {
        operation: &Operation(method, &walk.label),
        rule: &asked(&standing.rule, &standing.selected),
        code: &code,
        why: &why,
        credential: Some(standing.principal.kind()),
        principal: Some(&standing.principal),
        key: None,
        tree: &|| None,
    };
    let by = Context {
        at: walk.at,
        actor: Actor::Account(standing.principal.id()),
        scopes: standing.principal.scopes().clone(),
        api_key: standing.principal.api_key(),
        ip: standing.ip,
        user_agent: standing.user_agent.as_ref().map(printable),
        trace: Some(walk.trace),
    };
    walk.gate.denials().record(&denial, by);
}
