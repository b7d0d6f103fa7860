//! Invites addresses and lets them in.

use super::{Organizations, Settings, few};
use crate::account::{self, EmailAddress};
use crate::authz::{Member, MembersRead, MembersWrite, Permit, Unscoped};
use crate::effect::Effect;
use crate::fault::Fault;
use crate::job::NewJob;
use crate::organization::{
    Belonging, INVITATION_LIFETIME, Id, Invitation, InvitationId, InvitationToken, Invite, Invited, MayLetIn,
    NewInvitation, Organization, OrganizationsError, Selector,
};
use crate::throttle::{Budget, BudgetSubject};
use crate::{audit, defends, email};

impl Organizations {
    /// Invites an address, in place of an earlier invitation of it. `mailed` words what mails it, where it is mailed.
    ///
    /// # Errors
    /// [`OrganizationsError`]; nothing was written or counted, and an earlier invitation is as good as it was.
    pub async fn invite(
        &self,
        permit: &Permit<MayLetIn>,
        invite: Invite,
        mailed: Mailed<'_>,
        by: audit::Context,
    ) -> Result<Invited, OrganizationsError> {
        let token = InvitationToken::mint(&self.environment);
        let budgets = match permit.principal() {
            Some(who) => self.budgets(permit.organization(), &invite.email, who.id()),
            // Whoever has the machine needs no e-mail of ours.
            None => Vec::new(),
        };
        let mut new = NewInvitation {
            id: InvitationId::new(&self.environment),
            organization: permit.organization(),
            email: invite.email,
            roles: few(invite.roles)?,
            digest: token.digest(),
            expires_at: by.at.plus(INVITATION_LIFETIME),
            limit: OPEN_INVITATIONS,
            budgets,
            mail: None,
        };
        let by = permit.sign(by);
        let invitation = Invitation {
            id: new.id,
            email: new.email.as_str().to_owned(),
            roles: new.roles.clone(),
            invited_by: permit.principal().map(|who| who.id()),
            created_at: by.at,
            expires_at: new.expires_at,
        };
        let organization = self.store.organization(Selector::Id(new.organization)).await?;
        let organization = organization.ok_or(OrganizationsError::UnknownOrganization)?;
        new.mail = mailed(&organization, &invitation, &token, &by)?;
        self.store.invite(new, by).await??;
        Ok(Invited {
            invitation,
            organization,
            token,
        })
    }

    /// What an e-mail to this address is counted against.
    fn budgets(&self, organization: Id, email: &EmailAddress, inviter: account::Id) -> Vec<Budget> {
        defends!("T091");
        let (organization, inviter) = (organization.as_uuid(), inviter.as_uuid());
        let (mailbox, _) = email::fold(email.normalised());
        let email = mailbox.as_bytes();
        let budget = |purpose, parts: &[&[u8]], rate| Budget {
            subject: BudgetSubject::new(purpose, parts),
            rate,
        };
        let Settings {
            invitations_to_address,
            emails_to_address,
            invitations_by_account,
            ..
        } = self.settings;
        vec![
            budget(
                "invitation",
                &[organization.as_bytes(), email],
                invitations_to_address,
            ),
            budget("invitation to address", &[email], emails_to_address),
            budget(
                "invitation by account",
                &[inviter.as_bytes()],
                invitations_by_account,
            ),
        ]
    }

    /// The open invitations, oldest first.
    ///
    /// # Errors
    /// [`Fault`] if the store can't be reached, or what it holds can't be read.
    pub async fn invitations(&self, permit: &Permit<Member<MembersRead>>) -> Result<Vec<Invitation>, Fault> {
        let now = self.environment.now();
        self.store.invitations(permit.organization(), now).await
    }

    /// Revokes an open invitation.
    ///
    /// # Errors
    /// [`OrganizationsError`], above all `UnknownInvitation` and `BeyondYourRoles`; the invitation stays open.
    pub async fn revoke(
        &self,
        permit: &Permit<Member<MembersWrite>>,
        invitation: InvitationId,
        by: audit::Context,
    ) -> Result<Effect, OrganizationsError> {
        let by = permit.sign(by);
        self.store
            .revoke_invitation(permit.organization(), invitation, by)
            .await?
    }

    /// Accepts an invitation for the caller.
    ///
    /// # Errors
    /// [`OrganizationsError`], above all `InvalidInvitation`, `AnotherAddress` and `TooManyOrganizations`; nobody
    /// joined.
    pub async fn accept(
        &self,
        permit: &Permit<Unscoped>,
        token: &InvitationToken,
        by: audit::Context,
    ) -> Result<Belonging, OrganizationsError> {
        let by = permit.sign(by);
        match permit.principal() {
            Some(who) => self.store.accept_invitation(token.digest(), who.id(), by).await?,
            None => Err(OrganizationsError::InvalidInvitation),
        }
    }
}

/// Words the job that mails an invitation; `None` where it isn't mailed.
pub type Mailed<'a> =
    &'a (dyn Fn(&Organization, &Invitation, &InvitationToken, &audit::Context) -> Wording + Sync);

/// What came of it.
type Wording = Result<Option<NewJob>, Fault>;

/// How many invitations of an organization may be open at once.
const OPEN_INVITATIONS: u32 = 200;
