//! Why nobody is known: what is answered, and what the record says.

use std::fmt::Display;
use std::sync::Arc;

use http::StatusCode;
use portcullis_core::authn::{AuthenticationError, Refused};
use portcullis_core::authz::{CredentialKind, Principal, Rule};
use portcullis_core::environment::Timestamp;
use portcullis_core::{account, api_key};

use super::context::RequestContext;
use super::denials::{Denial, Operation};
use super::scheme::Carrier;
use crate::Problem;

/// A request whose caller couldn't be found out.
pub(crate) struct Unknown {
    /// The refusal that is answered.
    problem: Problem,
    /// Why, if that is more than the answer says.
    why: Option<Refused>,
    /// The kind of credential that was presented, if it could be told.
    credential: Option<CredentialKind>,
    /// A good API key where, or as often as, it may not be used, and its owner: a stolen one shows itself so.
    key: Option<(account::Id, api_key::Id)>,
    /// The caller whose good credential came with a forged request.
    principal: Option<Arc<Principal>>,
    /// How a credential came that isn't honoured.
    carrier: Option<Carrier>,
}

impl From<Problem> for Unknown {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            why: None,
            credential: None,
            key: None,
            principal: None,
            carrier: None,
        }
    }
}

impl From<Refused> for Unknown {
    fn from(reason: Refused) -> Self {
        Self {
            why: Some(reason),
            ..Self::from(Problem::from(reason))
        }
    }
}

impl From<AuthenticationError> for Unknown {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Refused(reason) => reason.into(),
            AuthenticationError::AddressNotAllowed { account, key }
            | AuthenticationError::RateLimited { account, key, .. } => Self {
                key: Some((account, key)),
                ..Self::from(Problem::from(error))
            },
            other => Self::from(Problem::from(other)),
        }
    }
}

impl Unknown {
    /// The same, with a credential of this kind.
    pub(super) fn of(self, kind: CredentialKind) -> Self {
        Self {
            credential: Some(kind),
            ..self
        }
    }

    /// The same, where what isn't honoured came so.
    pub(super) fn carried(self, carrier: Carrier) -> Self {
        Self {
            carrier: Some(carrier),
            ..self
        }
    }

    /// The same, with a good credential of somebody who didn't send the request.
    pub(super) fn in_the_name_of(self, principal: Arc<Principal>) -> Self {
        Self {
            principal: Some(principal),
            ..self
        }
    }

    /// Whether it is known already that a session cookie came which isn't honoured.
    pub(super) fn is_of_a_dead_cookie(&self) -> bool {
        self.carrier == Some(Carrier::Cookie) && self.problem.status() == StatusCode::UNAUTHORIZED
    }

    /// Whether the request was refused, rather than not answered.
    pub(super) fn is_refusal(&self) -> bool {
        let status = self.problem.status();
        status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS
    }

    /// The answer, after the refusal was recorded. A request that can't be read, or a fault, is no refusal.
    pub(super) fn recorded(self, context: &RequestContext, rule: &Rule) -> Problem {
        let by = context.signature(&context.snapshot());
        if !self.is_recorded(context, by.at) {
            return self.problem;
        }
        let problem = self.problem;
        let why: &dyn Display = match &self.why {
            Some(reason) => reason,
            None => &problem.detail(),
        };
        let denial = Denial {
            operation: &Operation(&context.method, &context.label),
            rule,
            code: problem.code(),
            why,
            credential: self.credential,
            principal: self.principal.as_deref(),
            key: self.key,
            tree: &|| None,
        };
        context.record(&denial, by);
        problem
    }

    /// A key beyond its limit comes by nature in floods: of its refusals one is recorded a minute.
    fn is_recorded(&self, context: &RequestContext, at: Timestamp) -> bool {
        match self.problem.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => true,
            StatusCode::TOO_MANY_REQUESTS => self
                .key
                .is_some_and(|(_, key)| context.gate.notes_limit_of(key, at)),
            _ => false,
        }
    }
}
