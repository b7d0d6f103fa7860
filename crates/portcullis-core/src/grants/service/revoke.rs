//! Takes grants back: one, or all of a resource.

use super::{GrantError, Grants, ResourcePermit};
use crate::authz::DecisionContext;
use crate::authz::resource::{ActionOn, Actions};
use crate::fault::Fault;
use crate::grants::Subject;
use crate::{audit, defends};

impl Grants {
    /// Takes a grant back; whether there was one. It counts for nobody from the answer on. The owner takes back
    /// everything, others what they may do themselves.
    ///
    /// # Errors
    /// [`GrantError::Escalation`] if the caller may not do the action, [`GrantError::Fault`] if the store can't do its
    /// work.
    pub async fn unshare<R: Actions, A: ActionOn<R>>(
        &self,
        permit: &ResourcePermit<R, A>,
        context: &DecisionContext<'_>,
        subject: Subject,
        action: String,
        by: audit::Context,
    ) -> Result<bool, GrantError> {
        defends!("T109");
        let (who, resource) = (&permit.principal, &permit.resource);
        let owns = resource.owner == Some(who.id()) && who.is_unscoped();
        // An action that nobody can do any more is anybody's to take back who may share.
        if let Some(known) = R::ACTIONS.iter().find(|known| known.name() == action)
            && !owns
        {
            self.decide(known, who, context, resource).await?;
        }
        let gone = self
            .store
            .unshare(permit.target(), subject, action, permit.signed(by));
        Ok(gone.await?)
    }

    /// Takes back every grant on the resource; how many there were. Call it when the resource is deleted, above all
    /// where its id may be given to another one.
    ///
    /// # Errors
    /// [`Fault`] if the store can't do its work; every grant counts as before.
    pub async fn unshare_all<R, A: ActionOn<R>>(
        &self,
        permit: &ResourcePermit<R, A>,
        by: audit::Context,
    ) -> Result<u64, Fault> {
        self.store.unshare_all(permit.target(), permit.signed(by)).await
    }
}
