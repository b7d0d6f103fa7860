//! The second decision: what was decided at a request's head is decided again when its body comes.
//!
//! Whoever sends a body chooses how long that takes, and may be locked, logged out or relieved of a right meanwhile (`T111`).
//!
//! Flow: the layer around every route reads the body through a wrapper of its own (`protect/body.rs`), which [looks](look)
//! before it hands on any part of it, whoever reads: strict extractors, axum's own, or a handler that takes the stream. Where
//! nothing moved since the decision before, looking is all: counters and moments are compared, and the rule is asked about
//! the same caller at the moment it is now. Otherwise the caller is [checked anew](check): authenticated, placed in the
//! organization and decided about, as of now.
//!
//! Invariants: a part of the body that came after the right was taken away is handed to nobody. A refusal is the answer,
//! whatever the handler makes of a body that breaks off, and is recorded as any other. A request counts once for a key's
//! rate. Where several rules let the caller in (a layer's and the handler's), all of them are asked. Where none did, nobody is
//! checked.
//!
//! **Deliberately absent:** CSRF and the sending page. They are read from the head, which doesn't change.

use std::time::Duration;

use portcullis_core::authz::{Rule, decide};
use portcullis_core::defends;

use super::context::RequestContext;
use super::{organization, verify};
use crate::Problem;

/// Why a body breaks off whose sender was let in, and is no more. The answer is the problem, whoever meets this.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the caller is not let in any more: {}", .0.code())]
pub(crate) struct LateRefusal(pub(crate) Problem);

/// What a look at the request tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The caller is let in as before, or nobody had to be.
    Unchanged,
    /// That must be checked anew.
    Moved,
}

/// Whether what was decided still counts, found out on the spot. `last` says that nothing of the body comes after this.
pub(crate) fn look(context: &RequestContext, last: bool) -> Look {
    let gate = &context.gate;
    let mut snapshot = context.snapshot();
    let Some((_, caller)) = context.rule().zip(snapshot.caller.as_ref()) else {
        return Look::Unchanged;
    };
    let (now, policies) = (gate.environment().now(), context.policies_now());
    if !gate.authenticator().still_holds(caller, now)
        || !organization::still_holds(context, caller.principal(), &snapshot.selected, now)
    {
        return Look::Moved;
    }
    // Policies cost more than all the rest.
    let asked_just_now = snapshot.is_by(policies.as_ref()) && now.since(snapshot.at) < OFTEN;
    if asked_just_now && !last {
        return Look::Unchanged;
    }
    snapshot.renew(now, policies);
    let Some(who) = snapshot.principal() else {
        return Look::Unchanged;
    };
    let decision = context.decision_context(&snapshot);
    match context.rules().all(|rule| decide(rule, who, &decision).is_ok()) {
        true => Look::Unchanged,
        false => Look::Moved,
    }
}

/// [Looks](look) at the end of the body, and checks anew if something moved.
pub(crate) async fn again(context: &RequestContext) -> Result<(), Problem> {
    match look(context, true) {
        Look::Unchanged => Ok(()),
        Look::Moved => decide_again(context).await,
    }
}

/// Checks the caller anew, as of now. A refusal is recorded, and is what the request is answered.
pub(crate) async fn decide_again(context: &RequestContext) -> Result<(), Problem> {
    if let Some(problem) = context.refused_late() {
        return Err(problem.clone());
    }
    let checked = decide_now(context).await;
    if let Err(problem) = &checked {
        context.refuse_late(problem.clone());
    }
    checked
}

async fn decide_now(context: &RequestContext) -> Result<(), Problem> {
    defends!("T111");
    let Some(rule) = context.rule() else {
        return Ok(());
    };
    let (now, policies) = (context.gate.environment().now(), context.policies_now());
    context.snapshot().renew(now, policies);
    let who = verify::caller_again(context, rule).await?;
    if context.rules().any(Rule::needs_organization) {
        let selected = organization::select_again(context, &who, now).await?;
        context.snapshot().selected = selected;
    }
    let snapshot = context.snapshot().clone();
    let decision = context.decision_context(&snapshot);
    context.rules().try_for_each(|rule| {
        decide(rule, &who, &decision).map_err(|denied| verify::refused(context, rule, &who, denied))
    })
}

/// How often the policies are asked while the parts of a body come, at most.
const OFTEN: Duration = Duration::from_secs(1);
