//! What an account's keys may be given, and by whom.
//!
//! A key acts as its owner, within its list: in the organizations that the owner is a member of, too. So two things are asked
//! of whoever makes, rotates or widens it: that they bring everything on the list, and that they get nowhere by it where
//! they aren't themself (`T107`, `T108`).
//!
//! The name of an action on resources is on the list of any key if its owner wants it: it allows nothing by itself, and lets
//! the key reach what its owner owns, what was shared with them, and what policies permit them (ADR 0034, `T182`). Whoever
//! makes another's key gets at what that account owns: they must have the permission of this name themself.

use std::sync::Arc;

use super::ApiKeys;
use crate::api_key::ApiKeysError;
use crate::authz::{Facts, Principal, is_reserved};
use crate::fault::Fault;
use crate::roles::{MemberFacts, PermissionRecord};
use crate::scopes::ADMINISTRATOR;
use crate::{account, defends};

/// What the keys of an account may be given.
pub(super) struct Reach {
    facts: Arc<Facts>,
    member: MemberFacts,
    known: Vec<PermissionRecord>,
}

impl Reach {
    /// Whether the account has the permission, everywhere or as a member. What Portcullis declares itself counts where
    /// the account has it everywhere: no key manages an organization because its owner is a member.
    fn has(&self, name: &str) -> bool {
        self.facts.has(name) || self.has_as_member(name)
    }

    /// Whether a key of the account may name it: the account has it, or it is an action.
    pub(super) fn may_name(&self, name: &str) -> bool {
        self.has(name) || self.is_action(name)
    }

    /// Whether any application declares it.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        self.known.iter().any(|permission| permission.name == name)
    }

    fn is_action(&self, name: &str) -> bool {
        defends!("T182");
        self.known.iter().any(|permission| permission.is_action(name))
    }

    /// Whether whoever asks gets nowhere by a key of this account where they aren't themself. A key is a member wherever
    /// its owner is, also with an empty list: those of another that is a member somewhere are the administrators'.
    pub(super) fn may_act_for(&self, asking: &Principal) -> bool {
        defends!("T108");
        self.is_own(asking) || self.member.organizations == 0 || asking.has_role(ADMINISTRATOR)
    }

    /// Whether whoever asks brings the permission. Memberships and what one owns are one's own: for another's key one must
    /// have it everywhere.
    pub(super) fn may_pass(&self, asking: &Principal, name: &str) -> bool {
        defends!("T107");
        let ones_own = self.has_as_member(name) || self.is_action(name);
        let as_oneself = self.is_own(asking) && ones_own && asking.scopes().include(name);
        as_oneself || asking.permissions().contains(&name)
    }

    /// Whether whoever asks may have a text of a key that names the permission. What its owner has lost may come back to
    /// them, and with it to the key: so it counts, but for owners themselves.
    fn may_have(&self, asking: &Principal, name: &str) -> bool {
        defends!("T039");
        let lost_by_oneself = self.is_own(asking) && asking.is_unscoped() && !self.has(name);
        lost_by_oneself || self.may_pass(asking, name)
    }

    fn is_own(&self, asking: &Principal) -> bool {
        asking.id() == self.facts.account.id
    }

    fn has_as_member(&self, name: &str) -> bool {
        !is_reserved(name) && self.member.permissions.iter().any(|known| known == name)
    }
}

impl ApiKeys {
    /// What the keys of this account may be given, as the store says now.
    pub(super) async fn reach(&self, owner: account::Id) -> Result<Option<Reach>, Fault> {
        let Some(facts) = self.facts(owner).await? else {
            return Ok(None);
        };
        Ok(Some(Reach {
            facts,
            member: self.on.permissions.as_member(owner).await?,
            known: self.on.permissions.permissions().await?,
        }))
    }

    /// Whether whoever asks may have another text of a key, or take its fences off: nobody gets by it what they couldn't
    /// have made. Names that nobody declares any more are none.
    ///
    /// # Errors
    /// [`ApiKeysError::Belongs`], [`ApiKeysError::Exceeding`], [`ApiKeysError::Fault`].
    pub(super) async fn within(
        &self,
        owner: account::Id,
        asking: Option<&Principal>,
        permissions: &[String],
    ) -> Result<(), ApiKeysError> {
        let (Some(asking), Some(reach)) = (asking, self.reach(owner).await?) else {
            return Ok(());
        };
        if !reach.may_act_for(asking) {
            return Err(ApiKeysError::Belongs);
        }
        let mut exceeding = permissions.to_vec();
        exceeding.retain(|name| !reach.may_have(asking, name) && reach.is_declared(name));
        if !exceeding.is_empty() {
            return Err(ApiKeysError::Exceeding(exceeding));
        }
        Ok(())
    }
}
