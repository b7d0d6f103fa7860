//! The proof of a decision, which services ask for.

use std::marker::PhantomData;
use std::sync::Arc;

use super::{DecisionContext, Denied, InOrganization, Principal, Requirement, decide};
use crate::id::OrganizationId;
use crate::scopes::Scopes;
use crate::{audit, defends};

/// Proof that the requirement `R` was satisfied. Only a decision makes one, or the command line of the machine
/// that holds the database.
pub struct Permit<R> {
    principal: Option<Arc<Principal>>,
    organization: OrganizationId,
    requirement: PhantomData<fn() -> R>,
}

impl<R: Requirement> Permit<R> {
    /// Decides, and proves it.
    ///
    /// # Errors
    /// [`Denied`], naming the first thing that is missing.
    pub fn decide(principal: Arc<Principal>, context: &DecisionContext<'_>) -> Result<Self, Denied> {
        decide(&R::RULE, &principal, context)?;
        Ok(Self {
            principal: Some(principal),
            organization: context
                .member
                .map_or(OrganizationId::NONE, |member| member.organization),
            requirement: PhantomData,
        })
    }

    /// For someone at the command line of the machine that holds the database: whoever can read its files could do
    /// anything anyway. Never call it on behalf of a request.
    pub fn dangerous_for_operator() -> Self {
        Self {
            principal: None,
            organization: OrganizationId::NONE,
            requirement: PhantomData,
        }
    }

    /// Whom it was decided about; `None` for someone at the machine's own command line.
    pub fn principal(&self) -> Option<&Arc<Principal>> {
        self.principal.as_ref()
    }

    /// Who acts, for the audit log.
    pub fn actor(&self) -> audit::Actor {
        match &self.principal {
            Some(principal) => audit::Actor::Account(principal.id()),
            None => audit::Actor::Operator,
        }
    }

    /// The circumstances of a change, signed by whoever the permit was made for, never by whoever the caller says it
    /// was, and with what their credential is narrowed to.
    #[must_use]
    pub fn sign(&self, by: audit::Context) -> audit::Context {
        let principal = self.principal.as_ref();
        audit::Context {
            actor: self.actor(),
            scopes: principal.map_or(Scopes::Everything, |who| who.scopes().clone()),
            api_key: principal.and_then(|who| who.api_key()),
            ..by
        }
    }
}

impl<R: InOrganization> Permit<R> {
    /// The organization in which the requirement was satisfied: what a service that takes this permit works on.
    pub fn organization(&self) -> OrganizationId {
        defends!("T068");
        self.organization
    }

    /// [`Permit::dangerous_for_operator`], for somebody who works on this organization.
    pub fn dangerous_for_operator_in(organization: OrganizationId) -> Self {
        Self {
            organization,
            ..Self::dangerous_for_operator()
        }
    }
}

impl<R> Clone for Permit<R> {
    fn clone(&self) -> Self {
        Self {
            principal: self.principal.clone(),
            organization: self.organization,
            requirement: PhantomData,
        }
    }
}

impl<R> std::fmt::Debug for Permit<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
