//! Counting a request for whoever makes it, once they are known.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::request::Parts;
use portcullis_core::authz::Principal;
use portcullis_core::organization::Current;

use super::context::RequestContext;
use crate::Problem;
use crate::rates::{Asking, Rates, Stage, Tally};

/// What is counted of a request, and what was.
pub(crate) struct Counting {
    pub(crate) rates: Arc<Rates>,
    pub(crate) tally: Tally,
    /// Whether it was counted for its caller: a layer may have asked who calls before the handler's rule does.
    caller: AtomicBool,
    /// Whether it was counted for the organization.
    member: AtomicBool,
}

impl Counting {
    pub(super) fn of(rates: &Arc<Rates>) -> Self {
        Self {
            rates: Arc::clone(rates),
            tally: Tally::default(),
            caller: AtomicBool::new(false),
            member: AtomicBool::new(false),
        }
    }
}

/// Counts the request for its caller, once: whatever is decided about them then.
///
/// # Errors
/// 429.
pub(super) async fn of_caller(
    parts: &Parts,
    context: &RequestContext,
    principal: Option<&Arc<Principal>>,
) -> Result<(), Problem> {
    match &context.rates {
        Some(counting) if counting.rates.has(Stage::Caller) => {
            if counting.caller.swap(true, Ordering::Relaxed) {
                return Ok(());
            }
            // Kept apart: most routes have nothing to count.
            Box::pin(count(parts, context, counting, Stage::Caller, (principal, None))).await
        }
        _ => Ok(()),
    }
}

/// Counts the request for the organization that its caller is a member of, once.
///
/// # Errors
/// 429.
pub(super) async fn of_member(
    parts: &Parts,
    context: &RequestContext,
    principal: &Arc<Principal>,
    organization: Option<&Arc<Current>>,
) -> Result<(), Problem> {
    match &context.rates {
        Some(counting) if counting.rates.has(Stage::Member) => {
            if counting.member.swap(true, Ordering::Relaxed) {
                return Ok(());
            }
            Box::pin(count(
                parts,
                context,
                counting,
                Stage::Member,
                (Some(principal), organization),
            ))
            .await
        }
        _ => Ok(()),
    }
}

async fn count(
    parts: &Parts,
    context: &RequestContext,
    counting: &Counting,
    stage: Stage,
    (principal, organization): (Option<&Arc<Principal>>, Option<&Arc<Current>>),
) -> Result<(), Problem> {
    let asking = Asking {
        method: &parts.method,
        uri: &parts.uri,
        headers: &parts.headers,
        client: context.client,
        principal: principal.map(Arc::as_ref),
        organization: organization.map(Arc::as_ref),
    };
    let at = context.snapshot().at;
    let counted = counting
        .rates
        .count(stage, context.gate.throttle(), asking, at, &counting.tally);
    counted.await
}
