//! From a request to its caller: what all enforcers share.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::request::Parts;
use portcullis_core::authn::{AuthenticationError, Credential, Refused};
use portcullis_core::authz::{
    Denied, Kinds, Permit, Principal, Requirement, Rule, Situation, decide as decide_rule, explain, step_up,
};
use portcullis_core::defends;
use portcullis_core::organization::Current;
use portcullis_core::secret::Digest;
use portcullis_core::session::SessionToken;

use super::circumstances::{self, context};
use super::denials::{Denial, Operation};
use super::scheme::{self, Found};
use super::unknown::Unknown;
use super::walk::Walk;
use super::{cross_site, csrf, dead_cookie, organization, standing};
use crate::Problem;

/// The caller, if the request presents a credential. Whoever is known is remembered for [`context`]; a credential
/// that isn't honoured is recorded with its reason.
pub(super) async fn caller(
    parts: &mut Parts,
    rule: &Rule,
    accepted: Kinds,
) -> Result<Option<Arc<Principal>>, Problem> {
    let accepted = walk(parts)?.gate.kinds(accepted);
    let known = match known(parts, accepted, Turn::First).await {
        Ok(known) => known,
        Err(unknown) => return Err(turned_down(parts, rule, accepted, unknown).await),
    };
    let Some((principal, session_token)) = known else {
        return Ok(None);
    };
    if let Some(walk) = parts.extensions.get_mut::<Walk>() {
        walk.principal = Some(Arc::clone(&principal));
        walk.session_token = session_token;
    }
    Ok(Some(principal))
}

/// What a caller without a credential is answered where one is needed.
pub(super) fn nobody(parts: &Parts, rule: &Rule, accepted: Kinds) -> Problem {
    let here = Walk::of(&parts.extensions).map_or(accepted, |walk| walk.gate.kinds(accepted));
    Unknown::from(Problem::authentication_required(here)).recorded(parts, rule)
}

/// Judges the caller once more, after the body has come: whoever sent it chose how long that took, and may have been
/// locked, logged out or relieved of the right meanwhile. Where no rule let a caller in, nobody is judged.
pub(crate) async fn again(parts: &mut Parts) -> Result<(), Problem> {
    defends!("T111");
    let Some(rule) = Walk::standing_rule() else {
        return Ok(());
    };
    if let Some(walk) = parts.extensions.get_mut::<Walk>() {
        walk.renew();
    }
    let everything = walk(parts)?.gate.kinds(Kinds::ALL);
    let known = match known(parts, everything, Turn::Again).await {
        Ok(known) => known,
        Err(unknown) => return Err(turned_down(parts, &rule, everything, unknown).await),
    };
    let Some((principal, _)) = known else {
        return Err(nobody(parts, &rule, everything));
    };
    if let Some(walk) = parts.extensions.get_mut::<Walk>() {
        walk.principal = Some(Arc::clone(&principal));
    }
    select(parts, &rule, &principal).await?;
    let walk = walk(parts)?;
    decide_rule(&rule, &principal, &situation(walk, parts))
        .map_err(|denied| refused(parts, &rule, denied))?;
    standing::note(parts, rule);
    Ok(())
}

/// The answer to a request whose caller couldn't be found out, after it was recorded.
async fn turned_down(parts: &Parts, rule: &Rule, accepted: Kinds, unknown: Unknown) -> Problem {
    dead_cookie::take_back(parts, &unknown).await;
    unknown.recorded(parts, rule).where_accepted(accepted)
}

/// Whether a request is judged for the first time, or once more.
#[derive(Clone, Copy)]
enum Turn {
    First,
    Again,
}

type Known = (Arc<Principal>, Option<Digest<SessionToken>>);

async fn known(parts: &Parts, accepted: Kinds, turn: Turn) -> Result<Option<Known>, Unknown> {
    let walk = walk(parts)?;
    let gate = &walk.gate;
    let (credential, carrier) = match scheme::find(parts, walk)? {
        Found::Nothing => return Ok(None),
        Found::Foreign => return Err(Problem::credential_not_accepted(accepted).into()),
        Found::Credential(credential, carrier) => (credential, carrier),
    };
    let kind = credential.kind();
    if !accepted.accepts(kind) {
        return Err(Unknown::from(Problem::credential_not_accepted(accepted)).of(kind));
    }
    cross_site::check(carrier, parts, gate.origin()).map_err(|problem| Unknown::from(problem).of(kind))?;
    let session_token = match &credential {
        Credential::Session(token) => Some(token.digest()),
        _ => None,
    };
    let (judge, from) = (gate.authenticator(), walk.client);
    let judged = match turn {
        Turn::First => judge.authenticate(&credential, from, walk.at).await,
        Turn::Again => judge.authenticate_again(&credential, from, walk.at).await,
    };
    let principal = match judged {
        Ok(principal) => principal,
        Err(error) => return Err(turned_away(parts, walk, error).await.of(kind).carried(carrier)),
    };
    // A dead session is told that it is, whatever came with it.
    if let Err(problem) = csrf::check(carrier, session_token.as_ref(), parts, gate) {
        return Err(Unknown::from(problem).of(kind).in_the_name_of(principal));
    }
    Ok(Some((principal, session_token)))
}

/// Guesses show themselves by their number: they are audited as a login without success is.
async fn turned_away(parts: &Parts, walk: &Walk, error: AuthenticationError) -> Unknown {
    if let AuthenticationError::Refused(Refused::Password(why)) = error
        && let Err(fault) = walk.gate.denials().record_guess(why, context(walk, parts)).await
    {
        return Problem::from(fault).into();
    }
    error.into()
}

/// Decides about the caller where the request stands, in the organization that it selects if the rule asks for one. A
/// decision against the caller is recorded.
pub(super) async fn decide<R: Requirement>(
    parts: &mut Parts,
    who: &Arc<Principal>,
) -> Result<Permit<R>, Problem> {
    select(parts, &R::RULE, who).await?;
    let walk = walk(parts)?;
    let permit = Permit::decide(Arc::clone(who), &situation(walk, parts))
        .map_err(|denied| refused(parts, &R::RULE, denied))?;
    standing::note(parts, R::RULE);
    Ok(permit)
}

/// Finds the organization that the request selects, if the rule asks for one.
async fn select(parts: &mut Parts, rule: &Rule, who: &Arc<Principal>) -> Result<(), Problem> {
    if !rule.needs_organization() {
        return Ok(());
    }
    let walk = walk(parts)?.clone();
    let selected = organization::select(parts, &walk, who)
        .await
        .map_err(|problem| unreadable(parts, rule, problem))?;
    if let Some(walk) = parts.extensions.get_mut::<Walk>() {
        walk.selected = selected;
    }
    Ok(())
}

/// What the decision looks at besides the caller.
fn situation<'a>(walk: &'a Walk, parts: &'a Parts) -> Situation<'a> {
    let agent = parts.headers.get(USER_AGENT);
    circumstances::situation(walk, agent.and_then(|value| value.to_str().ok()))
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
    let asked = standing::asked(rule, &walk.selected);
    let tree = || Some(explain(rule, who, &situation));
    let denial = Denial {
        operation: &Operation(&parts.method, &walk.label),
        rule: &asked,
        code: denied.code(),
        why: &problem.detail(),
        credential: Some(who.kind()),
        principal: Some(who),
        key: None,
        tree: &tree,
    };
    walk.gate.denials().record(&denial, context(walk, parts));
    problem
}

/// The answer to a known caller whose request names no one organization, after it was recorded: who tries two tenants
/// in one request shows themself so. A fault is no refusal.
fn unreadable(parts: &Parts, rule: &Rule, problem: Problem) -> Problem {
    let walk = Walk::of(&parts.extensions).filter(|_| problem.status().is_client_error());
    let Some((walk, who)) = walk.and_then(|walk| Some((walk, walk.principal.as_ref()?))) else {
        return problem;
    };
    let denial = Denial {
        operation: &Operation(&parts.method, &walk.label),
        rule,
        code: problem.code(),
        why: &problem.detail(),
        credential: Some(who.kind()),
        principal: Some(who),
        key: None,
        tree: &|| None,
    };
    walk.gate.denials().record(&denial, context(walk, parts));
    problem
}

/// The organization that was decided in, if the rule asks for one.
pub(super) fn organization(parts: &Parts) -> Option<Arc<Current>> {
    Walk::of(&parts.extensions)?.selected.active().cloned()
}

fn walk(parts: &Parts) -> Result<&Walk, Problem> {
    Walk::of(&parts.extensions)
        .ok_or_else(|| Problem::internal("a guarded handler runs outside of `Api::into_router`"))
}
