//! The record of a refusal, and where such records are kept.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Explanation;
use crate::authz::Principal;
use crate::environment::Timestamp;
use crate::port::port;
use crate::scopes::Scopes;
use crate::{account, api_key, audit, defends, session};

/// Why a request was refused. It has no field for a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The request's trace id.
    pub trace: Uuid,
    /// When the request was refused, in UTC.
    pub at: Timestamp,
    /// What was called, as it was registered and not as the caller wrote it: `PUT /posts/{id}`.
    pub operation: String,
    /// What is asked of a caller there.
    pub rule: String,
    /// A stable, machine-readable code.
    pub code: String,
    /// A sentence for people that says why; not for programs to compare.
    pub why: String,
    /// The kind of credential that was presented, if it could be told.
    #[serde(default)]
    pub credential: Option<String>,
    /// The account that called, if it was known.
    #[serde(default)]
    pub account: Option<account::Id>,
    /// The session the credential belonged to.
    #[serde(default)]
    pub session: Option<session::Id>,
    /// The API key, if it was one.
    #[serde(default, rename = "api_key")]
    pub key: Option<api_key::Id>,
    /// The scopes it was narrowed to; `None` is everything the account may do.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// When the login was made.
    #[serde(default)]
    pub authenticated_at: Option<Timestamp>,
    /// The rule, part by part; `None` if nobody was known to decide about.
    #[serde(default, rename = "explanation")]
    pub tree: Option<Explanation>,
}

impl Decision {
    /// The same, against a known caller.
    #[must_use]
    pub fn against(mut self, principal: &Principal) -> Self {
        defends!("T075");
        self.credential = Some(principal.kind().as_str().to_owned());
        self.account = Some(principal.id());
        self.session = principal.session();
        self.key = principal.api_key();
        self.scopes = match principal.scopes() {
            Scopes::Everything => None,
            Scopes::Only(names) => Some(names.clone()),
        };
        self.authenticated_at = principal.authenticated_at();
        self
    }

    /// The audit event that goes with it: one about a known caller. Refusals of strangers are no events of the log,
    /// which nobody unknown may fill.
    pub fn refusal(&self) -> Option<audit::Occurrence> {
        self.account.map(|account| audit::Occurrence {
            action: audit::Action::AccessDenied,
            account: Some(account),
            session: self.session,
            detail: format!("{}: {}", self.rule, self.code),
        })
    }
}

/// Which decisions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Only those after this moment.
    pub after: Timestamp,
    /// At most this many of the newest ones about known callers.
    pub known: u32,
    /// At most this many of the newest ones about strangers.
    pub unknown: u32,
}

impl Bounds {
    /// The bounds at `now`: seven days, 100,000 decisions about known callers and 10,000 about strangers.
    pub fn at(now: Timestamp) -> Self {
        Self {
            after: now.minus(std::time::Duration::from_secs(7 * 24 * 3_600)),
            known: 100_000,
            unknown: 10_000,
        }
    }
}

port! {
    /// Where decisions are kept: beside the audit log, since a decision and its event are written together. Every verb is
    /// atomic.
    pub trait Store: audit::Store => decisions_port;

    /// Keeps a decision, with its audit event if it has one ([`Decision::refusal`]). A trace id keeps its first
    /// decision; the event is written all the same.
    write fn keep(decision: Decision, by: audit::Context) -> ();

    /// The decision of this trace id.
    read fn recall(trace: Uuid) -> Option<Decision>;

    /// Deletes up to `limit` decisions outside of the bounds. Answers how many.
    write fn forget(bounds: Bounds, limit: u32) -> u64;
}
