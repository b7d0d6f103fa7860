//! Decides with grants, and changes them. Every change takes a [`ResourcePermit`]: a page or a job can't skip the check.

mod revoke;

use std::marker::PhantomData;
use std::sync::Arc;

use super::{Grant, GrantError, GrantRecord, Ground, Holder, PermitError, Store, Subject, Target, Term};
use crate::authz::resource::{
    ActionOn, ActionRule, Actions, Basis, Filter, ResourceFacts, ResourceKind, decide_on, filter_for,
    grants_matter,
};
use crate::authz::{DecisionContext, Denied, NoPolicies, Principal};
use crate::effect::Effect;
use crate::environment::Timestamp;
use crate::fault::Fault;
use crate::{audit, defends};

/// Decides about actions on resources, and shares resources.
#[derive(Clone)]
pub struct Grants {
    store: Arc<dyn Store>,
}

/// What an action on a resource was allowed by, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// What it was allowed by.
    pub basis: Basis,
    /// When that ends by itself: only grants do.
    pub until: Option<Timestamp>,
}

/// Which resources of a kind somebody may do an action to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visible {
    /// Means the resources that the caller may do the action to.
    pub filter: Filter,
    /// Whether all of the caller's grants are in it: no more than [`Grants::MOST_IDS`] are.
    pub complete: bool,
}

/// A wish to share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Whom it is to be shared with.
    pub subject: Subject,
    /// What they may do.
    pub action: String,
    /// The moment from which they may no more.
    pub expires_at: Option<Timestamp>,
}

impl Grants {
    /// How many granted ids one filter holds.
    pub const MOST_IDS: u32 = 10_000;

    /// The grants in `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Whether `principal` may do the action to the resource. Grants are read only where they could decide.
    ///
    /// # Errors
    /// [`PermitError`].
    pub async fn decide(
        &self,
        action: &ActionRule,
        principal: &Principal,
        context: &DecisionContext<'_>,
        resource: &ResourceFacts,
    ) -> Result<Decided, PermitError> {
        let denied = match decide_on(action, principal, context, resource, false) {
            Ok(basis) => return Ok(Decided { basis, until: None }),
            Err(denied) => denied,
        };
        let target = Target::of(resource);
        if !matches!(denied, Denied::NotGranted(_)) || !action.shared || !target.is_storable() {
            return Err(denied.into());
        }
        let held = self.held(action, principal, context, target).await;
        let until = match held? {
            None => return Err(denied.into()),
            Some(Term::Open) => None,
            Some(Term::Until(until)) => Some(until),
        };
        Ok(Decided {
            basis: Basis::Grant,
            until,
        })
    }

    async fn held(
        &self,
        action: &ActionRule,
        principal: &Principal,
        context: &DecisionContext<'_>,
        target: Target,
    ) -> Result<Option<Term>, Fault> {
        let holder = Holder::of(principal, context);
        self.store
            .held(holder, target, action.name().to_owned(), context.now)
            .await
    }

    /// Decides, and proves it.
    ///
    /// # Errors
    /// [`PermitError`].
    pub async fn permit<R, A: ActionOn<R>>(
        &self,
        principal: Arc<Principal>,
        context: &DecisionContext<'_>,
        resource: ResourceFacts,
    ) -> Result<ResourcePermit<R, A>, PermitError> {
        self.decide(&A::RULE, &principal, context, &resource).await?;
        Ok(ResourcePermit {
            principal,
            resource,
            action: PhantomData,
        })
    }

    /// Which resources of the kind `principal` may do the action to.
    ///
    /// # Errors
    /// [`Fault`] if grants must be read and the store can't be reached, or what it holds can't be read.
    pub async fn visible(
        &self,
        action: &ActionRule,
        principal: &Principal,
        context: &DecisionContext<'_>,
        kind: &'static ResourceKind,
    ) -> Result<Visible, Fault> {
        let (mut ids, mut complete) = (Vec::new(), true);
        if grants_matter(action, principal, context) {
            (ids, complete) = self
                .ids(Holder::of(principal, context), kind, action, context.now)
                .await?;
        }
        Ok(Visible {
            filter: filter_for(action, principal, context, kind, ids),
            complete,
        })
    }

    /// One id more is asked for than is kept: so is known whether there are more.
    async fn ids(
        &self,
        holder: Holder,
        kind: &ResourceKind,
        action: &ActionRule,
        now: Timestamp,
    ) -> Result<(Vec<String>, bool), Fault> {
        defends!("T067");
        let (kind, action) = (kind.name.to_owned(), action.name().to_owned());
        let limit = Self::MOST_IDS.saturating_add(1);
        let mut ids = self
            .store
            .held_ids(holder, kind, action, now, String::new(), limit)
            .await?;
        let most = usize::try_from(Self::MOST_IDS).unwrap_or(usize::MAX);
        let complete = ids.len() <= most;
        ids.truncate(most);
        Ok((ids, complete))
    }

    /// Every grant on the resource that counts now.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn list<R, A: ActionOn<R>>(
        &self,
        permit: &ResourcePermit<R, A>,
        now: Timestamp,
    ) -> Result<Vec<GrantRecord>, Fault> {
        self.store.grants_of(permit.target(), now).await
    }

    /// Shares the resource: what the sharer may do themselves, and for no longer.
    ///
    /// # Errors
    /// [`GrantError`]; nothing is shared then that wasn't before.
    pub async fn share<R: Actions, A: ActionOn<R>>(
        &self,
        permit: &ResourcePermit<R, A>,
        context: &DecisionContext<'_>,
        wish: Shared,
        by: audit::Context,
    ) -> Result<Effect, GrantError> {
        let known = R::ACTIONS.iter().find(|known| known.name() == wish.action);
        let Some(action) = known.filter(|known| known.shared) else {
            return Err(GrantError::UnknownAction(sharable::<R>()));
        };
        let resource = &permit.resource;
        if let Subject::Organization(id) = wish.subject
            && resource.organization != Some(id)
        {
            return Err(GrantError::UnknownSubject);
        }
        let target = permit.target();
        if !target.is_storable() {
            return Err(GrantError::InvalidId);
        }
        if wish.subject == Subject::Account(permit.principal.id()) {
            return Err(GrantError::Oneself);
        }
        if wish.expires_at.is_some_and(|end| end <= context.now) {
            return Err(GrantError::Past);
        }
        let ground = self.ground(action, permit, context, wish.expires_at).await?;
        if matches!(ground, Ground::Held(_)) && is_among(&wish.subject, &permit.principal, context) {
            return Err(GrantError::Oneself);
        }
        let grant = Grant {
            target,
            subject: wish.subject,
            action: wish.action,
            expires_at: wish.expires_at,
        };
        self.store.share(grant, ground, permit.signed(by)).await?
    }

    /// What the sharer may do the action by, at least until `end`. What a policy permits is left out: it may hold for
    /// an hour or an address, and the grant would hold beyond.
    async fn ground<R, A: ActionOn<R>>(
        &self,
        action: &ActionRule,
        permit: &ResourcePermit<R, A>,
        context: &DecisionContext<'_>,
        end: Option<Timestamp>,
    ) -> Result<Ground, GrantError> {
        defends!("T066");
        defends!("T100");
        let (who, resource) = (&permit.principal, &permit.resource);
        self.decide(action, who, context, resource).await?;
        let alone = DecisionContext {
            policies: &NoPolicies,
            ..*context
        };
        if decide_on(action, who, &alone, resource, false).is_ok() {
            return Ok(Ground::Own);
        }
        match self.held(action, who, context, permit.target()).await? {
            None => Err(GrantError::Escalation),
            Some(Term::Until(until)) if !Term::Until(until).covers(end) => Err(GrantError::Outlives(until)),
            Some(_) => Ok(Ground::Held(Holder::of(who, context))),
        }
    }
}

/// Whether a grant to the subject would be one to the sharer too: it would outlive the one they share by.
fn is_among(subject: &Subject, sharer: &Principal, context: &DecisionContext<'_>) -> bool {
    defends!("T100");
    match subject {
        Subject::Account(id) => *id == sharer.id(),
        Subject::Role(name) => {
            sharer.roles().contains(name) || context.member.is_some_and(|member| member.has_role(name))
        }
        Subject::Organization(id) => context.selected == Some(*id) && context.member.is_some(),
    }
}

fn sharable<R: Actions>() -> Vec<&'static str> {
    let shared = R::ACTIONS.iter().filter(|action| action.shared);
    shared.map(ActionRule::name).collect()
}

impl Holder {
    fn of(principal: &Principal, context: &DecisionContext<'_>) -> Self {
        Self {
            account: principal.id(),
            organization: context.member.map(|member| member.organization),
        }
    }
}

impl Target {
    /// The resource that facts are about.
    pub fn of(resource: &ResourceFacts) -> Self {
        Self {
            kind: resource.kind.name.to_owned(),
            id: resource.id.clone(),
        }
    }
}

/// Proof that somebody may do the action `A` to one resource of type `R`. Only a decision makes one.
pub struct ResourcePermit<R, A> {
    principal: Arc<Principal>,
    resource: ResourceFacts,
    action: PhantomData<fn() -> (R, A)>,
}

impl<R, A> ResourcePermit<R, A> {
    /// The caller who may do the action.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// The resource as it was when the decision was made.
    pub fn resource(&self) -> &ResourceFacts {
        &self.resource
    }

    fn target(&self) -> Target {
        Target::of(&self.resource)
    }

    /// The event is signed by whoever the permit was made for, never by whoever the caller says it was.
    fn signed(&self, by: audit::Context) -> audit::Context {
        audit::Context {
            actor: audit::Actor::Account(self.principal.id()),
            scopes: self.principal.scopes().clone(),
            api_key: self.principal.api_key(),
            ..by
        }
    }
}

impl<R, A> std::fmt::Debug for ResourcePermit<R, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResourcePermit").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Grants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grants").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
