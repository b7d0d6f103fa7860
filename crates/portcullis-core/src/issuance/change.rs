//! Changes keys: names, fences, and whether they are honoured.
//!
//! **Invariant:** who enables a key, or sets its networks or its limit, could have made it: a person, just logged in,
//! who may do all that the key may (`T081`). Any change of networks and limit counts, not only one that widens: what is
//! wider depends on what is there when it is written, and that may be another's change. Disabling and naming stay open
//! to whoever may see the key.

use super::{ApiKeys, own_stamp};
use crate::api_key::{ApiKey, ApiKeysError, Change, Id};
use crate::authz::{
    ApiKeysWrite, DecisionContext, Denied, FreshLogin, Permit, Principal, Requirement as _, decide,
};
use crate::fault::Fault;
use crate::problem::{Details, Refusal};
use crate::{account, audit, defends};

/// Why a key was not changed. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChangeError {
    /// Enabling a key and changing its networks or limit takes a login just made.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Anything else.
    #[error(transparent)]
    Refused(#[from] ApiKeysError),
}

impl From<Fault> for ChangeError {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault.into())
    }
}

impl Refusal for ChangeError {
    fn details(&self) -> Details {
        match self {
            Self::Denied(denied) => denied.details(),
            Self::Refused(refused) => refused.details(),
        }
    }
}

impl ApiKeys {
    /// Changes one of the caller's keys.
    ///
    /// # Errors
    /// [`ChangeError`]; the key is as it was.
    pub async fn change(
        &self,
        who: &Principal,
        id: Id,
        change: Change,
        by: audit::Context,
    ) -> Result<ApiKey, ChangeError> {
        self.set(who.id(), Some(who), id, change, by).await
    }

    /// Changes a key of a service account.
    ///
    /// # Errors
    /// [`ChangeError`]; the key is as it was.
    pub async fn change_for(
        &self,
        permit: &Permit<ApiKeysWrite>,
        account: account::Id,
        id: Id,
        change: Change,
        by: audit::Context,
    ) -> Result<ApiKey, ChangeError> {
        let facts = self.facts(account).await?.ok_or(ApiKeysError::UnknownKey)?;
        if facts.account.kind != account::AccountKind::Service {
            return Err(ApiKeysError::NotAService.into());
        }
        if change.enabled == Some(true) && facts.account.state == account::AccountState::Disabled {
            return Err(ApiKeysError::OwnerDisabled.into());
        }
        let asking = permit.principal().map(|who| &**who);
        self.set(account, asking, id, change, permit.sign(by)).await
    }

    async fn set(
        &self,
        account: account::Id,
        asking: Option<&Principal>,
        id: Id,
        change: Change,
        by: audit::Context,
    ) -> Result<ApiKey, ChangeError> {
        defends!("T081");
        if change.may_widen() {
            let key = self.on.store.find(account, id).await?;
            let key = key.ok_or(ApiKeysError::UnknownKey)?;
            if let Some(who) = asking {
                fresh(who, &by)?;
            }
            self.within(account, asking, &key.permissions).await?;
        }
        let stamp = own_stamp(account, asking);
        let changed = self.on.store.change_key(account, id, change, stamp, by);
        Ok(changed.await??)
    }
}

impl Change {
    /// Whether a key may do more afterwards, whatever it was before.
    fn may_widen(&self) -> bool {
        self.enabled == Some(true) || self.networks.is_some() || self.limit.is_some()
    }
}

/// Only a login by a person is ever fresh.
fn fresh(who: &Principal, by: &audit::Context) -> Result<(), Denied> {
    decide(&FreshLogin::<900>::RULE, who, &DecisionContext::at(by.at))
}
