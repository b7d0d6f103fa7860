//! From a request to its caller: what all enforcers share.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::request::Parts;
use portcullis_core::access::{
    AuthenticationError, Credential, Denied, Kinds, Permit, Principal, Refused, Requirement, Rule, Situation,
};
use portcullis_core::secret::Digest;
use portcullis_core::session::SessionToken;

use super::circumstances::{context, peer};
use super::scheme::{self, Found};
use super::{cross_site, csrf};
use crate::Problem;
use crate::protect::Walk;

/// The caller, if the request presents a credential. Whoever is known is remembered for [`context`].
pub(super) async fn caller(parts: &mut Parts, accepted: Kinds) -> Result<Option<Arc<Principal>>, Problem> {
    let known = known(parts, accepted).await;
    let Some((principal, session_token)) = known.map_err(|problem| problem.where_accepted(accepted))? else {
        return Ok(None);
    };
    if let Some(walk) = parts.extensions.get_mut::<Walk>() {
        walk.principal = Some(Arc::clone(&principal));
        walk.session_token = session_token;
    }
    Ok(Some(principal))
}

type Known = (Arc<Principal>, Option<Digest<SessionToken>>);

async fn known(parts: &Parts, accepted: Kinds) -> Result<Option<Known>, Problem> {
    let walk = walk(parts)?;
    let gate = &walk.gate;
    let (credential, carrier) = match scheme::find(&parts.headers, gate.cookies().session())? {
        Found::Nothing => return Ok(None),
        Found::Foreign => return Err(Problem::credential_not_accepted(accepted)),
        Found::Credential(credential, carrier) => (credential, carrier),
    };
    if !accepted.accepts(credential.kind()) {
        return Err(Problem::credential_not_accepted(accepted));
    }
    cross_site::check(carrier, parts, gate.origin())?;
    let session_token = match &credential {
        Credential::Session(token) => Some(token.digest()),
        _ => None,
    };
    let principal = match gate.authenticator().authenticate(&credential, walk.at).await {
        Err(AuthenticationError::Refused(Refused::Password(why))) => {
            gate.denials().record_guess(why, context(walk, parts)).await?;
            return Err(Refused::Password(why).into());
        }
        judged => judged?,
    };
    // A dead session is told that it is, whatever came with it.
    if let Err(problem) = csrf::check(carrier, session_token.as_ref(), parts, gate) {
        let by = context(walk, parts);
        gate.denials().record_forged(problem.code(), &principal, by);
        return Err(problem);
    }
    Ok(Some((principal, session_token)))
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

fn refused(parts: &Parts, rule: &Rule, denied: Denied) -> Problem {
    if let Some(walk) = Walk::of(&parts.extensions) {
        walk.gate
            .denials()
            .record(rule, denied, walk.principal.as_deref(), context(walk, parts));
    }
    denied.into()
}

fn walk(parts: &Parts) -> Result<&Walk, Problem> {
    Walk::of(&parts.extensions)
        .ok_or_else(|| Problem::internal("a guarded handler runs outside of `Api::into_router`"))
}
