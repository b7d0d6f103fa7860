//! From a request to its caller: what all enforcers share.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::request::Parts;
use portcullis_core::access::{
    AuthenticationError, Denied, Kinds, Permit, Principal, Requirement, Rule, Situation,
};
use portcullis_core::environment::Timestamp;
use portcullis_core::organization::Current;

use super::circumstances::{context, peer};
use super::scheme::{self, Found};
use super::{Gate, cross_site, organization};
use crate::Problem;
use crate::protect::Walk;

/// The caller, if the request presents a credential. Whoever is known is remembered for [`context`].
pub(super) async fn caller(parts: &mut Parts, accepted: Kinds) -> Result<Option<Arc<Principal>>, Problem> {
    let walk = walk(parts)?;
    let (gate, at) = (walk.gate.clone(), walk.at);
    let Some(principal) = known(&gate, parts, accepted, at).await? else {
        return Ok(None);
    };
    scheme::clean(parts, &gate);
    if let Some(walk) = parts.extensions.get_mut::<Walk>() {
        walk.principal = Some(Arc::clone(&principal));
    }
    Ok(Some(principal))
}

/// What a caller without a credential is answered where one is needed.
pub(super) fn nobody(parts: &Parts, accepted: Kinds) -> Problem {
    let here = Walk::of(&parts.extensions).map_or(accepted, |walk| walk.gate.kinds(accepted));
    Problem::authentication_required(here)
}

async fn known(
    gate: &Gate,
    parts: &Parts,
    accepted: Kinds,
    at: Timestamp,
) -> Result<Option<Arc<Principal>>, Problem> {
    let accepted = gate.kinds(accepted);
    let (credential, carrier) = match scheme::find(parts, gate)? {
        Found::Nothing => return Ok(None),
        Found::Foreign => return Err(Problem::credential_not_accepted(accepted)),
        Found::Credential(credential, carrier) => (credential, carrier),
    };
    if !accepted.accepts(credential.kind()) {
        return Err(Problem::credential_not_accepted(accepted));
    }
    cross_site::check(carrier, parts, gate.origin())?;
    let known = gate.authenticator();
    match known.authenticate(&credential, peer(parts), at).await {
        Ok(principal) => Ok(Some(principal)),
        Err(error) => Err(turned_away(parts, error)),
    }
}

/// A stolen key shows itself by its address: that refusal is audited, though no rule was asked.
fn turned_away(parts: &Parts, error: AuthenticationError) -> Problem {
    if let AuthenticationError::AddressNotAllowed { account, key } = error
        && let Some(walk) = Walk::of(&parts.extensions)
    {
        let by = context(walk, parts);
        walk.gate.denials().record_address(account, key, by);
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
        selected: walk.selected.id(),
        member: walk.selected.active().map(|current| current.membership()),
        suspended: walk.selected.is_suspended(),
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

/// The organization that was decided in, if the rule asks for one.
pub(super) fn organization(parts: &Parts) -> Option<Arc<Current>> {
    Walk::of(&parts.extensions)?.selected.active().cloned()
}

fn walk(parts: &Parts) -> Result<&Walk, Problem> {
    Walk::of(&parts.extensions)
        .ok_or_else(|| Problem::internal("a guarded handler runs outside of `Api::into_router`"))
}
