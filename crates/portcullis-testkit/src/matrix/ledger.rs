//! What must have been recorded of the refusals.

use portcullis_identity::core::audit::{Action, EventFilter};
use portcullis_identity::core::authz::{AuditRead, DecisionsRead, Permit};
use uuid::Uuid;

use super::report::Report;
use super::target::Target;
use crate::Answer;

/// The refusals of known callers.
#[derive(Default)]
pub(super) struct Ledger(Vec<Refusal>);

struct Refusal {
    request: String,
    credential: String,
    /// Unknown where the answer has no body.
    code: Option<String>,
    trace: Uuid,
}

impl Ledger {
    /// Notes an answer. One without a trace id is found wrong elsewhere.
    pub(super) fn expect(&mut self, request: &str, credential: &str, answer: &Answer) {
        let body: serde_json::Value = serde_json::from_str(answer.text()).unwrap_or_default();
        let told = body.get("trace_id").and_then(|trace| trace.as_str());
        if let Ok(trace) = Uuid::try_parse(told.unwrap_or_else(|| answer.header("x-request-id"))) {
            self.0.push(Refusal {
                request: request.to_owned(),
                credential: credential.to_owned(),
                code: Some(answer.code()).filter(|code| !code.is_empty()),
                trace,
            });
        }
    }

    /// Each refusal is kept as a decision of its code, and as one event, under its trace.
    pub(super) async fn compare(self, target: &Target, report: &mut Report) {
        target.gate.settled().await;
        let portcullis = &target.issuer.portcullis;
        for refusal in self.0 {
            let permit = Permit::<DecisionsRead>::dangerous_for_operator();
            let decision = portcullis.decisions().find(&permit, refusal.trace).await.unwrap();
            let permit = Permit::<AuditRead>::dangerous_for_operator();
            let filter = EventFilter {
                action: Some(Action::AccessDenied.as_str().to_owned()),
                trace: Some(refusal.trace),
                ..EventFilter::default()
            };
            let events = portcullis.audit().list(&permit, filter, 2).await.unwrap();
            let kept = decision.map(|decision| decision.code);
            let right = kept.is_some()
                && refusal
                    .code
                    .as_ref()
                    .is_none_or(|code| Some(code) == kept.as_ref());
            if !right || events.len() != 1 {
                report.fault(format!(
                    "{} with {} is refused with {}, and kept are {} and {} events",
                    refusal.request,
                    refusal.credential,
                    refusal.code.as_deref().unwrap_or("403"),
                    kept.map_or("no decision".to_owned(), |code| format!("the decision {code}")),
                    events.len()
                ));
            }
        }
    }
}
