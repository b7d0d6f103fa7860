//! From a request to its caller: what all enforcers share.

use std::fmt::{self, Display};
use std::sync::Arc;

use http::header::USER_AGENT;
use http::request::Parts;
use http::{Method, StatusCode};
use portcullis_core::access::{
    AuthenticationError, CredentialKind, Denied, Explanation, Kinds, Permit, Principal, Refused, Requirement,
    Rule, Situation, explain, step_up,
};
use portcullis_core::environment::Timestamp;

use super::circumstances::{context, peer};
use super::denials::Denial;
use super::scheme::{self, Found};
use super::{Gate, cross_site};
use crate::Problem;
use crate::protect::{Label, Walk};

/// The caller, if the request presents a credential. Whoever is known is remembered for [`context`]; a credential
/// that isn't honoured is recorded with its reason.
pub(super) async fn caller(
    parts: &mut Parts,
    rule: &Rule,
    accepted: Kinds,
) -> Result<Option<Arc<Principal>>, Problem> {
    let walk = walk(parts)?;
    let (gate, at) = (walk.gate.clone(), walk.at);
    let known = known(&gate, parts, accepted, at).await;
    let Some(principal) = known.map_err(|unknown| unknown.recorded(parts, rule))? else {
        return Ok(None);
    };
    if let Some(walk) = parts.extensions.get_mut::<Walk>() {
        walk.principal = Some(Arc::clone(&principal));
    }
    Ok(Some(principal))
}

/// What a caller without a credential is answered where one is needed.
pub(super) fn nobody(parts: &Parts, rule: &Rule, accepted: Kinds) -> Problem {
    Unknown::from(Problem::authentication_required(accepted)).recorded(parts, rule)
}

async fn known(
    gate: &Gate,
    parts: &Parts,
    accepted: Kinds,
    at: Timestamp,
) -> Result<Option<Arc<Principal>>, Unknown> {
    let (credential, carrier) = match scheme::find(&parts.headers, gate.cookie())? {
        Found::Nothing => return Ok(None),
        Found::Foreign => return Err(Problem::credential_not_accepted(accepted).into()),
        Found::Credential(credential, carrier) => (credential, carrier),
    };
    let kind = credential.kind();
    if !accepted.accepts(kind) {
        return Err(Unknown::from(Problem::credential_not_accepted(accepted)).of(kind));
    }
    cross_site::check(carrier, parts, gate.origin()).map_err(|problem| Unknown::from(problem).of(kind))?;
    let principal = gate.authenticator().authenticate(&credential, at).await;
    principal.map(Some).map_err(|error| Unknown::from(error).of(kind))
}

/// Why nobody is known, inside and outside.
struct Unknown {
    /// What is answered.
    problem: Problem,
    /// Why, if that is more than the answer says.
    why: Option<Refused>,
    /// The kind of credential that was presented, if it could be told.
    credential: Option<CredentialKind>,
}

impl From<Problem> for Unknown {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            why: None,
            credential: None,
        }
    }
}

impl From<AuthenticationError> for Unknown {
    fn from(error: AuthenticationError) -> Self {
        let why = match &error {
            AuthenticationError::Refused(reason) => Some(*reason),
            AuthenticationError::Fault(_) => None,
        };
        Self {
            why,
            ..Self::from(Problem::from(error))
        }
    }
}

impl Unknown {
    fn of(self, kind: CredentialKind) -> Self {
        Self {
            credential: Some(kind),
            ..self
        }
    }

    /// The answer, after the refusal was recorded. A request that can't be read, or a fault, is no refusal.
    fn recorded(self, parts: &Parts, rule: &Rule) -> Problem {
        let Self {
            problem,
            why,
            credential,
        } = self;
        if matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let why: &dyn Display = match &why {
                Some(reason) => reason,
                None => &problem.detail(),
            };
            record(parts, problem.code(), (rule, why), credential, &|| None);
        }
        problem
    }
}

/// Decides about the caller where the request stands. A decision against it is audited.
pub(super) fn decide<R: Requirement>(parts: &Parts, who: &Arc<Principal>) -> Result<Permit<R>, Problem> {
    let walk = walk(parts)?;
    Permit::decide(Arc::clone(who), &situation(walk, parts))
        .map_err(|denied| refused(parts, &R::RULE, denied))
}

/// What the decision looks at besides the caller.
fn situation<'a>(walk: &'a Walk, parts: &'a Parts) -> Situation<'a> {
    Situation {
        ip: peer(parts),
        user_agent: parts
            .headers
            .get(USER_AGENT)
            .and_then(|value| value.to_str().ok()),
        policies: walk.gate.policies(),
        ..Situation::at(walk.at)
    }
}

/// The answer to a decision against the caller, after it was recorded with the rule's tree.
fn refused(parts: &Parts, rule: &Rule, denied: Denied) -> Problem {
    let Some((walk, who)) =
        Walk::of(&parts.extensions).and_then(|walk| Some((walk, walk.principal.as_ref()?)))
    else {
        return denied.into();
    };
    let situation = situation(walk, parts);
    let problem = Problem::denied(denied, step_up(rule, who, &situation));
    let tree = || Some(explain(rule, who, &situation));
    record(
        parts,
        denied.code(),
        (rule, &problem.detail()),
        Some(who.kind()),
        &tree,
    );
    problem
}

/// Records a refusal in this request: what was asked for and why it isn't given.
pub(super) fn record(
    parts: &Parts,
    code: &str,
    (rule, why): (&dyn Display, &dyn Display),
    credential: Option<CredentialKind>,
    tree: &(dyn Fn() -> Option<Explanation> + Sync),
) {
    let Some(walk) = Walk::of(&parts.extensions) else {
        return;
    };
    let denial = Denial {
        operation: &Operation(&parts.method, &walk.label),
        rule,
        code,
        why,
        credential,
        principal: walk.principal.as_deref(),
        tree,
    };
    walk.gate.denials().record(&denial, context(walk, parts));
}

/// What was called: the path as it was registered, and the method if it is one that HTTP defines.
struct Operation<'a>(&'a Method, &'a Label);

impl Display for Operation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match *self.0 {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS
            | Method::CONNECT
            | Method::TRACE => self.0.as_str(),
            _ => "OTHER",
        };
        write!(f, "{method} {}", self.1.as_str())
    }
}

fn walk(parts: &Parts) -> Result<&Walk, Problem> {
    Walk::of(&parts.extensions)
        .ok_or_else(|| Problem::internal("a guarded handler runs outside of `Api::into_router`"))
}
