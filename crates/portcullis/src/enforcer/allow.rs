//! A route for callers who satisfy a requirement.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use axum::extract::FromRequestParts;
use http::request::Parts;
use portcullis_core::authz::{CredentialKind, InOrganization, Kinds, Permit, Principal, Requirement, Rule};
use portcullis_core::defends;
use portcullis_core::organization::Current;

use super::verify;
use super::via::{Accepts, Usual, Via};
use crate::Problem;
use crate::route::{Access, Caller, sealed};

/// Role: enforcer. A known caller who satisfies `R`, with a credential of a kind in `V`.
///
/// ```
/// use portcullis::{Allow, Any, FreshLogin, Jwt, Role, Via, permissions, roles};
///
/// permissions! { PostsWrite = "posts:write": "Create and change posts"; }
/// roles! { Admin = "admin"; Auditor = "auditor"; }
///
/// async fn edit(who: Allow<(PostsWrite, FreshLogin<300>)>) -> String {
///     who.id().to_string()
/// }
/// async fn export(_: Allow<Any<(Role<Admin>, Role<Auditor>)>, Via<Jwt>>) {}
/// ```
pub struct Allow<R: Requirement, V: Accepts = Via<Usual>> {
    principal: Arc<Principal>,
    permit: Permit<R>,
    organization: Option<Arc<Current>>,
    via: PhantomData<fn() -> V>,
}

impl<R: Requirement, V: Accepts> Allow<R, V> {
    /// The proof that `R` was satisfied, for services that ask for one.
    pub fn permit(&self) -> &Permit<R> {
        &self.permit
    }

    /// The caller for whom the rule was found to hold.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }
}

impl<R: InOrganization, V: Accepts> Allow<R, V> {
    /// The organization that the request is for, and what the caller is there. Only where the rule asks for a member.
    pub fn organization(&self) -> &Current {
        self.organization.as_deref().unwrap_or(&NOWHERE)
    }
}

/// No decision for a rule that asks for a member is made without one, so nobody gets this; and if somebody did, it is
/// an organization that has nothing.
static NOWHERE: LazyLock<Current> = LazyLock::new(Current::nowhere);

impl<R: Requirement, V: Accepts> Deref for Allow<R, V> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<R: Requirement, V: Accepts> Clone for Allow<R, V> {
    fn clone(&self) -> Self {
        Self {
            principal: Arc::clone(&self.principal),
            permit: self.permit.clone(),
            organization: self.organization.clone(),
            via: PhantomData,
        }
    }
}

impl<R: Requirement, V: Accepts> std::fmt::Debug for Allow<R, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Allow")
            .field("account", &self.principal.id())
            .finish_non_exhaustive()
    }
}

impl<R: Requirement, V: Accepts> sealed::Sealed for Allow<R, V> {}

impl<R: Requirement, V: Accepts> Access for Allow<R, V> {
    const RULE: Rule = R::RULE;
    const KINDS: Kinds = within_reach(&R::RULE, V::KINDS);
    const CALLER: Caller = Caller::Required;
}

/// Of the kinds that are named, those that can satisfy the rule: where it asks for a login by a person, no machine's; where it asks
/// for a signature, nothing that is shown, and a signed request unless something is named. Where none can, they stay as they are
/// named: nobody gets in by any.
const fn within_reach(rule: &Rule, named: Kinds) -> Kinds {
    if rule.needs_signature() {
        let signed = named.intersection(Kinds::SIGNED);
        return match (signed.is_empty(), named.equals(Kinds::DEFAULT)) {
            (false, _) => signed,
            (true, true) => Kinds::of(&[CredentialKind::Signature]),
            (true, false) => named,
        };
    }
    let personal = named.intersection(Kinds::PERSONAL);
    if rule.needs_person() && !personal.is_empty() {
        personal
    } else {
        named
    }
}

impl<S: Sync, R: Requirement, V: Accepts> FromRequestParts<S> for Allow<R, V> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        defends!("T018");
        let principal = verify::caller(parts, &R::RULE, Self::KINDS)
            .await?
            .ok_or_else(|| verify::nobody(parts, &R::RULE, Self::KINDS))?;
        let permit = verify::decide::<R>(parts, &principal).await;
        let permit = permit.map_err(|problem| problem.where_accepted(Self::KINDS))?;
        Ok(Self {
            principal,
            permit,
            organization: verify::organization(parts),
            via: PhantomData,
        })
    }
}

impl<R: Requirement, V: Accepts> crate::describe::Input for Allow<R, V> {}
