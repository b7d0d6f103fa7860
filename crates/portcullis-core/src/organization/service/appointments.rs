//! Sees, appoints and dismisses the members of any organization, for administrators and the operator, who need to be no
//! members. What they may give and take is checked by the store, by what they are everywhere.

use super::{Organizations, few};
use crate::authz::{AccountsRead, FreshLogin, OrganizationsRead, OrganizationsWrite, Permit};
use crate::effect::Effect;
use crate::fault::Fault;
use crate::organization::{Id, MemberRecord, OrganizationsError, Selector};
use crate::{account, audit, defends};

/// What it takes to see who is in an organization: its members are accounts, with their addresses.
pub type MaySeeMembers = (OrganizationsRead, AccountsRead);

/// What it takes to appoint, as to everything that gives. Dismissing asks for the permission alone.
pub type MayAppoint = (OrganizationsWrite, FreshLogin<900>);

impl Organizations {
    /// The members of any organization, by account id; `None` if there is no such organization.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn members_of(
        &self,
        _permit: &Permit<MaySeeMembers>,
        selector: Selector,
        after: Option<account::Id>,
        limit: u32,
    ) -> Result<Option<Vec<MemberRecord>>, Fault> {
        defends!("T104");
        match self.store.organization(selector).await? {
            Some(organization) => Ok(Some(self.store.members(organization.id, after, limit).await?)),
            None => Ok(None),
        }
    }

    /// Makes an account a member of any organization without asking it, or sets a member's roles.
    ///
    /// # Errors
    /// [`OrganizationsError`]; members and roles are as they were.
    pub async fn appoint(
        &self,
        permit: &Permit<MayAppoint>,
        selector: Selector,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError> {
        let (roles, by) = (few(roles)?, permit.sign(by));
        match self.id_of(selector).await? {
            Some(id) => self.store.appoint_member(id, account, roles, by).await?,
            None => Err(OrganizationsError::UnknownOrganization),
        }
    }

    /// Removes a member of any organization; the next request already is refused.
    ///
    /// # Errors
    /// [`OrganizationsError`], above all `UnknownMember`, `Forbidden` and `LastOwner`; the member stays one.
    pub async fn dismiss(
        &self,
        permit: &Permit<OrganizationsWrite>,
        selector: Selector,
        account: account::Id,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError> {
        let by = permit.sign(by);
        match self.id_of(selector).await? {
            Some(id) => self.store.dismiss_member(id, account, by).await?,
            None => Err(OrganizationsError::UnknownOrganization),
        }
    }

    /// Whose slug it is: reading that before the change is safe, as a slug never becomes another organization's. Whether
    /// an id is one, the change finds out.
    async fn id_of(&self, selector: Selector) -> Result<Option<Id>, Fault> {
        match selector {
            Selector::Id(id) => Ok(Some(id)),
            slug @ Selector::Slug(_) => Ok(self.store.organization(slug).await?.map(|found| found.id)),
        }
    }
}
