//! Finds the organization that a request is for, and who the caller is there.
//!
//! It can be named in three places: the header `X-Organization-ID`, a path parameter `{organization}`, and, where the
//! deployment says so, a subdomain of its base domain. All that are there must name the same one (`T068`): two layers
//! must never read two tenants out of one request.
//!
//! Invariants: only routes whose rule asks for a member look. A membership is looked up by the caller's account, so
//! an organization that doesn't exist and one that the caller isn't in are the same, in answer and in work; what a
//! second place names is compared with what the first has found and never looked up.
//!
//! **Deployment caveat:** the subdomain is read from `Host`. A proxy in front must pass it on as it came and must not
//! let clients choose it freely where something outside this server relies on it.

use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts as _, RawPathParams};
use http::request::Parts;
use portcullis_core::authz::{DecisionContext, Principal};
use portcullis_core::environment::Timestamp;
use portcullis_core::fault::Fault;
use portcullis_core::organization::{Current, Id, InvalidSlug, Selector, Slug};
use portcullis_core::{account, defends};

use super::Gate;
use super::context::RequestContext;
use crate::Problem;

/// What a request selects.
#[derive(Debug, Clone, Default)]
#[doc(hidden)]
pub enum Selected {
    /// The request names no organization.
    #[default]
    Nothing,
    /// An organization that the caller is no member of, or none.
    Strange,
    /// An organization that the caller is a member of.
    Own(Arc<Current>),
}

impl Selected {
    /// Who the account is in the organization of this name.
    #[doc(hidden)]
    pub async fn find(
        gate: &Gate,
        account: account::Id,
        name: Selector,
        at: Timestamp,
    ) -> Result<Self, Fault> {
        let found = match gate.organizations() {
            Some(directory) => directory.current(account, name, at).await?,
            None => None,
        };
        Ok(found.map_or(Self::Strange, Self::Own))
    }

    /// Whether it is the caller's own, and named so.
    fn is_named_by(&self, name: &Selector) -> bool {
        matches!(self, Self::Own(current) if current.is_named_by(name))
    }

    /// The organization's id, as decisions see it.
    fn id(&self) -> Option<Id> {
        match self {
            Self::Nothing => None,
            Self::Strange => Some(Id::NONE),
            Self::Own(current) => Some(current.id()),
        }
    }

    /// The caller's own organization, if it may be worked in.
    pub(crate) fn active(&self) -> Option<&Arc<Current>> {
        match self {
            Self::Own(current) if current.is_active() => Some(current),
            _ => None,
        }
    }

    /// What it adds to what a decision at this moment looks at.
    #[doc(hidden)]
    pub fn decision_context(&self, at: Timestamp) -> DecisionContext<'_> {
        DecisionContext {
            selected: self.id(),
            member: self.active().map(|current| current.membership()),
            suspended: self.is_suspended(),
            ..DecisionContext::at(at)
        }
    }

    /// Whether it is the caller's own, and suspended.
    fn is_suspended(&self) -> bool {
        matches!(self, Self::Own(current) if !current.is_active())
    }
}

/// The organization that the request is for, and who `who` is there.
pub(super) async fn select(
    parts: &mut Parts,
    context: &RequestContext,
    who: &Principal,
    at: Timestamp,
) -> Result<Selected, Problem> {
    defends!("T068");
    let mut named = Vec::with_capacity(3);
    named.extend(in_header(parts)?);
    named.extend(in_path(parts).await?);
    named.extend(in_host(context)?);
    among(context, context.named.get_or_init(|| named), who, at).await
}

/// The same as of another moment: a request names what it names.
pub(super) async fn select_again(
    context: &RequestContext,
    who: &Principal,
    at: Timestamp,
) -> Result<Selected, Problem> {
    let named = context.named.get().map_or(&[][..], Vec::as_slice);
    among(context, named, who, at).await
}

/// Whether `selected` is at `now` what it was. Who was let in as a member of nothing has no membership to lose.
pub(super) fn still_holds(
    context: &RequestContext,
    who: &Principal,
    selected: &Selected,
    now: Timestamp,
) -> bool {
    let Selected::Own(current) = selected else {
        return true;
    };
    let first = context.named.get().and_then(|named| named.first());
    let directory = context.gate.organizations();
    directory
        .zip(first)
        .is_some_and(|(directory, first)| directory.still_holds(who.id(), first, current, now))
}

/// The one organization that all of these name.
async fn among(
    context: &RequestContext,
    named: &[Selector],
    who: &Principal,
    at: Timestamp,
) -> Result<Selected, Problem> {
    let Some(first) = named.first() else {
        return Ok(Selected::Nothing);
    };
    let selected = Selected::find(&context.gate, who.id(), first.clone(), at).await?;
    let same = |other: &Selector| other == first || selected.is_named_by(other);
    if !named.iter().all(same) {
        return Err(Problem::bad_request(
            "organization_conflict",
            "header, path and host name different organizations; name one",
        ));
    }
    Ok(selected)
}

fn in_header(parts: &Parts) -> Result<Option<Selector>, Problem> {
    let mut values = parts.headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(invalid()),
        (Some(value), None) => read(value.to_str().map_err(|_| invalid())?).map(Some),
    }
}

async fn in_path(parts: &mut Parts) -> Result<Option<Selector>, Problem> {
    let parameters = match RawPathParams::from_request_parts(parts, &()).await {
        Ok(parameters) => parameters,
        // A path without parameters.
        Err(RawPathParamsRejection::MissingPathParams(_)) => return Ok(None),
        Err(_) => return Err(invalid()),
    };
    let value = parameters.iter().find(|(name, _)| *name == PARAMETER);
    value.map(|(_, value)| read(value)).transpose()
}

/// The label before the base domain. The base domain itself, the host that people reach this server by, and labels that
/// are reserved select nothing.
///
/// Source: RFC 9110 §7.2, RFC 9112 §3.2.2
fn in_host(context: &RequestContext) -> Result<Option<Selector>, Problem> {
    let gate = &context.gate;
    let Some(base) = gate.base_domain() else {
        return Ok(None);
    };
    let host = context.host.as_ref().map_err(|_| invalid())?.as_deref();
    let Some(host) = host.filter(|host| Some(*host) != gate.own_host()) else {
        return Ok(None);
    };
    let label = host.strip_suffix(base).and_then(|rest| rest.strip_suffix('.'));
    match label.map(Slug::parse) {
        None | Some(Err(InvalidSlug::Reserved)) => Ok(None),
        Some(Ok(slug)) => Ok(Some(Selector::Slug(slug))),
        Some(Err(InvalidSlug::Form)) => Err(invalid()),
    }
}

/// Reads the name of an organization.
#[doc(hidden)]
pub fn read(text: &str) -> Result<Selector, Problem> {
    Selector::parse(text).map_err(|_| invalid())
}

fn invalid() -> Problem {
    Problem::bad_request(
        "invalid_organization",
        "name one organization by its id or its slug, in lower case",
    )
}

/// The header that names an organization.
pub(crate) const HEADER: &str = "x-organization-id";

/// The path parameter that names one.
pub(crate) const PARAMETER: &str = "organization";
