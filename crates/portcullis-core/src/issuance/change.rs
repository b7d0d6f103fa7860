//! Changes keys: names, fences, and whether they are honoured.
//!
//! **Invariant:** who enables a key, or sets its networks or its limit, could have made it: a person, just logged in,
//! who may do all that the key may (`T081`). Any change of networks and limit counts, not only one that widens: what is
//! wider depends on what is there when it is written, and that may be another's change. Disabling and naming stay open
//! to whoever may see the key.

use super::ChangeError;
use super::reach::Beyond;
use super::{ApiKeys, own_stamp};
use crate::api_key::{ApiKey, Change, Changed, Id};
use crate::authz::{
    ApiKeysWrite, Denied, FreshLogin, Permit, Principal, Requirement as _, Situation, decide,
};
use crate::{account, audit, defends};

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
        let facts = self.facts(account).await?.ok_or(ChangeError::Unknown)?;
        if facts.account.kind != account::Kind::Service {
            return Err(ChangeError::NotAService);
        }
        if change.enabled == Some(true) && facts.account.state == account::State::Disabled {
            return Err(ChangeError::Disabled);
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
            let key = key.ok_or(ChangeError::Unknown)?;
            if let Some(who) = asking {
                fresh(who, &by).map_err(ChangeError::Denied)?;
            }
            match self.beyond(account, asking, &key.permissions).await? {
                None => {}
                Some(Beyond::Belongs) => return Err(ChangeError::Belongs),
                Some(Beyond::Permissions(names)) => return Err(ChangeError::Exceeding(names)),
            }
        }
        let stamp = own_stamp(account, asking);
        let changed = self.on.store.change_key(account, id, change, stamp, by);
        match changed.await? {
            Changed::Changed(key) => Ok(key),
            Changed::Unknown => Err(ChangeError::Unknown),
            Changed::LoggedOut => Err(ChangeError::LoggedOut),
        }
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
    decide(&FreshLogin::<900>::RULE, who, &Situation::at(by.at))
}
