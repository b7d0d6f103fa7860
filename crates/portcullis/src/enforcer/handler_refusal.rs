//! Refusals behind the access rule: a handler, or another of its parameters, answers 401 or 403 to a caller whom the rule
//! let in, because of something that only it can know.
//!
//! Invariant: such an answer is explained and audited as the rule's own are (`T086`), once, whoever made it: the layer
//! around every route looks at what goes out. Its reason comes along with the [`Problem`](crate::Problem).

use axum::response::Response;
use http::StatusCode;
use portcullis_core::audit::{Actor, Context};
use portcullis_core::authz::Rule;
use portcullis_core::defends;
use portcullis_core::text::shown_up_to;

use super::context::RequestContext;
use super::denials::{Denial, Operation};
use super::organization::Selected;
use crate::problem::Reason;

/// What is asked, and where: as decisions record it.
pub(super) fn asked(rule: &Rule, selected: &Selected) -> String {
    match selected {
        Selected::Own(current) => format!("{rule} in {}", current.id()),
        Selected::Nothing | Selected::Strange => rule.to_string(),
    }
}

/// Records what somebody whom no rule had to let in tried to guess: at the pace of strangers.
fn record_guess(context: &RequestContext, reason: &Reason) {
    defends!("T176");
    let denial = Denial {
        operation: &Operation(&context.method, &context.label),
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
        trace: Some(context.trace),
        ..Context::system(context.snapshot().at)
    };
    context.record(&denial, by);
}

/// Records the answer if it is a refusal that nobody has recorded yet.
pub(crate) fn record_behind(context: &RequestContext, answer: &Response) {
    defends!("T086");
    let reason = answer.extensions().get::<Reason>();
    let refuses = matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if context.is_recorded() || (!refuses && reason.is_none()) {
        return;
    }
    let snapshot = context.snapshot().clone();
    let Some((principal, rule)) = snapshot.principal().zip(context.rule()) else {
        if let Some(reason) = reason.filter(|reason| reason.attempt) {
            record_guess(context, reason);
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
        operation: &Operation(&context.method, &context.label),
        rule: &asked(rule, &snapshot.selected),
        code: &code,
        why: &why,
        credential: Some(principal.kind()),
        principal: Some(principal),
        key: None,
        tree: &|| None,
    };
    context.record(&denial, context.signature(&snapshot));
}
