//! Changes organizations. Every change takes a [`Permit`]: one that knows its organization where there is one.

mod appointments;
mod invitations;

use std::sync::Arc;

pub use self::appointments::{MayAppoint, MaySeeMembers};
pub use self::invitations::Mailed;
use super::{
    Belonging, Id, Invitation, InvitationToken, MemberRecord, NewOrganization, Organization,
    OrganizationName, OrganizationState, OrganizationsError, Owner, Renaming, Selector, Slug, Store,
};
use crate::account::{self, EmailAddress};
use crate::audit;
use crate::authz::{
    Authenticated, FreshLogin, Member, MembersRead, MembersWrite, OrganizationsRead, OrganizationsWrite,
    Permission as _, Permit, Role, SettingsWrite, Unscoped,
};
use crate::effect::Effect;
use crate::environment::Environment;
use crate::fault::Fault;
use crate::throttle::{Per, Rate};

/// Who may create organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Creation {
    /// Every account, up to [`OWNED`] each.
    #[default]
    Everybody,
    /// Whoever has the permission `portcullis:organizations:write`.
    Administrators,
}

/// What can be set about organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Who may create organizations.
    pub creation: Creation,
    /// How many invitations one organization may mail to one address: 3 a day.
    pub invitations_to_address: Rate,
    /// How many invitations all organizations together may mail to one address: 10 a day.
    pub emails_to_address: Rate,
    /// How many invitations one account may mail: 50 an hour.
    pub invitations_by_account: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            creation: Creation::default(),
            invitations_to_address: Rate::clamped(3, Per::Day),
            emails_to_address: Rate::clamped(10, Per::Day),
            invitations_by_account: Rate::clamped(50, Per::Hour),
        }
    }
}

/// Whom to invite, and what they are to be.
#[derive(Debug, Clone)]
pub struct Invite {
    /// The address that is invited: only an account that has proven it may accept.
    pub email: EmailAddress,
    /// The roles it is to have.
    pub roles: Vec<String>,
}

/// An invitation that was written.
#[derive(Debug, Clone)]
pub struct Invited {
    /// The invitation as it was written.
    pub invitation: Invitation,
    /// The organization that it lets the address into.
    pub organization: Organization,
    /// What must reach the address by mail.
    pub token: InvitationToken,
}

/// Organizations and who belongs to them.
#[derive(Clone)]
pub struct Organizations {
    store: Arc<dyn Store>,
    environment: Environment,
    settings: Settings,
}

type Outcome = Result<Effect, OrganizationsError>;

impl Organizations {
    /// The organizations in `store`.
    pub fn new(store: Arc<dyn Store>, environment: Environment, settings: Settings) -> Self {
        Self {
            store,
            environment,
            settings,
        }
    }

    /// Creates an organization whose owner is the caller.
    ///
    /// # Errors
    /// [`OrganizationsError`]; no organization was made.
    pub async fn create(
        &self,
        permit: &Permit<Unscoped>,
        name: OrganizationName,
        slug: Slug,
        by: audit::Context,
    ) -> Result<Organization, OrganizationsError> {
        let administers = permit
            .principal()
            .is_some_and(|who| who.may((OrganizationsWrite::PERMISSION.id)()));
        let limit = match self.settings.creation {
            _ if administers => None,
            Creation::Everybody => Some(OWNED),
            Creation::Administrators => return Err(OrganizationsError::CreationIsClosed),
        };
        match permit.principal().map(|who| who.id()) {
            Some(owner) => self.write(name, slug, owner, limit, permit.sign(by)).await,
            None => Err(OrganizationsError::UnknownAccount),
        }
    }

    /// Creates an organization for somebody else.
    ///
    /// # Errors
    /// [`OrganizationsError`], above all `UnknownAccount` and `SlugTaken`; no organization was made.
    pub async fn create_for(
        &self,
        permit: &Permit<OrganizationsWrite>,
        (name, slug): (OrganizationName, Slug),
        owner: account::Id,
        by: audit::Context,
    ) -> Result<Organization, OrganizationsError> {
        self.write(name, slug, owner, None, permit.sign(by)).await
    }

    async fn write(
        &self,
        name: OrganizationName,
        slug: Slug,
        owner: account::Id,
        limit: Option<u32>,
        by: audit::Context,
    ) -> Result<Organization, OrganizationsError> {
        let new = NewOrganization {
            id: Id::new(&self.environment),
            slug,
            name,
            owner,
            limit,
            at: by.at,
        };
        self.store.create_organization(new, by).await?
    }

    /// The caller's organizations, with the caller's roles there.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn mine(&self, permit: &Permit<Authenticated>) -> Result<Vec<Belonging>, Fault> {
        match permit.principal() {
            Some(who) => self.store.organizations_of(who.id()).await,
            None => Ok(Vec::new()),
        }
    }

    /// All organizations, by id.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn list(
        &self,
        _permit: &Permit<OrganizationsRead>,
        after: Option<Id>,
        limit: u32,
    ) -> Result<Vec<Organization>, Fault> {
        self.store.organizations(after, limit).await
    }

    /// The organization of this id or slug, in whatever state it is; `None` if there is none.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn find(
        &self,
        _permit: &Permit<OrganizationsRead>,
        selector: Selector,
    ) -> Result<Option<Organization>, Fault> {
        self.store.organization(selector).await
    }

    /// Suspends an organization, or takes that back.
    ///
    /// # Errors
    /// [`OrganizationsError::UnknownOrganization`], or [`OrganizationsError::Fault`] if the store can't do its work.
    pub async fn set_state(
        &self,
        permit: &Permit<OrganizationsWrite>,
        organization: Id,
        state: OrganizationState,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError> {
        let by = permit.sign(by);
        self.store.set_organization_state(organization, state, by).await?
    }

    /// Sets name and slug; what is `None` stays.
    ///
    /// # Errors
    /// [`OrganizationsError`], above all `SlugTaken` and `TooManySlugs`; both names are as they were.
    pub async fn rename(
        &self,
        permit: &Permit<Member<SettingsWrite>>,
        renaming: Renaming,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError> {
        let by = permit.sign(by);
        self.store
            .rename_organization(permit.organization(), renaming, by)
            .await?
    }

    /// Members, by account id.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn members(
        &self,
        permit: &Permit<Member<MembersRead>>,
        after: Option<account::Id>,
        limit: u32,
    ) -> Result<Vec<MemberRecord>, Fault> {
        self.store.members(permit.organization(), after, limit).await
    }

    /// Makes an account a member without asking it: for programs that manage members by themselves.
    ///
    /// # Errors
    /// [`OrganizationsError`]; nobody became a member.
    pub async fn add(
        &self,
        permit: &Permit<Member<MembersWrite>>,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Outcome {
        let (roles, by) = (few(roles)?, permit.sign(by));
        let change = self.store.add_member(permit.organization(), account, roles, by);
        change.await?
    }

    /// Sets a member's roles.
    ///
    /// # Errors
    /// [`OrganizationsError`]; the member's roles are as they were.
    pub async fn set_roles(
        &self,
        permit: &Permit<MayLetIn>,
        account: account::Id,
        roles: Vec<String>,
        by: audit::Context,
    ) -> Outcome {
        let (roles, by) = (few(roles)?, permit.sign(by));
        let change = self
            .store
            .set_member_roles(permit.organization(), account, roles, by);
        change.await?
    }

    /// Removes a member; the next request already is refused.
    ///
    /// # Errors
    /// [`OrganizationsError`], above all `UnknownMember`, `BeyondYourRoles` and `LastOwner`; the member stays one.
    pub async fn remove(
        &self,
        permit: &Permit<Member<MembersWrite>>,
        account: account::Id,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError> {
        let by = permit.sign(by);
        self.store
            .remove_member(permit.organization(), account, by)
            .await?
    }

    /// Lets the caller leave.
    ///
    /// # Errors
    /// [`OrganizationsError::LastOwner`], `UnknownMember`, or `Fault` if the store can't do its work; the caller stays
    /// a member.
    pub async fn leave(
        &self,
        permit: &Permit<(Member, Unscoped)>,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError> {
        let by = permit.sign(by);
        match permit.principal() {
            Some(who) => {
                self.store
                    .leave_organization(permit.organization(), who.id(), by)
                    .await?
            }
            None => Err(OrganizationsError::UnknownMember),
        }
    }

    /// Makes another member owner in the caller's place.
    ///
    /// # Errors
    /// [`OrganizationsError`], above all `BeyondYourRoles`, `UnknownMember` and `TooManyOrganizations`; both stay what
    /// they were.
    pub async fn transfer(
        &self,
        permit: &Permit<MayHandOver>,
        to: account::Id,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError> {
        let by = permit.sign(by);
        match permit.principal() {
            Some(who) => {
                let (organization, from) = (permit.organization(), who.id());
                self.store.transfer_ownership(organization, from, to, by).await?
            }
            None => Err(OrganizationsError::UnknownMember),
        }
    }
}

/// What giving roles in an organization takes: the right to, and a login just made. A session that was left open makes
/// nobody an owner.
pub type MayLetIn = Member<(MembersWrite, FreshLogin<900>)>;

/// What handing over an organization takes.
pub type MayHandOver = Member<(Role<Owner>, FreshLogin<900>)>;

/// The roles, each once and in order, if they are few enough to be meant.
fn few(mut roles: Vec<String>) -> Result<Vec<String>, OrganizationsError> {
    roles.sort();
    roles.dedup();
    if roles.len() > MOST_ROLES {
        return Err(OrganizationsError::TooManyRoles);
    }
    Ok(roles)
}

/// How many organizations an account may own that is no administrator.
pub const OWNED: u32 = 50;

/// How many roles may be given at once.
pub(super) const MOST_ROLES: usize = 20;

impl std::fmt::Debug for Organizations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Organizations")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
