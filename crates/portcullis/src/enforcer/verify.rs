//! From a request to its caller: what all enforcers share.

use std::sync::Arc;

use http::request::Parts;
use portcullis_core::authn::{AuthenticationError, Credential, Refused};
use portcullis_core::authz::{
    Denied, Kinds, Permit, Principal, Requirement, Rule, decide as decide_rule, explain, step_up,
};
use portcullis_core::defends;
use portcullis_core::organization::Current;
use portcullis_core::secret::Digest;
use portcullis_core::session::SessionToken;

use super::context::RequestContext;
use super::denials::{Denial, Operation};
use super::scheme::{self, Found};
use super::unknown::Unknown;
use super::{cross_site, csrf, dead_cookie, organization, standing};
use crate::Problem;

/// The caller, if the request presents a credential. Whoever is known is remembered in the request's context; a credential
/// that isn't honoured is recorded with its reason.
pub(super) async fn caller(
    parts: &Parts,
    rule: &Rule,
    accepted: Kinds,
) -> Result<Option<Arc<Principal>>, Problem> {
    let context = RequestContext::of(&parts.extensions)?;
    let accepted = context.gate.kinds(accepted);
    let known = match known(parts, context, accepted, Turn::First).await {
        Ok(known) => known,
        Err(unknown) => return Err(turned_down(parts, context, rule, accepted, unknown).await),
    };
    let Some((principal, session_token)) = known else {
        return Ok(None);
    };
    let mut standing = context.standing();
    standing.principal = Some(Arc::clone(&principal));
    standing.session_token = session_token;
    Ok(Some(principal))
}

/// What a caller without a credential is answered where one is needed.
pub(super) fn nobody(parts: &Parts, rule: &Rule, accepted: Kinds) -> Problem {
    let context = match RequestContext::of(&parts.extensions) {
        Ok(context) => context,
        Err(problem) => return problem,
    };
    let here = context.gate.kinds(accepted);
    Unknown::from(Problem::authentication_required(here)).recorded(context, rule)
}

/// Judges the caller once more, after the body has come: whoever sent it chose how long that took, and may have been
/// locked, logged out or relieved of the right meanwhile. Where no rule let a caller in, nobody is judged.
pub(crate) async fn again(parts: &mut Parts) -> Result<(), Problem> {
    defends!("T111");
    let context = Arc::clone(RequestContext::of(&parts.extensions)?);
    let Some(rule) = context.standing().let_in().map(|(_, rule)| *rule) else {
        return Ok(());
    };
    context.renew();
    let everything = context.gate.kinds(Kinds::ALL);
    let known = match known(parts, &context, everything, Turn::Again).await {
        Ok(known) => known,
        Err(unknown) => return Err(turned_down(parts, &context, &rule, everything, unknown).await),
    };
    let Some((principal, _)) = known else {
        return Err(nobody(parts, &rule, everything));
    };
    context.standing().principal = Some(Arc::clone(&principal));
    select(parts, &context, &rule, &principal).await?;
    let standing = context.standing().clone();
    decide_rule(&rule, &principal, &context.situation(&standing))
        .map_err(|denied| refused(&context, &rule, &principal, denied))
}

/// The answer to a request whose caller couldn't be found out, after it was recorded.
async fn turned_down(
    parts: &Parts,
    context: &RequestContext,
    rule: &Rule,
    accepted: Kinds,
    unknown: Unknown,
) -> Problem {
    dead_cookie::take_back(context, &parts.headers, &unknown).await;
    unknown.recorded(context, rule).where_accepted(accepted)
}

/// Whether a request is judged for the first time, or once more.
#[derive(Clone, Copy)]
enum Turn {
    First,
    Again,
}

type Known = (Arc<Principal>, Option<Digest<SessionToken>>);

async fn known(
    parts: &Parts,
    context: &RequestContext,
    accepted: Kinds,
    turn: Turn,
) -> Result<Option<Known>, Unknown> {
    let gate = &context.gate;
    let (credential, carrier) = match scheme::find(parts, context)? {
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
    let (judge, from, at) = (gate.authenticator(), context.client, context.standing().at);
    let judged = match turn {
        Turn::First => judge.authenticate(&credential, from, at).await,
        Turn::Again => judge.authenticate_again(&credential, from, at).await,
    };
    let principal = match judged {
        Ok(principal) => principal,
        Err(error) => return Err(turned_away(context, error).await.of(kind).carried(carrier)),
    };
    // A dead session is told that it is, whatever came with it.
    if let Err(problem) = csrf::check(carrier, session_token.as_ref(), parts, gate) {
        return Err(Unknown::from(problem).of(kind).in_the_name_of(principal));
    }
    Ok(Some((principal, session_token)))
}

/// Guesses show themselves by their number: they are audited as a login without success is.
async fn turned_away(context: &RequestContext, error: AuthenticationError) -> Unknown {
    if let AuthenticationError::Refused(Refused::Password(why)) = error {
        let by = context.signature(&context.standing());
        if let Err(fault) = context.gate.denials().record_guess(why, by).await {
            return Problem::from(fault).into();
        }
    }
    error.into()
}

/// Decides about the caller where the request stands, in the organization that it selects if the rule asks for one. A
/// decision against the caller is recorded, and who is let in is remembered with the rule.
pub(super) async fn decide<R: Requirement>(
    parts: &mut Parts,
    who: &Arc<Principal>,
) -> Result<Permit<R>, Problem> {
    let context = Arc::clone(RequestContext::of(&parts.extensions)?);
    select(parts, &context, &R::RULE, who).await?;
    let standing = context.standing().clone();
    let permit = Permit::decide(Arc::clone(who), &context.situation(&standing))
        .map_err(|denied| refused(&context, &R::RULE, who, denied))?;
    context.standing().rule = Some(R::RULE);
    Ok(permit)
}

/// Remembers that the rule lets in whoever calls.
pub(super) fn let_in(parts: &Parts, rule: Rule) {
    if let Ok(context) = RequestContext::of(&parts.extensions) {
        context.standing().rule = Some(rule);
    }
}

/// Finds the organization that the request selects, if the rule asks for one.
async fn select(
    parts: &mut Parts,
    context: &RequestContext,
    rule: &Rule,
    who: &Arc<Principal>,
) -> Result<(), Problem> {
    if !rule.needs_organization() {
        return Ok(());
    }
    let at = context.standing().at;
    let selected = organization::select(parts, context, who, at)
        .await
        .map_err(|problem| unreadable(context, rule, who, problem))?;
    context.standing().selected = selected;
    Ok(())
}

/// The answer to a decision against the caller, after it was recorded with the rule's tree.
fn refused(context: &RequestContext, rule: &Rule, who: &Principal, denied: Denied) -> Problem {
    let standing = context.standing().clone();
    let situation = context.situation(&standing);
    let problem = Problem::denied(denied, step_up(rule, who, &situation));
    let asked = standing::asked(rule, &standing.selected);
    let tree = || Some(explain(rule, who, &situation));
    let denial = Denial {
        operation: &Operation(&context.method, &context.label),
        rule: &asked,
        code: denied.code(),
        why: &problem.detail(),
        credential: Some(who.kind()),
        principal: Some(who),
        key: None,
        tree: &tree,
    };
    context.record(&denial, context.signature(&standing));
    problem
}

/// The answer to a known caller whose request names no one organization, after it was recorded: who tries two tenants
/// in one request shows themself so. A fault is no refusal.
fn unreadable(context: &RequestContext, rule: &Rule, who: &Principal, problem: Problem) -> Problem {
    if !problem.status().is_client_error() {
        return problem;
    }
    let denial = Denial {
        operation: &Operation(&context.method, &context.label),
        rule,
        code: problem.code(),
        why: &problem.detail(),
        credential: Some(who.kind()),
        principal: Some(who),
        key: None,
        tree: &|| None,
    };
    let by = context.signature(&context.standing());
    context.record(&denial, by);
    problem
}

/// The organization that was decided in, if the rule asks for one.
pub(super) fn organization(parts: &Parts) -> Option<Arc<Current>> {
    let context = RequestContext::of(&parts.extensions).ok()?;
    context.standing().selected.active().cloned()
}
