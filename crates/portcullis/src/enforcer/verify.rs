//! From a request to its caller: what all enforcers share.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::request::Parts;
use portcullis_core::access::{
    AuthenticationError, Credential, Denied, Kinds, Permit, Principal, Refused, Requirement, Rule, Situation,
};
use portcullis_core::organization::Current;
use portcullis_core::secret::Digest;
use portcullis_core::session::SessionToken;

use super::circumstances::{context, peer};
use super::organization::{self, Selected};
use super::scheme::{self, Found};
use super::{cross_site, csrf};
use crate::Problem;
use crate::protect::Walk;

/// The caller, if the request presents a credential. Whoever is known is remembered for [`context`].
pub(super) async fn caller(parts: &mut Parts, accepted: Kinds) -> Result<Option<Arc<Principal>>, Problem> {
    let gate = walk(parts)?.gate.clone();
    let accepted = gate.kinds(accepted);
    let known = known(parts, accepted).await;
    let Some((principal, session_token)) = known.map_err(|problem| problem.where_accepted(accepted))? else {
        return Ok(None);
    };
    scheme::clean(parts, &gate);
    if let Some(walk) = parts.extensions.get_mut::<Walk>() {
        walk.principal = Some(Arc::clone(&principal));
        walk.session_token = session_token;
    }
    Ok(Some(principal))
}

/// What a caller without a credential is answered where one is needed.
pub(super) fn nobody(parts: &Parts, accepted: Kinds) -> Problem {
    let here = Walk::of(&parts.extensions).map_or(accepted, |walk| walk.gate.kinds(accepted));
    Problem::authentication_required(here)
}

type Known = (Arc<Principal>, Option<Digest<SessionToken>>);

async fn known(parts: &Parts, accepted: Kinds) -> Result<Option<Known>, Problem> {
    let walk = walk(parts)?;
    let gate = &walk.gate;
    let (credential, carrier) = match scheme::find(parts, gate)? {
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
    let judged = gate.authenticator();
    let judged = judged.authenticate(&credential, peer(parts), walk.at).await;
    let principal = match judged {
        Ok(principal) => principal,
        Err(error) => return Err(turned_away(parts, walk, error).await),
    };
    // A dead session is told that it is, whatever came with it.
    if let Err(problem) = csrf::check(carrier, session_token.as_ref(), parts, gate) {
        let by = context(walk, parts);
        gate.denials().record_forged(problem.code(), &principal, by);
        return Err(problem);
    }
    Ok(Some((principal, session_token)))
}

/// A stolen key shows itself by its address, and guesses by their number: both refusals are audited, though no rule was
/// asked.
async fn turned_away(parts: &Parts, walk: &Walk, error: AuthenticationError) -> Problem {
    let denials = walk.gate.denials();
    match error {
        AuthenticationError::AddressNotAllowed { account, key } => {
            denials.record_address(account, key, context(walk, parts));
        }
        AuthenticationError::Refused(Refused::Password(why)) => {
            if let Err(fault) = denials.record_guess(why, context(walk, parts)).await {
                return fault.into();
            }
        }
        _ => {}
    }
    error.into()
}

/// Decides about the caller where the request stands, in the organization that it selects if the rule asks for one. A
/// decision against the caller is audited.
pub(super) async fn decide<R: Requirement>(
    parts: &mut Parts,
    who: &Arc<Principal>,
) -> Result<Permit<R>, Problem> {
    if R::RULE.needs_organization() {
        let walk = walk(parts)?.clone();
        let selected = organization::select(parts, &walk, who).await?;
        if let Some(walk) = parts.extensions.get_mut::<Walk>() {
            walk.selected = selected;
        }
    }
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
        ..organization::situation(walk)
    }
}

fn refused(parts: &Parts, rule: &Rule, denied: Denied) -> Problem {
    if let Some(walk) = Walk::of(&parts.extensions) {
        let (denials, who, by) = (
            walk.gate.denials(),
            walk.principal.as_deref(),
            context(walk, parts),
        );
        match &walk.selected {
            Selected::Own(current) => {
                denials.record(&format_args!("{rule} in {}", current.id()), denied, who, by);
            }
            Selected::Nothing | Selected::Strange => denials.record(rule, denied, who, by),
        }
    }
    denied.into()
}

/// The organization that was decided in, if the rule asks for one.
pub(super) fn organization(parts: &Parts) -> Option<Arc<Current>> {
    Walk::of(&parts.extensions)?.selected.active().cloned()
}

fn walk(parts: &Parts) -> Result<&Walk, Problem> {
    Walk::of(&parts.extensions)
        .ok_or_else(|| Problem::internal("a guarded handler runs outside of `Api::into_router`"))
}
