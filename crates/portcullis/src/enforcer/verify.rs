//! From a request to its caller: what all enforcers share.

use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;
use portcullis_core::authn::{AuthenticationError, Credential, Refused, Seeming, Verified};
use portcullis_core::authz::{Denied, Kinds, Permit, Principal, Requirement, Rule, explain, step_up};
use portcullis_core::organization::Current;

use super::context::RequestContext;
use super::denials::{Denial, Operation};
use super::scheme::{self, Found, Place, Presented};
use super::unknown::Unknown;
use super::{counting, cross_site, csrf, dead_cookie, handler_refusal, organization, signed};
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
    let known = match remembered(parts, context, accepted) {
        Some(caller) => Ok(Some(caller)),
        None => known(parts, context, accepted).await,
    };
    let known = match known {
        Ok(known) => known,
        // Kept apart, as what follows in other cases: most requests have no use for it, and each carries what it may need.
        Err(unknown) => {
            return Err(Box::pin(turned_down(context, &parts.headers, rule, accepted, unknown)).await);
        }
    };
    let principal = known.as_ref().map(|caller| Arc::clone(caller.principal()));
    counting::of_caller(parts, context, principal.as_ref()).await?;
    if let Some(caller) = known {
        context.snapshot().caller = Some(caller);
    }
    Ok(principal)
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

/// Who presents the credential still, later in the request. Whoever it is by then is remembered.
pub(super) async fn caller_again(context: &RequestContext, rule: &Rule) -> Result<Arc<Principal>, Problem> {
    let headers = context.presented.get().map(Presented::to_headers);
    let headers = headers.unwrap_or_default();
    match known_again(context, &headers).await {
        Ok(caller) => {
            let principal = Arc::clone(caller.principal());
            context.snapshot().caller = Some(caller);
            Ok(principal)
        }
        Err(unknown) => {
            let everything = context.gate.kinds(Kinds::ALL);
            Err(turned_down(context, &headers, rule, everything, unknown).await)
        }
    }
}

/// The answer to a request whose caller couldn't be found out, after it was recorded.
async fn turned_down(
    context: &RequestContext,
    headers: &HeaderMap,
    rule: &Rule,
    accepted: Kinds,
    unknown: Unknown,
) -> Problem {
    dead_cookie::take_back(context, headers, &unknown).await;
    unknown.recorded(context, rule).where_accepted(accepted)
}

/// The caller whose token was verified before and still holds: the same text in the same place, so it needn't be read again.
/// `None` says nothing; whoever isn't remembered, or is refused, is [`known`] the long way.
///
/// Only a header that a caller's own code sets is looked at, where no page of another site can act.
fn remembered(parts: &Parts, context: &RequestContext, accepted: Kinds) -> Option<Verified> {
    // Beside what is signed a token is one credential too many, remembered or not.
    if signed::is_accepted(accepted) {
        return None;
    }
    let (credential, presented) = scheme::seeming(&parts.headers, context)?;
    if !accepted.accepts(credential.kind()) {
        return None;
    }
    let (authenticator, at) = (context.gate.authenticator(), context.snapshot().at);
    let caller = authenticator.recall(&credential, context.client, at)?;
    if let Seeming::Session(token) = credential {
        context.session_token.get_or_init(|| token);
    }
    context.presented.get_or_init(|| presented);
    Some(caller)
}

/// Remembers the header that the caller was found by, to be read once more.
fn keep_presented(context: &RequestContext, place: Place, headers: &HeaderMap) {
    if let Some(presented) = Presented::in_place(place, headers, &context.gate) {
        context.presented.get_or_init(|| presented);
    }
}

async fn known(
    parts: &Parts,
    context: &RequestContext,
    accepted: Kinds,
) -> Result<Option<Verified>, Unknown> {
    // Kept apart, so that it costs little room on routes that take nothing signed.
    if signed::is_accepted(accepted)
        && let Some(caller) = Box::pin(signed::caller(parts, context, accepted)).await?
    {
        return Ok(Some(caller));
    }
    let gate = &context.gate;
    let (credential, place) = match scheme::find(&parts.headers, context)? {
        Found::Nothing => return Ok(None),
        Found::Foreign => return Err(Problem::credential_not_accepted(accepted).into()),
        Found::Credential(credential, place) => (credential, place),
    };
    let kind = credential.kind();
    let carrier = place.carries(kind);
    if !accepted.accepts(kind) {
        // Nobody has looked whether it is a key at all: most texts of its form are nothing.
        if matches!(credential, Credential::ImportedKey(_)) {
            return Err(Unknown::from(Refused::NotImported).carried(carrier));
        }
        return Err(Unknown::from(Problem::credential_not_accepted(accepted)).of(kind));
    }
    cross_site::check(carrier, parts, gate).map_err(|problem| Unknown::from(problem).of(kind))?;
    let (at, counted) = {
        let snapshot = context.snapshot();
        (snapshot.at, snapshot.caller.is_some())
    };
    // A layer may have asked who calls before the handler's rule does: that is one request.
    let checked = match counted {
        true => {
            gate.authenticator()
                .verify_again(&credential, context.client, at)
                .await
        }
        false => gate.authenticator().verify(&credential, context.client, at).await,
    };
    let caller = match checked {
        Ok(caller) => caller,
        Err(error) => {
            return Err(Box::pin(turned_away(context, error))
                .await
                .of(kind)
                .carried(carrier));
        }
    };
    let session_token = match &credential {
        Credential::Session(token) => Some(token.digest()),
        _ => None,
    };
    // A dead session is told that it is, whatever came with it.
    if let Err(problem) = csrf::check(carrier, session_token.as_ref(), parts, gate) {
        let principal = Arc::clone(caller.principal());
        return Err(Unknown::from(problem).of(kind).in_the_name_of(principal));
    }
    if let Some(token) = session_token {
        context.session_token.get_or_init(|| token);
    }
    keep_presented(context, place, &parts.headers);
    Ok(Some(caller))
}

/// The same later in the request: of what was presented then, and accepted.
async fn known_again(context: &RequestContext, headers: &HeaderMap) -> Result<Verified, Unknown> {
    let signed = context.snapshot().caller.clone();
    if let Some(proven) = signed.as_ref().and_then(Verified::proven) {
        let now = context.snapshot().at;
        return Box::pin(signed::again(context, proven, now)).await;
    }
    let Found::Credential(credential, place) = scheme::find(headers, context)? else {
        return Err(Problem::invalid_token().into());
    };
    let kind = credential.kind();
    let (authenticator, at) = (context.gate.authenticator(), context.snapshot().at);
    let checked = authenticator.verify_again(&credential, context.client, at);
    let carrier = place.carries(kind);
    let caller = match checked.await {
        Ok(caller) => caller,
        Err(error) => {
            return Err(Box::pin(turned_away(context, error))
                .await
                .of(kind)
                .carried(carrier));
        }
    };
    let account = context.snapshot().principal().map(|who| who.id());
    if account != Some(caller.principal().id()) {
        // An identifier that has become another's: the handler works for the one before.
        return Err(Unknown::from(Problem::invalid_token()).of(kind));
    }
    Ok(caller)
}

/// Guesses show themselves by their number: they are audited as a login without success is.
async fn turned_away(context: &RequestContext, error: AuthenticationError) -> Unknown {
    if let AuthenticationError::Refused(Refused::Password(why)) = error {
        let by = context.signature(&context.snapshot());
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
    let snapshot = context.snapshot().clone();
    let permit = Permit::decide(Arc::clone(who), &context.decision_context(&snapshot))
        .map_err(|denied| refused(&context, &R::RULE, who, denied))?;
    counting::of_member(parts, &context, who, snapshot.selected.active()).await?;
    context.let_in(R::RULE);
    Ok(permit)
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
    let at = context.snapshot().at;
    let selected = Box::pin(organization::select(parts, context, who, at))
        .await
        .map_err(|problem| unreadable(context, rule, who, problem))?;
    context.snapshot().selected = selected;
    Ok(())
}

/// The answer to a decision against the caller, after it was recorded with the rule's tree.
pub(super) fn refused(context: &RequestContext, rule: &Rule, who: &Principal, denied: Denied) -> Problem {
    let snapshot = context.snapshot().clone();
    let decision = context.decision_context(&snapshot);
    let problem = Problem::denied(denied, step_up(rule, who, &decision));
    let asked = handler_refusal::asked(rule, &snapshot.selected);
    let tree = || Some(explain(rule, who, &decision));
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
    context.record(&denial, context.signature(&snapshot));
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
    let by = context.signature(&context.snapshot());
    context.record(&denial, by);
    problem
}

/// The organization that was decided in, if the rule asks for one.
pub(super) fn organization(parts: &Parts) -> Option<Arc<Current>> {
    let context = RequestContext::of(&parts.extensions).ok()?;
    context.snapshot().selected.active().cloned()
}
